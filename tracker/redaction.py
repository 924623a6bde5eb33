"""A person made unrecognisable in an annotated video: the boxes of their tracks, in every frame, are turned to fog."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from classifier.errors import CleansheetError
from tracker.canvas import Canvas
from tracker.video import frames, probe
from tracker.video_writer import VideoWriter

Image = NDArray[np.uint8]
Boxes = NDArray[np.float64]

GROWN = 0.15
"""A box is enlarged by this share of its size on each side: sticks and gloves reach out of it."""
LONGEST_GAP = 15
"""Frames; over shorter gaps in a track the box is interpolated."""
GRACE = 1
"""Frames before and after each stretch of a track that are covered too."""
CELLS = (4, 6)
"""Cells across and down to which a box is reduced: of a jersey the colour is left, and no number or face."""
CRF = 18
"""Finer than the first encoding, so that what is not covered looks as it did."""
_TICK_S = 5e-4
"""Times of the video and of the table are rounded; frames lie further apart than this."""


def redact(source: Path, target: Path, tracks: pl.DataFrame, hidden: Collection[int], start_s: float) -> None:
    """Write an annotated video again, with the people of some tracks blurred.

    Args:
        source: What `tracker.annotated_video.draw_video` drew.
        target: The file to make.
        tracks: All rows of the run (`tracker.tables.TRACKS`), those of the hidden tracks among them.
        hidden: Tracks to cover.
        start_s: The run's `start_s`, seconds of the source video.

    Raises:
        BadInput: The video cannot be read.
        CleansheetError: The times of the video and of the table do not belong together.
    """
    info = probe(source)
    seen_s = tracks["time_s"].unique().sort().to_numpy()
    shown_s = info.times_s + _first_time_s(info.times_s, seen_s, start_s, source)
    covered = _by_frame(tracks.filter(pl.col("track_id").is_in(list(hidden))), shown_s)
    size, canvas = (info.width, info.height), Canvas(info)
    with VideoWriter(target, size, info.fps, crf=CRF, coding=info.coding) as writer:
        for frame in frames(info):
            boxes = covered.get(frame.index, ())
            regions = [region for box in boxes for region in (covering(box, size), tags_below(box, size))]
            writer.write(canvas.drawn(frame, regions, partial(_fog_all, regions)), frame.time_s)


def covering(box: Boxes, frame_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels (x1, y1, x2, y2) to cover for a box (4,): enlarged, with the ring and the tag that are drawn below it.

    The result is cut at the frame's edges and may be empty.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    width, height, centre = x2 - x1, y2 - y1, (x1 + x2) / 2
    unit = max(0.5, min(frame_size[0] / 1280, frame_size[1] / 720))
    ring = min(max(width * 0.55, 9 * unit), 46 * unit)  # tracker.annotate: half the ring's width
    half = max(width * (0.5 + GROWN), ring + 3 * unit, 24 * unit)
    bottom = y2 + max(height * GROWN, ring * 0.36 + 15 * unit)
    left, right = (int(np.clip(round(value), 0, frame_size[0])) for value in (centre - half, centre + half))
    top, bottom = (int(np.clip(round(value), 0, frame_size[1])) for value in (y1 - height * GROWN, bottom))
    return left, top, right, bottom


def tags_below(box: Boxes, frame_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels (x1, y1, x2, y2) of the id and the speed that are drawn under a box (4,), cut at the frame's edges."""
    x1, _, x2, y2 = (float(value) for value in box)
    unit = max(0.5, min(frame_size[0] / 1280, frame_size[1] / 720))
    ring = min(max((x2 - x1) * 0.55, 9 * unit), 46 * unit)
    top, centre = y2 + ring * 0.36 - 5 * unit, (x1 + x2) / 2
    left, right = (int(np.clip(round(centre + value * unit), 0, frame_size[0])) for value in (-30, 92))
    top, bottom = (int(np.clip(round(value), 0, frame_size[1])) for value in (top, top + 22 * unit))
    return left, top, right, bottom


def _fog_all(regions: Iterable[tuple[int, int, int, int]], image: Image) -> None:
    for region in regions:
        fog(image, region)


def fog(image: Image, region: tuple[int, int, int, int]) -> None:
    """Reduce a region (x1, y1, x2, y2) of a BGR picture (H, W, 3) to a few cells and blur them, in place."""
    left, top, right, bottom = region
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return
    across, down = min(CELLS[0], width), min(CELLS[1], height)
    cells = cv2.resize(image[top:bottom, left:right], (across, down), interpolation=cv2.INTER_AREA)
    mosaic = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
    image[top:bottom, left:right] = cv2.GaussianBlur(
        mosaic, (0, 0), sigmaX=0.5 * width / across, sigmaY=0.5 * height / down, borderType=cv2.BORDER_REPLICATE
    )


def _by_frame(rows: pl.DataFrame, shown_s: NDArray[np.float64]) -> dict[int, list[Boxes]]:
    """Frame of the video → boxes (4,) to cover, gaps filled and the grace added."""
    covered: dict[int, list[Boxes]] = {}
    for _, track in rows.sort("frame").group_by("track_id", maintain_order=True):
        places = _nearest(shown_s, track["time_s"].to_numpy())
        boxes = track.select("x1", "y1", "x2", "y2").to_numpy().astype(np.float64)
        for stretch in np.split(np.arange(len(places)), np.flatnonzero(np.diff(places) > LONGEST_GAP) + 1):
            for place, box in _filled(places[stretch], boxes[stretch], len(shown_s)):
                covered.setdefault(place, []).append(box)
    return covered


def _filled(places: NDArray[np.int64], boxes: Boxes, total: int) -> Iterator[tuple[int, Boxes]]:
    """Every frame of one stretch with its box: (N,) ascending frames and (N, 4) boxes in."""
    for place in range(max(0, int(places[0]) - GRACE), min(total, int(places[-1]) + GRACE + 1)):
        yield place, np.array([np.interp(place, places, boxes[:, side]) for side in range(4)])


def _first_time_s(times_s: NDArray[np.float64], seen_s: NDArray[np.float64], start_s: float, source: Path) -> float:
    """The time in the match of the video's first frame: (F,) times since it, (R,) times of the match with rows.

    It is the first time from `start_s` on with which all rows fall on frames of the video.
    """
    for candidate in np.sort(seen_s[0] - times_s):
        if candidate < start_s - _TICK_S:
            continue
        shown = times_s + candidate
        if np.all(np.abs(shown[_nearest(shown, seen_s)] - seen_s) < _TICK_S):
            return float(candidate)
    raise CleansheetError(f"{source}: its frames are not those of the run's tracks.csv; delete the video")


def _nearest(sorted_values: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the nearest of (F,) ascending values for each of (R,) values."""
    right = np.clip(np.searchsorted(sorted_values, wanted), 1, max(len(sorted_values) - 1, 1))
    if len(sorted_values) == 1:
        return np.zeros(len(wanted), np.int64)
    nearer_left = wanted - sorted_values[right - 1] <= sorted_values[right] - wanted
    return np.asarray(right - nearer_left, np.int64)
