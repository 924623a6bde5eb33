"""What the page says: a run's tables and run.json, put into the order of a story."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from classifier.errors import CleansheetError
from tracker.attacks import OFFICIALS
from tracker.calibration import rink_of
from tracker.periods import as_in_the_first, in_periods
from tracker.pictures import LEAST_TRACKED_S
from tracker.report import drawing
from tracker.report.timeline import timeline
from tracker.rink import Rink
from tracker.rink_svg import drawing as rink_drawing
from tracker.rink_svg import outline, view_box
from tracker.run import read_json
from tracker.tables import BURSTS, PLAYERS, TEAMS, TIMELINE, TRACKS, Table, read_csv, read_places
from tracker.team_colours import UNKNOWN, Colour, team_colours

DOUBTFUL = 0.7
"""A team's confidence below which a track is named as doubtful."""
MOST_MAPS = 40
"""Players that get a small heat map: those who were seen longest."""
BURST_COLUMNS = ("bursts_18_20", "bursts_20_22", "bursts_22_plus")
COMPARED = (
    ("Distance", "distance_m", "metres"),
    ("Mean speed", "mean_speed_mps", "kmh"),
    ("Top speed", "top_speed_mps", "kmh"),
    ("Speed bursts", "bursts", "count"),
    ("Offensive pressure", "offensive_pressure_distance_share", "percent"),
    ("Skaters on the ice", "skaters_median", "count"),
    ("Team width", "width_m_median", "span"),
    ("Team length", "length_m_median", "span"),
)
ZONES = tuple((zone, f"{zone}_time_share") for zone in ("defensive", "neutral", "offensive"))


@dataclass(frozen=True)
class Team:
    """A team as the page shows it."""

    name: str
    colour: str
    """#rrggbb"""
    ink: str
    """#rrggbb of text on that colour, with a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    attacks: str | None
    row: dict[str, Any]
    """Of teams.csv, and `bursts`, the sum of its three columns."""
    confidence: float | None
    """Mean of its tracks' team confidence, weighted by their time."""


def contents(folder: Path, name: str) -> dict[str, Any]:
    """The template's variables, from the files of a run's folder; `name` is its title.

    Raises:
        CleansheetError: One of them is missing.
    """
    run = read_json(folder / "run.json")
    if run is None:
        raise CleansheetError(f"{folder / 'run.json'} is missing or damaged; process the video again")
    teams_table, players = _table(TEAMS, folder), _table(PLAYERS, folder)
    seconds, bursts = _table(TIMELINE, folder), _table(BURSTS, folder)
    tracks = read_places(_present(TRACKS, folder))
    colours = team_colours(teams_table["team"].to_list())
    teams = [_team(row, colours, players, run["attacks"]) for row in teams_table.iter_rows(named=True)]
    rink = rink_of(run["calibration"]) if run["metres"] == "measured" else None
    start_s, end_s = _stretch(run)
    periods = [(period["start_s"], period["end_s"]) for period in run.get("periods", [])]
    played = as_in_the_first(in_periods(tracks, periods)) if periods else tracks
    return {
        "name": name,
        "run": run,
        "metres": run["metres"],
        "about": run["metres"] == "estimated",
        "periods": periods,
        "start_s": start_s,
        "end_s": end_s,
        "teams": teams,
        "compared": _compared(teams),
        "zones": ZONES if any(team.row["offensive_time_share"] is not None for team in teams) else (),
        "timeline": timeline(seconds, bursts, teams, start_s, end_s) if teams and run["metres"] != "none" else None,
        "rink": rink and {
            "view_box": view_box(rink), "drawing": Markup(rink_drawing(rink, softness=0.45)),
            "drawing_lines": Markup(rink_drawing(rink, softness=0.45, areas=False)), "outline": outline(rink),
        },
        "maps": _team_maps(teams, played, rink, colours),
        "bursts": bursts.filter(pl.col("team").is_in(list(colours))).sort("top_speed_mps", descending=True).to_dicts(),
        "players": _players(players, played, rink, colours),
        "people_drawn": rink is not None,
        "sure": _sure(run, teams, players, tracks, start_s, end_s),
        "colour_of": {team.name: team for team in teams},
    }  # fmt: skip


def _table(table: Table, folder: Path) -> pl.DataFrame:
    return read_csv(table, _present(table, folder))


def _present(table: Table, folder: Path) -> Path:
    path = folder / f"{table.name}.csv"
    if not path.exists():
        raise CleansheetError(f"{path} is missing; process the video again")
    return path


def _stretch(run: dict[str, Any]) -> tuple[float, float]:
    settings, duration = run["settings"], run["video"]["duration_s"]
    return settings["start_s"], min(settings["end_s"] or duration, duration)


def _team(
    row: dict[str, Any], colours: dict[str, Colour], players: pl.DataFrame, attacks: dict[str, str]
) -> Team:  # fmt: skip
    name = row["team"]
    own = players.filter(pl.col("team") == name).drop_nulls("team_confidence")
    weight = own["tracked_s"].to_numpy()
    sure = float(np.average(own["team_confidence"].to_numpy(), weights=weight)) if weight.sum() > 0 else None
    colour = colours.get(name, UNKNOWN)
    with_bursts = {**row, "bursts": sum(row[column] or 0 for column in BURST_COLUMNS)}
    return Team(name, hex_of(colour), text_colour(colour), attacks.get(name), with_bursts, sure)


