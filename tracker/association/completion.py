"""One person's boxes, smoothed, with the gaps filled in where the person was in the view."""

from dataclasses import dataclass

import numpy as np

from tracker.association.config import AssociationConfig
from tracker.association.ends import Observations
from tracker.association.motion import boxes
from tracker.association.smoothing import smooth_position, smooth_size

_OUTLIER = 9.0  # squared deviation at which a box's weight halves

_MIN_SHARE = 0.3  # of a filled-in box must lie in the picture
_LEAVING_S = 0.3  # before the first box and after the last one a course goes on over the border for so long at most
_LEAVING_SHARES = (0.05, 0.9)  # while this much of the box lies in the picture: detectors see less of people less well


@dataclass(frozen=True)
class Course:
    """Boxes of one person at the processed frames `step (K,)`; `row (K,)` is the observation, -1: filled in."""

    step: np.ndarray
    row: np.ndarray
    xyxy: np.ndarray  # (K, 4) [px]


def complete(
    observations: Observations,
    rows: np.ndarray,
    jitter: tuple[float, float],
    config: AssociationConfig,
) -> list[Course]:
    """The courses of the person seen in `rows` (ascending in time), cut at gaps longer than `config.fill_s`.

    Whom the border cuts off comes and goes with their speed: detectors find them late and lose them early.
    """
    steps_of, frame_size = observations.steps, observations.steps.size
    gaps = np.diff(observations.time_s(rows))
    courses = []
    for part in np.split(rows, np.flatnonzero(gaps > config.fill_s) + 1):
        begin, end = (float(observations.time_s(part[at])) for at in (0, -1))
        steps = np.arange(
            np.searchsorted(steps_of.time_s, begin - _LEAVING_S),
            np.searchsorted(steps_of.time_s, end + _LEAVING_S, side="right"),
        )
        row = np.full(len(steps), -1, np.int64)
        row[observations.step[part] - steps[0]] = part
        edge = _smooth(observations, row, steps_of.time_s[steps], steps_of.camera[steps], jitter, config)
        seen = row >= 0
        inside = np.clip(edge, 0, frame_size[:, None])
        share = np.prod((inside[..., 1] - inside[..., 0]) / np.maximum(edge[..., 1] - edge[..., 0], 1e-6), axis=-1)
        gone = seen & (inside[..., 1] - inside[..., 0] < 1).any(axis=-1)
        inside[gone] = observations.edge(row[gone])  # smoothed out of the picture: what was seen stays
        first, last = np.flatnonzero(seen)[[0, -1]]
        keep = seen | (share > _MIN_SHARE)
        leaving = (share > _LEAVING_SHARES[0]) & (share < _LEAVING_SHARES[1])
        leaving &= (inside[..., 1] - inside[..., 0] >= 1).all(axis=-1)
        keep[:first] = np.logical_and.accumulate(leaving[:first][::-1])[::-1]
        keep[last + 1 :] = np.logical_and.accumulate(leaving[last + 1 :])
        courses.append(Course(steps[keep], row[keep], boxes(inside[keep])))
    return courses


def _smooth(
    observations: Observations,
    row: np.ndarray,
    time_s: np.ndarray,
    camera: np.ndarray,
    jitter: tuple[float, float],
    config: AssociationConfig,
) -> np.ndarray:
    """Smoothed edges (K, 2, 2) at every step; `row (K,)`: the observation of a step or -1."""
    seen = row >= 0
    edge = observations.edge(np.maximum(row, 0)) - camera[..., None]
    cut = observations.cut(np.maximum(row, 0))
    height = float(np.median(edge[seen, 1, 1] - edge[seen, 1, 0]))
    result = np.empty_like(edge)
    for axis in (0, 1):
        low, high = edge[:, axis, 0], edge[:, axis, 1]
        cut_low, cut_high = cut[:, axis, 0], cut[:, axis, 1]
        whole = seen & ~cut_low & ~cut_high
        usual = float(np.median((high - low)[whole])) if whole.any() else float((high - low)[seen].max())
        size_weight = whole / np.square(jitter[1] * usual)
        if not whole.any():
            size_weight = seen / np.square(jitter[1] * usual)
        drift = np.square(config.size_drift[axis] * usual)
        size = smooth_size(time_s, high - low, size_weight, drift)
        # Where the border cuts one edge off, the other edge and the usual size give the centre.
        centre = np.where(cut_low & ~cut_high, high - size / 2, np.where(cut_high & ~cut_low, low + size / 2, 0.0))
        centre = np.where(cut_low == cut_high, (low + high) / 2, centre)
        spread = np.where(cut_low ^ cut_high, 1.5, 1.0) * jitter[0] * usual
        weight = seen / np.square(spread)
        density = 2 * np.square(config.speed[axis] * height) / config.velocity_memory_s
        course = smooth_position(time_s, centre, weight, density)
        deviation = np.square(centre - course) * weight
        course = smooth_position(time_s, centre, weight / (1 + deviation / _OUTLIER), density)
        result[:, axis, 0], result[:, axis, 1] = course - size / 2, course + size / 2
    return result + camera[..., None]
