"""The first pass over a video: decode, detect, associate and keep crops, each while the others are at work."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tracker.association.associator import Associator
from tracker.association.tracks import Tracks
from tracker.background import Background, Sightings
from tracker.camera_following import CameraFollower
from tracker.camera_motion import CameraPath
from tracker.crops import CropKeeper
from tracker.detection_log import DetectionLog
from tracker.detections import Found
from tracker.detector import Detector
from tracker.environment import give_back_memory
from tracker.looks import looks
from tracker.pipeline import ahead, batches, mapped
from tracker.progress import Report
from tracker.run import RunPaths
from tracker.search_area import SearchArea
from tracker.settings import ProcessSettings
from tracker.stage_times import StageTimes
from tracker.video import Frame, VideoInfo, frames, wanted_range

AHEAD = 4  # decoded frames that may wait


@dataclass
class Watched:
    """What the first pass saw."""

    tracks: Tracks | None
    camera: CameraPath
    background: Sightings
    """What a calibration is carried along by where the camera moves."""
    frames: int
    """Frames of the video that were gone through."""
    detections: int

    def hand_over_tracks(self) -> Tracks:
        """The tracks, once: they are a hundred megabytes in an hour, and whoever needs them no more can let them go."""
        assert self.tracks is not None, "handed over already"
        tracks, self.tracks = self.tracks, None
        return tracks


def watch(
    info: VideoInfo, paths: RunPaths, settings: ProcessSettings, detector: Detector, calibrated: Sequence[int],
    times: StageTimes, report: Report,
) -> Watched:  # fmt: skip
    """Go through the video once; `calibrated` frames are looked up beforehand, wherever they lie.

    Frames that are in the run's detection log already are decoded but not shown to the detector, so a run that was
    stopped goes on where it was and ends with the same tracks.
    """
    associator = Associator((info.width, info.height), settings.association)
    keeper = CropKeeper(paths.crops, settings.crops)
    with times.timed("camera"):
        background = Background((info.width, info.height), _looked_up(info, calibrated, detector))
    camera = CameraFollower(background)
    first, last = wanted_range(info, settings.start_s, settings.end_s)
    total = len(range(-(-first // settings.stride) * settings.stride, last, settings.stride))
    every = settings.for_frames(info.fps).detector.every or 1
    found = 0

    def wanted(frame: int) -> bool:
        place = frame // settings.stride
        return place % every == 0 or frame + settings.stride >= last

    source = frames(info, start_s=settings.start_s, end_s=settings.end_s, stride=settings.stride)
    area = None if settings.detector.whole or detector.batch > 1 else SearchArea(info.height)
    decoded = ahead(times.timed_items("decode", source), AHEAD)
    with (
        closing(DetectionLog(paths.detections)) as log,
        closing(_detected(decoded, detector, log, times, wanted, area, every)) as people,
    ):
        for frame, detections in people:
            if detections is not None and frame.index > log.last_frame:
                log.append(frame.index, detections)
            with times.timed("camera"):
                followed = camera.follow(frame, None if detections is None else detections.xyxy.astype(np.float64))
            report("watch", len(camera.steps), total)
            shift = None
            for each, shift in followed:
                if each is not frame or detections is None:
                    associator.skip(each.index, each.time_s, shift)
            if detections is None:
                continue
            found += len(detections)
            with times.timed("associate"):
                seen = looks(frame.image, detections)
                tracklets = associator.update(detections, frame.index, frame.time_s, seen, shift)
            with times.timed("crops"):
                keeper.offer(frame.image, detections, tracklets, frame.index, frame.time_s)
    with times.timed("camera"):
        for each, shift in camera.rest():
            associator.skip(each.index, each.time_s, shift)
    detector.release()
    give_back_memory()
    with times.timed("associate"):
        tracks = associator.finish()
        del associator
    give_back_memory()
    with times.timed("crops"):
        keeper.finish()
    return Watched(tracks, camera.steps.path(), background.finish(), len(camera.steps), found)


def _detected(
    source: Iterator[Frame], detector: Detector, log: DetectionLog, times: StageTimes, wanted: Callable[[int], bool],
    area: SearchArea | None, every: int,
) -> Generator[tuple[Frame, Found | None], None, None]:  # fmt: skip
    """Every frame with its people, from the log while it lasts, then from the detector; None where none are wanted.

    People are wanted in one frame of `every`, so that many go to the detector's threads together: otherwise those that
    nobody looks at would fill the queue while the threads wait.
    """
    known_until = log.last_frame
    known = log.read()

    def asked(batch: list[Frame]) -> tuple[list[Frame], list[Frame], float]:
        looked_at = [frame for frame in batch if wanted(frame.index)]
        return batch, looked_at, area.next() if area is not None and looked_at else 0.0

    def detect(question: tuple[list[Frame], list[Frame], float]) -> dict[int, Found]:
        _, looked_at, free = question
        if not looked_at:
            return {}
        with times.timed("detect"):
            found = detector.many([frame.image for frame in looked_at], free)
        return dict(zip((frame.index for frame in looked_at), found, strict=True))

    def seen(found: Found | None) -> Found | None:
        if area is not None and found is not None:
            area.seen(found.xyxy)
        return found

    try:
        for frame in source:
            if frame.index > known_until:
                fresh = (asked(batch) for batch in batches(chain([frame], source), detector.batch * every))
                with closing(mapped(detect, fresh, detector.workers)) as answers:
                    for (batch, _, _), found in answers:
                        yield from ((each, seen(found.get(each.index))) for each in batch)
                return
            if not wanted(frame.index):
                yield frame, None
                continue
            if area is not None:
                area.next()
            yield frame, seen(next(known)[1])
    finally:
        if isinstance(source, Generator):
            source.close()


def _looked_up(
    info: VideoInfo, wanted: Sequence[int], detector: Detector
) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.float64]]]:
    """Index, picture and people's boxes of single frames."""
    for index in wanted:
        frame = next(frames(info, start_s=float(info.times_s[index])))
        yield index, frame.image, detector.many([frame.image])[0].xyxy.astype(np.float64)
