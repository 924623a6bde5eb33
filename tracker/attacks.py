"""Which end a team attacks: given, or told by where its goalkeepers stand."""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from classifier.errors import BadInput
from tracker.rink import Rink, Side
from tracker.words import Metres

OFFICIALS = "referee"
"""The reserved name of the officials' class, which is no team."""
IN_PLACE = 0.75
"""A team's goalkeepers say where it defends when they spend this share of their frames in the same end zone."""


def find_attacks(positions: pl.DataFrame, rink: Rink) -> dict[str, Side]:
    """The end that each team attacks, opposite to where its goalkeepers stand; a team in doubt is left out.

    A team's goalkeepers must spend three quarters of their frames in the same end zone. Of two teams, one known
    goalkeeper says both; two that seem to stand at the same end say nothing.
    """
    keepers = positions.filter(pl.col("role") == "goalkeeper", pl.col("team") != OFFICIALS).drop_nulls("x_m")
    found: dict[str, Side] = {}
    for (team,), rows in keepers.group_by("team"):
        x = rows["x_m"].to_numpy()
        left, right = float(np.mean(x < -rink.zone_x)), float(np.mean(x > rink.zone_x))
        if max(left, right) >= IN_PLACE:
            found[str(team)] = "right" if left > right else "left"
    teams = team_names(positions)
    if len(teams) == 2 and len(found) == 2 and len(set(found.values())) == 1:
        return {}
    if len(teams) == 2 and len(found) == 1:
        (team, side), (other,) = next(iter(found.items())), [name for name in teams if name not in found]
        found[other] = "left" if side == "right" else "right"
    return dict(sorted(found.items()))


def settle_attacks(
    rows: pl.DataFrame, rink: Rink | None, given: Mapping[str, Side] | None, metres: Metres
) -> tuple[dict[str, Side], list[str]]:
    """The attacks as given and, for the rest, as found; and what must be said about them.

    Raises:
        BadInput: a side that is neither left nor right, or a team that does not play.
    """
    teams = team_names(rows)
    for team, side in (given or {}).items():
        if side not in ("left", "right"):
            raise BadInput(f"attack of {team!r}: {side!r} is neither left nor right")
    if teams:
        refuse_unknown_teams(given or {}, teams)
    if rink is None or metres == "none":
        return {}, (["no rink coordinates: zone times and offensive pressure are left out"] if teams else [])
    attacks = find_attacks(rows, rink) | dict(given or {})
    if given and len(teams) == 2:
        for team, other in (teams, teams[::-1]):
            if team in given and other not in given:
                attacks[other] = "left" if given[team] == "right" else "right"
    unknown = [team for team in teams if team not in attacks]
    warnings = (
        [f"attack direction of {', '.join(unknown)} not known (no goalkeeper told it): zone times are left out"]
        if unknown
        else []
    )
    return attacks, warnings


def refuse_unknown_teams(given: Mapping[str, Side], teams: Iterable[str]) -> None:
    """Raise BadInput for an attack of a team that is not among those known."""
    known = sorted(set(teams) - {OFFICIALS})
    for team in given:
        if team not in known:
            raise BadInput(f"attack of {team!r}: no such team in this match, which has {', '.join(known)}")


def team_names(rows: pl.DataFrame) -> list[str]:
    """The teams of a table of positions, sorted; officials are none."""
    return sorted(name for name in rows["team"].drop_nulls().unique().to_list() if name != OFFICIALS)
