"""The rink's lines as a camera sees them, to be held against the lines that are painted on the ice."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker import homography
from tracker.rink import Points, Rink

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

STEP_M = 0.5
"""A straight line is straight in the picture, too; it is cut into steps so that what lies behind the camera can go."""
BEYOND = 0.5
"""What lies further outside the picture than this share of its size is left out."""
LINE = (110, 240, 60)
EDGE = (40, 40, 20)
POINT = (40, 90, 255)
_SHIFT = 4


class SeenLine(NamedTuple):
    """A stretch of a painted line, in pixels."""

    name: str
    points: Points
    """(N, 2), N ≥ 2."""


def seen_lines(rink: Rink, matrix: Array, frame_size: tuple[int, int]) -> list[SeenLine]:
    """The rink's lines by a homography `(3, 3)` from rink metres to pixels, as far as they are near the picture."""
    size = np.array(frame_size, np.float64)
    found: list[SeenLine] = []
    for line in rink.lines():
        pixels = homography.apply(matrix, _dense(line.points))
        with np.errstate(invalid="ignore"):
            inside = (pixels > -BEYOND * size) & (pixels < (1 + BEYOND) * size)
        near = np.asarray(inside[:, 0] & inside[:, 1])
        for stretch in np.split(np.arange(len(near)), np.flatnonzero(np.diff(near)) + 1):
            if near[stretch[0]] and len(stretch) > 1:
                found.append(SeenLine(line.name, pixels[stretch]))
    return found


def draw(
    image: Image, rink: Rink, matrix: Array, image_uv: Points | None = None, rink_xy: Points | None = None
) -> Image:  # fmt: skip
    """A copy of a BGR frame with the rink's lines, and points (numbered from 1) with a line to where they belong."""
    drawn = image.copy()
    height, width = image.shape[:2]
    unit = max(1.0, width / 1280)
    lines = seen_lines(rink, matrix, (width, height))
    for colour, thickness in ((EDGE, round(3 * unit)), (LINE, max(1, round(1.4 * unit)))):
        for line in lines:
            cv2.polylines(drawn, [_fixed(line.points)], False, colour, thickness, cv2.LINE_AA, _SHIFT)
    if image_uv is not None and rink_xy is not None:
        belongs = homography.apply(matrix, rink_xy)
        for number, (at, to) in enumerate(zip(image_uv, belongs, strict=True), start=1):
            _point(drawn, number, at, to, unit)
    return drawn


def _point(image: Image, number: int, at: Points, to: Points, unit: float) -> None:
    if np.isfinite(to).all():
        cv2.line(image, _whole(at), _whole(to), POINT, max(1, round(unit)), cv2.LINE_AA)
    cv2.circle(image, _whole(at), round(5 * unit), EDGE, round(3 * unit), cv2.LINE_AA)
    cv2.circle(image, _whole(at), round(5 * unit), POINT, max(1, round(1.6 * unit)), cv2.LINE_AA)
    corner = (round(at[0] + 8 * unit), round(at[1] - 6 * unit))
    for colour, weight in ((EDGE, 4), (LINE, 1)):
        cv2.putText(image, str(number), corner, cv2.FONT_HERSHEY_SIMPLEX, 0.5 * unit, colour, round(weight * unit),
                    cv2.LINE_AA)  # fmt: skip


def _dense(points: Points) -> Points:
    """The same polyline with a point every half metre or less."""
    parts = [points[:1]]
    for start, end in pairwise(points):
        count = max(1, int(np.ceil(np.linalg.norm(end - start) / STEP_M)))
        parts.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(parts)


def _fixed(points: Sequence[Points] | Points) -> NDArray[np.int32]:
    return np.round(np.asarray(points) * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)


def _whole(at: Points) -> tuple[int, int]:
    return round(float(np.clip(at[0], -1e5, 1e5))), round(float(np.clip(at[1], -1e5, 1e5)))
