"""Labels in and out, so that work done elsewhere is not lost: CSV, an ImageFolder of crops, MOTChallenge, CVAT XML."""

import csv
import io
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from classifier.atomic_file import write_whole
from classifier.discovery import checked_name
from classifier.errors import BadInput
from tracker.crop_erasure import read_labels, track_of_crop
from tracker.cvat import read_cvat, write_cvat
from tracker.label_desk import LabelDesk
from tracker.label_store import Card, Person
from tracker.tables import TRACKS, read_csv

COLUMNS = ("crop", "track", "team", "player", "number")
MATCH_IOU = 0.5
NO_TEAM = "no-team"
KINDS = ("labels", "imagefolder", "mot", "cvat")


@dataclass(frozen=True)
class Taken:
    """What was taken in."""

    cards: int
    named: int
    not_found: int
    """Entries that fit no card of the run."""


def labels_csv(desk: LabelDesk) -> str:
    """Every crop of the run with the team and player that it was given by hand; `cleansheet import` reads it too."""
    labels = desk.labels()
    numbers = {person.name: person.number for person in desk.store.rows(Person)}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for card, files in sorted(desk.crops(labels).items()):
        player = labels.players.get(card, "")
        for file in files:
            crop = file.relative_to(desk.run.final.crops).as_posix()
            writer.writerow([crop, card, labels.teams.get(card, ""), player, numbers.get(player, "")])
    return text.getvalue()


def export(desk: LabelDesk, kind: str, target: Path) -> int:
    """Write one kind of file or folder; how many crops or boxes there are in it.

    Args:
        desk: The run.
        kind: `labels` (CSV), `imagefolder` (a folder of crops by team, with players.csv), `mot` (MOTChallenge: a box a
            line, frames from 1, class 1) or `cvat` (CVAT for video 1.1 XML: a track each, the team as its label).
        target: The file, or for `imagefolder` a folder that is not there yet.

    Raises:
        BadInput: The folder is there already, or there is no such kind.
    """
    if kind == "labels":
        text = labels_csv(desk)
        write_whole(target, text.encode())
        return text.count("\n") - 1
    if kind == "imagefolder":
        return _image_folder(desk, target)
    boxes = labelled_boxes(desk)
    if kind == "mot":
        write_whole(target, _mot(boxes).encode("ascii"))
    elif kind == "cvat":
        numbers = {person.name: person.number for person in desk.store.rows(Person)}
        summary = desk.run.summary() or {}
        write_whole(target, write_cvat(boxes, summary.get("video", {}), numbers))
    else:
        raise BadInput(f"unknown kind {kind!r}: there is {', '.join(KINDS)}")
    return len(boxes)


def labelled_boxes(desk: LabelDesk) -> pl.DataFrame:
    """Rows of tracks.csv (frame, track_id, x1 … y2, confidence, observed) under the ids of their cards, with the team
    (said by hand, else the run's) and player."""
    labels = desk.labels()
    table = read_csv(TRACKS, desk.run.final.folder / "tracks.csv")
    table = table.with_columns(
        track_id=pl.struct("track_id", "frame").map_elements(
            lambda row: labels.head(labels.part(row["track_id"], row["frame"])), return_dtype=pl.Int64
        )
    ).unique(["frame", "track_id"], keep="first", maintain_order=True)
    by_hand = pl.col("track_id").replace_strict(dict(labels.teams), default=None, return_dtype=pl.String)
    return table.with_columns(
        team=by_hand.fill_null(pl.col("team")),
        player=pl.col("track_id").replace_strict(dict(labels.players), default=None, return_dtype=pl.String),
    ).filter(~pl.col("track_id").is_in(list(labels.aside)))


def take_labels(desk: LabelDesk, path: Path) -> Taken:
    """Take labels in from a labels.csv or a CVAT XML file.

    Rows of a CSV are found by their crop, CVAT's tracks by where their boxes lie (IoU of 0.5 or more, most frames).
    What is empty there changes nothing here.

    Raises:
        BadInput: The file cannot be read, or says something that cannot be.
    """
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file; expected a labels.csv or a CVAT XML file")
    by_cvat = path.suffix.lower() == ".xml"
    said, missing = _from_cvat(desk, path) if by_cvat else _from_csv(desk, path)
    named = {team_player[1] for team_player in said.values() if team_player[1]}
    teams: dict[str, set[str]] = {}
    for team, player in said.values():
        if player and team:
            teams.setdefault(player, set()).add(team)
    for player, of in sorted(teams.items()):
        if len(of) > 1:
            raise BadInput(f"{path}: player {player!r} is {' and '.join(sorted(of))}; a player has one team")
    with desk.store.acting(desk.run.name, f"labels from {path.name}") as action:
        present: dict[int, Card] = {card.track: card for card in desk.store.rows(Card, run=desk.run.name)}
        for card, (new_team, new_player) in sorted(said.items()):
            row = present.get(card, Card(desk.run.name, card))
            action.put(replace(row, team=new_team or row.team, player=new_player or row.player, aside=False))
        for name in sorted(named):
            if not desk.store.rows(Person, name=name):
                action.put(Person(name))
    return Taken(len(said), sum(bool(player) for _, player in said.values()), missing)


