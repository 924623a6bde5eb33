"""What happens between two places of a track: steps, and the speed bursts that they add up to.

Speed bursts are NHL EDGE's: a burst begins when a skater's speed rises above 18 mph, ends when it falls below 16 mph,
and is worth its highest speed.
"""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from tracker.rink import Rink, Side

MPH = 0.44704
"""Metres a second in one mile an hour."""
BURST_BEGINS_MPS = 18 * MPH
BURST_ENDS_MPS = 16 * MPH
FASTEST_MPS = 13.0
"""Above this nobody skates: such a step is a tracking error."""
LONGEST_GAP_S = 1.0
_ASTRAY_M, _ASTRAY_MPS = 1.0, 3.0
"""How far from where they were going somebody may be found again, and how much farther each second."""


def steps(rows: pl.DataFrame, rink: Rink | None = None, attacks: Mapping[str, Side] | None = None) -> pl.DataFrame:
    """What happens between each two consecutive known places of a track, at most 1 s apart.

    Columns: track_id, team, time_s (of the step's start), dt_s, x_m, y_m (its end), dx_m, dy_m, distance_m, speed_mps,
    `error` (above 13 m/s; its distance and speed are null), `zone` (offensive, neutral, defensive, or null) of the
    step's middle.
    """
    needed = rows.select("track_id", "team", "time_s", "x_m", "y_m")
    ordered = needed.drop_nulls(["x_m", "y_m"]).sort("track_id", "time_s")
    since = pl.col("x_m", "y_m", "time_s").diff().over("track_id")
    moves = (
        ordered.with_columns(since.name.prefix("d_"))
        .filter(pl.col("d_time_s").is_between(0, LONGEST_GAP_S, closed="right"))
        .with_columns(
            dt_s=pl.col("d_time_s"),
            dx_m=pl.col("d_x_m"),
            dy_m=pl.col("d_y_m"),
            distance_m=(pl.col("d_x_m").pow(2) + pl.col("d_y_m").pow(2)).sqrt(),
            middle_x=pl.col("x_m") - pl.col("d_x_m") / 2,
            time_s=pl.col("time_s") - pl.col("d_time_s"),
        )
        .with_columns(speed_mps=pl.col("distance_m") / pl.col("dt_s"))
        .with_columns(error=pl.col("speed_mps") > FASTEST_MPS)
        .with_columns(pl.when(~pl.col("error")).then(pl.col("distance_m", "speed_mps")))
    )
    return moves.with_columns(zone=_zone(rink, attacks or {})).select(
        "track_id", "team", "time_s", "dt_s", "x_m", "y_m", "dx_m", "dy_m", "distance_m", "speed_mps", "error",
        "zone",
    )  # fmt: skip


def bursts(moves: pl.DataFrame) -> pl.DataFrame:
    """NHL EDGE speed bursts of a table of steps: track_id, team, time_s (its begin), top_mps.

    A stretch in which speed stays at 16 mph or above holds one burst when its maximum is above 18 mph; the burst
    begins where speed first exceeds 18 mph. A gap or a tracking error ends it. Besides, for `mended`: `first` and
    `last`, the first and the last step of those bursts that begin or end with their track.
    """
    step = pl.struct("time_s", "dt_s", "x_m", "y_m", "dx_m", "dy_m")
    time = pl.col("time_s")
    fast = pl.col("speed_mps") >= BURST_ENDS_MPS
    unbroken = (pl.col("time_s") - (pl.col("time_s") + pl.col("dt_s")).shift()).abs() < 1e-6
    starts = ~(fast.shift() & unbroken).over("track_id").fill_null(False)
    return (
        moves.select("track_id", "team", "time_s", "dt_s", "x_m", "y_m", "dx_m", "dy_m", "speed_mps")
        .sort("track_id", "time_s")
        .with_columns(
            stretch=starts.cum_sum(),
            speed_mps=pl.col("speed_mps").fill_null(0.0),
            begins=time == time.min().over("track_id"),
            ends=time == time.max().over("track_id"),
        )
        .filter(fast)
        .filter(pl.col("speed_mps").max().over("track_id", "stretch") > BURST_BEGINS_MPS)
        .with_columns(first=pl.when("begins").then(step), last=pl.when("ends").then(step))
        .group_by("track_id", "stretch", maintain_order=True)
        .agg(
            pl.col("team").first(),
            pl.col("time_s").filter(pl.col("speed_mps") > BURST_BEGINS_MPS).first(),
            pl.col("speed_mps").max().alias("top_mps"),
            pl.col("first").first(),
            pl.col("last").last(),
        )
        .drop("stretch")
    )


def mended(found: pl.DataFrame) -> pl.DataFrame:
    """Bursts (`bursts`) of all tracks, those counted once that a change of tracks has broken in two.

    Who is fast is lost most easily, and found again under another number: a burst with which a track begins goes on
    with one of the same team with which a track ended up to 1 s before, where that one's speed leads to its place.
    """
    ends: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    for burst in found.sort("time_s", "track_id").iter_rows(named=True):
        before = burst["first"] and min(
            (end for end in ends if end["team"] == burst["team"] and _leads_to(end["last"], burst["first"])),
            key=lambda end: -end["last"]["time_s"], default=None,
        )  # fmt: skip
        if before is None:
            whole.append(burst)
            before = burst
        else:
            before["top_mps"] = max(before["top_mps"], burst["top_mps"])
            before["last"] = burst["last"]
        ends = [end for end in ends if end is not before] + [before] * (before["last"] is not None)
    return pl.DataFrame(whole, schema=found.schema).drop("first", "last")


def _leads_to(last: dict[str, float], first: dict[str, float]) -> bool:
    """Whether somebody whose track ended with the step `last` may begin another with the step `first`."""
    gap = first["time_s"] - last["time_s"] - last["dt_s"]
    if not 0 < gap <= LONGEST_GAP_S:
        return False
    off = [first[at] - first[by] - last[at] - last[by] / last["dt_s"] * gap
           for at, by in (("x_m", "dx_m"), ("y_m", "dy_m"))]  # fmt: skip
    return math.hypot(*off) < _ASTRAY_M + _ASTRAY_MPS * gap


def _zone(rink: Rink | None, attacks: Mapping[str, Side]) -> pl.Expr:
    """Zone of `middle_x`, seen by the row's team."""
    if rink is None or not attacks:
        return pl.lit(None, pl.String)
    signs = {team: 1.0 if side == "right" else -1.0 for team, side in attacks.items()}
    ahead = pl.col("middle_x") * pl.col("team").replace_strict(signs, default=None, return_dtype=pl.Float64)
    return (
        pl.when(ahead > rink.zone_x)
        .then(pl.lit("offensive"))
        .when(ahead < -rink.zone_x)
        .then(pl.lit("defensive"))
        .when(ahead.is_not_null())
        .then(pl.lit("neutral"))
    )
