"""Statistics of a match: pure functions from the table of positions to teams, players, a timeline and speed bursts.

They work alike on tracked data and on a rendered match's truth. What each figure means is in docs/metres.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from classifier.errors import BadInput
from tracker import pieces, tables
from tracker.attacks import OFFICIALS, settle_attacks
from tracker.movement import FASTEST_MPS, LONGEST_GAP_S, bursts, mended, steps
from tracker.movement_sums import BURSTS, SUMS, rates, sums, total
from tracker.periods import Period, as_in_the_first, in_periods, sides_in
from tracker.presence import Frames, stretches
from tracker.rink import Rink, Side
from tracker.timeline import SECOND, timeline
from tracker.words import Metres

OFF_ICE_M = 1.5
"""Who is this far outside the boards sits on the bench or in the stand."""
BESIDE_M = 0.5
"""So does whoever is this far outside for most of the track: a coach at the boards, a spectator behind the glass."""


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
    table = _Table(positions, rink, metres, periods)
    known, warnings = settle_attacks(table.telling, rink, attacks, metres)
    listed, of_seconds, present, fast = [], [], [], []
    for rows, on_ice in table.by_track():
        who = _listed(rows, on_ice)
        del rows
        moves = pl.concat([
            steps(on_ice.filter(period=number), rink, sides_in(known, number)) for number in range(max(1, len(periods)))
        ])  # fmt: skip
        listed.append(who.join(sums(moves, "track_id"), on="track_id", how="left"))
        of_seconds.append(sums(moves.with_columns(SECOND), "second", "team"))
        present.append(stretches(on_ice.filter(table.frames.covers(on_ice["frame"])), rink))
        fast.append(bursts(moves))
    found = mended(pl.concat(fast))
    tracks = rates(pl.concat(listed), found, "track_id")
    moved = total(pl.concat(of_seconds), "second", "team")
    by_second = timeline(table.frames, table.teams, table.by_second(), pl.concat(present), moved)
    seconds = tables.TIMELINE.fit(_marked(by_second, metres))
    by_track = _players(tracks, metres, team_confidence or {}, players or {})
    teams = _teams(tracks.filter(pl.col("team").is_in(table.teams), pl.col("on_ice")), found, seconds, metres)
    height, outside, off_ice = positions.height, table.outside_periods, table.off_ice
    if outside:
        warnings.append(f"{outside} of {height} places lie outside the periods and are in no team's figures")
    if off_ice:
        warnings.append(f"{off_ice} of {height} places lie outside the boards and are in no team's figures")
    dropped = int(tracks["dropped_speed_samples"].sum())
    if dropped:
        warnings.append(f"{dropped} steps above {FASTEST_MPS:g} m/s are tracking errors and were dropped")
    return Statistics(teams, by_track, seconds, _bursts(found, metres), known, tuple(warnings), dropped)


class _Table:
    """A table of positions, gone through in pieces; what is on the ice and in a period is found once."""

    def __init__(
        self, positions: pl.DataFrame, rink: Rink | None, metres: Metres, periods: Sequence[Period]
    ) -> None:  # fmt: skip
        self._rows, self._metres, self._periods = positions, metres, periods
        try:
            tables.POSITIONS.fit(positions.head(1))
            self._pieces = list(pieces.by_track(positions["track_id"].to_numpy(), positions["time_s"].to_numpy()))
        except (KeyError, TypeError, pl.exceptions.PolarsError) as error:
            raise BadInput(f"not a table of positions: {error}") from error
        self._counts = np.zeros(positions.height, np.bool_)
        """Which rows count: those in a period and on the ice."""
        played, told = 0, ("team", "role", "x_m")
        telling = [self._fit(positions.head(0)).select(told)]
        placed = np.zeros(positions.height, np.bool_)
        for index in self._pieces:
            rows = in_periods(self._fit(positions[index]).with_columns(row=pl.Series(index)), periods)
            on_ice = _on_ice(rows, rink)
            self._counts[on_ice["row"].to_numpy()] = True
            placed[on_ice.filter(pl.col("x_m").is_not_null())["row"].to_numpy()] = True
            played += rows.height
            keepers, first = pl.col("role") == "goalkeeper", pl.col("team").is_first_distinct()
            telling.append(as_in_the_first(on_ice.filter(keepers | first)).select(told))
        self.telling = pl.concat(telling)
        """Team, role and x_m of all goalkeepers, and of somebody of every team."""
        self.teams = sorted(name for name in self.telling["team"].drop_nulls().unique().to_list() if name != OFFICIALS)
        self.outside_periods = positions.height - played
        self.off_ice = played - int(self._counts.sum())
        # Frames in which nobody has a place are not covered: the camera was lost.
        covered = placed if metres == "measured" else self._counts
        self.frames = Frames.of(positions["frame"].to_numpy()[covered], positions["time_s"].to_numpy()[covered])

    def by_track(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """All rows of some whole tracks, sorted by track and time, and those of them that count."""
        for index in self._pieces or [np.zeros(0, np.int32)]:
            yield self._those_that_count(index)

    def _those_that_count(self, index: NDArray[np.int32]) -> tuple[pl.DataFrame, pl.DataFrame]:
        rows = self._fit(self._rows[index])
        return rows, in_periods(rows.filter(self._counts[index]), self._periods)

    def by_second(self) -> Iterator[pl.DataFrame]:
        """The rows that count of those frames that are covered, some whole seconds at a time."""
        rows, counts = self._rows, self._counts
        if not rows["frame"].is_sorted():
            order = np.argsort(rows["frame"].to_numpy(), kind="stable")
            rows, counts = rows[order], counts[order]
        for part in pieces.by_frame(np.floor(rows["time_s"].to_numpy()).astype(np.int32)):
            frames = self._fit(rows[part].filter(counts[part]))
            yield frames.filter(self.frames.covers(frames["frame"]))
        if not rows.height:
            yield self._fit(rows)

    def _fit(self, rows: pl.DataFrame) -> pl.DataFrame:
        rows = tables.POSITIONS.fit(rows).with_columns(pl.col("x_m", "y_m").fill_nan(None))
        if self._metres == "none":
            return rows.with_columns(pl.lit(None, pl.Float64).alias("x_m"), pl.lit(None, pl.Float64).alias("y_m"))
        return rows


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


def _listed(rows: pl.DataFrame, on_ice: pl.DataFrame) -> pl.DataFrame:
    """Who each track is, from when to when; and the time followed on the ice, with or without metres, gaps over 1 s
    left out."""
    gap = pl.col("time_s").diff().over("track_id")
    step = pl.when(gap <= LONGEST_GAP_S).then(gap)
    followed = on_ice.with_columns(step=step).group_by("track_id").agg(
        on_ice=pl.len() > 0, tracked_s=pl.col("step").sum()
    )  # fmt: skip
    return (
        rows.group_by("track_id")
        .agg(
            pl.col("team").first(),
            pl.col("role").first(),
            first_time_s=pl.col("time_s").min(),
            last_time_s=pl.col("time_s").max(),
            frames=pl.len(),
            observed_frames=pl.col("observed").sum(),
        )
        .join(followed, on="track_id", how="left")
        .with_columns(pl.col("tracked_s").fill_null(0.0), pl.col("on_ice").fill_null(False))
    )


def _players(
    tracks: pl.DataFrame, metres: Metres, team_confidence: Mapping[int, float], names: Mapping[int, str]
) -> pl.DataFrame:
    track = pl.col("track_id")
    table = tracks.with_columns(
        team_confidence=track.replace_strict(dict(team_confidence), default=None, return_dtype=pl.Float64),
        player=track.replace_strict(dict(names), default=None, return_dtype=pl.String),
    ).sort("track_id")
    return tables.PLAYERS.fit(_marked(table, metres))


def _teams(tracks: pl.DataFrame, found: pl.DataFrame, seconds: pl.DataFrame, metres: Metres) -> pl.DataFrame:
    shape = ("width_m", "length_m", "spread_m")
    medians = seconds.group_by("team").agg(
        pl.col("skaters").median().alias("skaters_median"), *(pl.col(c).median().alias(f"{c}_median") for c in shape)
    )
    of_tracks = tracks.group_by("team").agg(tracks=pl.len(), tracked_s=pl.col("tracked_s").sum())
    table = (
        of_tracks.join(rates(total(tracks.select("team", *SUMS), "team"), found, "team"), on="team", how="left")
        .join(medians, on="team", how="left")
        .sort("team")
    )
    return tables.TEAMS.fit(_marked(table, metres))


def _bursts(found: pl.DataFrame, metres: Metres) -> pl.DataFrame:
    table = found.rename({"time_s": "start_s", "top_mps": "top_speed_mps"})
    return tables.BURSTS.fit(_marked(table.sort("start_s", "track_id"), metres))


def _marked(table: pl.DataFrame, metres: Metres) -> pl.DataFrame:
    """Say what the metres rest on; a place with metres but no step has gone no distance, one without has none known."""
    if metres != "none":
        zero = ("distance_m", "dropped_speed_samples", *BURSTS)
        table = table.with_columns(pl.col(name).fill_null(0) for name in zero if name in table.columns)
    return table.with_columns(metres=pl.lit(metres))
