"""Two groups of things that are alike, each around one of them: k-medoids for k = 2, exactly."""

import numpy as np
from numpy.typing import NDArray

MOST_CENTRES = 200
"""So many, evenly chosen, are tried as the middle of a group."""


def two_groups(features: NDArray[np.float64], least: float = 0.0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The two rows around which the others gather most closely: group 0 or 1 of each (N,), distances to both (N, 2).

    Medoids (Kaufman and Rousseeuw 1987), by trying every pair: a few that are far from all others do not get a group of
    their own, as they would among means.

    Args:
        features: (N, D), N at least 1; distances are Euclid's.
        least: Share of the rows that either group has at least, where there are two such groups at all.
    """
    count = len(features)
    centres = np.unique(np.linspace(0, count - 1, min(count, MOST_CENTRES)).astype(int))
    apart = np.linalg.norm(features[centres, None] - features[None], axis=2)
    best, pair = np.inf, (0, 0)
    for first in range(len(centres) - 1):
        costs = np.minimum(apart[first], apart[first + 1 :]).sum(axis=1)
        if least:
            share = (apart[first] <= apart[first + 1 :]).mean(axis=1)
            costs[np.minimum(share, 1 - share) < least] = np.inf
        if costs.min() < best:
            best, pair = float(costs.min()), (first, first + 1 + int(costs.argmin()))
    distances = apart[list(pair)].T
    return (distances[:, 0] > distances[:, 1]).astype(np.int64), distances
