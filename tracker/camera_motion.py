"""How the camera moves from frame to frame, and summed up over a video; measured by `tracker/background.py`."""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Array = NDArray[np.float64]

MOVES_OF_WIDTH = 0.02
"""A camera that moves its picture by less than this share of its width within 60 frames stands still."""
_WINDOW = 60


@dataclass(frozen=True)
class Similarity:
    """How the background moved from one frame to the next: `after = scale · before + (dx, dy)` about the middle."""

    dx: float = 0.0
    """Pixels of the full picture, to the right."""
    dy: float = 0.0
    """Pixels of the full picture, downwards."""
    scale: float = 1.0
    known: bool = True
    """False where too little background could be followed: a cut, a blur, a covered lens; the motion is then none."""

    def part(self, share: float) -> "Similarity":
        """One of several equal steps that together are this one."""
        return Similarity(self.dx * share, self.dy * share, self.scale**share, self.known)


@dataclass(frozen=True)
class CameraPath:
    """The camera's motion over a video, summed up from its first frame."""

    frame: NDArray[np.int64]
    """(F,) increasing."""
    shift: Array
    """(F, 2) pixels: the sum of the background's steps to the right and down, each measured in the picture's middle."""
    scale: Array
    """(F,) how much larger the background has become; the product of the steps' scales."""
    known: NDArray[np.bool_]
    """(F,)"""

    @staticmethod
    def of(frames: Sequence[int], motions: Iterable[Similarity]) -> "CameraPath":
        """Sum up the motions that `Background.update` gave for these frames, in order."""
        steps = CameraSteps()
        for frame, motion in zip(frames, motions, strict=True):
            steps.add(frame, motion)
        return steps.path()

    def index(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each of `frames` `(N,)` the place, in this path's arrays, of the last frame looked at up to it."""
        return np.asarray((np.searchsorted(self.frame, frames, side="right") - 1).clip(0), np.int64)

    def moves(self, width: int) -> bool:
        """Whether the camera pans, tilts or zooms by more than a share of the picture's `width` in pixels.

        It must do so within 60 frames: tiny errors add up over a long video in which nothing moved. A step that lasts
        a single frame is an error of measurement.
        """
        if len(self.frame) < 2:
            return False
        steps = np.diff(np.column_stack([self.shift, np.log(self.scale) * width / 4]), axis=0)
        path = np.cumsum(median_filter(steps, (3, 1), mode="constant"), axis=0)
        window = min(_WINDOW, len(path) - 1)
        moved = np.abs(path[window:] - path[:-window]) if window else np.abs(path)
        return bool(moved.max() > MOVES_OF_WIDTH * width)


class CameraSteps:
    """The motions from frame to frame while a video is gone through, in a few bytes each."""

    def __init__(self) -> None:
        self._frames, self._steps, self._known = array("q"), array("d"), array("b")

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: int, motion: Similarity) -> None:
        """Take what `Background.update` gave for the next frame."""
        self._frames.append(frame)
        self._steps.extend((motion.dx, motion.dy, math.log(motion.scale)))
        self._known.append(motion.known)

    def path(self) -> CameraPath:
        """All summed up. Frames of unknown motion are taken to move as the nearest known ones before and after do."""
        known = np.array(self._known, np.bool_)
        steps = np.array(self._steps, np.float64).reshape(-1, 3)
        if known.any():
            index = np.arange(len(known))
            steps = np.stack([np.interp(index, index[known], steps[known, i]) for i in range(3)], axis=1)
        scale = np.exp(np.cumsum(steps[:, 2]))
        return CameraPath(np.array(self._frames, np.int64), np.cumsum(steps[:, :2], axis=0), scale, known)
