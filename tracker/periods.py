"""The periods of a match: what lies between them does not count, and after each the teams change ends."""

from collections.abc import Mapping, Sequence

import polars as pl

from tracker.rink import Side

Period = tuple[float, float]
"""Start and end, seconds since the video's first frame."""


def in_periods(rows: pl.DataFrame, periods: Sequence[Period]) -> pl.DataFrame:
    """The rows whose `time_s` lies in a period, with its number from 0 in a column `period`; all in one without any."""
    if not periods:
        return rows.with_columns(period=pl.lit(0, pl.Int64))
    time = pl.col("time_s")
    number = pl.coalesce(
        pl.when((time >= start) & (time < end)).then(pl.lit(index, pl.Int64))
        for index, (start, end) in enumerate(periods)
    )
    return rows.with_columns(period=number).drop_nulls("period")


def as_in_the_first(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `in_periods` with the rink turned round in every second period, as if the teams had kept their ends."""
    turn = 1.0 - 2.0 * (pl.col("period") % 2).cast(pl.Float64)
    return rows.with_columns(pl.col("x_m") * turn, pl.col("y_m") * turn)


def sides_in(attacks: Mapping[str, Side], period: int) -> dict[str, Side]:
    """The end that each team attacks in a period, given that of the first."""
    other: dict[Side, Side] = {"left": "right", "right": "left"}
    return {team: side if period % 2 == 0 else other[side] for team, side in attacks.items()}
