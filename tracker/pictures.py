"""Pictures of a match: where a team was (heat map on the drawn rink), how the teams' figures went over time."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from classifier.errors import CleansheetError
from tracker import pieces, rink_drawing
from tracker.attacks import OFFICIALS
from tracker.heat import density, ramp
from tracker.lettering import BOLD, REGULAR, write
from tracker.periods import Period, as_in_the_first, in_periods
from tracker.rink import Rink
from tracker.statistics import Statistics
from tracker.team_colours import Colour, team_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Image = NDArray[np.uint8]

LEAST_TRACKED_S = 2.0
"""Shorter tracks get no heat map of their own."""
_WIDTH_PX = 1130
_TRACK_WIDTH_PX = 640
_SMOOTH_S = 15
_ROWS_AT_ONCE = 32
"""Of a picture, mixed at once: a copy of the whole for every step would be 50 MiB."""

_INK = "#22262b"
_QUIET = "#8a929b"


def write_pictures(
    statistics: Statistics, positions: pl.DataFrame, rink: Rink | None, folder: Path, periods: Sequence[Period] = ()
) -> dict[str, Path]:
    """Write heat maps (where the rink is known) and `timeline.png` (where metres are).

    `heatmap-<team>.png` for each team, `heatmaps/track-<id>.png` for each track of a team that lasts 2 s or more; in
    both, what lies outside the `periods` is left out and every second one is turned round, as if the teams had kept
    their ends.

    Returns:
        What was written, by its name in the folder.
    """
    teams = statistics.teams["team"].to_list()
    colours = team_colours(teams)
    if not teams or statistics.teams["metres"][0] == "none":
        return {}
    maps: dict[str, Path] = {}
    if rink is not None:
        if periods:
            positions = as_in_the_first(in_periods(positions, periods))
        maps = _write_heat_maps(statistics, positions, rink, colours, folder)
    return maps | _write_timeline(statistics.timeline, colours, folder)


def _write_heat_maps(
    statistics: Statistics, positions: pl.DataFrame, rink: Rink, colours: Mapping[str, Colour], folder: Path
) -> dict[str, Path]:
    written: dict[str, Path] = {}
    drawn, smaller = _HeatMaps(rink), _HeatMaps(rink, _TRACK_WIDTH_PX)
    for team, colour in colours.items():
        places = _places(positions, pl.col("team") == team, pl.col("role") != "goalkeeper")
        picture = drawn.of(places, colour, team.upper(), statistics.attacks.get(team))
        written |= _png(picture, folder, f"heatmap-{_file_name(team)}.png")
    long = statistics.players.filter(pl.col("tracked_s") >= LEAST_TRACKED_S, pl.col("team").is_in(list(colours)))
    people = {row[0]: row[1:] for row in long.select("track_id", "team", "role", "player").iter_rows()}
    for track, rows in _by_track(positions, people):
        team, role, name = people[track]
        who = name or f"{team} {'goalkeeper ' if role == 'goalkeeper' else ''}{track}"
        picture = smaller.of([rows], colours[team], who, statistics.attacks.get(team))
        written |= _png(picture, folder, f"heatmaps/track-{track}.png")
    return written


def _write_timeline(timeline: pl.DataFrame, colours: Mapping[str, Colour], folder: Path) -> dict[str, Path]:
    if timeline["second"].n_unique() <= 1:
        return {}
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # not above: it is costly, and needed last of all

    figure = timeline_figure(timeline, colours)
    path = folder / "timeline.png"
    part = path.with_name(path.name + ".part")
    FigureCanvasAgg(figure).print_png(str(part), metadata={"Software": None})
    return {path.name: _whole(path, part.read_bytes())}


def pictures_of(folder: Path, tracks: Collection[int] | None = None) -> list[Path]:
    """What `write_pictures` has left in a folder, all of it or only the pictures of single `tracks`."""
    if tracks is not None:
        found = (folder / "heatmaps" / f"track-{track}.png" for track in sorted(tracks))
        return [path for path in found if path.exists()]
    return sorted([*folder.glob("heatmap-*.png"), *folder.glob("heatmaps/*.png"), *folder.glob("timeline.png")])


class _HeatMaps:
    """Draws heat maps on one rink, which is drawn once.

    Darker is longer; the scale is each one's own, its busiest 0.3 % of the ice being full.
    """

    def __init__(self, rink: Rink, width_px: int = _WIDTH_PX) -> None:
        margin = rink_drawing.MARGIN_M
        scale = width_px / (rink.length_m + 2 * margin)
        self._rink = rink
        self._base = rink_drawing.draw(rink, scale).astype(np.float32)
        self._inset = round(margin * scale)
        boards = np.round(rink_drawing.to_pixels(rink, rink.boards(), scale)).astype(np.int32)
        inside = np.zeros(self._base.shape[:2], np.uint8)
        self._inside = cv2.fillPoly(inside, [boards], 255, cv2.LINE_AA) / np.float32(255)

    def of(self, places: Iterable[NDArray[np.float64]], colour: Colour, title: str, attack: str | None) -> Image:
        """BGR picture of the rink from above with the heat of places, in parts `(N, 2)` in rink metres."""
        height, width = self._base.shape[:2]
        heat, inset = np.zeros((height, width), np.float32), self._inset
        size = (width - 2 * inset, height - 2 * inset)
        heat[inset : height - inset, inset : width - inset] = cv2.resize(
            density(places, self._rink), size, interpolation=cv2.INTER_CUBIC
        )
        tints, picture = ramp(colour), np.empty_like(self._base, np.uint8)
        for rows in pieces.slices(height, _ROWS_AT_ONCE):
            base, hot = self._base[rows], np.clip(heat[rows], 0, 1)
            weight = (hot * self._inside[rows])[:, :, None]
            tint = tints[(hot * 255).astype(np.uint8)]
            strength = np.minimum(1.0, weight * 1.15) ** 0.6 * 0.86
            # Multiplied where it is light and laid over where it is heavy: the rink's lines stay visible.
            mixed = base * (1 - strength) + (0.55 * tint + 0.45 * tint * base / 255) * strength
            picture[rows] = np.clip(mixed, 0, 255)
        return _titled(picture, title, attack)


def heat_map(positions: pl.DataFrame, rink: Rink, team: str, colour: Colour, attack: str | None = None) -> Image:
    """Where a team's people spent their time, goalkeepers left out, as a BGR picture of the rink from above."""
    rows = _places(positions, pl.col("team") == team, pl.col("role") != "goalkeeper")
    return _HeatMaps(rink).of(rows, colour, team.upper(), attack)


