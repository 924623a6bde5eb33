"""Boxes only where somebody is: the branch of a YOLO head that draws boxes, computed at single places of its maps.

Such a head asks at each of ten thousand places who is there, and beside it, by two 3 × 3 convolutions of its own, how
the box lies. A look has use for the boxes of a hundred places, those that are sure enough of somebody. The branch is a
fifth of the network, and at those places alone it is one part in a hundred of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_AROUND = np.array([(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)])


def _silu(x: Array) -> Array:
    return np.asarray(x / (1 + np.exp(-x)), np.float32)


def _hardswish(x: Array) -> Array:
    return np.asarray(x * np.clip(x + 3, 0, 6) / np.float32(6), np.float32)


def _relu(x: Array) -> Array:
    return np.maximum(x, np.float32(0))


ACTIVATIONS = {"SiLU": _silu, "Hardswish": _hardswish, "ReLU": _relu}
"""Name of a class of `torch.nn` → what it does."""


@dataclass(frozen=True)
class Level:
    """The branch for one map: two 3 × 3 convolutions and a 1 × 1 one."""

    stride: float
    """Pixels of the picture from one place of the map to the next."""
    weights: tuple[Array, Array, Array]
    """(9 · channels in, channels out) twice, row by row of the kernel, then (channels in, 4 · bins)."""
    biases: tuple[Array, Array, Array]


@dataclass(frozen=True)
class BoxHead:
    """The branches of all levels, the finest first, as in the head."""

    levels: tuple[Level, ...]
    activation: str
    """One of `ACTIVATIONS`."""

    @staticmethod
    def of(head: Any) -> "BoxHead | None":
        """From the head of a network in PyTorch; None where it is of another kind."""
        if type(head).__name__ != "Detect" or head.end2end or head.xyxy or head.reg_max < 2:
            return None
        kinds = {type(layer.act).__name__ for branch in head.cv2 for layer in branch[:2] if hasattr(layer, "act")}
        convolutions = [
            [getattr(layer, "conv", layer) for layer in branch] for branch in head.cv2 if len(branch) == len(_SIZES)
        ]
        plain = all(
            convolution.kernel_size == (size, size) and convolution.padding == (size // 2, size // 2)
            and convolution.stride == (1, 1) and convolution.groups == 1 and convolution.dilation == (1, 1)
            for branch in convolutions for convolution, size in zip(branch, _SIZES, strict=True)
        )  # fmt: skip
        if len(convolutions) < len(head.cv2) or not plain or len(kinds) != 1 or not kinds <= set(ACTIVATIONS):
            return None
        levels = []
        for branch, stride in zip(convolutions, head.stride, strict=True):
            weights = [c.weight.detach().float().permute(2, 3, 1, 0).flatten(0, 2).numpy() for c in branch]
            biases = [c.bias.detach().float().numpy() for c in branch]
            levels.append(Level(float(stride), (weights[0], weights[1], weights[2]), (biases[0], biases[1], biases[2])))
        return BoxHead(tuple(levels), kinds.pop())

    def write(self, path: Path) -> None:
        """Keep it as a `.npz`."""
        arrays: dict[str, Any] = {"activation": np.array(self.activation)}
        for index, level in enumerate(self.levels):
            arrays[f"{index}.stride"] = np.array(level.stride)
            for layer in range(len(_SIZES)):
                arrays[f"{index}.{layer}.weight"] = level.weights[layer]
                arrays[f"{index}.{layer}.bias"] = level.biases[layer]
        with path.open("wb") as file:
            np.savez(file, **arrays)

    @staticmethod
    def read(path: Path) -> "BoxHead":
        """What was kept.

        Raises:
            OSError, ValueError, KeyError, zipfile.BadZipFile: it is not whole.
        """
        with np.load(path, allow_pickle=False) as kept:
            count = sum(name.endswith(".stride") for name in kept.files)
            levels = tuple(
                Level(
                    float(kept[f"{index}.stride"]),
                    (kept[f"{index}.0.weight"], kept[f"{index}.1.weight"], kept[f"{index}.2.weight"]),
                    (kept[f"{index}.0.bias"], kept[f"{index}.1.bias"], kept[f"{index}.2.bias"]),
                )
                for index in range(count)
            )
            return BoxHead(levels, str(kept["activation"]))

    def __call__(self, maps: Sequence[Array], places: NDArray[np.int64]) -> Array:
        """The boxes of some places.

        Args:
            maps: one `(H, W, C)` for each level.
            places: `(K,)` increasing; places are counted row by row through one map after the other.

        Returns:
            `(4, K)` centre and size in pixels of the picture.
        """
        boxes, first = [], 0
        for level, features in zip(self.levels, maps, strict=True):
            height, width = features.shape[:2]
            here = places[(first <= places) & (places < first + height * width)] - first
            first += height * width
            if len(here):
                boxes.append(self._of_level(level, features, here))
        return np.concatenate(boxes, axis=1) if boxes else np.empty((4, 0), np.float32)

    def _of_level(self, level: Level, features: Array, places: NDArray[np.int64]) -> Array:
        height, width, channels = features.shape
        act = ACTIVATIONS[self.activation]
        around, inside = _neighbours(places, height, width)
        needed = np.zeros(height * width, np.bool_)
        needed[around[inside]] = True
        unique = np.flatnonzero(needed)  # places lie beside each other and share most of what is around them
        below, there = _neighbours(unique, height, width)
        patches = features.reshape(-1, channels)[below]
        patches[~there] = 0
        hidden = act(patches.reshape(len(unique), -1) @ level.weights[0] + level.biases[0])
        patches = hidden[np.searchsorted(unique, around).clip(0, len(unique) - 1)]
        patches[~inside] = 0
        hidden = act(patches.reshape(len(places), -1) @ level.weights[1] + level.biases[1])
        bins = (hidden @ level.weights[2] + level.biases[2]).reshape(len(places), 4, -1)
        # How far each edge lies is told as a distribution over whole strides (Li et al., Generalized Focal Loss, 2020).
        likely = np.exp(bins - bins.max(axis=2, keepdims=True))
        edges = (likely @ np.arange(bins.shape[2], dtype=np.float32)) / likely.sum(axis=2)
        row, column = np.divmod(places, width)
        middle = np.stack([column, row], axis=1).astype(np.float32) + np.float32(0.5)
        centre = middle + (edges[:, 2:] - edges[:, :2]) / 2
        boxes = np.concatenate([centre, edges[:, :2] + edges[:, 2:]], axis=1) * np.float32(level.stride)
        return np.ascontiguousarray(boxes.T, np.float32)


_SIZES = (3, 3, 1)
"""Of the kernels of a branch."""


def _neighbours(places: NDArray[np.int64], height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The 3 × 3 places around each of `places` `(K,)`: `(K, 9)`, and which of them lie on the map; others are 0."""
    row, column = np.divmod(places, width)
    rows, columns = row[:, None] + _AROUND[:, 0], column[:, None] + _AROUND[:, 1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return np.where(inside, rows * width + columns, 0), inside
