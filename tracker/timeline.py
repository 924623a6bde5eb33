"""The match second by second: who is on the ice, how a team is spread out, how it moves."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from tracker.movement_sums import ratio
from tracker.presence import Frames, counted

SECOND = pl.col("time_s").floor().cast(pl.Int64).alias("second")
_SHAPE = ("centroid_x_m", "centroid_y_m", "width_m", "length_m", "spread_m")


def shapes(on_ice: pl.DataFrame) -> pl.DataFrame:
    """Where each team's skaters are in each frame, and how far apart: frame, team and the columns of `_SHAPE`."""
    x, y = pl.col("x_m"), pl.col("y_m")
    several = pl.col("x_m").count() >= 2
    skaters = on_ice.filter(pl.col("role") == "player").sort("track_id")
    return skaters.group_by("frame", "team").agg(
        centroid_x_m=x.mean(),
        centroid_y_m=y.mean(),
        width_m=pl.when(several).then(y.max() - y.min()),
        length_m=pl.when(several).then(x.max() - x.min()),
        spread_m=pl.when(several).then(((x - x.mean()).pow(2) + (y - y.mean()).pow(2)).sqrt().mean()),
    )


def timeline(
    frames: Frames, teams: list[str], on_ice: Iterable[pl.DataFrame], present: pl.DataFrame, moved: pl.DataFrame
) -> pl.DataFrame:
    """One row per second and team.

    Args:
        frames: Those that are covered.
        teams: Their names.
        on_ice: All rows of those frames that count, some whole seconds at a time, in order.
        present: Of all tracks, by `tracker.presence.stretches`.
        moved: `tracker.movement_sums.sums` by second and team.
    """
    number = counted(present, frames)
    unseen = np.zeros(len(frames.frame), np.int64)

    def medians(rows: pl.DataFrame) -> pl.DataFrame:
        here = _between(frames, rows["frame"])
        covered = pl.DataFrame({"frame": frames.frame[here], "second": frames.second[here]})
        by_team = [
            covered.with_columns(team=pl.lit(team, pl.String), skaters=pl.Series(number.get(team, unseen)[here]))
            for team in teams
        ]
        nobody = covered.clear().with_columns(team=pl.lit(None, pl.String), skaters=pl.lit(None, pl.Int64))
        return (
            pl.concat([nobody, *by_team])
            .join(shapes(rows), on=["frame", "team"], how="left")
            .group_by("second", "team")
            .agg((pl.col("skaters").median() + 0.5).floor().cast(pl.Int64), pl.col(_SHAPE).median())
        )

    per_second = pl.concat([medians(rows) for rows in on_ice])
    speed = moved.with_columns(
        mean_speed_mps=ratio("distance_m", "measured_s"), offensive_time_share=ratio("offensive_s", "zoned_s")
    )
    return per_second.join(speed, on=["second", "team"], how="left").sort("second", "team")


def _between(frames: Frames, frame: pl.Series) -> slice:
    """The stretch of the frames that rows lie in."""
    if not len(frame):
        return slice(0, 0)
    first, last = np.searchsorted(frames.frame, [frame[0], frame[-1]])
    return slice(int(first), int(last) + 1)
