"""The path that a skater most likely took, from where their boxes stood: a body with inertia that leans.

The path x minimises  Σ |Sᵢ⁻¹ (zᵢ − xᵢ − c·P·aᵢ)|²  +  Σ (vᵢ₊₁ − vᵢ)² / (q·hᵢ) :  z are the places of boxes, the
columns of S how far one standard deviation of a box's jitter, sideways and upwards, lies on the ice, v and h the
velocities of steps and the times between their middles, as in `tracker.smoothing`. New is the lean c·a. Who speeds up,
brakes or turns leans until gravity and acceleration balance: at a height of z the body is z·a/g ahead of the skates,
and the box with it. P keeps what of this lies across the picture; upwards, the lower edge of a box stays at the skates.
Without it, places are wrong by up to 0.2 m, and a short rush, whose acceleration turns round at its fastest
moment, looks slower than it was. Still one banded system, with Huber's weights (1964) against bad boxes.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from tracker.smoothing import HUBER, roughness, straight

Array = NDArray[np.float64]

LEAN_S2 = 0.05
"""c in s²: half the height of a crouched skater over g would be 0.07; spread legs take some of it away. In rendered
matches, the middles of boxes give 0.052 to 0.055."""
ACCELERATION_DENSITY = 0.3
"""q in m²/s³, chosen with those matches, so that speed at the fastest moments is right on average."""
_ROUNDS = 4
_LEAST_M, _MOST_M = 0.02, 5.0


def skated(
    time_s: Array, xy: Array, aside: Array, ahead: Array, *, density: float = ACCELERATION_DENSITY,
    lean_s2: float = LEAN_S2,
) -> Array:  # fmt: skip
    """The path of one unbroken stretch of a track.

    Args:
        time_s: `(N,)` strictly increasing seconds.
        xy: `(N, 2)` metres where boxes stood; NaN where nothing was seen, which is then filled in.
        aside: `(N, 2)` metres: where one standard deviation of jitter to the picture's right leads on the ice.
        ahead: `(N, 2)` metres: the same upwards.
        density: q in m²/s³.
        lean_s2: c in s².

    Returns:
        `(N, 2)` float64 metres; all NaN where no place was seen at all.
    """
    time_s, xy = np.asarray(time_s, np.float64), np.asarray(xy, np.float64)
    count, seen = len(time_s), np.asarray(np.isfinite(xy).all(axis=1), np.bool_)
    if not seen.any():
        return np.full_like(xy, np.nan)
    if np.count_nonzero(seen) == 1 or count < 3:
        return straight(time_s, xy, seen)
    dt = np.diff(time_s)
    inertia = np.zeros((6, 2 * count))
    for axis in range(2):
        inertia[[1, 3, 5], axis::2] = roughness(dt, density)
    whitened = np.where(seen[:, None, None], _whitening(aside, ahead), 0.0)
    places = np.einsum("nij,nj->ni", whitened, np.where(seen[:, None], xy, 0.0))
    # What a box's place depends on: x and y of the moment before, of the moment itself and of the one after.
    parts = np.zeros((count, 2, 3, 2))
    parts[:, :, 1] = whitened
    parts[1:-1, 0] += lean_s2 * _second_difference(dt)[:, :, None] * whitened[1:-1, 0, None]
    rows = parts.reshape(count, 2, 6)
    weights = np.ones((count, 2))
    path = np.zeros(2 * count)
    for _ in range(_ROUNDS):
        bands, pull = _normal(rows, places, weights)
        path = solveh_banded(bands + inertia, pull, check_finite=False)
        around = np.lib.stride_tricks.sliding_window_view(np.pad(path, 2), 6)[::2]
        off = np.abs(np.einsum("nrm,nm->nr", rows, around) - places)
        weights = np.minimum(1.0, HUBER / np.maximum(off, 1e-12))
    return path.reshape(count, 2)


def _whitening(aside: Array, ahead: Array) -> Array:
    """S⁻¹ `(N, 2, 2)`, metres on the ice to standard deviations of a box sideways and upwards."""
    spread = np.stack([aside, ahead], axis=2)
    unknown = _MOST_M * np.eye(2)
    spread[~np.isfinite(spread).all(axis=(1, 2))] = unknown
    length = np.linalg.norm(spread, axis=1, keepdims=True)
    spread *= np.clip(length, _LEAST_M, _MOST_M) / np.maximum(length, 1e-12)
    parallel = np.abs(np.linalg.det(spread)) < 1e-3 * np.linalg.norm(spread, axis=1).prod(axis=1)
    spread[parallel] = unknown
    return np.asarray(np.linalg.inv(spread), np.float64)


def _second_difference(dt: Array) -> Array:
    """Factors `(N − 2, 3)` that take three places to the acceleration at the middle one."""
    before, after = dt[:-1], dt[1:]
    both = before + after
    return np.stack([2 / (before * both), -2 / (before * after), 2 / (after * both)], axis=1)


def _normal(rows: Array, places: Array, weights: Array) -> tuple[Array, Array]:
    """Upper bands `(6, 2N)` of RᵀWR and RᵀWz for rows R of which the i-th begins two columns before 2i."""
    count = len(rows)
    bands, pull = np.zeros((6, 2 * count + 4)), np.zeros(2 * count + 4)
    for which in range(2):
        here, weight = rows[:, which], weights[:, which]
        used = range(6) if which == 0 else range(2, 4)  # upwards there is no lean
        for right in used:
            at = slice(right, right + 2 * count, 2)
            weighted = weight * here[:, right]
            pull[at] += weighted * places[:, which]
            for left in used[: used.index(right) + 1]:
                bands[5 - right + left, at] += weighted * here[:, left]
    return bands[:, 2:-2], pull[2:-2]
