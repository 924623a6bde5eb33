"""Whose team a track gets, with and without what is known besides its crops: `python -m benchmarks.track_teams VIDEO…`

Each VIDEO is a rendered match with its truth beside it (VIDEO.truth), processed three times with the classifier of the
workspace: crops alone; with the detector's word on who is an official; with look-alikes as well. Printed is the share
of the tracks' boxes that have the right team, none, and a wrong one; a track's true team is that of most of its boxes.
"""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import click
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.first_guess import true_teams
from tracker import teams
from tracker.process import process_videos
from tracker.run import find_run
from tracker.settings import ProcessSettings
from tracker.tables import TRACKS, read_csv

WAYS = ("crops alone", "and the detector", "and look-alikes")


def shares(run: Path, truth: Path) -> list[float]:
    """Of the boxes of tracks that follow somebody: with the right team, with none, with a wrong one."""
    known = true_teams(run, truth)
    counts = np.zeros(3)
    by_track = read_csv(TRACKS, run / "tracks.csv").group_by("track_id").agg(pl.col("team").first(), boxes=pl.len())
    for track, team, boxes in by_track.iter_rows():
        if track in known:
            counts[1 if team is None else 2 * int(team != known[track])] += boxes
    return (counts / counts.sum()).tolist()


@click.command(help=__doc__, context_settings={"max_content_width": 110})
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-w", "--workspace", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True,
              help="Its classifier is used, and it is left as it is.")  # fmt: skip
def main(videos: tuple[Path, ...], workspace: Path) -> None:
    grid = Table("match", *WAYS)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(workspace / "ensemble", Path(folder) / "ensemble")
        for video in videos:
            said = []
            for way in range(len(WAYS)):
                with ExitStack() as without:
                    if way < 1:
                        without.enter_context(mock.patch.object(teams, "OFFICIAL_SEEN", 0.5))
                        without.enter_context(mock.patch.object(teams, "PLAYER_MISTAKEN", 0.5))
                    if way < 2:
                        without.enter_context(mock.patch.object(teams, "asked", return_value={}))
                    process_videos(
                        [video], Path(folder), ProcessSettings(video=False), name=None, fresh=False, force=False,
                        report=lambda *_: None,
                    )  # fmt: skip
                run = find_run(Path(folder), video.stem)
                said.append(" / ".join(f"{s:.3f}" for s in shares(run.final.folder, video.with_suffix(".truth"))))
                run.final.summary.unlink()  # what was detected is used again, the rest is not
            grid.add_row(video.stem, *said)
    Console(width=110).print(grid)


if __name__ == "__main__":
    main()
