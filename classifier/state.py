"""A constituent between two slices, as plain arrays: whoever reads, compares or serves one needs no PyTorch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class State:
    """All that the next slice's training needs, and nothing else."""

    model: Arrays
    """What answers: parameters and buffers by name."""
    memory: Arrays
    """What training carries along: AdamW's moments (`first/NAME`, `second/NAME`), or the linear member's sums."""
    step: int
    """Optimizer steps taken, or crops added, so far."""


def fingerprint(arrays: Arrays) -> str:
    """SHA-256 over names, types, shapes and values, hexadecimal. Arrays are hashed, never files."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}\0torch.{array.dtype}\0{array.shape}\0".encode())  # as PyTorch writes types
        digest.update(array.tobytes())
    return digest.hexdigest()


def as_safetensors(arrays: Arrays) -> bytes:
    """The bytes of a file that holds these arrays."""
    return save({name: np.require(array, requirements="C") for name, array in arrays.items()})
