"""Persons to `Tracks`: false ones dropped, courses completed, ids counted from 1 in order of appearance."""

import numpy as np

from tracker.association.belief import long_enough
from tracker.association.completion import complete
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
    frame_size: np.ndarray,
    jitter: tuple[float, float],
    config: AssociationConfig,
) -> Tracks:
    """The tracks of `observations` under the numbers `person (N,)`.

    `step_frame (S,)`, `step_time_s (S,)` and `step_camera (S, 2)` describe all processed frames; `class_id (N,)` is of
    the observations. Their numbers are those of pieces; `begins` has of each piece, also of those that were dropped,
    the online tracklet that it was cut from and its first frame.
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
            seen = course.row >= 0
            confidence = np.where(seen, observations.confidence[course.row], 0.0)
            classes = np.where(seen, class_id[course.row], usual_class)
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
