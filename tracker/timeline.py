"""The match second by second: who is on the ice, how a team is spread out, how it moves."""

from itertools import pairwise

import numpy as np
import polars as pl

from tracker.movement_sums import ratio
from tracker.presence import Frames, counted

SECOND = pl.col("time_s").floor().cast(pl.Int64).alias("second")
_SPELL_S = 600  # of the match are joined at once
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
    frames: Frames, teams: list[str], shape: pl.DataFrame, present: pl.DataFrame, moved: pl.DataFrame
) -> pl.DataFrame:
    """One row per second and team.

    Args:
        frames: Those that are covered.
        teams: Their names.
        shape: Of all frames, by `shapes`.
        present: Of all tracks, by `tracker.presence.stretches`.
        moved: `tracker.movement_sums.sums` by second and team.
    """
    covered = pl.DataFrame({"frame": frames.frame, "second": frames.second})
    named = pl.DataFrame({"team": teams}, schema={"team": pl.String})
    shape, number = shape.sort("frame"), counted(present, frames).sort("frame")
    ends = np.flatnonzero(np.diff(frames.second // _SPELL_S)) + 1
    per_second = pl.concat([
        covered[first:last].join(named, how="cross")
        .join(_between(shape, covered["frame"][first:last]), on=["frame", "team"], how="left")
        .join(_between(number, covered["frame"][first:last]), on=["frame", "team"], how="left")
        .group_by("second", "team")
        .agg((pl.col("skaters").fill_null(0).median() + 0.5).floor().cast(pl.Int64), pl.col(_SHAPE).median())
        for first, last in pairwise([0, *ends.tolist(), covered.height])
    ])  # fmt: skip
    speed = moved.with_columns(
        mean_speed_mps=ratio("distance_m", "measured_s"), offensive_time_share=ratio("offensive_s", "zoned_s")
    )
    return per_second.join(speed, on=["second", "team"], how="left").sort("second", "team")


def _between(rows: pl.DataFrame, frames: pl.Series) -> pl.DataFrame:
    """Those of the rows, sorted by frame, that lie in the stretch of the frames, which are sorted, too."""
    if not len(frames):
        return rows.clear()
    first = rows["frame"].search_sorted(frames[0], side="left")
    last = rows["frame"].search_sorted(frames[-1], side="right")
    return rows[first:last]
