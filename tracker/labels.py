"""labels.csv of a run: which team and player each of its crops shows, suggested first and corrected by hand."""

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from classifier.errors import BadInput
from tracker.contact_sheet import Card, contact_sheet
from tracker.crops import crops_of_tracks, read_crop
from tracker.run import Run
from tracker.tables import PLAYERS, read_csv
from tracker.team_groups import OFFICIAL, suggest_teams

COLUMNS = ("crop", "track", "team", "player")


@dataclass(frozen=True)
class Suggestion:
    """What `cleansheet crops` made."""

    labels: Path
    sheet: Path
    tracks_by_team: dict[str, int]
    crops: int


def suggest_labels(run: Run, *, per_track: int, force: bool) -> Suggestion:
    """Write `labels.csv` and `contact-sheet.jpg` beside the crops of a run.

    Args:
        run: A finished run.
        per_track: Crops of a track that are listed, the most distinct moments first.
        force: Replace a `labels.csv` that is there.

    Raises:
        BadInput: The run has no crops, or labels that would be lost.
    """
    folder = run.final.crops
    files = {track: _spread(paths, per_track) for track, paths in crops_of_tracks(folder).items() if paths}
    if not files:
        raise BadInput(f"run {run.name!r} has no crops: nobody large and clear enough was seen in the video")
    labels = folder / "labels.csv"
    if labels.exists() and not force:
        raise BadInput(f"{labels} is there already and may hold your corrections; give --force to replace it")
    pictures = {track: [read_crop(path) for path in paths] for track, paths in files.items()}
    guesses = suggest_teams(pictures, official_shares(run))
    ordered = sorted(files, key=lambda track: (guesses[track].team, -guesses[track].sureness))
    rows = [
        (str(path.relative_to(folder)), str(track), guesses[track].team, "")
        for track in ordered
        for path in files[track]
    ]
    write_labels(labels, rows)
    groups: dict[str, list[Card]] = {}
    for track in ordered:
        groups.setdefault(guesses[track].team, []).append(Card(f"track {track}", pictures[track]))
    sheet = folder / "contact-sheet.jpg"
    cv2.imwrite(str(sheet), contact_sheet(dict(groups)), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return Suggestion(labels, sheet, {team: len(cards) for team, cards in groups.items()}, len(rows))


def write_labels(path: Path, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Write labels beside their name and rename."""
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _spread(paths: Sequence[Path], count: int) -> list[Path]:
    """`count` of the files, evenly over the track's time."""
    if len(paths) <= count:
        return list(paths)
    return [paths[round(place)] for place in np.linspace(0, len(paths) - 1, count)]


def official_shares(run: Run) -> Mapping[int, float]:
    """Track → 1 where the detector mostly called it a referee, else 0."""
    players = read_csv(PLAYERS, run.final.folder / "players.csv")
    return {track: float(role == OFFICIAL) for track, role in players.select("track_id", "role").iter_rows()}
