"""The match second by second: who is on the ice, how a team is spread out, how it moves."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracker.movement import LONGEST_GAP_S
from tracker.movement_sums import ratio
from tracker.rink import Rink

SECOND = pl.col("time_s").floor().cast(pl.Int64).alias("second")
_SPELL_S = 600  # of the match are joined at once
_SHAPE = ("centroid_x_m", "centroid_y_m", "width_m", "length_m", "spread_m")


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames that are covered, in order."""

    frame: NDArray[np.int64]
    """(F,) increasing."""
    second: NDArray[np.int64]
    """(F,)"""

    @staticmethod
    def of(frame: NDArray[np.integer], time_s: NDArray[np.float64]) -> "Frames":
        """Each frame of `(N,)` once; `time_s` `(N,)` are the frames' times."""
        if len(frame) and (frame[1:] >= frame[:-1]).all():  # as tables come from an association, with millions of rows
            first = np.flatnonzero(np.append(True, frame[1:] != frame[:-1]))
        else:
            first = np.unique(frame, return_index=True)[1]
        return Frames(frame[first].astype(np.int64), np.floor(time_s[first]).astype(np.int64))

    def covers(self, frame: pl.Series) -> pl.Series:
        """Which of the frames are covered."""
        wanted = frame.to_numpy()
        at = np.searchsorted(self.frame, wanted).clip(max=max(len(self.frame) - 1, 0))
        return pl.Series(self.frame[at] == wanted if len(self.frame) else np.zeros(len(wanted), bool))


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


def stretches(on_ice: pl.DataFrame, rink: Rink | None) -> pl.DataFrame:
    """From which frame to which each skater is on the ice: team, first, last.

    A track is there from the first to the last frame in which it stands inside the boards, but for gaps over 1 s and
    for when it stands outside: whom the detector misses for a moment has not left, but who climbs over the boards is
    not there yet, or no longer, and the one who goes off for them may have the same track.

    Args:
        on_ice: Whole tracks of a table of positions.
        rink: Its boards; None where they are not known.
    """
    skaters = on_ice.filter(pl.col("role") == "player").drop_nulls("team").sort("track_id", "time_s")
    inside = pl.Series("inside", np.ones(skaters.height, np.bool_))
    if rink is not None:
        xy = skaters.select("x_m", "y_m").to_numpy().astype(np.float64)
        inside = pl.Series("inside", ~np.isfinite(xy).all(axis=1) | rink.contains(xy), dtype=pl.Boolean)
    apart = pl.col("time_s").diff().over("track_id").fill_null(np.inf) > LONGEST_GAP_S
    return (
        skaters
        .with_columns(inside)
        .with_columns(stretch=(apart | ~pl.col("inside").shift(fill_value=False)).cum_sum())
        .filter(pl.col("inside"))
        .group_by("stretch")
        .agg(pl.col("team").first(), first=pl.col("frame").min(), last=pl.col("frame").max())
        .drop("stretch")
    )


def timeline(
    frames: Frames, teams: list[str], shape: pl.DataFrame, present: pl.DataFrame, moved: pl.DataFrame
) -> pl.DataFrame:
    """One row per second and team.

    Args:
        frames: Those that are covered.
        teams: Their names.
        shape: Of all frames, by `shapes`.
        present: Of all tracks, by `stretches`.
        moved: `tracker.movement_sums.sums` by second and team.
    """
    covered = pl.DataFrame({"frame": frames.frame, "second": frames.second})
    named = pl.DataFrame({"team": teams}, schema={"team": pl.String})
    shape, counted = shape.sort("frame"), _counted(present, frames).sort("frame")
    ends = np.flatnonzero(np.diff(frames.second // _SPELL_S)) + 1
    per_second = pl.concat([
        covered[first:last].join(named, how="cross")
        .join(_between(shape, covered["frame"][first:last]), on=["frame", "team"], how="left")
        .join(_between(counted, covered["frame"][first:last]), on=["frame", "team"], how="left")
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


def _counted(present: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """How many skaters of each team are on the ice in each frame: frame, team, skaters."""
    order = frames.frame
    counted = [pl.DataFrame(schema={"frame": pl.Int64, "team": pl.String, "skaters": pl.Int64})]
    for (team,), rows in present.group_by("team"):
        come = np.bincount(np.searchsorted(order, rows["first"]), minlength=len(order) + 1)
        go = np.bincount(np.searchsorted(order, rows["last"]) + 1, minlength=len(order) + 1)
        skaters = np.cumsum(come - go)[: len(order)]
        counted.append(pl.DataFrame({"frame": order, "team": pl.Series([team] * len(order)), "skaters": skaters}))
    return pl.concat(counted)
