"""How well calibration points agree, point by point: while they are being placed, and when they are all there."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BadInput
from tracker import homography
from tracker.calibration import Calibration, PointPair, from_points
from tracker.rink import Rink

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ViewCheck:
    """The points of one frame, and what they make."""

    frame: int | None
    points: tuple[PointPair, ...]
    matrix: Array | None = field(repr=False)
    """(3, 3) rink metres to pixels; None where the points make none. Without the culprit where there is one."""
    errors_m: tuple[float | None, ...]
    """Metres on the ice between each point and where its picture point is put; None above the horizon or unknown."""
    complaint: str | None = None
    """Why the points cannot be used, in one line."""
    culprit: int | None = None
    """Index of the point that contradicts the others."""

    @property
    def rms_m(self) -> float | None:
        """Root mean square of the errors; None where not all are known."""
        known = [error for error in self.errors_m if error is not None]
        return float(np.sqrt(np.mean(np.square(known)))) if known and len(known) == len(self.errors_m) else None

    @property
    def worst(self) -> int | None:
        """Index of the point with the largest error; None where four points or fewer fit anyhow."""
        if self.culprit is not None:
            return self.culprit
        if self.matrix is None or len(self.points) <= homography.MIN_POINTS:
            return None
        return int(np.argmax([np.inf if error is None else error for error in self.errors_m]))


def check(rink: Rink, pairs: Sequence[PointPair], frame_size: tuple[int, int], frame: int | None) -> ViewCheck:
    """Fit one frame's points, whatever they are; what is wrong with them is said, not raised."""
    try:
        return of(from_points(rink, pairs, frame_size, "", frame))
    except BadInput as error:
        complaint = str(error).removeprefix(": ")
    named = re.search(r"\bpoint (\d+) \(image", complaint)
    culprit = int(named[1]) - 1 if named else None
    matrix: Array | None = None
    if culprit is not None:
        others = [pair for index, pair in enumerate(pairs) if index != culprit]
        try:
            matrix = from_points(rink, others, frame_size).homography
        except BadInput:
            matrix = None
    return ViewCheck(frame, tuple(pairs), matrix, _errors(matrix, pairs), complaint, culprit)


def of(view: Calibration) -> ViewCheck:
    """The errors of a calibration that was fitted."""
    return ViewCheck(view.frame, view.points, view.homography, _errors(view.homography, view.points))


def _errors(matrix: Array | None, pairs: Sequence[PointPair]) -> tuple[float | None, ...]:
    if matrix is None or not pairs:
        return (None,) * len(pairs)
    rink_xy, image_uv = (np.array([getattr(pair, side) for pair in pairs], np.float64) for side in ("rink", "image"))
    return tuple(float(e) if np.isfinite(e) else None for e in homography.errors_m(matrix, rink_xy, image_uv))
