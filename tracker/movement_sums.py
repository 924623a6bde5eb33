"""Sums over steps, for each track, each second and team, each team; sums of sums are the whole's, so that a long match
can be added up piece by piece."""

import polars as pl

from tracker.movement import MPH

BURST_BINS_MPS = (18 * MPH, 20 * MPH, 22 * MPH)
BURSTS = ("bursts_18_20", "bursts_20_22", "bursts_22_plus")
ZONES = ("offensive", "neutral", "defensive")
_ADDED = ("distance_m", "distance_offensive_m", "measured_s", "zoned_s", *(f"{zone}_s" for zone in ZONES),
          "dropped_speed_samples")  # fmt: skip
_HIGHEST = ("top_speed_mps",)
SUMS = (*_ADDED, *_HIGHEST)
"""The columns of `sums`."""


def sums(moves: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Distance, times and highest speed of a table of steps (`tracker.movement.steps`), for each value of `by`."""
    zoned = pl.col("zone").is_not_null()
    time, distance = pl.col("dt_s"), pl.col("distance_m")
    return moves.group_by(by).agg(
        distance_m=distance.sum(),
        distance_offensive_m=pl.when(zoned.any()).then(distance.filter(pl.col("zone") == "offensive").sum()),
        measured_s=time.filter(distance.is_not_null()).sum(),
        zoned_s=time.filter(zoned).sum(),
        **{f"{zone}_s": time.filter(pl.col("zone") == zone).sum() for zone in ZONES},
        top_speed_mps=pl.col("speed_mps").max(),
        dropped_speed_samples=pl.col("error").sum().cast(pl.Int64),
    )


def total(parts: pl.DataFrame, *by: str) -> pl.DataFrame:
    """The sums of a table of `sums`, for each value of `by`; null where none is known."""
    added = (pl.when(pl.col(c).is_not_null().any()).then(pl.col(c).sum()).alias(c) for c in _ADDED)
    return parts.group_by(by).agg(*added, pl.col(_HIGHEST).max())


def rates(whole: pl.DataFrame, found: pl.DataFrame, by: str) -> pl.DataFrame:
    """A table of `sums` with shares, the mean speed and the number of bursts of each kind.

    Args:
        whole: One row for each value of `by`.
        found: All bursts (`tracker.movement.bursts`).
        by: `track_id` or `team`.
    """
    top = pl.col("top_mps")
    low, middle, high = BURST_BINS_MPS
    counts = found.group_by(by).agg(
        bursts_18_20=top.is_between(low, middle, closed="left").sum().cast(pl.Int64),
        bursts_20_22=top.is_between(middle, high, closed="left").sum().cast(pl.Int64),
        bursts_22_plus=(top >= high).sum().cast(pl.Int64),
    )
    return whole.join(counts, on=by, how="left").with_columns(
        pl.when(pl.col("dropped_speed_samples").is_not_null()).then(pl.col(BURSTS).fill_null(0)),
        offensive_pressure_distance_share=ratio("distance_offensive_m", "distance_m"),
        mean_speed_mps=ratio("distance_m", "measured_s"),
        **{f"{zone}_time_share": ratio(f"{zone}_s", "zoned_s") for zone in ZONES},
    )


def ratio(part: str, whole: str) -> pl.Expr:
    """Null where the whole is nothing."""
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))
