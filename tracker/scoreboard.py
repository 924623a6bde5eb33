"""What the video's scoreboard says, second by second: the teams' figures from the first second up to this one."""

from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from tracker.words import Metres


@dataclass(frozen=True)
class TeamLine:
    """One team's figures so far; None where not known."""

    team: str
    skaters: int
    """On the ice in this second."""
    distance_m: float | None = None
    top_speed_mps: float | None = None
    pressure: float | None = None
    """Share of the distance so far that was covered in the offensive zone."""


@dataclass(frozen=True)
class Scoreboard:
    """The figures of one second."""

    second: int
    teams: tuple[TeamLine, ...]
    metres: Metres = "none"


def scoreboards(timeline: pl.DataFrame) -> dict[int, Scoreboard]:
    """One scoreboard for each second of the timeline (`tracker.tables.TIMELINE`)."""
    lines: dict[int, list[TeamLine]] = {}
    metres: Metres = timeline["metres"][0] if timeline.height else "none"
    for rows in timeline.sort("team", "second").partition_by("team", maintain_order=True):
        distance = list(accumulate(value or 0.0 for value in rows["distance_m"]))
        offensive = list(accumulate(value or 0.0 for value in rows["distance_offensive_m"]))
        top = list(accumulate((value or 0.0 for value in rows["top_speed_mps"]), max))
        zoned = rows["distance_offensive_m"].is_not_null().any()
        for index, (second, team, skaters) in enumerate(rows.select("second", "team", "skaters").iter_rows()):
            known = metres != "none"
            pressure = offensive[index] / distance[index] if zoned and distance[index] > 0 else None
            lines.setdefault(second, []).append(
                TeamLine(team, skaters, distance[index] if known else None, top[index] if known else None, pressure)
            )
    return {second: Scoreboard(second, tuple(found), metres) for second, found in sorted(lines.items())}