def _places(positions: pl.DataFrame, *whose: pl.Expr) -> Iterator[NDArray[np.float64]]:
    for part in pieces.slices(positions.height):
        yield _known(positions[part].filter(*whose).select("x_m", "y_m"))


def _by_track(positions: pl.DataFrame, wanted: Collection[int]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The tracks that are wanted, each with its places; the table is sorted once and not searched for each of them."""
    for index in pieces.by_track(positions["track_id"].to_numpy(), positions["time_s"].to_numpy()):
        part = positions[index].select("track_id", "x_m", "y_m")
        for (track,), rows in part.group_by("track_id", maintain_order=True):
            if track in wanted:
                yield int(track), _known(rows.select("x_m", "y_m"))


def _known(places: pl.DataFrame) -> NDArray[np.float64]:
    return np.asarray(places.drop_nulls().to_numpy(), np.float64)


def _png(picture: Image, folder: Path, name: str) -> dict[str, Path]:
    ok, data = cv2.imencode(".png", picture)
    if not ok:
        raise CleansheetError(f"{folder / name}: the picture could not be encoded")
    return {name: _whole(folder / name, data.tobytes())}


def timeline_figure(timeline: pl.DataFrame, colours: Mapping[str, Colour]) -> "Figure":
    """Mean speed, offensive zone and skaters on the ice of each team over the match."""
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import MaxNLocator

    teams = sorted(name for name in timeline["team"].unique().to_list() if name != OFFICIALS)
    zones = timeline["offensive_time_share"].is_not_null().any()
    panels = ["mean_speed_mps", *(["offensive_time_share"] if zones else []), "skaters"]
    titles = {
        "mean_speed_mps": "Mean speed, km/h",
        "offensive_time_share": "In the offensive zone, % of time",
        "skaters": "Skaters on the ice",
    }
    factor = {"mean_speed_mps": 3.6, "offensive_time_share": 100.0, "skaters": 1.0}
    figure = Figure(figsize=(10, 1.0 + 1.75 * len(panels)), dpi=130, facecolor="white", layout="constrained")
    edge = [withStroke(linewidth=3.1, foreground=_INK)]
    for index, column in enumerate(panels):
        axes = figure.add_subplot(len(panels), 1, index + 1)
        for team in teams:
            rows = timeline.filter(pl.col("team") == team).sort("second")
            seconds, values = rows["second"].to_numpy(), rows[column].cast(pl.Float64).to_numpy() * factor[column]
            line = _hex(colours[team])
            if column == "skaters":
                axes.step(seconds, values, where="post", color=line, linewidth=1.6, label=team, path_effects=edge)
            else:
                axes.plot(seconds, moving_mean(values), color=line, linewidth=1.9, label=team, path_effects=edge)
        axes.set_title(titles[column], loc="left", fontsize=10, color=_INK, fontweight="bold")
        axes.set_ylim(bottom=0)
        axes.margins(x=0.005)
        axes.grid(axis="y", color="#e4e7ea", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(colors=_QUIET, labelsize=8, length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color("#c9ced3")
        axes.xaxis.set_major_formatter(lambda second, _: f"{int(second) // 60}:{int(second) % 60:02d}")
        if index == 0:
            axes.legend(
                loc="lower right", bbox_to_anchor=(1, 1.0), ncols=len(teams), frameon=False, fontsize=9, labelcolor=_INK
            )
        if column == "skaters":
            axes.set_ylim(0, max(6.4, axes.get_ylim()[1] * 1.1))
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    if timeline["metres"][0] == "estimated":
        figure.supxlabel("speeds are estimates from players' height", fontsize=8, color=_QUIET)
    return figure


def _titled(picture: Image, title: str, attack: str | None) -> Image:
    """The picture under a line with a title and an arrow in the direction of its attack."""
    bar = 46
    canvas = np.full((picture.shape[0] + bar, picture.shape[1], 3), rink_drawing.SURROUND, np.uint8)
    canvas[bar:] = picture
    write(canvas, title, (20, 36), (248, 246, 244), 24, BOLD)
    if attack is not None:
        right = attack == "right"
        end = picture.shape[1] - 24
        write(canvas, "attacks", (end - 78, 35), (190, 182, 174), 18, REGULAR, "right")
        tail, head = ((end - 66, 29), (end, 29)) if right else ((end, 29), (end - 66, 29))
        cv2.arrowedLine(canvas, tail, head, (190, 182, 174), 3, cv2.LINE_AA, tipLength=0.25)
    return canvas


def moving_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over a twentieth of the match, 3 to 15 s, unknown seconds left out."""
    known = np.isfinite(values)
    window = min(max(3, len(values) // 20), _SMOOTH_S)
    weight = uniform_filter1d(known.astype(np.float64), window, mode="nearest")
    total = uniform_filter1d(np.where(known, values, 0.0), window, mode="nearest")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(weight > 0, total / weight, np.nan), np.float64)


def _hex(colour: Colour) -> str:
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


def _file_name(team: str) -> str:
    """The team's name without what file systems mind; it follows `heatmap-`, so that dots are safe."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in team)


def _whole(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    return path