def _from_csv(desk: LabelDesk, path: Path) -> tuple[dict[int, tuple[str, str]], int]:
    header, rows = read_labels(path.parent, path.name)
    columns = {name.strip().lstrip("\ufeff") for name in header.replace(";", ",").split(",")}
    if not {"crop", "team", "player"} <= columns:
        raise BadInput(f"{path} is no labels.csv: expected the columns crop, track, team, player")
    labels = desk.labels()
    there = desk.crops(labels)
    votes: dict[int, Counter[tuple[str, str]]] = {}
    missing = 0
    for row in rows:
        if not row.team:
            continue
        track, stem = track_of_crop(row.crop), Path(row.crop).stem
        card = labels.head(labels.part(track, int(stem))) if track is not None and stem.isdigit() else None
        if card is None or card not in there:
            missing += 1
            continue
        player = row.players[0] if len(row.players) == 1 else ""
        entry = (checked_name(row.team, "team", str(path)), checked_name(player, "player", str(path)) if player else "")
        votes.setdefault(card, Counter())[entry] += 1
    return {card: count.most_common(1)[0][0] for card, count in votes.items()}, missing


def _from_cvat(desk: LabelDesk, path: Path) -> tuple[dict[int, tuple[str, str]], int]:
    labels = desk.labels()
    there = desk.crops(labels)
    mine: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
    for frame, card, *corners in labelled_boxes(desk).select("frame", "track_id", "x1", "y1", "x2", "y2").iter_rows():
        mine.setdefault(frame, []).append((card, tuple(corners)))
    said: dict[int, tuple[int, str, str]] = {}
    missing = 0
    for track in read_cvat(path):
        votes: Counter[int] = Counter()
        for frame, box in track.boxes:
            overlaps = [(_iou(own, box), card) for card, own in mine.get(frame, [])]
            if overlaps and max(overlaps)[0] >= MATCH_IOU:
                votes[max(overlaps)[1]] += 1
        if not votes:
            missing += 1
            continue
        for card, count in votes.items():
            if card in there and count > said.get(card, (0, "", ""))[0] and track.team != NO_TEAM:
                said[card] = (count, track.team, track.player)
    return {card: (team, player) for card, (_, team, player) in said.items()}, missing


def _iou(one: Iterable[float], other: Iterable[float]) -> float:
    (a1, b1, a2, b2), (c1, d1, c2, d2) = one, other
    shared = max(0.0, min(a2, c2) - max(a1, c1)) * max(0.0, min(b2, d2) - max(b1, d1))
    return shared / max((a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - shared, 1e-9)


def _image_folder(desk: LabelDesk, target: Path) -> int:
    if target.exists():
        raise BadInput(f"{target} is there already; name a folder that is not")
    labelled = desk.labelled()
    if not labelled:
        raise BadInput("no card has a team yet: label some first")
    beside = target.with_name(f".{target.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    safe = _folder_names(picture.team for picture in labelled)
    rows = [("file", "team", "players")]
    for picture in labelled:
        name = f"{safe[picture.team]}/{'-'.join(Path(picture.location).parts[-2:])}"
        (beside / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture.path, beside / name)
        rows.append((name, picture.team, ";".join(picture.players or (str(picture.track),))))
    with (beside / "players.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    beside.rename(target)
    return len(labelled)


def _folder_names(teams: Iterable[str]) -> Mapping[str, str]:
    """Team → a folder's name: the team's own wherever it can be one."""
    names: dict[str, str] = {}
    for team in sorted(set(teams)):
        plain = "".join(sign if sign.isalnum() or sign in "-_ ." else "_" for sign in team).strip(" .")[:60] or "team"
        taken = {each.lower() for each in names.values()}
        name, number = plain, 1
        while name.lower() in taken:
            number += 1
            name = f"{plain}-{number}"
        names[team] = name
    return names


def _mot(boxes: pl.DataFrame) -> str:
    lines = [
        f"{frame + 1},{track},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{confidence or 0:.4f},-1,-1,-1\n"
        for frame, track, x1, y1, x2, y2, confidence in boxes.select(
            "frame", "track_id", "x1", "y1", "x2", "y2", "confidence"
        ).iter_rows()
    ]
    return "".join(lines)

