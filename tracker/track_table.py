"""The table of tracks, put together a few frames at a time: as a whole it would be most of what a long match needs."""

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from tracker import pieces
from tracker.association.tracks import Tracks
from tracker.movement import LONGEST_GAP_S, steps
from tracker.tables import TRACKS
from tracker.teams import Verdict


class TrackTable:
    """One row per frame and track (`tracker.tables.TRACKS`), sorted by frame, then by track.

    Args:
        tracks: All boxes.
        positions: Where they are, by `tracker.positions.positions`: the same rows in the same order.
        verdicts: The team of each track that has one.
    """

    def __init__(self, tracks: Tracks, positions: pl.DataFrame, verdicts: Mapping[int, Verdict]) -> None:
        self._tracks, self._positions = tracks, positions
        self._sure = {track: verdict.confidence for track, verdict in verdicts.items()}

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """All rows, some whole frames at a time."""
        for part in pieces.by_frame(self._tracks.frame):
            yield self._rows(part)

    def with_speeds(self) -> Iterator[pl.DataFrame]:
        """The same with `speed_mps`, see `with_speeds`."""
        time_s = self._tracks.time_s
        around = LONGEST_GAP_S + 0.25
        for part in pieces.by_frame(self._tracks.frame):
            wider = pieces.widened(part, time_s, around)
            yield with_speeds(self._rows(wider)).slice(part.start - wider.start, part.stop - part.start)

    def teams(self) -> list[str]:
        """The names that are in it."""
        return [str(name) for name in self._positions["team"].drop_nulls().unique().to_list()]

    def _rows(self, part: slice) -> pl.DataFrame:
        tracks, sure = self._tracks, self._sure
        box = tracks.xyxy[part].astype(np.float64)
        return TRACKS.fit(self._positions[part].with_columns(
            confidence=pl.when("observed").then(pl.Series(tracks.confidence[part].astype(np.float64))),
            team_confidence=pl.col("track_id").replace_strict(sure, default=None, return_dtype=pl.Float64),
            **{name: pl.Series(box[:, column]) for column, name in enumerate(("x1", "y1", "x2", "y2"))},
        ))  # fmt: skip


def with_speeds(tracks: pl.DataFrame) -> pl.DataFrame:
    """The table of tracks with `speed_mps`: the mean of each quarter of a second, so that the number can be read."""
    quarter = (pl.col("time_s") * 4).floor().alias("quarter")
    means = steps(tracks).with_columns(quarter).group_by("track_id", "quarter").agg(pl.col("speed_mps").mean())
    joined = tracks.with_columns(quarter).join(means, on=["track_id", "quarter"], how="left", maintain_order="left")
    return joined.drop("quarter")
