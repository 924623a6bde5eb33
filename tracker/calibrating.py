"""A video calibrated from a table of points, without a page: fitted, saved, and drawn to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from classifier.errors import BadInput, CleansheetError
from tracker import calibration, rink_overlay
from tracker.calibration import Calibration, PointPair
from tracker.calibration_check import ViewCheck, of
from tracker.landmarks import name_of
from tracker.rink import Rink
from tracker.video import Frame, VideoInfo, frames

CALIBRATION_PICTURES = "calibrations"
"""The workspace's folder of frames with the rink's lines on them; people are on them, so every erasure empties it."""


@dataclass(frozen=True)
class Calibrated:
    """What came of it."""

    rink: Rink
    views: tuple[ViewCheck, ...]
    pictures: tuple[Path, ...]


def from_csv(info: VideoInfo, points: Path, rink_name: str | None, target: Path, workspace: Path) -> Calibrated:
    """Fit the points of a CSV (`tracker.calibration.read_csv`), save them as TOML, draw the lines on their frames.

    Raises:
        BadInput: no rink is named, or points that cannot be used.
    """
    if rink_name is None:
        raise BadInput(f"{points}: which rink are these points on? name it with --rink: nhl, iihf, inline, or a size "
                       "in metres such as 56x26")  # fmt: skip
    rink = Rink.named(rink_name)
    pairs = [named(rink, pair) for pair in calibration.read_csv(points)]
    views = calibration.by_frame(rink, pairs, (info.width, info.height), str(points))
    refuse_frames_beyond(views, info)
    calibration.save(target, views)
    folder = workspace / CALIBRATION_PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    return Calibrated(rink, tuple(of(view) for view in views), tuple(_draw(view, info, folder) for view in views))


def named(rink: Rink, pair: PointPair) -> PointPair:
    """The point with the name of the landmark that it is, where it has none."""
    return pair if pair.name else pair.model_copy(update={"name": name_of(rink, pair.rink)})


def refuse_frames_beyond(views: Sequence[Calibration], info: VideoInfo) -> None:
    """Raise BadInput for a view of a frame that the video does not have."""
    for view in views:
        if view.frame is not None and view.frame >= info.frame_count:
            last = info.frame_count - 1
            raise BadInput(f"{view.source}: frame {view.frame}, but {info.path} has frames 0 to {last}")


def frame_at(info: VideoInfo, index: int) -> Frame:
    """One frame of the video.

    Raises:
        BadInput: There is none of that index.
    """
    if not 0 <= index < info.frame_count:
        raise BadInput(f"frame {index}: {info.path} has frames 0 to {info.frame_count - 1}")
    found = next(frames(info, start_s=float(info.times_s[index]) - 1e-6), None)
    if found is None:
        raise BadInput(f"{info.path}: frame {index} cannot be decoded")
    return found


def _draw(view: Calibration, info: VideoInfo, folder: Path) -> Path:
    index = info.frame_count // 2 if view.frame is None else view.frame
    image_uv, rink_xy = (np.array([getattr(p, side) for p in view.points], np.float64) for side in ("image", "rink"))
    picture = rink_overlay.draw(frame_at(info, index).image, view.rink, view.homography, image_uv, rink_xy)
    ok, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    path = folder / f"{info.path.stem}-frame-{index}.jpg"
    if not ok:
        raise CleansheetError(f"{path}: the picture could not be encoded")
    part = path.with_name(path.name + ".part")
    part.write_bytes(data.tobytes())
    part.replace(path)
    return path
