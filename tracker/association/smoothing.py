"""The course of a person, smoothed and completed: what the boxes before and after say about each box.

Each coordinate minimises  sum (x_k - z_k)^2 / r_k + sum (change of velocity)^2 / (q dt)  over all frames of the track,
gaps included: the smoother of a random acceleration (Whittaker 1923; the same as the Rauch-Tung-Striebel smoother),
solved as one banded linear system. Sizes penalise changes of the size instead. Coordinates are stabilised: the camera's
shift is taken off before and added after.
"""

import numpy as np
from scipy.linalg import solveh_banded


def smooth_position(
    time_s: np.ndarray, value: np.ndarray, weight: np.ndarray, density: float | np.ndarray
) -> np.ndarray:
    """Smoothed `value (K,)` [px] at the growing `time_s (K,)`.

    `weight (K,)` is 1 / variance of each value [1/px^2], 0 where there is none; `density` that of the white
    acceleration [px^2 / s^3].
    """
    count = len(value)
    if count < 3:
        return value
    bands = np.zeros((3, count))  # upper form of solveh_banded: bands[2] is the diagonal
    bands[2] = weight
    dt = np.diff(time_s)
    left, right = 1 / dt[:-1], 1 / dt[1:]
    middle = -(left + right)
    stiff = 2 / (density * (dt[:-1] + dt[1:]))
    bands[2, :-2] += stiff * left * left
    bands[2, 1:-1] += stiff * middle * middle
    bands[2, 2:] += stiff * right * right
    bands[1, 1:-1] += stiff * left * middle
    bands[1, 2:] += stiff * middle * right
    bands[0, 2:] += stiff * left * right
    return _solve(bands, weight * value, weight)


def smooth_size(time_s: np.ndarray, value: np.ndarray, weight: np.ndarray, density: float | np.ndarray) -> np.ndarray:
    """Smoothed `value (K,)` [px]; as `smooth_position`, but for a random walk of `density` [px^2 / s]."""
    if len(value) < 2:
        return value
    stiff = 1 / (density * np.diff(time_s))
    bands = np.zeros((2, len(value)))
    bands[1] = weight
    bands[1, :-1] += stiff
    bands[1, 1:] += stiff
    bands[0, 1:] -= stiff
    return _solve(bands, weight * value, weight)


def _solve(bands: np.ndarray, right: np.ndarray, weight: np.ndarray) -> np.ndarray:
    # With fewer weighted values than the penalty leaves free the system is singular: a trace of weight to all.
    bands[-1] += 1e-9 * max(float(weight.max(initial=0.0)), 1e-9)
    return solveh_banded(bands, right, check_finite=False)
