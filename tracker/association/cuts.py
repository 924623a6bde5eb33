"""Tracklets cut where the person they follow is exchanged for somebody of other looks.

Two who cross may leave with each other's tracklet. Where they wear different jerseys, or one is a goalkeeper or an
official, the looks along the tracklet say so in hindsight: those of the seconds before differ from those of the
seconds after by more than one person's do. A tracklet is cut at the strongest such step, then its parts are; linking
sorts the pieces.
"""

import itertools

import numpy as np

from tracker.association.ends import Observations
from tracker.association.resemblance import WINDOW_S, Resemblance

_SHORTEST_S = 0.8  # on each side of a cut: for less, somebody may look otherwise who bends down or climbs off the ice
_FEWEST = 10  # looks on each side of a cut
_SHORT_S = 1.5  # what is cut off and lasts less may go back
_EVIDENCE = -3.0  # log likelihood ratio [nats] of "one person" under which a tracklet is cut


def cut_tracklets(tracklet: np.ndarray, time_s: np.ndarray, looks: np.ndarray, resemblance: Resemblance) -> np.ndarray:
    """Numbers (N,) of the pieces; a tracklet without a step in its looks keeps its own number.

    Args:
        tracklet: (N,) of each box, sorted by tracklet, then by time.
        time_s: (N,) of each box.
        looks: (N, D) of each box, NaN where unknown.
        resemblance: What a likeness is worth in this video.
    """
    piece = tracklet.copy()
    fresh = int(tracklet.max(initial=0)) + 1
    bounds = np.flatnonzero(np.diff(tracklet, prepend=-1, append=-1))
    for first, last in itertools.pairwise(bounds):
        known = first + np.flatnonzero(np.isfinite(looks[first:last]).all(axis=1))
        for cut in sorted(_steps(time_s[known], looks[known].astype(np.float64), resemblance)):
            # Between the last look before the step and the first one after it nobody saw: half of it goes to each.
            piece[(known[cut - 1] + known[cut] + 1) // 2 : last] = fresh
            fresh += 1
    return piece


def rejoined(
    observations: Observations, tracklet: np.ndarray, groups: list[np.ndarray], believed: np.ndarray
) -> np.ndarray:
    """The pieces (N,) of all observations, where one that is short and not to be believed is no person of its own: it
    goes back to the believable piece before or after it that was cut from the same tracklet.

    Args:
        observations: All, sorted by piece.
        tracklet: (N,) of each.
        groups: The rows of each piece.
        believed: Which of the groups are to be believed.
    """
    piece = observations.tracklet.copy()
    parts: dict[int, list[int]] = {}
    for index, rows in enumerate(groups):
        parts.setdefault(int(tracklet[rows[0]]), []).append(index)
    for own in parts.values():
        owner = {index: index for index in own if believed[index]}
        for known, index in [*itertools.pairwise(own), *itertools.pairwise(own[::-1])]:
            first, last = groups[index][0], groups[index][-1]
            short = observations.time_s(last) - observations.time_s(first) < _SHORT_S
            if index not in owner and known in owner and short:
                owner[index] = owner[known]
                piece[groups[index]] = observations.tracklet[groups[owner[known]][0]]
    return piece


def _steps(time_s: np.ndarray, looks: np.ndarray, resemblance: Resemblance) -> list[int]:
    """Positions in `looks (K, D)`, seen at `time_s (K,)`, at which another person begins."""
    found, open_ = [], [(0, len(looks))]
    while open_:
        first, last = open_.pop()
        cut = _strongest_step(time_s[first:last], looks[first:last], resemblance)
        if cut is not None:
            found.append(first + cut)
            open_ += [(first, first + cut), (first + cut, last)]
    return found


def _strongest_step(time_s: np.ndarray, looks: np.ndarray, resemblance: Resemblance) -> int | None:
    count = len(looks)
    at = np.arange(_FEWEST, count - _FEWEST + 1)
    at = at[np.minimum(time_s[at - 1] - time_s[:1], time_s[-1:] - time_s[at % max(count, 1)]) >= _SHORTEST_S]
    if not len(at):
        return None
    first = np.minimum(np.searchsorted(time_s, time_s[at] - WINDOW_S), at - _FEWEST)
    last = np.maximum(np.searchsorted(time_s, time_s[at] + WINDOW_S), at + _FEWEST)
    sums = np.concatenate([np.zeros((1, looks.shape[1])), looks.cumsum(axis=0)])
    before = (sums[at] - sums[first]) / (at - first)[:, None]
    after = (sums[last] - sums[at]) / (last - at)[:, None]
    for teams in (False, True):  # where looks of any kind tell, they tell the place best
        ratio = resemblance.evidence(before, after, at - first, last - at, teams=teams)
        # Strongest at the very end of what may be cut: there the looks change only behind it.
        between = (ratio[1:-1] <= ratio[:-2]) & (ratio[1:-1] <= ratio[2:])
        if between.any():
            best = 1 + int(np.where(between, ratio[1:-1], np.inf).argmin())
            if ratio[best] < _EVIDENCE:
                return int(at[best])
    return None
