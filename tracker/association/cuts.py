"""Tracklets cut where the person they follow is exchanged for somebody of other looks.

Two who cross may leave with each other's tracklet. Where they wear different jerseys, the looks along the tracklet say
so in hindsight: they step from one level to another. The steps are found by binary segmentation (Scott and Knott,
*A cluster analysis method for grouping means*, 1974), and a tracklet is cut at each; linking then sorts the pieces.
"""

import itertools

import numpy as np

from tracker.association.appearance import Appearance

_FEWEST = 10  # looks on each side of a cut
_EVIDENCE = -6.0  # log likelihood ratio [nats] of "one person" under which a tracklet is cut


def cut_tracklets(tracklet: np.ndarray, looks: np.ndarray, appearance: Appearance) -> np.ndarray:
    """Numbers (N,) of the pieces; a tracklet without a step in its looks keeps its own number.

    Args:
        tracklet: (N,) of each box, sorted by tracklet, then by time.
        looks: (N, D) of each box, NaN where unknown.
        appearance: What a likeness is worth in this video.
    """
    piece = tracklet.copy()
    fresh = int(tracklet.max(initial=0)) + 1
    bounds = np.flatnonzero(np.diff(tracklet, prepend=-1, append=-1))
    for first, last in itertools.pairwise(bounds):
        known = first + np.flatnonzero(np.isfinite(looks[first:last]).all(axis=1))
        for cut in sorted(_steps(looks[known].astype(np.float64), appearance)):
            # Between the last look before the step and the first one after it nobody saw: half of it goes to each.
            piece[(known[cut - 1] + known[cut] + 1) // 2 : last] = fresh
            fresh += 1
    return piece


def _steps(looks: np.ndarray, appearance: Appearance) -> list[int]:
    """Positions in `looks (K, D)` at which another person begins."""
    found, open_ = [], [(0, len(looks))]
    while open_:
        first, last = open_.pop()
        cut = _strongest_step(looks[first:last], appearance)
        if cut is not None:
            found.append(first + cut)
            open_ += [(first, first + cut), (first + cut, last)]
    return found


def _strongest_step(looks: np.ndarray, appearance: Appearance) -> int | None:
    count = len(looks)
    if count < 2 * _FEWEST:
        return None
    before = np.arange(_FEWEST, count - _FEWEST + 1)
    sums = looks.cumsum(axis=0)
    left = sums[before - 1] / before[:, None]
    right = (sums[-1] - sums[before - 1]) / (count - before)[:, None]
    step = np.square((left - right) / appearance.spread).sum(axis=1) * before * (count - before)
    best = int(step.argmax())
    ratio = appearance.ratio(left[best], right[best], int(before[best]), int(count - before[best]))
    return int(before[best]) if ratio < _EVIDENCE else None
