"""The ice from above: paint under ice, skate marks, snow. The lines come from `tracker.rink`, the only geometry."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.rink import Points, Rink
from videos.venue import Venue

FloatArray = NDArray[np.float64]
MARGIN_M = 0.5
_SHIFT = 4


def texture_homography(rink: Rink, pixels_per_metre: float) -> FloatArray:
    """(3, 3) rink metres to pixels of the texture; the far side is up."""
    k = pixels_per_metre
    return np.array(
        [
            [k, 0, (rink.length_m / 2 + MARGIN_M) * k - 0.5],
            [0, -k, (rink.width_m / 2 + MARGIN_M) * k - 0.5],
            [0, 0, 1.0],
        ]
    )


@lru_cache(maxsize=2)
def ice_texture(venue: Venue, pixels_per_metre: float) -> NDArray[np.uint8]:
    """The ice as a BGR picture `(H, W, 3)` from above, `MARGIN_M` larger on each side; not to be changed."""
    rink = venue.rink
    rng = np.random.default_rng([venue.seed, 1])
    width = round((rink.length_m + 2 * MARGIN_M) * pixels_per_metre)
    height = round((rink.width_m + 2 * MARGIN_M) * pixels_per_metre)
    to_texture = texture_homography(rink, pixels_per_metre)

    def fixed(points: Points) -> NDArray[np.int32]:
        pixels = points @ to_texture[:2, :2].T + to_texture[:2, 2]
        return np.round(pixels * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)

    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = np.clip(venue.ice, 0, 255)
    painted = canvas.copy()
    for area in rink.areas():
        if area.name != "ice":
            cv2.fillPoly(painted, [fixed(area.points)], area.colour, cv2.LINE_AA, _SHIFT)
    for line in rink.lines():
        if line.name == "boards" or line.name.endswith("goal"):
            continue
        thickness = max(1, round(line.width_m * pixels_per_metre))
        cv2.polylines(painted, [fixed(line.points)], False, line.colour, thickness, cv2.LINE_AA, _SHIFT)
    canvas = cv2.addWeighted(canvas, 1 - venue.line_strength, painted, venue.line_strength, 0)
    marks = _marks(rng, (height, width), pixels_per_metre, venue.wear)
    return np.asarray(cv2.add(canvas, cv2.merge([marks] * 3), dtype=cv2.CV_8U), np.uint8)


def _marks(rng: np.random.Generator, shape: tuple[int, int], k: float, wear: float) -> NDArray[np.int16]:
    """Unevenness (int16, around 0): clouds, cuts of skates, swept snow."""
    height, width = shape
    coarse = rng.normal(0, 1, (max(3, round(height / k / 3)), max(3, round(width / k / 3)))).astype(np.float32)
    fine = rng.normal(0, 1, (max(3, round(height / k * 2)), max(3, round(width / k * 2)))).astype(np.float32)
    clouds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * (3.0 + 4 * wear)
    clouds += cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR) * (1.0 + 2.0 * wear)
    light = np.zeros(shape, np.uint8)
    dark = np.zeros(shape, np.uint8)
    count = round(wear * height * width / k / k * 2.2)
    starts = rng.uniform(0, 1, (count, 2)) * (width, height)
    angles = rng.uniform(0, 2 * np.pi, count)
    lengths = rng.gamma(2.0, 0.9, count) * k
    bends = rng.normal(0, 0.5, count)
    steps = np.linspace(0, 1, 6)
    heading = angles[:, None] + bends[:, None] * steps[None]
    paths = (
        starts[:, None] + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], -1), 1) * (lengths / 6)[:, None, None]
    )
    fixed = np.round(paths * (1 << _SHIFT)).astype(np.int32).reshape(count, -1, 1, 2)
    half = count * 3 // 5
    cv2.polylines(light, list(fixed[:half]), False, 14, 1, cv2.LINE_AA, _SHIFT)
    cv2.polylines(dark, list(fixed[half:]), False, 11, 1, cv2.LINE_AA, _SHIFT)
    return np.asarray(np.round(clouds + light - dark.astype(np.float32)), np.int16)
