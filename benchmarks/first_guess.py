"""How often the first guess of a track's team is right where nobody labelled anything: matches in random colours.

    python -m benchmarks.first_guess --pairs 10 -o /tmp/first-guess

Renders short matches (what is rendered and processed already is used again), processes them without any classifier,
groups the tracks by the look of their crops, and compares with the truth: a track's true team is the one of most of
its boxes. The two groups may be called either way round; officials are officials. White and light grey are left out.
"""

import shutil
import subprocess
import sys
from collections import Counter
from itertools import permutations
from pathlib import Path

import click
import numpy as np
import polars as pl
import supervision as sv
from scipy.optimize import linear_sum_assignment

from tracker.crops import crops_of_tracks, read_crop
from tracker.labels import official_shares
from tracker.process import process_videos
from tracker.run import find_run
from tracker.settings import ProcessSettings
from tracker.tables import TRACKS, read_csv
from tracker.team_groups import OFFICIAL, suggest_teams

COLOURS = {
    "red": "#c8202a", "maroon": "#6b1623", "orange": "#f07818", "yellow": "#f5d21e", "gold": "#c9a227",
    "green": "#1c8a43", "forest": "#14502c", "teal": "#138a8a", "sky": "#6ab7e8", "blue": "#1d50b8",
    "navy": "#14224f", "purple": "#5d2c8c", "pink": "#e85a9c", "black": "#1b1b1f", "brown": "#6e4526",
}  # fmt: skip
"""Jerseys of clubs; white and light grey are left out."""
LEAST_APART = 40.0
"""CIELAB: nobody plays in a jersey that the other team's is hardly to be told from."""


def pairs(count: int, seed: int) -> list[tuple[str, str]]:
    """Random different pairs of colours that are far enough apart."""
    import cv2

    def lab(name: str) -> np.ndarray:
        rgb = [int(COLOURS[name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return cv2.cvtColor(np.array([[rgb[::-1]]], np.float32), cv2.COLOR_BGR2Lab)[0, 0]

    names = sorted(COLOURS)
    every = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    allowed = [(a, b) for a, b in every if np.linalg.norm(lab(a) - lab(b)) > LEAST_APART]
    chosen = np.random.default_rng(seed).choice(len(allowed), count, replace=False)
    return [allowed[i] for i in chosen]


def true_teams(run: Path, truth: Path) -> dict[int, str]:
    """Track → the team that most of its boxes lie on, where at least half of them lie on anybody."""
    tracks = read_csv(TRACKS, run / "tracks.csv")
    real = pl.read_parquet(truth / "positions.parquet")
    box = ["x1", "y1", "x2", "y2"]
    by_frame = {key[0]: rows for key, rows in tracks.partition_by("frame", as_dict=True).items()}
    votes: dict[int, Counter[str]] = {}
    for (frame,), people in real.partition_by("frame", as_dict=True).items():
        rows = by_frame.get(frame)
        if rows is None:
            continue
        iou = sv.box_iou_batch(people.select(box).to_numpy().astype(float), rows.select(box).to_numpy())
        for person, track in zip(*linear_sum_assignment(-iou), strict=True):
            if iou[person, track] >= 0.5:
                votes.setdefault(int(rows["track_id"][int(track)]), Counter())[people["team"][int(person)]] += 1
    sizes = dict(tracks.group_by("track_id").len().iter_rows())
    return {t: c.most_common(1)[0][0] for t, c in votes.items() if c.total() >= sizes[t] / 2}


def right_of(guesses: dict[int, str], truth: dict[int, str]) -> tuple[int, int, list[int]]:
    """Right tracks, tracks, and the wrong ones, under the better way round of the two groups' names."""
    known = sorted(set(guesses) & set(truth))
    groups = sorted({guesses[t] for t in known} - {OFFICIAL})
    teams = sorted({truth[t] for t in known} - {OFFICIAL})
    best: list[int] = known
    for order in permutations([*teams, None, None], len(groups)):
        called = {OFFICIAL: OFFICIAL, **dict(zip(groups, order, strict=True))}
        wrong = [t for t in known if called[guesses[t]] != truth[t]]
        best = min(best, wrong, key=len)
    return len(known) - len(best), len(known), best


@click.command(help=__doc__, context_settings={"max_content_width": 110})
@click.option("--pairs", "count", default=10, show_default=True)
@click.option("--seconds", default=6.0, show_default=True, help="Of each match.")
@click.option("--seed", default=2026, show_default=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Matches and runs are kept here.")
def main(count: int, seconds: float, seed: int, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    right = known = 0
    for number, (one, other) in enumerate(pairs(count, seed)):
        name = f"{number}-{one}-{other}"
        video = out / f"{name}.mp4"
        if not (out / f"{name}.truth" / "positions.parquet").exists():
            shutil.rmtree(out / f"{name}.truth", ignore_errors=True)
            subprocess.run(
                [sys.executable, "-m", "videos.render", str(video), "--seconds", str(seconds), "--seed",
                 str(seed + number), "--colors", f"{COLOURS[one]},{COLOURS[other]}", "--teams", f"{one},{other}",
                 "--hall", "any", "--preset", "veryfast"], check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        settings = ProcessSettings(video=False)
        process_videos([video], out / "w", settings, name=None, fresh=False, force=False, report=lambda *_: None)
        run = find_run(out / "w", name)
        files = crops_of_tracks(run.final.crops)
        pictures = {track: [read_crop(path) for path in paths] for track, paths in files.items()}
        guesses = {track: guess.team for track, guess in suggest_teams(pictures, official_shares(run)).items()}
        hits, of, wrong = right_of(guesses, true_teams(run.final.folder, out / f"{name}.truth"))
        right, known = right + hits, known + of
        click.echo(f"{one:>8} against {other:8} {hits:3} of {of:3} tracks right ({hits / of:.1%}); wrong: {wrong}")
    click.echo(f"{right} of {known} tracks right: {right / known:.1%}")


if __name__ == "__main__":
    main()
