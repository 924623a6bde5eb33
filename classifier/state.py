"""A constituent between two slices."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class State:
    """All that the next slice's training needs, and nothing else."""

    model: dict[str, Tensor]
    """What answers: parameters and buffers by name."""
    memory: dict[str, Tensor]
    """What training carries along: AdamW's moments (`first/NAME`, `second/NAME`), or the linear member's sums."""
    step: int
    """Optimizer steps taken, or crops added, so far."""
