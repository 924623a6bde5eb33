"""The crops of a run by track: who labels.csv says they are, and how tracks are taken out of them."""

import csv
import io
import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2

from classifier.atomic_file import flush_entries, remove, write_whole
from classifier.crash_points import crash_point
from tracker.contact_sheet import Card, contact_sheet
from tracker.crops import read_crop, track_folder_name

LABELS, SHEET = "labels.csv", "contact-sheet.jpg"
NO_TEAM = "no team"
_TRACK_FOLDER = re.compile(r"track-(\d+)")


@dataclass(frozen=True)
class Label:
    """One row of labels.csv, however a spreadsheet left it."""

    raw: str
    """The row as it stands in the file, its line ending included."""
    crop: str
    """Path below the folder of crops."""
    tracks: frozenset[int]
    """The track that the crop's folder says and the one that the row says: the same, unless somebody edited them."""
    team: str
    players: tuple[str, ...]


def track_of_crop(crop: str) -> int | None:
    """The track in whose folder a crop (`track-0007/000123.jpg`) lies; None where the path is another."""
    found = _TRACK_FOLDER.fullmatch(crop.split("/", 1)[0]) if "/" in crop else None
    return None if found is None else int(found[1])


def read_labels(crops: Path, name: str = LABELS) -> tuple[str, tuple[Label, ...]]:
    """The header as it stands and the rows of a folder's labels.csv; ("", ()) where there is none.

    Nothing is refused, so that a file that an import would refuse can still be cleaned.
    """
    try:
        text = (crops / name).read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return "", ()
    lines = list(io.StringIO(text, newline=""))
    if not lines:
        return "", ()
    delimiter = ";" if ";" in lines[0] and "," not in lines[0] else ","
    reader = csv.reader(lines, delimiter=delimiter)
    names = [name.strip() for name in next(reader)]
    names[:1] = [name.removeprefix("\ufeff") for name in names[:1]]
    header_ends = start = reader.line_num
    labels = []
    for row in reader:
        labels.append(_label("".join(lines[start : reader.line_num]), dict(zip(names, row, strict=False))))
        start = reader.line_num
    return "".join(lines[:header_ends]), tuple(labels)


def erase_crops(crops: Path, tracks: Collection[int]) -> None:
    """Take tracks out of a folder of crops: the rows of labels.csv, the contact sheet, the pictures, in this order.

    The sheet is drawn again from the labels and the crops that stay; without any it is deleted. Doing it twice, or
    again after being killed, gives the same bytes.
    """
    header, labels = read_labels(crops)
    kept = [label for label in labels if label.tracks.isdisjoint(tracks)]
    if not kept:
        remove(crops / LABELS)
    elif len(kept) < len(labels):
        text = header + "".join(label.raw for label in kept)
        write_whole(crops / LABELS, text.encode("utf-8", "surrogateescape"))
    if (crops / SHEET).exists():
        _redraw(crops, kept)
    for track in tracks:
        crash_point()
        if (crops / track_folder_name(track)).exists():
            shutil.rmtree(crops / track_folder_name(track))
    if crops.exists():
        flush_entries(crops)


def count_crops(crops: Path, tracks: Collection[int]) -> int:
    """Pictures in the folders of these tracks."""
    return sum(len(list((crops / track_folder_name(track)).glob("*"))) for track in tracks)


def _label(raw: str, row: dict[str, str]) -> Label:
    crop, said = row.get("crop", "").strip(), row.get("track", "").strip()
    folder = track_of_crop(crop)
    named = int(said) if said.isascii() and said.isdigit() else None
    players = tuple(name.strip() for name in row.get("player", "").split(";") if name.strip())
    tracks = frozenset(track for track in (folder, named) if track is not None)
    return Label(raw, crop, tracks, row.get("team", "").strip(), players)


def _redraw(crops: Path, labels: list[Label]) -> None:
    """The contact sheet from labels in their order: a card a track, under the team of its first crop."""
    cards: dict[int, tuple[str, list[Path]]] = {}
    for label in labels:
        path = crops / label.crop
        if label.tracks and path.is_file():
            cards.setdefault(min(label.tracks), (label.team or NO_TEAM, []))[1].append(path)
    groups: dict[str, list[Card]] = {}
    for track, (team, paths) in cards.items():
        groups.setdefault(team, []).append(Card(f"track {track}", [read_crop(path) for path in paths]))
    if not groups:
        remove(crops / SHEET)
        return
    done, encoded = cv2.imencode(".jpg", contact_sheet(dict(groups)), [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    write_whole(crops / SHEET, encoded.tobytes())
