"""Where people spent their time, as a density over the rink and as colours for it."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tracker.pieces import slices
from tracker.rink import Rink
from tracker.team_colours import Colour

HEAT_BLUR_M = 0.9
_CELLS_PER_METRE = 2.0


def density(places: Iterable[NDArray[np.float64]], rink: Rink) -> NDArray[np.float32]:
    """Time spent on each cell of the rink, far side up, 0 to 1; `places` come in parts `(N, 2)` [m]."""
    cells = (round(rink.width_m * _CELLS_PER_METRE), round(rink.length_m * _CELLS_PER_METRE))
    half_x, half_y = rink.length_m / 2, rink.width_m / 2
    counts = np.zeros(cells)
    for part in (some[rows] for some in places for rows in slices(len(some))):
        # As the tables are written: an erasure, which reads them, draws the same.
        x, y = np.round(part, 3).T
        counts += np.histogram2d(-y, x, bins=cells, range=((-half_y, half_y), (-half_x, half_x)))[0]
    blurred = gaussian_filter(counts, HEAT_BLUR_M * _CELLS_PER_METRE, mode="constant")
    full = float(np.quantile(blurred, 0.997))
    return np.asarray(np.clip(blurred / full, 0, 1.0) if full > 0 else blurred, np.float32)


def ramp(colour: Colour) -> NDArray[np.float32]:
    """256 BGR colours from the team's own to a deep one; white, grey and black teams get a neutral blue or brown."""
    start = np.array(colour, np.float32)
    if np.ptp(start) < 30:
        start = np.array((205, 160, 120) if start.mean() > 128 else (110, 120, 140), np.float32)
    hue, saturation, value = cv2.cvtColor(start[None, None] / 255, cv2.COLOR_BGR2HSV)[0, 0]
    deep_hue = hue - 28 if 25 <= hue <= 75 else hue  # a dark yellow is olive, and reads as dirt
    deep = np.array([[[deep_hue, min(1.0, saturation * 1.2 + 0.1), value * 0.55]]], np.float32)
    end = cv2.cvtColor(deep, cv2.COLOR_HSV2BGR)[0, 0] * 255
    position = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    return np.asarray(start * (1 - position) + end * position, np.float32)
