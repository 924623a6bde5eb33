"""Smoothing of one track's places: the most likely path of a body that cannot change its velocity at will.

The path minimises  Σ (zᵢ − xᵢ)² / σᵢ²  +  Σ (vᵢ₊₁ − vᵢ)² / (q·hᵢ)  with vᵢ the velocity of step i and hᵢ the
time between the middles of two steps: the maximum a posteriori path of the constant-velocity model driven by white
acceleration, hence the same as a Kalman filter with a Rauch-Tung-Striebel smoother (Särkkä, *Bayesian Filtering and
Smoothing*, 2013), solved as one banded system in compiled code. Unequal time steps, missing places and a σ per place
come at no cost. Outliers lose weight by Huber's function (Huber 1964), as identities swap and boxes are cut.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

Array = NDArray[np.float64]

HUBER = 2.0
"""Residuals of more than this many σ count linearly."""
_ROUNDS = 4


def smooth(time_s: Array, xy: Array, sigma: Array, *, density: float) -> Array:
    """Smooth one unbroken stretch of a track.

    Args:
        time_s: `(N,)` strictly increasing seconds.
        xy: `(N, 2)` metres; NaN where nothing was seen, which is then filled in.
        sigma: `(N, 2)` metres, standard deviation of each place along x and y.
        density: q in m²/s³, see above.

    Returns:
        `(N, 2)` float64 metres; all NaN where no place was seen at all.
    """
    time_s, xy = np.asarray(time_s, np.float64), np.asarray(xy, np.float64)
    seen = np.asarray(np.isfinite(xy).all(axis=1), np.bool_)
    if not seen.any():
        return np.full_like(xy, np.nan)
    if np.count_nonzero(seen) == 1 or len(time_s) < 3:
        return straight(time_s, xy, seen)
    dt = np.diff(time_s)
    inertia = roughness(dt, density)
    precision = np.where(seen[:, None], 1.0 / np.square(sigma), 0.0)
    places = np.where(seen[:, None], xy, 0.0)
    path = np.empty_like(xy)
    for axis in range(2):
        weights = precision[:, axis].copy()
        for _ in range(_ROUNDS):
            bands = inertia.copy()
            bands[2] += weights
            path[:, axis] = solveh_banded(bands, weights * places[:, axis], check_finite=False)
            off = np.abs(path[:, axis] - places[:, axis]) * np.sqrt(precision[:, axis])
            weights = precision[:, axis] * np.minimum(1.0, HUBER / np.maximum(off, 1e-12))
    return path


def roughness(dt: Array, density: float) -> Array:
    """Upper bands `(3, N)` of D'WD, D taking N places to the N − 2 changes of velocity, W their precision."""
    count = len(dt) + 1
    before, after = dt[:-1], dt[1:]
    weight = 1.0 / (density * (before + after) / 2)
    first, third = 1.0 / before, 1.0 / after
    second = -(first + third)
    bands = np.zeros((3, count))
    bands[2, :-2] += weight * first**2
    bands[2, 1:-1] += weight * second**2
    bands[2, 2:] += weight * third**2
    bands[1, 1:-1] += weight * first * second
    bands[1, 2:] += weight * second * third
    bands[0, 2:] += weight * first * third
    return bands


def straight(time_s: Array, xy: Array, seen: NDArray[np.bool_]) -> Array:
    """Too few places to smooth: straight lines between them, held at the ends."""
    return np.stack([np.interp(time_s, time_s[seen], xy[seen, axis]) for axis in range(2)], axis=1)


def breaks(time_s: Array, xy: Array, sigma: Array, *, longest_gap_s: float, fastest_mps: float) -> NDArray[np.int64]:
    """Where a track must be cut before smoothing: indices at which a new stretch begins, 0 not included.

    A stretch ends at a gap in the seen places of more than `longest_gap_s`, and where the places before and after lie
    further apart than anyone skates: the identity jumped to somebody else. Medians of five places are compared, so
    that one bad box cuts nothing.
    """
    seen = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if len(seen) < 2:
        return np.empty(0, np.int64)
    gap = np.diff(time_s[seen]) > longest_gap_s
    cut = set(seen[1:][gap].tolist())
    window = 5
    if len(seen) >= 2 * window:
        windows = np.lib.stride_tricks.sliding_window_view(xy[seen], window, axis=0)
        middle = np.median(windows, axis=2)
        centre = np.lib.stride_tricks.sliding_window_view(time_s[seen], window).mean(axis=1)
        moved = np.linalg.norm(middle[window:] - middle[:-window], axis=1)
        elapsed = centre[window:] - centre[:-window]
        noise = np.linalg.norm(sigma[seen], axis=1)[window : window + len(moved)]
        excess = moved - fastest_mps * elapsed - 4 * noise / np.sqrt(window)
        for start, stop in _runs(excess > 0):
            worst = start + int(np.argmax(excess[start:stop]))
            strides = np.linalg.norm(np.diff(xy[seen[worst : worst + 2 * window]], axis=0), axis=1)
            cut.add(int(seen[worst + 1 + int(np.argmax(strides))]))
    return np.array(sorted(cut), np.int64)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
