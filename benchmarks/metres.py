"""How right metres, speeds and zones are, given boxes that jitter: `python -m benchmarks.metres TRUTH...`

Takes folders X.truth of `python -m videos.render`. The true boxes are disturbed (seeded: each edge by a share of
the box's height, sideways half as much, partly lasting for 0.15 s; every tenth box missing) and put on the ice by the
calibration (still camera), by each frame's true homography (any camera) and by the estimate from people's heights; the
statistics are compared with those of the true places. Detection and association are left out on purpose.
"""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracker import calibration, homography, scale
from tracker.association.tracks import Tracks
from tracker.camera_motion import CameraPath, Similarity
from tracker.detector_weights import ROLES
from tracker.positions import Ground, at_border, positions
from tracker.rink import Rink
from tracker.statistics import Statistics, compute
from tracker.words import Metres

Array = NDArray[np.float64]

NOISE = 0.03
MISSED = 0.10
LASTING_S = 0.15
BURSTS = ("bursts_18_20", "bursts_20_22", "bursts_22_plus")
ZONES = ("offensive_time_share", "neutral_time_share", "defensive_time_share", "offensive_pressure_distance_share")


@dataclass(frozen=True)
class PerFrame:
    """A camera whose homography is known in every frame."""

    homographies: Array
    """(F, 3, 3)"""
    metres: Metres = "measured"

    def to_rink(self, points_px: Array, frames: NDArray[np.int64] | None = None) -> Array:
        """Pixels `(N, 2)` to metres `(N, 2)`."""
        found = np.full((len(points_px), 2), np.nan)
        for frame in np.unique(frames):
            here = frames == frame
            found[here] = homography.apply(homography.inverse(self.homographies[frame]), points_px[here])
        return found


def disturbed(truth: pl.DataFrame, fps: float, rng: np.random.Generator) -> Tracks:
    """Perfect identities with a detector's boxes."""
    seen = truth.filter(pl.Series(rng.random(truth.height) >= MISSED)).sort("player_id", "frame")
    boxes = seen.select("x1", "y1", "x2", "y2").to_numpy().astype(np.float64)
    who = seen["player_id"].to_numpy()
    fresh = rng.normal(size=(2, *boxes.shape))
    keep = np.exp(-1 / fps / LASTING_S)
    lasting = fresh[0].copy()
    for row in range(1, len(boxes)):
        if who[row] == who[row - 1]:
            lasting[row] = keep * lasting[row - 1] + np.sqrt(1 - keep**2) * fresh[0, row]
    noise = np.sqrt(0.5) * (lasting + fresh[1]) * NOISE * (boxes[:, 3] - boxes[:, 1])[:, None]
    boxes += noise * (0.5, 1.0, 0.5, 1.0)
    role = {name: index for index, name in enumerate(ROLES)}
    return Tracks(
        frame=seen["frame"].to_numpy().astype(np.int64),
        time_s=seen["time_s"].to_numpy(),
        track_id=who.astype(np.int64),
        xyxy=boxes.astype(np.float32),
        confidence=np.full(len(boxes), 0.9, np.float32),
        class_id=np.array([role[name] for name in seen["role"]], np.int64),
        observed=np.ones(len(boxes), np.bool_),
        pieces=(),
    )


def camera_path(homographies: Array, size: tuple[int, int]) -> CameraPath:
    """What a perfect observer of the background would say."""
    middle = np.array([[size[0] / 2, size[1] / 2], [size[0] / 2 + 50, size[1] / 2]])
    motions = [Similarity()]
    for before, after in pairwise(homographies):
        now, aside = homography.apply(after @ homography.inverse(before), middle)
        dx, dy = now - middle[0]
        motions.append(Similarity(float(dx), float(dy), float(np.linalg.norm(aside - now)) / 50))
    return CameraPath.of(range(len(motions)), motions)


def report(name: str, real: Statistics, found: Statistics, table: pl.DataFrame, truth: pl.DataFrame) -> None:
    """Print one line of errors."""
    distance = 100 * (found.teams["distance_m"] / real.teams["distance_m"] - 1)
    both = real.players.join(found.players, on="track_id", suffix="_found").filter(
        pl.col("role") == "player", pl.col("tracked_s") > 5
    )
    top = 100 * (both["top_speed_mps_found"] / both["top_speed_mps"] - 1)
    line = (
        f"  {name:12s} team distance {' '.join(f'{value:+5.1f}' for value in distance)} %   "
        f"player's top speed {top.mean():+5.1f} % (mean error {top.abs().mean():4.1f} %)"
    )
    if found.attacks:
        zones = 100 * max((found.teams[zone] - real.teams[zone]).abs().max() for zone in ZONES)
        bursts = [side.teams.select(BURSTS).sum_horizontal().to_list() for side in (found, real)]
        placed = table.join(truth.rename({"player_id": "track_id"}), on=["frame", "track_id"], suffix="_true")
        off = placed.select(
            ((pl.col("x_m") - pl.col("x_m_true")) ** 2 + (pl.col("y_m") - pl.col("y_m_true")) ** 2).sqrt()
        )
        seconds = real.timeline.join(found.timeline, on=["second", "team"], suffix="_found")
        right = (seconds["skaters"] == seconds["skaters_found"]).mean()
        line += (
            f"   zones within {zones:.1f} points   place {off.to_series().median():.2f} m   "
            f"bursts {bursts[0]} for {bursts[1]}   skaters right in {100 * right:.0f} %"
        )
    print(line)


def measure(folder: Path, seed: int) -> None:
    """Print the errors of one rendered match."""
    about = json.loads((folder / "match.json").read_text())
    size = (about["size"][0], about["size"][1])
    rink = Rink.named(about["rink"]["name"])
    truth = pl.read_parquet(folder / "positions.parquet")
    homographies = np.load(folder / "camera.npz")["homography"]
    teams = dict(truth.select("player_id", "team").unique().iter_rows())
    as_positions = truth.rename({"player_id": "track_id"}).with_columns(
        observed=pl.lit(True), at_border=pl.Series(at_border(truth.select("x1", "y1", "x2", "y2").to_numpy(), size))
    )
    real = compute(as_positions, rink, about["attacks"])
    fps = (truth["frame"].max() or 1) / max(truth["time_s"].max() or 1.0, 1e-9)
    tracks = disturbed(truth, fps, np.random.default_rng(seed))
    moving = about["camera"] != "fixed"
    grounds: dict[str, Ground | None] = {"true camera": PerFrame(homographies)}
    if (folder / "calibration.toml").exists():
        grounds["calibrated"] = calibration.load(folder / "calibration.toml")[0]
    grounds["estimated"] = scale.estimate(tracks, size, camera_path(homographies, size) if moving else None)
    print(f"{folder.name}: {about['camera']} camera, rink {rink.name}, {about['frames']} frames")
    for name, ground in grounds.items():
        if ground is None:
            print(f"  {name:12s} no estimate")
            continue
        table = positions(tracks, teams, ground, frame_size=size)
        known = ground.metres == "measured"
        found = compute(table, rink if known else None, about["attacks"] if known else None, ground.metres)
        report(name, real, found, table, truth)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--seed", default=0, show_default=True, help="Of the noise on the boxes.")
def main(folders: tuple[Path, ...], seed: int) -> None:
    """Compare metres and statistics from disturbed boxes with a rendered match's truth."""
    for folder in folders:
        measure(folder, seed)


if __name__ == "__main__":
    main()
