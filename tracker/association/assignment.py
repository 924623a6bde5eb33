"""Which box belongs to which tracklet in one frame: likelihood ratios and the linear assignment problem."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from tracker.association.motion import H

IMPOSSIBLE = 1e6


def pair_costs(
    innovation: np.ndarray, covariance: np.ndarray, noise: np.ndarray, volume: float, novelty: float, outlier: float
) -> np.ndarray:
    """Cost (N, M) [nats] of each tracklet taking each box, against the box belonging to nobody.

    Minus the log likelihood ratio of multi-hypothesis tracking (Blackman, *Multiple Hypothesis Tracking*, 2004,
    eq. 3): a Gaussian around the predicted edges against `novelty` boxes a frame, spread evenly over `volume` [px^4] of
    places and sizes. Beyond `outlier` the squared deviation grows with its logarithm only.

    Args:
        innovation: (N, M, 2, 2) measured minus predicted edges [px].
        covariance: (N, 2, 3, 3) of the predicted states.
        noise: (N, M, 2, 2, 2) of the measured edges.
    """
    spread = (H @ covariance @ H.T)[:, None] + noise
    a, b, d = spread[..., 0, 0], spread[..., 0, 1], spread[..., 1, 1]
    determinant = a * d - b * b
    low, high = innovation[..., 0], innovation[..., 1]
    squared = ((d * low * low - 2 * b * low * high + a * high * high) / determinant).sum(axis=-1)
    far = squared > outlier
    squared[far] = outlier * (1 + np.log(squared[far] / outlier))
    log_determinant = np.log(determinant).sum(axis=-1) + 4 * np.log(2 * np.pi)
    return 0.5 * (squared + log_determinant) - np.log(volume / novelty)


def assign(cost: np.ndarray, seniority: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cheapest pairing of `cost (N, M)` in which only negative costs are paired.

    Where rows compete for a column, each counts `seniority (N,)` cheaper than it is.
    """
    if not cost.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    wanted = cost < 0
    rows, columns = linear_sum_assignment(np.where(wanted, cost - seniority[:, None], 0.0))
    paired = wanted[rows, columns]
    return rows[paired], columns[paired]
