"""Tracklets to tracks, in hindsight: which end and which beginning are one person, over the whole video at once.

A person who is hidden, or out of the view of a panning camera, ends a tracklet and later begins another. Every pair of
an end and a later beginning gets the log likelihood ratio of "the same person" (the end's state, moved on over the gap,
against the beginning's state) over "somebody new"; the best consistent set of pairs is a matching in a bipartite graph
(the track graph of Castanon and Finn, *Multi-target tracklet stitching through network flows*, 2011, without splits).

A tracklet often lives on for an instant, on a second box of its person or on somebody else, when the next one has begun
already: such an end counts from before that beginning, and what overlaps is dropped when the two are linked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from tracker.association.config import AssociationConfig
from tracker.association.ends import Ends, Observations, end_states
from tracker.association.motion import BoxMotion
from tracker.association.resemblance import WINDOW_S, Resemblance

_MOST = 15.0  # evidence of looks against a link [nats]


def link(
    observations: Observations,
    jitter: tuple[float, float],
    config: AssociationConfig,
    plain_view_s: float,
    looks: np.ndarray | None,
    resemblance: Resemblance | None,
) -> np.ndarray:
    """Person (N,) of every observation: tracklets that are linked get the same number; -1: a tail that was dropped.

    Short gaps are closed first, because the longer tracklets then know better where they are going. Where people are
    known by their looks and the camera stands still, those who left the picture are looked for when they come back.

    Args:
        observations: All boxes.
        jitter: Of the boxes, as `jitter.Jitter.shares`.
        config: Parameters.
        plain_view_s: The longest gap in which somebody in plain view is missed [s].
        looks: (N, D) of every observation, NaN where unknown; None where nobody looks.
        resemblance: What a likeness is worth in this video.
    """
    person, frame_size = observations.tracklet.copy(), observations.steps.size
    still = float(np.ptp(observations.camera(), axis=0).max()) < config.still_camera * frame_size[0]
    returns = [config.return_s] if still and looks is not None else []
    for reach_s in (*config.link_rounds_s, *returns):
        order = np.lexsort((observations.step, person)).astype(np.int32)
        order = order[person[order] >= 0]
        likeness = None
        seen = observations.take(order, person[order])
        if looks is not None and resemblance is not None:
            likeness = Likeness(looks, order, seen, resemblance)
        person[order] = _link_once(seen, jitter, config, reach_s, plain_view_s, likeness, bool(returns))
    return person


@dataclass(frozen=True)
class Likeness:
    """How alike ends and beginnings look."""

    looks: np.ndarray  # (M, D), NaN where unknown
    order: np.ndarray  # (N,) row in `looks` of each observation
    observations: Observations  # N
    resemblance: Resemblance

    def evidence(self, first: np.ndarray, row: np.ndarray, start: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Evidence (P,) [nats] that the observations `first` to `row` and those from `start` to `last` show one person:
        the looks of the last seconds of those and the first of these."""
        time_s = self.observations.time_s
        rows, pair = np.unique(row, return_index=True)
        begins = [f + np.searchsorted(time_s(slice(f, r + 1)), time_s(r) - WINDOW_S)
                  for f, r in zip(first[pair].tolist(), rows.tolist(), strict=True)]  # fmt: skip
        starts, pair = np.unique(start, return_index=True)
        ends = [s + np.searchsorted(time_s(slice(s, e + 1)), time_s(s) + WINDOW_S, side="right")
                for s, e in zip(starts.tolist(), last[pair].tolist(), strict=True)]  # fmt: skip
        one, one_count = self._means(begins, rows + 1)
        other, other_count = self._means(starts, ends)
        of_row, of_start = np.searchsorted(rows, row), np.searchsorted(starts, start)
        one_count, other_count = one_count[of_row], other_count[of_start]
        ratio = self.resemblance.evidence(one[of_row], other[of_start], one_count, other_count)
        return np.where((one_count > 0) & (other_count > 0), np.maximum(ratio, -_MOST), 0.0)

    def _means(self, begins: Iterable[int], ends: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Mean looks (K, D) of the observations from each beginning to before each end, and of how many (K,)."""
        means, counts = [], []
        for begin, end in zip(begins, ends, strict=True):
            seen = self.looks[self.order[begin:end]].astype(np.float64)
            known = seen[np.isfinite(seen).all(axis=1)]
            counts.append(len(known))
            means.append(known.sum(axis=0) / max(len(known), 1))
        return np.array(means).reshape(-1, self.looks.shape[1]), np.array(counts, np.int64)


def _link_once(
    observations: Observations,
    jitter: tuple[float, float],
    config: AssociationConfig,
    reach_s: float,
    plain_view_s: float,
    likeness: Likeness | None,
    returns: bool,
) -> np.ndarray:
    """One round with gaps up to `reach_s` seconds; returns the person (N,) of every observation, -1: dropped."""
    person, frame_size = observations.tracklet, observations.steps.size
    names, first, count = np.unique(person, return_index=True, return_counts=True)
    last = first + count - 1
    motion = BoxMotion(config)
    window = _rows_in(observations, config.end_window_s)
    starts = end_states(observations, first, last, motion, frame_size, jitter, window, backwards=True)
    stops = end_states(observations, first, last, motion, frame_size, jitter, window, backwards=False)
    before, after = _pairs_within(stops.time_s - config.overlap_s, starts.time_s, reach_s + config.overlap_s)
    before, after, row = _ends_of_pairs(observations, first, last, before, after)
    if not len(before):
        return person
    stop, start = stops.take(before), starts.take(after)
    early = np.flatnonzero(row < last[before])
    if len(early):
        stop = stop.replaced(
            early,
            end_states(
                observations, first[before[early]], row[early], motion, frame_size, jitter, window, backwards=False
            ),
        )
    stop = stop.blurred(np.where(observations.crowded[row], config.crowded_blur, 0.0))
    start = start.blurred(np.where(observations.crowded[first[after]], config.crowded_blur, 0.0))
    at_border_stop = _at_border(stop, observations.camera(row), frame_size)
    at_border_start = _at_border(start, observations.camera(first[after]), frame_size)
    inside = 2.0 - at_border_stop - at_border_start
    cost = _costs(stop, start, stops.mean[..., 2], motion, config, frame_size)
    gap = start.time_s - stop.time_s
    cost += gap * (config.hidden_cost / 2 * inside + 1 / config.away_memory_s)
    cost += np.where(inside < 2, config.return_cost if returns else config.away_cost, 0.0)
    # Nobody hid the one who ended and the one who began: had it been one person, the detector would have seen them.
    plain = ~(observations.crowded[row] | observations.crowded[first[after]])
    cost[plain & (inside == 2) & (gap > plain_view_s)] = np.inf
    cost[(inside > 0) & (gap > config.link_rounds_s[-1])] = np.inf
    if likeness is not None:
        cost -= likeness.evidence(first[before], row, first[after], last[after])
    following = _best_matching(before, after, cost, len(names))
    label = np.arange(len(names))
    for index in np.argsort(starts.time_s, kind="stable"):
        if following[index] >= 0:
            label[following[index]] = label[index]
    linked = names[label][np.searchsorted(names, person)]
    for pair in early[following[before[early]] == after[early]]:
        linked[row[pair] + 1 : last[before[pair]] + 1] = -1
    return linked


def _rows_in(observations: Observations, window_s: float) -> int:
    """How many boxes of a tracklet `window_s` seconds hold, about."""
    gaps = np.diff(observations.time_s())[np.diff(observations.tracklet) == 0]
    return max(3, round(window_s / float(np.median(gaps)))) if len(gaps) else 3


def _pairs_within(stop_s: np.ndarray, start_s: np.ndarray, reach_s: float) -> tuple[np.ndarray, np.ndarray]:
    """All pairs (indices of an end, of a beginning) with `0 < start - stop <= reach_s`."""
    order = np.argsort(start_s, kind="stable")
    low = np.searchsorted(start_s[order], stop_s, side="right")
    high = np.searchsorted(start_s[order], stop_s + reach_s, side="right")
    count = np.maximum(high - low, 0)
    before = np.repeat(np.arange(len(stop_s)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return before, order[np.repeat(low, count) + within]


def _ends_of_pairs(
    observations: Observations, first: np.ndarray, last: np.ndarray, before: np.ndarray, after: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that make sense, and the row (P,) that ends each one's earlier tracklet: its last before the other.

    Where they overlap, the later one must outlive the earlier one, and the earlier one be longer than what is dropped.
    """
    row = last[before]
    look = observations.look()
    for pair in np.flatnonzero(look[first[after]] <= look[row]):
        own = look[first[before[pair]] : row[pair] + 1]
        row[pair] = first[before[pair]] + np.searchsorted(own, look[first[after[pair]]]) - 1
    dropped, left = last[before] - row, row - first[before] + 1
    outlives = look[last[after]] - look[last[before]] > dropped
    sound = (dropped == 0) | ((before != after) & (left > np.maximum(dropped, 2)) & outlives)
    return before[sound], after[sound], row[sound]


def _at_border(ends: Ends, camera: np.ndarray, frame_size: np.ndarray) -> np.ndarray:
    """Which ends lie so near the border of the picture that the person may have come from, or gone, outside."""
    centre, half = ends.mean[..., 0] + camera, ends.mean[..., 2] / 2
    margin = 0.5 * ends.mean[:, 1:, 2]
    return ((centre - half < margin) | (centre + half > frame_size - margin)).any(axis=1)


def _costs(
    stop: Ends,
    start: Ends,
    sizes: np.ndarray,
    motion: BoxMotion,
    config: AssociationConfig,
    frame_size: np.ndarray,
) -> np.ndarray:
    """Minus the log likelihood ratio (P,) [nats] of "the same person" for every pair of an end and a beginning.

    `sizes (K, 2)` are those of all people [px].
    """
    gap = start.time_s - stop.time_s
    mean, covariance = motion.predict(stop.mean, stop.covariance, gap)
    covariance = covariance + start.covariance
    drift = np.square(np.array(config.camera_drift) * frame_size[0])
    covariance[..., 0, 0] += drift * gap[:, None]
    same = _gaussian_cost(start.mean - mean, covariance)
    # Somebody new: anywhere in a panorama some pictures wide, with a usual speed and size.
    size = np.median(sizes, axis=0)
    height = size[1]
    reference = np.zeros((1, 2, 3, 3))
    reference[..., 0, 0] = np.square(np.array(config.panorama) * height)
    reference[..., 1, 1] = np.square(np.array(config.speed) * height)
    reference[..., 2, 2] = np.square(0.25 * size)
    deviation = start.mean.copy()
    deviation[..., 0] = 0
    deviation[..., 2] -= size
    new = _gaussian_cost(deviation, reference + start.covariance)
    return same - new - config.link_bonus


def _gaussian_cost(deviation: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Minus the log density (P,) of `deviation (P, 2, 3)` under independent axes of `covariance (P, 2, 3, 3)`."""
    solved = np.linalg.solve(covariance, deviation[..., None])[..., 0]
    squared = (deviation * solved).sum(axis=-1)
    return 0.5 * (squared + np.linalg.slogdet(2 * np.pi * covariance)[1]).sum(axis=-1)


def _best_matching(before: np.ndarray, after: np.ndarray, cost: np.ndarray, count: int) -> np.ndarray:
    """For each of `count` ends the beginning that follows it, or -1: the cheapest matching of negative pairs."""
    worth = cost < 0
    following = np.full(count, -1, np.int64)
    if not worth.any():
        return following
    # Every end may also stay alone, at a cost of nothing: its own extra column. Weights must not be 0, hence + 1.
    rows = np.concatenate([before[worth], np.arange(count)])
    columns = np.concatenate([after[worth], count + np.arange(count)])
    weight = np.concatenate([cost[worth], np.zeros(count)])
    graph = coo_array((weight - weight.min() + 1, (rows, columns)), shape=(count, 2 * count)).tocsr()
    ends, beginnings = min_weight_full_bipartite_matching(graph)
    linked = beginnings < count
    following[ends[linked]] = beginnings[linked]
    return following
