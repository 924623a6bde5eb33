"""All figures that a coach is promised, against the renderer's truth: `python -m benchmarks.rink TRUTH...`

TRUTH is a folder X.truth of `python -m videos.render`, with X.mp4 beside it where the camera pans. From true boxes,
disturbed as a detector would (`benchmarks.metres`), positions and statistics are made and compared with the true ones:
with the calibration for a still camera; for one that pans, with the points of a single frame, misplaced by a pixel and
carried along by the background of the video. `--run` compares the tables of a finished `cleansheet process` instead:
detection, association and teams are then in it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Grid

from benchmarks.metres import BURSTS, ZONES, disturbed
from classifier.errors import BadInput
from tracker import calibration, homography, scale
from tracker.association.tracks import Tracks
from tracker.attacks import OFFICIALS
from tracker.background import Background
from tracker.calibration import Calibration, PointPair, from_points
from tracker.camera_motion import CameraPath
from tracker.carried import carry
from tracker.positions import Ground, at_border, positions
from tracker.rink import Rink
from tracker.statistics import Statistics, compute
from tracker.tables import PLAYERS, POSITIONS, TEAMS, TIMELINE, TRACKS, read_csv
from tracker.video import frames, probe

Array = NDArray[np.float64]
CLICK_PX = 1.0
BARS = {  # figure: fixed, panning
    "place, median (m)": (0.30, 0.60),
    "team distance (%)": (3, 6),
    "top speed, mean error (%)": (5, 10),
    "zones and pressure (points)": (2, 4),
    "bursts, per team": (1, 2),
    "skaters wrong (% of seconds)": (5, 10),
}


@dataclass(frozen=True)
class Match:
    """A rendered match and its true statistics."""

    name: str
    folder: Path
    about: dict[str, Any]
    rink: Rink
    truth: pl.DataFrame
    homographies: Array

    @staticmethod
    def load(folder: Path, end_s: float | None = None) -> "Match":
        """Read a folder X.truth, up to `end_s`."""
        about = json.loads((folder / "match.json").read_text())
        truth = pl.read_parquet(folder / "positions.parquet")
        if end_s is not None:
            truth = truth.filter(pl.col("time_s") < end_s)
        rink = Rink.named(about["rink"]["name"])
        return Match(folder.stem, folder, about, rink, truth, np.load(folder / "camera.npz")["homography"])

    @property
    def panning(self) -> bool:
        return self.about["camera"] != "fixed"

    @property
    def teams(self) -> dict[int, str]:
        return dict(self.truth.select("player_id", "team").unique().iter_rows())

    def statistics(self) -> Statistics:
        """The true ones."""
        width, height = self.about["size"]
        near = pl.Series(at_border(self.truth.select("x1", "y1", "x2", "y2").to_numpy(), (width, height)))
        rows = self.truth.rename({"player_id": "track_id"}).with_columns(observed=pl.lit(True), at_border=near)
        return compute(rows, self.rink, self.about["attacks"])

    def clicked(self, frame: int, rng: np.random.Generator) -> Calibration:
        """A calibration of one frame by a hand that misses by a pixel."""
        rink = self.rink
        marks = [(x, y) for x in (0.0, rink.zone_x, -rink.zone_x) for y in (rink.width_m / 2, -rink.width_m / 2)]
        for sign in (-1, 1):
            marks += [(sign * rink.goal_line_x, y) for y in (-rink.goal_width_m / 2, rink.goal_width_m / 2)]
            for spot in (rink.end_spot, rink.neutral_spot):
                marks += [] if spot is None else [(sign * spot[0], y) for y in (-spot[1], spot[1])]
        seen = homography.apply(self.homographies[frame], np.array(marks))
        seen = seen + rng.normal(0, CLICK_PX, seen.shape)
        width, height = self.about["size"]
        inside = np.nan_to_num(seen, nan=-1.0)
        good = (inside >= 0).all(axis=1) & (inside < (width, height)).all(axis=1)
        pairs = [
            PointPair(image=(float(u), float(v)), rink=mark, frame=frame)
            for mark, (u, v), inside_too in zip(marks, seen, good, strict=True)
            if inside_too
        ]
        return from_points(rink, pairs, (width, height), f"frame {frame}", frame)


def best_seen(match: Match, rng: np.random.Generator) -> Calibration:
    """A calibration of that frame, of every 30th in the first 20 s, that shows most marks, as a person would choose."""
    views = []
    for frame in range(0, min(600, len(match.homographies)), 30):
        try:
            views.append(match.clicked(frame, rng))
        except BadInput:  # too few marks in view, or all on a line
            continue
    return max(views, key=lambda view: len(view.points))


def grounds(match: Match, tracks: Tracks, seed: int) -> dict[str, Ground | None]:
    """The calibrated and the estimated way from pixels to metres."""
    size = (match.about["size"][0], match.about["size"][1])
    if not match.panning:
        (view,) = calibration.load(match.folder / "calibration.toml")
        return {"calibrated": view, "estimated": scale.estimate(tracks, size)}
    view = best_seen(match, np.random.default_rng(seed))
    assert view.frame is not None
    info = probe(match.folder.with_suffix(".mp4"))
    boxes = {int(f): tracks.xyxy[tracks.frame == f].astype(np.float64) for f in np.unique(tracks.frame)}
    nobody = np.zeros((0, 4))
    picture = next(frames(info, start_s=float(info.times_s[view.frame]))).image
    background = Background(size, [(view.frame, picture, boxes.get(view.frame, nobody))])
    motions = [background.update(f.index, f.image, boxes.get(f.index, nobody)) for f in frames(info)]
    carried = carry([view], background.finish())
    if carried is not None:
        off = ground_error(match, carried)
        print(f"  {match.name}: points of frame {view.frame}, {len(carried.key_frames)} key frames, "
              f"{int(np.isnan(carried.uncertainty_m).sum())} frames lost; ice in view off by {np.median(off):.3f} m "
              f"(median), {np.percentile(off, 99):.3f} m (99 %)")  # fmt: skip
    estimated = scale.estimate(tracks, size, CameraPath.of(range(len(motions)), motions))
    return {"calibrated": carried, "estimated": estimated}


def ground_error(match: Match, ground: Ground) -> Array:
    """Metres, over a grid of pixels on the ice in every tenth frame."""
    width, height = match.about["size"]
    u, v = (
        grid.ravel() for grid in np.meshgrid(np.linspace(0.05, 0.95, 9) * width, np.linspace(0.2, 0.95, 7) * height)
    )
    pixels = np.stack([u, v], axis=1)
    off = []
    for frame in range(0, len(match.homographies), 10):
        real = homography.apply(homography.inverse(match.homographies[frame]), pixels)
        on_ice = match.rink.contains(np.nan_to_num(real, nan=99.0))
        off.append(np.linalg.norm(ground.to_rink(pixels, np.full(len(pixels), frame)) - real, axis=1)[on_ice])
    every = np.concatenate(off)
    return every[np.isfinite(every)]


def compared(real: Statistics, found: Statistics, top: Array, off: Array) -> dict[str, tuple[float, str]]:
    """Figure → its worst value and the words for it."""
    teams = real.teams.join(found.teams, on="team", how="left", suffix="_found")
    distance = (100 * (teams["distance_m_found"] / teams["distance_m"] - 1)).to_numpy()
    shares = np.array([(teams[f"{zone}_found"] - teams[zone]).to_numpy() for zone in ZONES], np.float64)
    sums = [teams.select(f"{name}{end}" for name in BURSTS).sum_horizontal().to_numpy() for end in ("_found", "")]
    seconds = real.timeline.join(found.timeline, on=["second", "team"], how="left", suffix="_found")
    wrong = 100 * (1 - (seconds["skaters"] == seconds["skaters_found"]).fill_null(False).mean())
    zones = 100 * float(np.abs(shares).max())
    return {
        "place, median (m)": (float(np.median(off)), f"{np.median(off):.2f}"),
        "team distance (%)": (float(np.abs(distance).max()), ", ".join(f"{d:+.1f}" for d in distance)),
        "top speed, mean error (%)": (float(np.abs(top).mean()), f"{np.abs(top).mean():.1f} (bias {top.mean():+.1f})"),
        "zones and pressure (points)": (zones, f"{zones:.1f}"),
        "bursts, per team": (
            float(np.abs(sums[0] - sums[1]).max()),
            ", ".join(f"{a} for {b}" for a, b in zip(*sums, strict=True)),
        ),
        "skaters wrong (% of seconds)": (wrong, f"{wrong:.1f}"),
    }


def from_boxes(match: Match, seed: int) -> tuple[dict[str, tuple[float, str]], str]:
    """Figures from disturbed true boxes, and the errors of team distance without a calibration."""
    real = match.statistics()
    fps = (match.truth["frame"].max() or 1) / max(match.truth["time_s"].max() or 1.0, 1e-9)
    tracks = disturbed(match.truth, fps, np.random.default_rng(seed))
    ways = grounds(match, tracks, seed)
    size = (match.about["size"][0], match.about["size"][1])
    table = positions(tracks, match.teams, ways["calibrated"], frame_size=size)
    found = compute(table, match.rink)
    placed = table.join(match.truth.rename({"player_id": "track_id"}), on=["frame", "track_id"], suffix="_true")
    placed = placed.drop_nulls("x_m").filter(pl.col("role") != "referee")
    off = np.hypot(placed["x_m"] - placed["x_m_true"], placed["y_m"] - placed["y_m_true"])
    both = real.players.join(found.players, on="track_id", suffix="_found").filter(
        pl.col("role") == "player", pl.col("tracked_s") > 5
    )
    top = 100 * (both["top_speed_mps_found"] / both["top_speed_mps"] - 1)
    estimate = compute(positions(tracks, match.teams, ways["estimated"], frame_size=size), None, metres="estimated")
    rough = 100 * (estimate.teams["distance_m"] / real.teams["distance_m"] - 1)
    without = ", ".join(f"{value:+.1f}" for value in rough)
    return compared(real, found, top.drop_nulls().to_numpy(), off.to_numpy()), without


def from_run(run: Path, folder: Path, *, teams_given: bool) -> tuple[Match, dict[str, tuple[float, str]]]:
    """Figures of a finished run; a track is whoever it lies on in most of its frames, and with `teams_given` it has
    their team, whatever the classifier said."""
    summary = json.loads((run / "run.json").read_text())
    match = Match.load(folder, summary["settings"]["end_s"])
    real = match.statistics()
    tables = {
        schema.name: read_csv(schema, run / f"{schema.name}.csv") for schema in (TEAMS, PLAYERS, TIMELINE, TRACKS)
    }
    found = Statistics(tables["teams"], tables["players"], tables["timeline"], pl.DataFrame(), summary["attacks"])
    pairs = (
        tables["tracks"]
        .join(match.truth.select("frame", "player_id", "role", "x_m", "y_m", "x1", "y1", "x2", "y2"), on="frame",
              suffix="_true")
        .with_columns(
            across=(pl.min_horizontal("x2", "x2_true") - pl.max_horizontal("x1", "x1_true")).clip(0),
            down=(pl.min_horizontal("y2", "y2_true") - pl.max_horizontal("y1", "y1_true")).clip(0),
            both=(pl.col("x2") - pl.col("x1")) * (pl.col("y2") - pl.col("y1"))
            + (pl.col("x2_true") - pl.col("x1_true")) * (pl.col("y2_true") - pl.col("y1_true")),
        )
        .with_columns(iou=pl.col("across") * pl.col("down") / (pl.col("both") - pl.col("across") * pl.col("down")))
        .filter(pl.col("iou") > 0.5)
        .sort("iou", descending=True)
        .unique(["frame", "track_id"], keep="first", maintain_order=True)
    )  # fmt: skip
    placed = pairs.drop_nulls("x_m").filter(pl.col("role_true") != "referee")
    off = np.hypot(placed["x_m"] - placed["x_m_true"], placed["y_m"] - placed["y_m_true"]).to_numpy()
    owner = (
        pairs.group_by("track_id", "player_id").len().sort("len", descending=True)
        .unique("track_id", keep="first", maintain_order=True).select("track_id", "player_id")
    )  # fmt: skip
    if teams_given:
        found = compute(_with_teams(tables["tracks"], match, owner), match.rink, summary["attacks"] or None)
    best = (
        found.players.join(owner, on="track_id").group_by("player_id")
        .agg(pl.col("top_speed_mps").max(), pl.col("tracked_s").sum())
    )  # fmt: skip
    both = real.players.filter(pl.col("role") == "player", pl.col("tracked_s") > 5).join(
        best, left_on="track_id", right_on="player_id", suffix="_found"
    )
    top = (100 * (both["top_speed_mps_found"] / both["top_speed_mps"] - 1)).drop_nulls().to_numpy()
    return match, compared(real, found, top, off)


def _with_teams(tracks: pl.DataFrame, match: Match, owner: pl.DataFrame) -> pl.DataFrame:
    """Positions of a run under the teams of those whom its tracks follow."""
    teams = dict(owner.with_columns(pl.col("player_id").replace_strict(match.teams)).iter_rows())
    team = pl.col("track_id").replace_strict(teams, default=None, return_dtype=pl.String)
    role = pl.when(team == OFFICIALS).then(pl.lit("referee")).when(pl.col("role") == "goalkeeper").then(pl.col("role"))
    return tracks.select(POSITIONS.names).with_columns(team=team, role=role.otherwise(pl.lit("player")))


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--run", "runs", nargs=2, multiple=True, type=click.Path(exists=True, path_type=Path),
              help="A finished run's folder, and the truth of its video.")  # fmt: skip
@click.option("--teams-given", is_flag=True, help="Runs: each track has the team of whom it follows, as if labelled.")
@click.option("--seed", default=0, show_default=True, help="Of the noise on boxes and points.")
def main(folders: tuple[Path, ...], runs: tuple[tuple[Path, Path], ...], seed: int, *, teams_given: bool) -> None:
    """Print every promised figure beside its bar."""
    grid = Grid("match", "figure", "bar", "found", "met")
    for folder in folders:
        match = Match.load(folder)
        values, without = from_boxes(match, seed)
        seconds = match.truth["time_s"].max() or 0.0
        camera = "panning" if match.panning else "fixed"
        _rows(grid, f"{match.name}: {camera}, {match.rink.name}, {seconds:.0f} s, boxes", match, values)
        grid.add_row("", "distance, not calibrated (%)", "25", without, "")
        grid.add_section()
    for run, folder in runs:
        match, values = from_run(run, folder, teams_given=teams_given)
        camera = "panning" if match.panning else "fixed"
        whose = ", teams given" if teams_given else ""
        _rows(grid, f"{match.name}: {camera}, {match.rink.name}, whole pipeline{whose}", match, values)
        grid.add_section()
    Console(width=150).print(grid)


def _rows(grid: Grid, title: str, match: Match, values: dict[str, tuple[float, str]]) -> None:
    for figure, (value, words) in values.items():
        bar = BARS[figure][match.panning]
        grid.add_row(title, figure, f"{bar:g}", words, "yes" if round(value, 6) <= bar else "no")
        title = ""


if __name__ == "__main__":
    main()
