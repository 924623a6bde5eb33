"""The rink as a picture from above, for minimaps and heat maps."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.rink import Points, Rink

MARGIN_M = 1.0
SURROUND = (46, 40, 36)
_FINER = 4
"""The picture is drawn this many times larger and averaged down, so that 5 cm lines stay thin and even."""


def picture_size(rink: Rink, pixels_per_metre: float, margin_m: float = MARGIN_M) -> tuple[int, int]:
    """Width and height in pixels of the picture that `draw` makes."""
    width = round((rink.length_m + 2 * margin_m) * pixels_per_metre)
    height = round((rink.width_m + 2 * margin_m) * pixels_per_metre)
    return width, height


def to_pixels(rink: Rink, xy: Points, pixels_per_metre: float, margin_m: float = MARGIN_M) -> Points:
    """Rink metres `(N, 2)` to pixels `(N, 2)` float64 of the picture that `draw` makes; far side up."""
    points = np.asarray(xy, np.float64).reshape(-1, 2)
    u = (points[:, 0] + rink.length_m / 2 + margin_m) * pixels_per_metre
    v = (rink.width_m / 2 + margin_m - points[:, 1]) * pixels_per_metre
    return np.stack([u, v], axis=1)


def draw(
    rink: Rink,
    pixels_per_metre: float,
    *,
    margin_m: float = MARGIN_M,
    surround: tuple[int, int, int] = SURROUND,
) -> NDArray[np.uint8]:
    """The rink from above as a BGR picture `(H, W, 3)` uint8, far side up, `margin_m` of surround on each side."""
    width, height = picture_size(rink, pixels_per_metre, margin_m)
    scale = pixels_per_metre * _FINER
    canvas = np.full((height * _FINER, width * _FINER, 3), surround, np.uint8)
    for area in rink.areas():
        cv2.fillPoly(canvas, [_fixed(rink, area.points, scale, margin_m)], area.colour, cv2.LINE_AA, _SHIFT)
    thinnest = 0.8 * _FINER
    for line in rink.lines():
        thickness = max(round(line.width_m * scale), round(thinnest))
        points = _fixed(rink, line.points, scale, margin_m)
        cv2.polylines(canvas, [points], False, line.colour, thickness, cv2.LINE_AA, _SHIFT)
    smaller = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8)


_SHIFT = 4
"""Fractional bits of OpenCV's fixed-point coordinates."""


def _fixed(rink: Rink, points: Points, scale: float, margin_m: float) -> NDArray[np.int32]:
    pixels = to_pixels(rink, points, scale, margin_m) - 0.5
    return np.asarray(np.round(pixels * (1 << _SHIFT)), np.int32).reshape(-1, 1, 2)
