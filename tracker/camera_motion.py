"""How the camera moves, from the background: corners of the ice, boards and stand followed from frame to frame.

A frame is looked at in small and grey, people are masked out, corners (Shi and Tomasi 1994) are followed by sparse
optical flow (Lucas and Kanade 1981, pyramidal), and one similarity is fitted to them by RANSAC.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Array = NDArray[np.float64]

WIDTH = 320
"""Pixels: the width at which frames are looked at."""
CORNERS = 120
FEWEST = 10
"""Fewer corners than this that agree say nothing about the camera."""
_BORDER = 5
"""Pixels of the small picture at its edges: black bars stay while the picture moves."""
_AGREEMENT = (0.25, 1.0)
"""Pixels of the small picture: corners agree within the first, in a blurred picture within the second."""
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
    def of(frames: Sequence[int], motions: Sequence[Similarity]) -> "CameraPath":
        """Sum up the motions that `CameraMotion.update` gave for these frames, in order.

        Frames of unknown motion are taken to move as the nearest known ones before and after do.
        """
        known = np.array([motion.known for motion in motions], np.bool_)
        steps = np.array([(m.dx, m.dy, math.log(m.scale)) for m in motions], np.float64).reshape(-1, 3)
        if known.any():
            index = np.arange(len(motions))
            steps = np.stack([np.interp(index, index[known], steps[known, i]) for i in range(3)], axis=1)
        scale = np.exp(np.cumsum(steps[:, 2]))
        return CameraPath(np.asarray(frames, np.int64), np.cumsum(steps[:, :2], axis=0), scale, known)

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


class CameraMotion:
    """Looks at one frame after the other; holds one small grey picture and nothing else."""

    def __init__(self) -> None:
        self._grey: NDArray[np.uint8] | None = None
        self._corners: NDArray[np.float32] | None = None

    def update(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> Similarity:
        """The background's motion from the frame before to this one.

        Args:
            image: BGR `(H, W, 3)` uint8, of one size throughout.
            boxes: `(N, 4)` xyxy pixels of people in this frame, left out of the background.

        Returns:
            No motion for the first frame.
        """
        factor = WIDTH / image.shape[1]
        small = cv2.resize(image, (WIDTH, max(1, round(image.shape[0] * factor))), interpolation=cv2.INTER_LINEAR)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        before, corners = self._grey, self._corners
        self._grey, self._corners = grey, _background_corners(grey, np.asarray(boxes) * factor)
        if before is None:
            return Similarity()
        if corners is None or before.shape != grey.shape:
            return Similarity(known=False)
        followed, status, _ = cv2.calcOpticalFlowPyrLK(
            before, grey, corners, np.empty_like(corners), winSize=(15, 15), maxLevel=3
        )
        good = status.ravel() == 1
        if good.sum() < FEWEST:
            return Similarity(known=False)
        middle = np.array([WIDTH / 2, grey.shape[0] / 2], np.float32)
        start, end = corners.reshape(-1, 2)[good] - middle, followed.reshape(-1, 2)[good] - middle
        for agreement in _AGREEMENT:
            matrix, inliers = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=agreement, maxIters=300)
            if matrix is not None and inliers.sum() >= max(FEWEST, 0.4 * len(start)):
                break
        else:
            return Similarity(known=False)
        scale = math.hypot(matrix[0, 0], matrix[1, 0])
        return Similarity(float(matrix[0, 2]) / factor, float(matrix[1, 2]) / factor, scale)


def _background_corners(grey: NDArray[np.uint8], boxes: Array) -> NDArray[np.float32] | None:
    """(N, 1, 2) float32 corners outside the boxes, or None where there are too few."""
    mask = np.zeros(grey.shape, np.uint8)
    mask[_BORDER:-_BORDER, _BORDER:-_BORDER] = 255
    for x1, y1, x2, y2 in np.asarray(boxes, np.float64).reshape(-1, 4):
        mask[max(0, int(y1) - 2) : max(0, int(y2) + 3), max(0, int(x1) - 2) : max(0, int(x2) + 3)] = 0
    corners = cv2.goodFeaturesToTrack(grey, CORNERS, 0.01, 6, mask=mask)
    return None if corners is None or len(corners) < FEWEST else np.asarray(corners, np.float32)
