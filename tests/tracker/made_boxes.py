"""Boxes of people whose paths are known, for the tests of association."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import supervision as sv

from tracker.association.associator import Associator
from tracker.association.tracks import Tracks

SIZE = (1280, 720)
BOX = (50.0, 110.0)  # width, height [px]
Path = Callable[[float], tuple[float, float]]  # time [s] -> centre [px]


@dataclass
class Played:
    """What association made of a scene."""

    tracks: Tracks
    online: dict[tuple[int, int], int]  # (frame, person) -> tracklet
    final: dict[tuple[int, int], int] = field(default_factory=dict)  # (frame, person) -> track; absent: dropped

    def ids_of(self, person: int) -> set[int]:
        """Track ids that a person bore for 5 frames or more: in the instant of a crossing two boxes are one."""
        frames = Counter(track for (_, who), track in self.final.items() if who == person)
        return {track for track, count in frames.items() if count >= 5}


def seen_always(person: int, time_s: float) -> bool:  # noqa: ARG001
    return False


def still_camera(time_s: float) -> tuple[float, float]:  # noqa: ARG001
    return (0.0, 0.0)


def play(
    paths: list[Path],
    times: Iterable[float],
    hidden: Callable[[int, float], bool] = seen_always,
    camera: Path = still_camera,
    frame_step: int = 1,
    jitter_px: float = 1.0,
    seed: int = 0,
) -> Played:
    """Show people on `paths` to an `Associator`, moved by the camera's shift; order shuffled, some hidden."""
    rng = np.random.default_rng(seed)
    associator = Associator(SIZE)
    online = {}
    for number, time_s in enumerate(times):
        frame = number * frame_step
        shift = np.array(camera(time_s))
        people, boxes = [], []
        for person, path in enumerate(paths):
            centre = np.array(path(time_s)) + shift
            corners = np.concatenate([centre - np.array(BOX) / 2, centre + np.array(BOX) / 2])
            clipped = np.clip(corners + rng.normal(0, jitter_px, 4), 0, [*SIZE, *SIZE])
            if not hidden(person, time_s) and (clipped[2:] - clipped[:2] > 8).all():
                people.append(person)
                boxes.append(clipped)
        order = rng.permutation(len(people))
        ids = associator.update(detections(np.array(boxes).reshape(-1, 4)[order]), frame, time_s)
        online |= {(frame, people[index]): int(name) for index, name in zip(order, ids, strict=True)}
    tracks = associator.finish()
    final = {key: track for key, name in online.items() if (track := tracks.track_of(name, key[0])) is not None}
    return Played(tracks, online, final)


def detections(xyxy: np.ndarray, confidence: float = 0.8) -> sv.Detections:
    """Boxes (M, 4) as the detector hands them over."""
    return sv.Detections(
        xyxy=xyxy.astype(np.float32),
        confidence=np.full(len(xyxy), confidence, np.float32),
        class_id=np.zeros(len(xyxy), int),
    )


def steady(frames: int, fps: float = 30.0) -> list[float]:
    """Times of `frames` frames at a constant rate [s]."""
    return [frame / fps for frame in range(frames)]


def standing(x: float, y: float) -> Path:
    return lambda _: (x, y)


def skating(x: float, y: float, speed_x: float, speed_y: float = 0.0) -> Path:
    """A straight line from (x, y) [px] at a constant speed [px/s]."""
    return lambda time_s: (x + speed_x * time_s, y + speed_y * time_s)
