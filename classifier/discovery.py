"""Labelled pictures in a folder: which files, of which team, on which side, and who shows on them.

Understood are an ImageFolder tree (`DIR/TEAM/*` or `DIR/{train,val}/TEAM/*`) with or without `players.csv`
(`file,team,players`, which overrides folder names), and the `labels.csv` (`crop,track,team,player`) that
`cleansheet crops` writes.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from classifier.errors import BadInput

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
TRAIN_NAMES = frozenset({"train", "training"})
VAL_NAMES = frozenset({"val", "valid", "validation", "test"})
LABELS, PLAYERS = "labels.csv", "players.csv"
MOST_LETTERS = 100
SEVERAL = ";"
"""Between the players of one picture."""


@dataclass(frozen=True)
class Labelled:
    """One file and what is said about it."""

    path: Path
    location: str
    """Where it came from, for people to read: folder and file, or run and crop."""
    team: str
    split: str
    """`train` or `val`."""
    players: tuple[str, ...]
    """Sorted; empty where nobody said."""
    track: str | None = None
    """`RUN/track-N` of a crop of a run."""


@dataclass(frozen=True)
class Found:
    """What a folder holds."""

    pictures: tuple[Labelled, ...]
    rows_without_team: int = 0
    """Rows of labels.csv that were left out on purpose."""


def discover(folder: Path, players_csv: Path | None = None) -> Found:
    """Find the labelled pictures under a folder.

    Args:
        folder: One of the layouts above.
        players_csv: Another place of `players.csv`; its files are relative to the CSV.

    Raises:
        BadInput: no such folder, no pictures, a picture without a team, an empty class, or a CSV that is wrong.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "not there"
        raise BadInput(f"{folder} is {what}: expected a folder of pictures by team, or one with {LABELS}.")
    if players_csv is None and (folder / LABELS).is_file():
        return _from_labels(folder / LABELS)
    if players_csv is None and (folder / PLAYERS).is_file():
        players_csv = folder / PLAYERS
    rows = {} if players_csv is None else _player_rows(players_csv)
    files = [path for path in sorted(folder.rglob("*")) if _is_picture(path, folder)]
    if not files:
        raise BadInput(f"{folder} holds no pictures ({', '.join(sorted(PICTURES))}) in team folders.")
    _refuse_empty_classes(folder, files)
    renamed = _team_of_folder(files, rows)
    pictures = [_labelled(path, folder, rows.get(path.resolve()), renamed) for path in files]
    return Found(tuple(pictures))


@dataclass(frozen=True)
class _Row:
    team: str
    players: tuple[str, ...]


def _labelled(path: Path, folder: Path, row: _Row | None, renamed: dict[Path, str]) -> Labelled:
    inside = path.relative_to(folder)
    split = "val" if VAL_NAMES & {part.lower() for part in inside.parts[:-1]} else "train"
    location = f"{folder.resolve().name}/{inside.as_posix()}"
    if row is not None:
        return Labelled(path, location, row.team, split, row.players)
    team = renamed.get(path.parent, path.parent.name)
    if path.parent == folder or path.parent.name.lower() in TRAIN_NAMES | VAL_NAMES:
        raise BadInput(f"{path} is in no team's folder: expected {folder}/TEAM/{path.name}, or a row in {PLAYERS}.")
    return Labelled(path, location, checked_name(team, "team", str(path)), split, ())


def _team_of_folder(files: Iterable[Path], rows: dict[Path, _Row]) -> dict[Path, str]:
    """Folder → team, where all of the folder's files that the CSV lists are of one team."""
    teams: dict[Path, set[str]] = defaultdict(set)
    for path in files:
        row = rows.get(path.resolve())
        if row is not None:
            teams[path.parent].add(row.team)
    return {folder: next(iter(names)) for folder, names in teams.items() if len(names) == 1}


def _refuse_empty_classes(folder: Path, files: list[Path]) -> None:
    """A sibling of class folders without any picture is a mistake worth stopping for."""
    classes = {path.parent for path in files if path.parent != folder}
    for parent in {path.parent for path in classes}:
        for sibling in sorted(parent.iterdir()):
            if (
                sibling.is_dir()
                and not sibling.name.startswith(".")
                and not any(sibling in path.parents for path in files)
            ):
                raise BadInput(f"the class folder {sibling} holds no pictures: fill it or remove it.")


def _is_picture(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    return path.suffix.lower() in PICTURES and not hidden and path.is_file()


def _player_rows(path: Path) -> dict[Path, _Row]:
    rows: dict[Path, _Row] = {}
    for line, row in _read(path, ("file", "team", "players")):
        where = f"{path}, line {line}"
        file = _file(path.parent / row["file"].strip(), where)
        players = tuple(sorted({checked_name(p, "player", where) for p in row["players"].split(SEVERAL) if p.strip()}))
        new = _Row(checked_name(row["team"], "team", where), players)
        if rows.setdefault(file, new) != new:
            raise BadInput(f"{where}: {row['file']} is listed twice with different labels.")
    return rows


def _from_labels(path: Path) -> Found:
    folder = path.resolve().parent
    run = folder.parent.name if folder.name == "crops" else folder.name
    pictures, skipped = [], 0
    for line, row in _read(path, ("crop", "track", "team", "player")):
        where = f"{path}, line {line}"
        if not row["team"].strip():
            skipped += 1
            continue
        players = tuple(sorted({checked_name(p, "player", where) for p in row["player"].split(SEVERAL) if p.strip()}))
        track = f"{run}/track-{checked_name(row['track'], 'track', where)}"
        crop = row["crop"].strip()
        file = _file(path.parent / crop, where)
        team = checked_name(row["team"], "team", where)
        pictures.append(Labelled(file, f"{run}/{crop}", team, "train", players, track))
    if not pictures:
        raise BadInput(f"{path} gives no crop a team: fill in the column team, then import again.")
    return Found(tuple(sorted(pictures, key=lambda p: p.location)), skipped)


def _read(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV with their line numbers."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            sample = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=";" if ";" in sample and "," not in sample else ",")
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                expected, got = ", ".join(columns), ", ".join(reader.fieldnames or ()) or "an empty file"
                raise BadInput(f"{path} has no column {', '.join(sorted(missing))}: expected {expected}; it has {got}.")
            return [(reader.line_num, {c: row[c] or "" for c in columns}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as CSV ({error}): expected UTF-8 with {', '.join(columns)}.") from error


def _file(path: Path, where: str) -> Path:
    if not path.is_file():
        raise BadInput(f"{where}: there is no file {path}; paths are relative to the CSV.")
    return path.resolve()


def checked_name(text: str, what: str, where: str) -> str:
    """A team's or player's name, trimmed.

    Raises:
        BadInput: it is empty, too long, or not printable.
    """
    name = text.strip()
    if not name or len(name) > MOST_LETTERS or not name.isprintable():
        given = text[:MOST_LETTERS]
        raise BadInput(f"{where}: {given!r} is no {what}; expected 1 to {MOST_LETTERS} printable signs.")
    return name
