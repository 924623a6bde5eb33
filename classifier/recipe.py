"""How a constituent is trained, in numbers."""

import math

from pydantic import BaseModel, ConfigDict, Field

from classifier.members import DEFAULT


class Recipe(BaseModel):
    """How a constituent is trained. Every field changes the checkpoints' names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    member: str = DEFAULT
    seed: int = Field(default=0, ge=0, lt=2**32)
    epochs: float = Field(default=30, gt=0, le=10_000)
    """Passes over a shard's crops if it were trained in one piece; slices divide the same work."""
    least_steps: int = Field(default=160, ge=1)
    """Optimizer steps of a shard in one piece that few crops are trained for, however short an epoch is."""
    batch: int = Field(default=16, ge=2, le=1024)
    peak_rate: float = Field(default=3e-3, gt=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    label_smoothing: float = Field(default=0.05, ge=0, lt=0.5)

    def steps(self, crops: int, slices: int) -> int:
        """Optimizer steps of a stage over `crops` crops in a shard of `slices` slices.

        The paper's schedule, 2e₀ / (R + 1) epochs a slice, costs as much as e₀ epochs of the whole shard.
        """
        whole = max(math.ceil(self.epochs * crops / self.batch), self.least_steps)
        return max(math.ceil(whole * 2 / (slices + 1)), 1)
