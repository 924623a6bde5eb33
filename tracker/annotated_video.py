"""annotated.mp4: a second pass over the video, in which every track has its final team from its first frame on."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl

from tracker.annotate import Annotator, Image
from tracker.movement import steps
from tracker.pipeline import ahead
from tracker.places import Places
from tracker.progress import Report
from tracker.scoreboard import scoreboards
from tracker.settings import ProcessSettings
from tracker.stage_times import StageTimes
from tracker.statistics import Statistics
from tracker.team_colours import team_colours
from tracker.video import VideoInfo, frames
from tracker.video_writer import VideoWriter

AHEAD = 3  # frames that may wait before each stage


def draw_video(
    info: VideoInfo,
    path: Path,
    settings: ProcessSettings,
    tracks: pl.DataFrame,
    statistics: Statistics,
    places: Places,
    total: int,
    times: StageTimes,
    report: Report,
) -> None:
    """Draw tracks, minimap and scoreboard over the frames that were looked at.

    Args:
        info: The source.
        path: The file to make.
        settings: Which frames.
        tracks: `tracker.tables.TRACKS`, sorted by frame.
        statistics: For the scoreboard, second by second.
        places: Whether there is a rink to draw as a minimap.
        total: Frames to draw, for the report.
        times, report: As everywhere.
    """
    size = (info.width, info.height)
    teams = tracks["team"].drop_nulls().unique().to_list()
    annotator = Annotator(size, team_colours(teams), places.rink, hide=settings.hide)
    boards = scoreboards(statistics.timeline)
    if places.metres != "none" and "speed" not in settings.hide:
        tracks = with_speeds(tracks)
    rows_of = _rows_by_frame(tracks)
    source = frames(info, start_s=settings.start_s, end_s=settings.end_s, stride=settings.stride)
    decoded = ahead(times.timed_items("decode", source), AHEAD)

    def drawn() -> Iterator[tuple[float, Image]]:
        with closing(decoded):
            for frame in decoded:
                rows = tracks.slice(*rows_of.get(frame.index, (0, 0)))
                with times.timed("draw"):
                    annotator.draw_on(frame.image, rows, boards.get(int(frame.time_s)))
                yield frame.time_s, frame.image

    with (
        VideoWriter(path, size, info.fps / settings.stride) as writer,
        closing(ahead(drawn(), AHEAD)) as pictures,
    ):
        for done, (time_s, image) in enumerate(pictures, start=1):
            with times.timed("encode"):
                writer.write(image, time_s)
            report("draw", done, total)


def with_speeds(tracks: pl.DataFrame) -> pl.DataFrame:
    """The table of tracks with `speed_mps`: the mean of each quarter of a second, so that the number can be read."""
    quarter = (pl.col("time_s") * 4).floor().alias("quarter")
    means = (
        steps(tracks).with_columns(quarter).group_by("track_id", "quarter").agg(pl.col("speed_mps").mean())
    )  # fmt: skip
    joined = tracks.with_columns(quarter).join(
        means, on=["track_id", "quarter"], how="left", maintain_order="left"
    )  # fmt: skip
    return joined.drop("quarter")


def _rows_by_frame(tracks: pl.DataFrame) -> dict[int, tuple[int, int]]:
    """Frame → first row and number of rows."""
    starts = tracks.with_row_index().group_by("frame", maintain_order=True).agg(pl.col("index").first(), pl.len())
    return {frame: (start, length) for frame, start, length in starts.iter_rows()}
