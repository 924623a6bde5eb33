"""The trackers that the benchmark compares, each with its grid, behind one function: detections in, `Output` out."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np
import supervision as sv
from association_noise import Clip
from association_scores import Output

from tracker.environment import quiet_libraries

Detections = list[tuple[np.ndarray, np.ndarray]]  # per frame: xyxy (M, 4) [px], confidence (M,)
Run = Callable[[Clip, Detections], tuple[Output, float]]  # the answer and the processor's seconds that it took


@dataclass(frozen=True)
class Candidate:
    """One tracker at one point of its grid."""

    family: str
    options: tuple[tuple[str, object], ...]
    run: Run

    @property
    def label(self) -> str:
        return f"{self.family}({', '.join(f'{key}={value}' for key, value in self.options)})"


def candidates(quick: bool = False) -> Iterator[Candidate]:
    """Every tracker over its grid; the first point of a grid is the library's default. `quick`: two points each."""
    for family, (make, points) in _FAMILIES.items():
        for options in itertools.islice(points(), 2 if quick else None):
            yield Candidate(family, tuple(options.items()), make(**options))


def _grid(**axes: list) -> Callable[[], Iterator[dict]]:
    def points() -> Iterator[dict]:
        for values in itertools.product(*axes.values()):
            yield dict(zip(axes, values, strict=True))

    return points


def _with_default(points: Callable[[], Iterator[dict]]) -> Callable[[], Iterator[dict]]:
    return lambda: itertools.chain([{}], points())


def _of_trackers(class_name: str, **fixed: object) -> Callable[..., Run]:
    def make(**options: object) -> Run:
        def run(clip: Clip, detections: Detections) -> tuple[Output, float]:
            import trackers

            tracker = getattr(trackers, class_name)(frame_rate=clip.fps, **fixed, **options)
            rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
            seconds = 0.0
            for frame, (xyxy, confidence) in enumerate(detections):
                given = sv.Detections(xyxy=xyxy, confidence=confidence, class_id=np.zeros(len(xyxy), int))
                start = time.process_time()
                found = tracker.update(given)
                seconds += time.process_time() - start
                identity = np.asarray(found.tracker_id if found.tracker_id is not None else [], np.int64)
                named = identity >= 0
                rows.append((np.full(named.sum(), frame), identity[named], found.xyxy[named]))
            return _stack(rows), seconds

        return run

    return make


class _Boxes:
    """What ultralytics' trackers read of its `Boxes`."""

    def __init__(self, xyxy: np.ndarray, conf: np.ndarray) -> None:
        self.xyxy, self.conf, self.cls = xyxy, conf, np.zeros(len(conf))
        self.xywh = np.concatenate([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], axis=1)

    def __getitem__(self, index: np.ndarray) -> "_Boxes":
        return _Boxes(self.xyxy[index], self.conf[index])

    def __len__(self) -> int:
        return len(self.conf)


def _of_ultralytics(class_name: str) -> Callable[..., Run]:
    def make(**options: object) -> Run:
        def run(clip: Clip, detections: Detections) -> tuple[Output, float]:
            quiet_libraries()
            from ultralytics.trackers.bot_sort import BOTSORT
            from ultralytics.trackers.byte_tracker import BYTETracker

            settings = {
                "track_high_thresh": 0.25, "track_low_thresh": 0.1, "new_track_thresh": 0.25, "track_buffer": 30,
                "match_thresh": 0.8, "fuse_score": True, "gmc_method": "none", "proximity_thresh": 0.5,
                "appearance_thresh": 0.8, "with_reid": False, "model": "auto",
            }  # fmt: skip
            settings |= options
            settings["track_buffer"] = round(settings["track_buffer"] * clip.fps / 30)
            tracker = {"BYTETracker": BYTETracker, "BOTSORT": BOTSORT}[class_name](SimpleNamespace(**settings))
            rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
            seconds = 0.0
            for frame, (xyxy, confidence) in enumerate(detections):
                start = time.process_time()
                found = np.asarray(tracker.update(_Boxes(xyxy, confidence), None), float).reshape(-1, 8)
                seconds += time.process_time() - start
                rows.append((np.full(len(found), frame), found[:, 4].astype(np.int64), found[:, :4]))
            return _stack(rows), seconds

        return run

    return make


def _ours(sparse: bool = False, **options: object) -> Run:
    """`sparse`: people are looked for as often as the program does by itself, and not in every frame."""

    def run(clip: Clip, detections: Detections) -> tuple[Output, float]:
        from tracker.association.associator import Associator
        from tracker.association.config import AssociationConfig
        from tracker.settings import every_for

        associator = Associator(clip.size, AssociationConfig(**options))
        every = every_for(clip.fps) if sparse else 1
        seconds = 0.0
        for frame, (xyxy, confidence) in enumerate(detections):
            if frame % every and frame < clip.frames - 1:
                associator.skip(frame, frame / clip.fps)
                continue
            given = sv.Detections(
                xyxy=xyxy.astype(np.float32),
                confidence=confidence.astype(np.float32),
                class_id=np.zeros(len(xyxy), int),
            )
            start = time.process_time()
            associator.update(given, frame, frame / clip.fps)
            seconds += time.process_time() - start
        start = time.process_time()
        tracks = associator.finish()
        seconds += time.process_time() - start
        return Output(tracks.frame, tracks.track_id, tracks.xyxy.astype(float)), seconds

    return run


def _stack(rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Output:
    frame, identity, xyxy = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Output(frame, identity, xyxy.reshape(-1, 4))


_FAMILIES: dict[str, tuple[Callable[..., Run], Callable[[], Iterator[dict]]]] = {
    "trackers SORT": (
        _of_trackers("SORTTracker"),
        _with_default(_grid(lost_track_buffer=[30, 60], minimum_iou_threshold=[0.1, 0.3])),
    ),
    "trackers ByteTrack": (
        _of_trackers("ByteTrackTracker"),
        _with_default(
            _grid(
                lost_track_buffer=[30, 60],
                minimum_iou_threshold=[0.1],
                track_activation_threshold=[0.5, 0.7],
                high_conf_det_threshold=[0.4],
            )
        ),
    ),
    "trackers OC-SORT": (
        _of_trackers("OCSORTTracker"),
        _with_default(_grid(lost_track_buffer=[30], minimum_iou_threshold=[0.1, 0.3], high_conf_det_threshold=[0.25])),
    ),
    "trackers BoT-SORT": (
        _of_trackers("BoTSORTTracker", enable_cmc=False),
        _with_default(
            _grid(
                lost_track_buffer=[30, 60],
                minimum_iou_threshold_first_assoc=[0.05, 0.2],
                track_activation_threshold=[0.5],
                high_conf_det_threshold=[0.4],
            )
        ),
    ),
    "trackers C-BIoU": (
        _of_trackers("CBIoUTracker"),
        _with_default(
            _grid(
                lost_track_buffer=[30, 60],
                minimum_iou_threshold_first_assoc=[0.05, 0.2],
                track_activation_threshold=[0.5],
                high_conf_det_threshold=[0.4],
            )
        ),
    ),
    "ultralytics ByteTrack": (
        _of_ultralytics("BYTETracker"),
        _with_default(_grid(track_buffer=[60], match_thresh=[0.8, 0.9])),
    ),
    "ultralytics BoT-SORT": (
        _of_ultralytics("BOTSORT"),
        _with_default(_grid(track_buffer=[60], match_thresh=[0.8, 0.9])),
    ),
    "cleansheet": (_ours, lambda: iter([{}])),
    "cleansheet, 15 looks a second": (partial(_ours, sparse=True), lambda: iter([{}])),
}
