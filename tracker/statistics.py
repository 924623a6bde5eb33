"""Statistics of a match: pure functions from the table of positions to teams, players, a timeline and speed bursts.

They work alike on tracked data and on a rendered match's truth. What each figure means is in docs/metres.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from classifier.errors import BadInput
from tracker import tables
from tracker.attacks import settle_attacks, team_names
from tracker.movement import FASTEST_MPS, LONGEST_GAP_S, MPH, bursts, steps
from tracker.periods import Period, as_in_the_first, in_periods, sides_in
from tracker.rink import Rink, Side
from tracker.tables import Metres

OFF_ICE_M = 1.5
"""Who is this far outside the boards sits on the bench or in the stand."""
BESIDE_M = 0.5
"""So does whoever is this far outside for most of the track: a coach at the boards, a spectator behind the glass."""
BURST_BINS_MPS = (18 * MPH, 20 * MPH, 22 * MPH)
_BURSTS = ("bursts_18_20", "bursts_20_22", "bursts_22_plus")


@dataclass(frozen=True)
class Statistics:
    """The tables (`tracker.tables.TEAMS`, `PLAYERS`, `TIMELINE`, `BURSTS`) and what must be said with them."""

    teams: pl.DataFrame
    players: pl.DataFrame
    timeline: pl.DataFrame
    bursts: pl.DataFrame
    attacks: dict[str, Side]
    """The end that each team attacks in the first period, as given or found; a team not known is not in it."""
    warnings: tuple[str, ...] = ()
    dropped: int = 0
    """Steps above 13 m/s, left out of every distance and speed."""


def compute(
    positions: pl.DataFrame,
    rink: Rink | None,
    attacks: Mapping[str, Side] | None = None,
    metres: Metres = "measured",
    *,
    periods: Sequence[Period] = (),
    team_confidence: Mapping[int, float] | None = None,
    players: Mapping[int, str] | None = None,
) -> Statistics:
    """All statistics of a table of positions (`tracker.tables.POSITIONS`).

    Args:
        positions: one row per frame and track; `x_m`, `y_m` smoothed, null where not known.
        rink: needed for zones and for leaving out people off the ice; None where places are not on a known rink.
        attacks: the end that each team attacks, in the first period; found from the goalkeepers where not given.
        metres: what `x_m` and `y_m` rest on; with "none" they are not read.
        periods: what counts, with a change of ends after each; everything, without any.
        team_confidence: by track.
        players: names by track, where known.

    Raises:
        BadInput: an attack that is neither left nor right, or a table that is not one of positions.
    """
    try:
        rows = tables.POSITIONS.fit(positions).sort("track_id", "time_s")
    except (KeyError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"not a table of positions: {error}") from error
    rows = rows.with_columns(pl.col("x_m", "y_m").fill_nan(None))
    if metres == "none":
        rows = rows.with_columns(pl.lit(None, pl.Float64).alias("x_m"), pl.lit(None, pl.Float64).alias("y_m"))
    played = in_periods(rows, periods)
    on_ice = _on_ice(played, rink)
    known, warnings = settle_attacks(as_in_the_first(on_ice), rink, attacks, metres)
    moves = pl.concat(
        [steps(on_ice.filter(period=number), rink, sides_in(known, number)) for number in range(max(1, len(periods)))]
    )

    by_track = _players(rows, on_ice, moves, metres, team_confidence or {}, players or {})
    timeline = _timeline(on_ice, moves, metres)
    teams = _teams(on_ice, moves, timeline, metres)
    between = rows.height - played.height
    if between:
        warnings.append(f"{between} of {rows.height} places lie outside the periods and are in no team's figures")
    left_out = played.height - on_ice.height
    if left_out:
        warnings.append(f"{left_out} of {rows.height} places lie outside the boards and are in no team's figures")
    dropped = int(moves["error"].sum())
    if dropped:
        warnings.append(f"{dropped} steps above {FASTEST_MPS:g} m/s are tracking errors and were dropped")
    return Statistics(teams, by_track, timeline, _bursts(moves, metres), known, tuple(warnings), dropped)


def _on_ice(rows: pl.DataFrame, rink: Rink | None) -> pl.DataFrame:
    if rink is None:
        return rows
    xy = rows.select("x_m", "y_m").to_numpy().astype(np.float64)
    known = np.isfinite(xy).all(axis=1)
    placed = rows.with_columns(
        known=pl.Series(known, dtype=pl.Boolean), off=pl.Series(known & ~rink.contains(xy, BESIDE_M), dtype=pl.Boolean)
    )
    away = pl.col("off").sum().over("track_id") > 0.5 * pl.col("known").sum().over("track_id")
    near = pl.Series(~known | rink.contains(xy, OFF_ICE_M), dtype=pl.Boolean)
    return placed.filter(near & ~away).drop("known", "off")


def _movement(moves: pl.DataFrame, by: str) -> pl.DataFrame:
    """The columns of distance, zone, speed and bursts for each value of `by`."""
    zoned = pl.col("zone").is_not_null()
    time, distance = pl.col("dt_s"), pl.col("distance_m")
    measured = distance.is_not_null()
    sums = moves.group_by(by).agg(
        distance_m=distance.sum(),
        distance_offensive_m=pl.when(zoned.any()).then(distance.filter(pl.col("zone") == "offensive").sum()),
        measured_s=time.filter(measured).sum(),
        zoned_s=time.filter(zoned).sum(),
        offensive_s=time.filter(pl.col("zone") == "offensive").sum(),
        neutral_s=time.filter(pl.col("zone") == "neutral").sum(),
        defensive_s=time.filter(pl.col("zone") == "defensive").sum(),
        top_speed_mps=pl.col("speed_mps").max(),
        dropped_speed_samples=pl.col("error").sum().cast(pl.Int64),
    )
    top = pl.col("top_mps")
    low, middle, high = BURST_BINS_MPS
    counts = (
        bursts(moves)
        .group_by(by)
        .agg(
            bursts_18_20=top.is_between(low, middle, closed="left").sum().cast(pl.Int64),
            bursts_20_22=top.is_between(middle, high, closed="left").sum().cast(pl.Int64),
            bursts_22_plus=(top >= high).sum().cast(pl.Int64),
        )
    )
    return sums.join(counts, on=by, how="left").with_columns(
        pl.col(_BURSTS).fill_null(0),
        offensive_pressure_distance_share=_ratio("distance_offensive_m", "distance_m"),
        mean_speed_mps=_ratio("distance_m", "measured_s"),
        **{f"{zone}_time_share": _ratio(f"{zone}_s", "zoned_s") for zone in ("offensive", "neutral", "defensive")},
    )


def _ratio(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _tracked_s(rows: pl.DataFrame, by: str) -> pl.DataFrame:
    """Time followed, with or without metres; gaps over 1 s left out."""
    gap = pl.col("time_s").diff().over("track_id")
    return rows.group_by(by).agg(pl.len().alias("_")).drop("_").join(
        rows.with_columns(dt_s=gap).filter(gap <= LONGEST_GAP_S).group_by(by).agg(tracked_s=pl.col("dt_s").sum()),
        on=by, how="left",
    ).with_columns(pl.col("tracked_s").fill_null(0.0))  # fmt: skip


def _players(
    rows: pl.DataFrame,
    on_ice: pl.DataFrame,
    moves: pl.DataFrame,
    metres: Metres,
    team_confidence: Mapping[int, float],
    names: Mapping[int, str],
) -> pl.DataFrame:
    listed = rows.group_by("track_id").agg(
        pl.col("team").first(),
        pl.col("role").first(),
        first_time_s=pl.col("time_s").min(),
        last_time_s=pl.col("time_s").max(),
        frames=pl.len(),
        observed_frames=pl.col("observed").sum(),
    )
    track = pl.col("track_id")
    table = (
        listed.join(_tracked_s(on_ice, "track_id"), on="track_id", how="left")
        .join(_movement(moves, "track_id"), on="track_id", how="left")
        .with_columns(
            pl.col("tracked_s").fill_null(0.0),
            team_confidence=track.replace_strict(dict(team_confidence), default=None, return_dtype=pl.Float64),
            player=track.replace_strict(dict(names), default=None, return_dtype=pl.String),
        )
        .sort("track_id")
    )
    return tables.PLAYERS.fit(_marked(table, metres))


def _teams(on_ice: pl.DataFrame, moves: pl.DataFrame, timeline: pl.DataFrame, metres: Metres) -> pl.DataFrame:
    rows = on_ice.filter(pl.col("team").is_in(team_names(on_ice)))
    shape = ("width_m", "length_m", "spread_m")
    seconds = timeline.group_by("team").agg(
        pl.col("skaters").median().alias("skaters_median"), *(pl.col(c).median().alias(f"{c}_median") for c in shape)
    )
    table = (
        rows.group_by("team")
        .agg(tracks=pl.col("track_id").n_unique())
        .join(_tracked_s(rows, "team"), on="team")
        .join(_movement(moves, "team"), on="team", how="left")
        .join(seconds, on="team", how="left")
        .sort("team")
    )
    return tables.TEAMS.fit(_marked(table, metres))


def _timeline(on_ice: pl.DataFrame, moves: pl.DataFrame, metres: Metres) -> pl.DataFrame:
    teams = pl.DataFrame({"team": team_names(on_ice)}, schema={"team": pl.String})
    second = pl.col("time_s").floor().cast(pl.Int64).alias("second")
    frames = on_ice.select("frame", second, "x_m")
    if metres == "measured":  # frames in which nobody has a place are not covered: the camera was lost
        frames = frames.filter(pl.col("x_m").is_not_null().any().over("frame"))
    frames = frames.select("frame", "second").unique("frame")
    on_ice = on_ice.join(frames.select("frame"), on="frame", how="semi")
    skaters = on_ice.filter(pl.col("role") == "player").sort("track_id")
    x, y = pl.col("x_m"), pl.col("y_m")
    several = pl.col("x_m").count() >= 2
    per_frame = skaters.group_by("frame", "team").agg(
        centroid_x_m=x.mean(),
        centroid_y_m=y.mean(),
        width_m=pl.when(several).then(y.max() - y.min()),
        length_m=pl.when(several).then(x.max() - x.min()),
        spread_m=pl.when(several).then(((x - x.mean()).pow(2) + (y - y.mean()).pow(2)).sqrt().mean()),
    )
    shape = pl.col("centroid_x_m", "centroid_y_m", "width_m", "length_m", "spread_m")
    per_second = (
        frames.join(teams, how="cross")
        .join(per_frame, on=["frame", "team"], how="left")
        .join(_present(skaters, frames), on=["frame", "team"], how="left")
        .group_by("second", "team")
        .agg((pl.col("skaters").fill_null(0).median() + 0.5).floor().cast(pl.Int64), shape.median())
    )
    speed = (
        moves.with_columns(second)
        .group_by("second", "team")
        .agg(
            distance_m=pl.col("distance_m").sum(),
            distance_offensive_m=pl.when(pl.col("zone").is_not_null().any()).then(
                pl.col("distance_m").filter(pl.col("zone") == "offensive").sum()
            ),
            top_speed_mps=pl.col("speed_mps").max(),
            measured_s=pl.col("dt_s").filter(pl.col("distance_m").is_not_null()).sum(),
            offensive_s=pl.col("dt_s").filter(pl.col("zone") == "offensive").sum(),
            zoned_s=pl.col("dt_s").filter(pl.col("zone").is_not_null()).sum(),
        )
        .with_columns(
            mean_speed_mps=_ratio("distance_m", "measured_s"), offensive_time_share=_ratio("offensive_s", "zoned_s")
        )
    )
    table = per_second.join(speed, on=["second", "team"], how="left").sort("second", "team")
    return tables.TIMELINE.fit(_marked(table, metres))


def _present(skaters: pl.DataFrame, frames: pl.DataFrame) -> pl.DataFrame:
    """How many skaters of each team are on the ice in each frame: frame, team, skaters.

    A track is there from its first to its last frame, but for gaps over 1 s: whom the detector misses for a moment
    has not left.
    """
    new = pl.col("time_s").diff().over("track_id").fill_null(np.inf) > LONGEST_GAP_S
    stretches = (
        skaters.drop_nulls("team")
        .sort("track_id", "time_s")
        .with_columns(stretch=new.cum_sum())
        .group_by("stretch")
        .agg(pl.col("team").first(), first=pl.col("frame").min(), last=pl.col("frame").max())
    )
    order = frames["frame"].sort()
    counted = [pl.DataFrame(schema={"frame": pl.Int64, "team": pl.String, "skaters": pl.Int64})]
    for (team,), rows in stretches.group_by("team"):
        come = np.bincount(np.searchsorted(order, rows["first"]), minlength=len(order) + 1)
        go = np.bincount(np.searchsorted(order, rows["last"]) + 1, minlength=len(order) + 1)
        present = np.cumsum(come - go)[: len(order)]
        counted.append(pl.DataFrame({"frame": order, "team": pl.Series([team] * len(order)), "skaters": present}))
    return pl.concat(counted)


def _bursts(moves: pl.DataFrame, metres: Metres) -> pl.DataFrame:
    found = bursts(moves).rename({"time_s": "start_s", "top_mps": "top_speed_mps"})
    return tables.BURSTS.fit(_marked(found.sort("start_s", "track_id"), metres))


def _marked(table: pl.DataFrame, metres: Metres) -> pl.DataFrame:
    """Say what the metres rest on; a place with metres but no step has gone no distance, one without has none known."""
    if metres != "none":
        zero = ("distance_m", "dropped_speed_samples", *_BURSTS)
        table = table.with_columns(pl.col(name).fill_null(0) for name in zero if name in table.columns)
    return table.with_columns(metres=pl.lit(metres))
