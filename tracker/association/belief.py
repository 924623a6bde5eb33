"""Which tracks are persons and which are noise, judged by the tracks that last: those are persons.

A false track is short; besides, it is seen in fewer frames, or with less confidence, than persons usually are in this
video. Nothing is assumed about what a confidence means.
"""

import numpy as np

from tracker.association.config import AssociationConfig
from tracker.association.ends import Observations

_ENOUGH = 5  # lasting tracks from which one can learn what is usual


def believable(observations: Observations, groups: list[np.ndarray], config: AssociationConfig) -> np.ndarray:
    """Which of the K tracks, given as rows in ascending time, are to be believed: (K,) bool."""
    if not groups:
        return np.zeros(0, bool)
    seen_s, density, mean, within = np.array([_figures(observations, rows, config) for rows in groups]).T
    count = np.array([len(rows) for rows in groups])
    lasting = seen_s >= config.lasting_s
    if lasting.sum() < _ENOUGH:
        return density >= config.min_density / 2
    sparse = density < np.where(lasting, 0.5, 1.0) * config.min_density * np.median(density[lasting])
    usual = np.median(mean[lasting])
    spread = np.sqrt(np.var(mean[lasting]) + np.mean(within[lasting]) / count)
    doubtful = ~lasting & (mean - usual < -config.doubt * np.maximum(spread, 0.01))
    return ~(sparse | doubtful)


def long_enough(observations: Observations, groups: list[np.ndarray], video_s: float, minimum_s: float) -> np.ndarray:
    """Which of the K tracks last `minimum_s` seconds, or half the video where that is shorter: (K,) bool."""
    first, last = (np.array([rows[end] for rows in groups], np.int64) for end in (0, -1))
    return observations.time_s(last) - observations.time_s(first) >= min(minimum_s, video_s / 2)


def _figures(
    observations: Observations, rows: np.ndarray, config: AssociationConfig
) -> tuple[float, float, float, float]:
    """Of a track: seconds in sight, share of frames in sight, mean confidence, variance of the confidence."""
    gaps, skipped = np.diff(observations.time_s(rows)), np.diff(observations.look(rows))
    near = gaps <= config.fill_s
    confidence = observations.confidence[rows].astype(np.float64)
    density = (near.sum() + 1) / (skipped[near].sum() + 1)
    return float(gaps[near].sum()), float(density), float(confidence.mean()), float(confidence.var())
