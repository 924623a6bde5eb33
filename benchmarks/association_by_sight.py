"""What the picture adds to association: the demo's true boxes, disturbed by seeded noise, with and without sight.

python benchmarks/association_by_sight.py
"""

import tempfile
from pathlib import Path

import click
import numpy as np
import polars as pl
import supervision as sv
from rich.console import Console
from rich.table import Table
from trackers.eval import evaluate_mot_sequence

from tracker.assets import asset
from tracker.association.associator import Associator
from tracker.background import Background
from tracker.looks import looks
from tracker.mot import write_mot
from tracker.video import frames, probe

BOXES = ["x1", "y1", "x2", "y2"]
NOISES = {  # missed, jitter as a share of the size, false boxes a frame, least visible share
    "true boxes": (0.0, 0.0, 0.0, 0.0),
    "10 % missed, jitter 4 %, 1 false box": (0.10, 0.04, 1.0, 0.0),
    "5 % missed, jitter 3 %, hidden ones unseen": (0.05, 0.03, 0.3, 0.3),
}


def disturbed(
    people: pl.DataFrame, noise: tuple[float, float, float, float], rng: np.random.Generator
) -> sv.Detections:
    """One frame's imitation detections."""
    missed, jitter, false, least = noise
    boxes = people.select(BOXES).to_numpy().astype(np.float64)
    boxes = boxes[(rng.random(len(boxes)) >= missed) & (people["visible"].to_numpy() >= least)]
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    boxes = boxes + rng.normal(0, jitter, boxes.shape) * size
    corners = rng.uniform((0, 250), (1200, 650), (rng.poisson(false), 2))
    confidence = np.concatenate([rng.normal(0.75, 0.15, len(boxes)), rng.normal(0.4, 0.15, len(corners))])
    boxes = np.concatenate([boxes, np.hstack([corners, corners + np.array([30, 55])])])
    return sv.Detections(
        xyxy=boxes.astype(np.float32),
        confidence=confidence.clip(0.05, 0.99).astype(np.float32),
        class_id=np.zeros(len(boxes), np.int64),
    )


@click.command()
@click.option("--match", type=click.Path(path_type=Path), help="A rendered match; the demo by default.")
@click.option("--seed", default=0, show_default=True)
def main(match: Path | None, seed: int) -> None:
    """Print IDF1, HOTA and identity switches."""
    video = match or asset("demo/match.mp4")
    truth = video.with_suffix(".truth")
    people = pl.read_parquet(truth / "positions.parquet").partition_by("frame", as_dict=True)
    info = probe(video)
    ways = {(noise, sight): Associator((info.width, info.height)) for noise in NOISES for sight in (False, True)}
    rngs = {noise: np.random.default_rng(seed) for noise in NOISES}
    background = Background((info.width, info.height))
    for frame in frames(info):
        rows = people.get((frame.index,))
        if rows is None:
            continue
        moved = background.update(frame.index, frame.image, rows.select(BOXES).to_numpy())
        shift = np.array([moved.dx, moved.dy]) if moved.known else None
        for noise, how in NOISES.items():
            found = disturbed(rows, how, rngs[noise])
            ways[noise, False].update(found, frame.index, frame.time_s)
            ways[noise, True].update(found, frame.index, frame.time_s, looks(frame.image, found), shift)
    grid = Table("detections", "sight", "IDF1", "HOTA", "switches")
    with tempfile.TemporaryDirectory() as folder:
        for (noise, sight), associator in ways.items():
            tracked = Path(folder) / "tracks.txt"
            write_mot(tracked, associator.finish())
            scores = evaluate_mot_sequence(truth / "gt.txt", tracked, metrics=["CLEAR", "HOTA", "Identity"])
            assert scores.Identity is not None
            assert scores.HOTA is not None
            assert scores.CLEAR is not None
            grid.add_row(
                noise, "yes" if sight else "no", f"{scores.Identity.IDF1:.3f}", f"{scores.HOTA.HOTA:.3f}",
                str(scores.CLEAR.IDSW),
            )  # fmt: skip
    Console().print(grid)


if __name__ == "__main__":
    main()
