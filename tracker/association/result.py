"""Persons to `Tracks`: false ones dropped, courses completed, ids counted from 1 in order of appearance."""

import numpy as np

from tracker.association.belief import long_enough
from tracker.association.completion import Course, complete
from tracker.association.config import AssociationConfig
from tracker.association.ends import Observations
from tracker.association.tracks import Piece, Tracks


def build_tracks(
    observations: Observations,
    person: np.ndarray,
    begins: dict[int, tuple[int, int]],
    class_id: np.ndarray,
    step_frame: np.ndarray,
    step_time_s: np.ndarray,
    step_camera: np.ndarray,
    step_looked: np.ndarray,
    frame_size: np.ndarray,
    jitter: tuple[float, float],
    config: AssociationConfig,
) -> Tracks:
    """The tracks of `observations` under the numbers `person (N,)`.

    `step_frame (S,)`, `step_time_s (S,)` and `step_camera (S, 2)` describe all processed frames, `step_looked (S,)`
    says in which of them people were looked for; `class_id (N,)` is of the observations. Their numbers are those of
    pieces; `begins` has of each piece, also of those that were dropped, the online tracklet that it was cut from and
    its first frame.
    """
    order = np.lexsort((observations.step, person))
    groups = np.split(order, np.flatnonzero(np.diff(person[order])) + 1)
    lasting = long_enough(observations, groups, float(step_time_s[-1] - step_time_s[0]), config.min_track_s)
    groups = [groups[index] for index in np.flatnonzero(lasting)]
    groups.sort(key=lambda rows: (observations.step[rows[0]], observations.tracklet[rows[0]]))
    if not groups:
        return Tracks.empty()
    parts: list[tuple[np.ndarray, ...]] = []
    mapping: dict[int, int] = {}
    for number, rows in enumerate(groups, start=1):
        mapping |= dict.fromkeys(np.unique(observations.tracklet[rows]).tolist(), number)
        usual_class = int(np.bincount(class_id[rows] - class_id.min()).argmax() + class_id.min())
        for course in complete(observations, rows, step_time_s, step_camera, frame_size, jitter, config):
            row = _believed_row(course, step_looked)
            seen = row >= 0
            confidence = np.where(seen, observations.confidence[row], 0.0)
            classes = np.where(seen, class_id[row], usual_class)
            parts.append((course.step, np.full(len(seen), number), course.xyxy, confidence, classes, seen))
    step, track_id, xyxy, confidence, classes, seen = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((track_id, step))
    step = step[order]
    return Tracks(
        frame=step_frame[step],
        time_s=step_time_s[step],
        track_id=track_id[order].astype(np.int64),
        xyxy=xyxy[order].astype(np.float32),
        confidence=confidence[order].astype(np.float32),
        class_id=classes[order].astype(np.int64),
        observed=seen[order],
        pieces=tuple(sorted(Piece(*begin, mapping.get(piece, 0)) for piece, begin in begins.items())),
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
