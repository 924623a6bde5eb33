"""A head where somebody is: its branches for scores and for boxes, computed at single places of its maps.

A YOLO head asks at each of ten thousand places who is there, and beside it how the box lies, by two 3 × 3 convolutions
of their own for either. A look has use for a hundred places, those that are sure enough of somebody. So boxes are drawn
only where the scores say that somebody is; and where a network brings proposals (`weights/propose.py`), a third branch
of an eighth of the width that says roughly where anybody is, scores are asked only there. The two branches are a third
of the network's multiplications; in the demo, those at such places are one part in thirty of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Places = NDArray[np.int64]

SHY = 0.2
"""From this share of the wanted score on a proposal counts: it may say .05 where the score turns out to be .25."""
_AROUND = np.array([(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)])
_SIZES = (3, 3, 1)
"""Of the kernels of a branch."""


def _silu(x: Array) -> Array:
    return np.asarray(x / (1 + np.exp(-x)), np.float32)


def _hardswish(x: Array) -> Array:
    return np.asarray(x * np.clip(x + 3, 0, 6) / np.float32(6), np.float32)


def _relu(x: Array) -> Array:
    return np.maximum(x, np.float32(0))


ACTIVATIONS = {"SiLU": _silu, "Hardswish": _hardswish, "ReLU": _relu}
"""Name of a class of `torch.nn` → what it does."""


@dataclass(frozen=True)
class Branch:
    """Two 3 × 3 convolutions and a 1 × 1 one."""

    weights: tuple[Array, Array, Array]
    """(9 · channels in, channels out) twice, row by row of the kernel, then (channels in, channels out)."""
    biases: tuple[Array, Array, Array]

    @staticmethod
    def of(layers: Any) -> "Branch | None":
        """From the layers in PyTorch, fused; None where they are others."""
        convolutions = [getattr(layer, "conv", layer) for layer in layers]
        plain = len(convolutions) == len(_SIZES) and all(
            convolution.kernel_size == (size, size) and convolution.padding == (size // 2, size // 2)
            and convolution.stride == (1, 1) and convolution.groups == 1 and convolution.dilation == (1, 1)
            for convolution, size in zip(convolutions, _SIZES, strict=True)
        )  # fmt: skip
        if not plain:
            return None
        weights = [c.weight.detach().float().permute(2, 3, 1, 0).flatten(0, 2).numpy() for c in convolutions]
        biases = [c.bias.detach().float().numpy() for c in convolutions]
        return Branch((weights[0], weights[1], weights[2]), (biases[0], biases[1], biases[2]))


@dataclass(frozen=True)
class Level:
    """The branches for one map."""

    stride: float
    """Pixels of the picture from one place of the map to the next."""
    boxes: Branch
    """To 4 · bins."""
    scores: Branch | None
    """To classes; None where the network itself says who is where."""


@dataclass(frozen=True)
class Head:
    """The branches of all levels, the finest first, as in the network."""

    levels: tuple[Level, ...]
    activation: str
    """One of `ACTIVATIONS`."""

    @staticmethod
    def of(head: Any) -> "Head | None":
        """From the head of a network in PyTorch, fused; None where it is of another kind."""
        if type(head).__name__ != "Detect" or head.end2end or head.xyxy or head.reg_max < 2:
            return None
        proposes = hasattr(head, "proposals")
        branches = [*head.cv2, *head.cv3] if proposes else [*head.cv2]
        kinds = {type(layer.act).__name__ for branch in branches for layer in branch[:2] if hasattr(layer, "act")}
        if len(kinds) != 1 or not kinds <= set(ACTIVATIONS):
            return None
        levels = []
        for index, stride in enumerate(head.stride):
            boxes, scores = Branch.of(head.cv2[index]), Branch.of(head.cv3[index]) if proposes else None
            if boxes is None or (proposes and scores is None):
                return None
            levels.append(Level(float(stride), boxes, scores))
        return Head(tuple(levels), kinds.pop())

    def write(self, path: Path) -> None:
        """Keep it as a `.npz`."""
        arrays: dict[str, Any] = {"activation": np.array(self.activation)}
        for index, level in enumerate(self.levels):
            arrays[f"{index}.stride"] = np.array(level.stride)
            for name, branch in (("boxes", level.boxes), ("scores", level.scores)):
                for layer in range(len(_SIZES) if branch is not None else 0):
                    assert branch is not None
                    arrays[f"{index}.{name}.{layer}.weight"] = branch.weights[layer]
                    arrays[f"{index}.{name}.{layer}.bias"] = branch.biases[layer]
        with path.open("wb") as file:
            np.savez(file, **arrays)

    @staticmethod
    def read(path: Path) -> "Head":
        """What was kept.

        Raises:
            OSError, ValueError, KeyError, zipfile.BadZipFile: it is not whole.
        """
        with np.load(path, allow_pickle=False) as kept:

            def branch(name: str) -> Branch:
                weights, biases = ([kept[f"{name}.{layer}.{kind}"] for layer in range(len(_SIZES))]
                                   for kind in ("weight", "bias"))  # fmt: skip
                return Branch((weights[0], weights[1], weights[2]), (biases[0], biases[1], biases[2]))

            count = sum(name.endswith(".stride") for name in kept.files)
            levels = tuple(
                Level(
                    float(kept[f"{index}.stride"]), branch(f"{index}.boxes"),
                    branch(f"{index}.scores") if f"{index}.scores.0.weight" in kept.files else None,
                )
                for index in range(count)
            )  # fmt: skip
            return Head(levels, str(kept["activation"]))

    def __call__(self, chances: Array, maps: Sequence[Array], least: float) -> Array:
        """Who is where.

        Args:
            chances: `(classes, N)` scores of all places, or `(1, N)` proposals; places are counted row by row through
                one map after the other.
            maps: one `(H, W, C)` for each level.
            least: score from which on somebody is of interest.

        Returns:
            `(4 + classes, K)`: of the places with such a score, centre and size in pixels of the picture, and scores.
        """
        act = ACTIVATIONS[self.activation]
        sure = chances.max(axis=0)
        asked = self.levels[0].scores
        classes = len(chances) if asked is None else len(asked.biases[-1])
        found, first = [np.zeros((4 + classes, 0), np.float32)], 0
        for level, features in zip(self.levels, maps, strict=True):
            here = slice(first, first + features.shape[0] * features.shape[1])
            first = here.stop
            places = np.flatnonzero(sure[here] >= (least if level.scores is None else SHY * least))
            if not len(places):
                continue
            around = _Surroundings.of(features, places)
            if level.scores is None:
                scores = chances[:, here][:, places]
            else:
                scores = _sigmoid(around.through(level.scores, act).T)
                kept = scores.max(axis=0) >= least
                places, scores, around = places[kept], scores[:, kept], around.at(kept)
            boxes = _boxes(around.through(level.boxes, act), places, features.shape[1], level.stride)
            found.append(np.concatenate([boxes, scores]))
        return np.ascontiguousarray(np.concatenate(found, axis=1), np.float32)


@dataclass(frozen=True)
class _Surroundings:
    """What a map shows at some places and beside them; places lie close together and share most of it."""

    patches: Array
    """(U, 9 · C) of each place that is one of them or beside one, the 3 × 3 features around it."""
    around: Places
    """(K, 9) the rows of `patches` that lie around each place."""
    inside: NDArray[np.bool_]
    """(K, 9) which of them are on the map."""

    @staticmethod
    def of(features: Array, places: Places) -> "_Surroundings":
        """Of a map `(H, W, C)` at `places` `(K,)`, increasing."""
        height, width, channels = features.shape
        around, inside = _neighbours(places, height, width)
        row, unique = _numbered(around, inside, height * width)
        below, there = _neighbours(unique, height, width)
        patches = features.reshape(-1, channels)[below]
        patches[~there] = 0
        return _Surroundings(patches.reshape(len(unique), len(_AROUND) * channels), row, inside)

    def at(self, kept: NDArray[np.bool_]) -> "_Surroundings":
        """Those of some of the places, `(K,)`."""
        around, inside = self.around[kept], self.inside[kept]
        row, unique = _numbered(around, inside, len(self.patches))
        return _Surroundings(self.patches[unique], row, inside)

    def through(self, branch: Branch, act: Any) -> Array:
        """What a branch gives at the places `(K, channels out)`."""
        hidden = act(self.patches @ branch.weights[0] + branch.biases[0])[self.around]
        hidden[~self.inside] = 0
        hidden = act(hidden.reshape(len(self.around), len(branch.weights[1])) @ branch.weights[1] + branch.biases[1])
        return np.asarray(hidden @ branch.weights[2] + branch.biases[2], np.float32)


def _numbered(around: Places, inside: NDArray[np.bool_], count: int) -> tuple[Places, Places]:
    """The numbers in `around` that are `inside`, once each and increasing, of `count`; and where among them each is."""
    row = np.zeros(count, np.int64)
    row[around[inside]] = 1
    unique = np.flatnonzero(row)
    row[unique] = np.arange(len(unique))
    return np.where(inside, row[around], 0), unique


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), np.float32)  # which no number is too large for


def _boxes(bins: Array, places: Places, width: int, stride: float) -> Array:
    """Centre and size `(4, K)` in pixels of the picture, of `bins` `(K, 4 · bins)`."""
    bins = bins.reshape(len(places), 4, bins.shape[1] // 4)
    # How far each edge lies is told as a distribution over whole strides (Li et al., Generalized Focal Loss, 2020).
    likely = np.exp(bins - bins.max(axis=2, keepdims=True))
    edges = (likely @ np.arange(bins.shape[2], dtype=np.float32)) / likely.sum(axis=2)
    row, column = np.divmod(places, width)
    middle = np.stack([column, row], axis=1).astype(np.float32) + np.float32(0.5)
    centre = middle + (edges[:, 2:] - edges[:, :2]) / 2
    boxes = np.concatenate([centre, edges[:, :2] + edges[:, 2:]], axis=1) * np.float32(stride)
    return np.asarray(boxes.T, np.float32)


def _neighbours(places: Places, height: int, width: int) -> tuple[Places, NDArray[np.bool_]]:
    """The 3 × 3 places around each of `places` `(K,)`: `(K, 9)`, and which of them lie on the map; others are 0."""
    row, column = np.divmod(places, width)
    rows, columns = row[:, None] + _AROUND[:, 0], column[:, None] + _AROUND[:, 1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return np.where(inside, rows * width + columns, 0), inside