def _compared(teams: list[Team]) -> list[dict[str, Any]]:
    """The lines of the comparison: a title, a form, and each team's share of the larger value."""
    lines = []
    for title, column, form in COMPARED:
        values = [team.row[column] for team in teams]
        known = [value for value in values if value is not None]
        if known:
            most = max(known) or 1
            bars = [100 * (value or 0) / most for value in values]
            lines.append({"title": title, "column": column, "form": form, "bars": bars})
    return lines


def _team_maps(
    teams: list[Team], tracks: pl.DataFrame, rink: Rink | None, colours: dict[str, Colour]
) -> list[dict[str, Any]]:  # fmt: skip
    if rink is None:
        return []
    skaters = pl.col("role") != "goalkeeper"
    places = {team.name: _places(tracks, skaters, pl.col("team") == team.name) for team in teams}
    return [{"team": team, "layers": drawing.heat(places[team.name], rink, colours[team.name])} for team in teams]


def _players(
    players: pl.DataFrame, tracks: pl.DataFrame, rink: Rink | None, colours: dict[str, Colour]
) -> list[dict[str, Any]]:  # fmt: skip
    """Teams' tracks, longest first within each team, with a small heat map where there is room for one."""
    listed = players.filter(pl.col("team").is_in(list(colours))).sort(
        "team", "tracked_s", descending=[False, True]
    )  # fmt: skip
    longest = listed.filter(pl.col("tracked_s") >= LEAST_TRACKED_S).sort("tracked_s", descending=True).head(MOST_MAPS)
    drawn = set(longest["track_id"].to_list()) if rink is not None else set()
    shown = []
    for row in listed.iter_rows(named=True):
        layers = []
        if rink is not None and row["track_id"] in drawn:
            places = _places(tracks, pl.col("track_id") == row["track_id"])
            layers = drawing.heat(places, rink, colours[row["team"]], drawing.FEW_LEVELS)
        shown.append({**row, "bursts": sum(row[column] or 0 for column in BURST_COLUMNS), "layers": layers})
    return shown


def _places(tracks: pl.DataFrame, *whose: pl.Expr) -> drawing.Array:
    known = tracks.lazy().filter(*whose).select("x_m", "y_m").drop_nulls().collect()
    return np.asarray(known.to_numpy(), np.float64)


def _sure(
    run: dict[str, Any], teams: list[Team], players: pl.DataFrame, tracks: pl.DataFrame, start_s: float, end_s: float
) -> dict[str, Any]:
    """How far the figures can be trusted, and what they leave out."""
    people = players.filter(pl.col("team").is_null() | (pl.col("team") != OFFICIALS))
    nameless = players.filter(pl.col("team").is_null())
    doubtful = people.filter(pl.col("team_confidence") < DOUBTFUL).sort("tracked_s", descending=True)
    tracked = float(people["tracked_s"].sum())
    rows = tracks.height
    seen = {int(second) for second in tracks["time_s"].unique().floor().to_list()}
    return {
        "calibration": _agreement(run["calibration"]["views"]) if run["metres"] == "measured" else None,
        "camera": _camera(run, tracks),
        "frames": run["frames"],
        "with_people": tracks["frame"].n_unique(),
        "empty_seconds": len(set(range(int(start_s), int(end_s))) - seen),
        "stride": run["settings"]["stride"],
        "part": start_s > 0 or (run["settings"]["end_s"] or np.inf) < run["video"]["duration_s"],
        "filled_share": float((~tracks["observed"]).sum() / rows) if rows else None,
        "placeless_share": float(tracks["x_m"].null_count() / rows) if rows else None,
        "dropped": run["dropped_speed_samples"],
        "nameless": nameless.height,
        "nameless_share": float(nameless["tracked_s"].sum()) / tracked if tracked > 0 else 0.0,
        "doubtful": doubtful.select("track_id", "team", "team_confidence", "tracked_s").to_dicts(),
        "tracks": people.height,
        "warnings": run["warnings"],
        "no_directions": bool(teams) and run["metres"] == "measured" and not run["attacks"],
    }


def _camera(run: dict[str, Any], tracks: pl.DataFrame) -> dict[str, Any] | None:
    """How a moving camera was followed, and when it was lost; None of one that was not."""
    said = run.get("camera", {})
    if run["metres"] != "measured" or "uncertainty_m" not in said:
        return None
    known = tracks.unique("frame").sort("frame").select("frame", "time_s").to_numpy().astype(np.float64)
    fps = run["video"]["fps"]

    def time_of(frame: int) -> float:
        return float(np.interp(frame, known[:, 0], known[:, 1])) if len(known) > 1 else frame / fps

    stretches = [
        {"first_s": time_of(lost["first_frame"]), "last_s": time_of(lost["last_frame"]), "why": lost["why"]}
        for lost in said["lost"]
    ]
    return {"uncertainty_m": said["uncertainty_m"], "frames_lost": said["frames_lost"], "lost": stretches}


def _agreement(views: list[dict[str, Any]]) -> dict[str, Any]:
    """How many calibration points there are and how well they agree, over all calibrated frames."""
    points = [len(view["points"]) for view in views]
    square = sum(view["reprojection_error_m"] ** 2 * n for view, n in zip(views, points, strict=True)) / sum(points)
    return {"points": sum(points), "views": len(views), "error_m": square**0.5, "checked": max(points) > 4}


def hex_of(colour: Colour) -> str:
    """#rrggbb of a BGR colour."""
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


def text_colour(colour: Colour) -> str:
    """Black or white, whichever has the higher contrast on this BGR colour: never less than 4.5 to 1."""
    dark, light = (0, 0, 0), (255, 255, 255)
    return hex_of(max(dark, light, key=lambda text: contrast(text, colour)))


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of two BGR colours, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    blue, green, red = (
        value / 255 / 12.92 if value / 255 <= 0.04045 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
