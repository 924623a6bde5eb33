"""annotated.mp4: a second pass over the video, in which every track has its final team from its first frame on."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from tracker.annotate import Annotator, Image, draw_marks
from tracker.canvas import Canvas
from tracker.pipeline import ahead
from tracker.planes import Planes
from tracker.progress import Report
from tracker.rink import Rink
from tracker.scoreboard import scoreboards
from tracker.settings import ProcessSettings
from tracker.stage_times import StageTimes
from tracker.team_colours import team_colours
from tracker.video import VideoInfo, frames
from tracker.video_writer import VideoWriter

AHEAD = 3  # frames that may wait before each stage
PRESET, CRF = "ultrafast", 25
"""x264 takes a third of the time of "veryfast" at 23, and the picture is no farther from the original (the demo, and a
broadcast clip: .1 dB and more nearer); the file is twice as large, 2.5 Mbit/s for the demo."""


def draw_video(
    info: VideoInfo, path: Path, settings: ProcessSettings, tracks: Iterable[pl.DataFrame], teams: Sequence[str],
    timeline: pl.DataFrame, rink: Rink | None, total: int, times: StageTimes, report: Report,
) -> None:  # fmt: skip
    """Draw tracks, minimap and scoreboard over the frames that were looked at.

    Args:
        info: The source.
        path: The file to make.
        settings: Which frames, and what is left out.
        tracks: The table of tracks in pieces, as `tracker.track_table` makes it, sorted by frame; with `speed_mps` if
            speeds are to be shown.
        teams: Names, each of which gets a colour.
        timeline: For the scoreboard, second by second.
        rink: Drawn as a minimap; None where nobody's place on one is known.
        total: Frames to draw, for the report.
        times, report: As everywhere.
    """
    size = (info.width, info.height)
    annotator = Annotator(size, team_colours(teams), rink, hide=settings.hide)
    boards = scoreboards(timeline)
    table = _ByFrame(iter(tracks))
    source = frames(info, start_s=settings.start_s, end_s=settings.end_s, stride=settings.stride)
    decoded = ahead(times.timed_items("decode", source), AHEAD)

    canvas = Canvas(info)

    def drawn() -> Iterator[tuple[float, Planes | Image]]:
        with closing(decoded):
            for frame in decoded:
                rows = table.rows(frame.index)
                with times.timed("draw"):
                    marks = annotator.marks(rows, boards.get(int(frame.time_s)))
                    picture = canvas.drawn(frame, (mark.box for mark in marks), partial(draw_marks, marks))
                yield frame.time_s, picture

    with (
        VideoWriter(path, size, info.fps / settings.stride, preset=PRESET, crf=CRF, coding=info.coding) as writer,
        closing(ahead(drawn(), AHEAD)) as pictures,
    ):
        for done, (time_s, picture) in enumerate(pictures, start=1):
            with times.timed("encode"):
                writer.write(picture, time_s)
            report("draw", done, total)


class _ByFrame:
    """The rows of one frame after the other, out of pieces of a table that is sorted by frame."""

    def __init__(self, pieces: Iterator[pl.DataFrame]) -> None:
        self._pieces = pieces
        self._piece, self._frames = pl.DataFrame(), np.zeros(0, np.int64)

    def rows(self, frame: int) -> pl.DataFrame:
        """The rows of a frame; frames are asked for in order."""
        while not len(self._frames) or self._frames[-1] < frame:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._piece, self._frames = piece, piece["frame"].to_numpy()
        first, last = (int(np.searchsorted(self._frames, frame, side=side)) for side in ("left", "right"))
        return self._piece.slice(first, last - first)
