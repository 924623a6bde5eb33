"""Persons to `Tracks`: false ones dropped, courses completed, ids counted from 1 in order of appearance."""

import numpy as np

from tracker.association.belief import long_enough
from tracker.association.completion import Course, complete
from tracker.association.config import AssociationConfig
from tracker.association.ends import Observations
from tracker.association.tracks import Piece, Tracks

_COLUMNS = {
    "step": np.int32, "track_id": np.int32, "xyxy": np.float32, "confidence": np.float32, "class_id": np.int16,
    "observed": bool,
}  # fmt: skip


def build_tracks(
    observations: Observations,
    person: np.ndarray,
    begins: dict[int, tuple[int, int]],
    jitter: tuple[float, float],
    config: AssociationConfig,
) -> Tracks:
    """The tracks of `observations` under the numbers `person (N,)`.

    Their numbers are those of pieces; `begins` has of each piece, also of those that were dropped, the online tracklet
    that it was cut from and its first frame.
    """
    steps = observations.steps
    order = np.lexsort((observations.step, person))
    groups = np.split(order, np.flatnonzero(np.diff(person[order])) + 1)
    lasting = long_enough(observations, groups, float(steps.time_s[-1] - steps.time_s[0]), config.min_track_s)
    groups = [groups[index] for index in np.flatnonzero(lasting)]
    groups.sort(key=lambda rows: (observations.step[rows[0]], observations.tracklet[rows[0]]))
    if not groups:
        return Tracks.empty()
    parts: dict[str, list[np.ndarray]] = {name: [] for name in _COLUMNS}
    mapping: dict[int, int] = {}
    for number, rows in enumerate(groups, start=1):
        mapping |= dict.fromkeys(np.unique(observations.tracklet[rows]).tolist(), number)
        classes = observations.class_id[rows].astype(np.int64)
        usual = int(np.bincount(classes - classes.min()).argmax() + classes.min())
        for course in complete(observations, rows, jitter, config):
            row = _believed_row(course, steps.looked)
            seen = row >= 0
            column = {
                "step": course.step, "track_id": np.full(len(seen), number), "xyxy": course.xyxy,
                "confidence": np.where(seen, observations.confidence[row], 0.0),
                "class_id": np.where(seen, observations.class_id[row], usual), "observed": seen,
            }  # fmt: skip
            for name, dtype in _COLUMNS.items():
                parts[name].append(column[name].astype(dtype))
    step, track_id = (np.concatenate(parts.pop(name)) for name in ("step", "track_id"))
    order = np.lexsort((track_id, step)).astype(np.int32)
    whole = {name: np.concatenate(parts.pop(name))[order] for name in list(parts)}
    step = step[order]
    return Tracks(
        frame=steps.frame[step].astype(np.int32),
        time_s=steps.time_s[step],
        track_id=track_id[order],
        pieces=tuple(sorted(Piece(*begin, mapping.get(piece, 0)) for piece, begin in begins.items())),
        **whole,
    )


def _believed_row(course: Course, step_looked: np.ndarray) -> np.ndarray:
    """The observation (K,) that speaks for each step of a course, -1: none.

    A frame in which nobody looked counts as seen if the person was seen in the looks before and after it.
    """
    if step_looked.all():
        return course.row
    first = course.step[0]
    row = np.full(course.step[-1] - first + 1, -1, np.int64)
    row[course.step - first] = course.row
    looked = step_looked[first : course.step[-1] + 1]
    at = np.arange(len(row))
    before = np.maximum.accumulate(np.where(looked, at, 0))
    after = np.minimum.accumulate(np.where(looked, at, len(row) - 1)[::-1])[::-1]
    return np.where(row[after] >= 0, row[before], -1)[course.step - first]
