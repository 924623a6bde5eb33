"""The search for what an erasure left behind: every byte of the workspace, file names, and pictures re-encoded."""

import hashlib
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.discovery import PICTURES
from classifier.errors import CleansheetError
from classifier.likeness import ALIKE_BITS, look, same_picture, thumb
from classifier.workspace import Workspace

SHORT = 4
"""Names of fewer letters occur by chance in files that are no text."""
MEDIA = PICTURES | {".mp4", ".safetensors"}
PROBE = 48
"""Bytes from the middle of a picture's file that no other file is likely to hold."""


@dataclass(frozen=True)
class Trace:
    """How a removed picture is known again."""

    digest: str
    probe: bytes
    look: str
    thumb: NDArray[np.int16]


@dataclass(frozen=True)
class Found:
    """What a search covered and what it found."""

    files: int
    bytes: int
    hits: tuple[str, ...]
    """Files below the workspace that still hold something."""


def trace_of(data: bytes, digest: str, code: str) -> Trace:
    """The trace of a picture's file."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise CleansheetError(f"picture {digest} cannot be read: it is damaged; restore it or import it again.")
    middle = max(0, len(data) // 2 - PROBE // 2)
    return Trace(digest, data[middle : middle + PROBE], code, thumb(image.astype(np.uint8, copy=False)))


def search(place: Workspace, names: Collection[str], traces: Collection[Trace], kept: Iterable[str]) -> Found:
    """Read all of the workspace but its lock, keys and journal.

    Args:
        place: The workspace.
        names: What nobody may be called there any more.
        traces: Of the removed pictures.
        kept: Texts that stay; a name inside one of these (Ann in Anna) is no leftover.
    """
    digests = {trace.digest for trace in traces}
    explained = {name: [text.encode() for text in kept if name in text] for name in names}
    files = [path for path in sorted(place.path.rglob("*")) if path.is_file() and not _exempt(place, path)]
    size, hits = 0, []
    for path in files:
        data = path.read_bytes()
        size += len(data)
        inside = path.relative_to(place.path).as_posix()
        if (
            any(_named(name, data, path, explained[name]) for name in names)
            or any(_word(name, inside.encode()) and not _covered(name, inside.encode(), explained[name])
                   for name in names)
            or digests & set(_digests(data) + _digests(inside.encode()))
            or _holds_picture(place, path, data, traces)
        ):  # fmt: skip
            hits.append(inside)
    return Found(len(files), size, tuple(hits))


def _exempt(place: Workspace, path: Path) -> bool:
    return path == place.journal or path.name == ".lock" or place.keys in path.parents


def _digests(data: bytes) -> list[str]:
    return [match.decode() for match in re.findall(rb"[0-9a-f]{64}", data)]


def _named(name: str, data: bytes, path: Path, explained: list[bytes]) -> bool:
    if path.suffix == ".sqlite":  # columns follow each other without a gap: a name may touch its neighbours
        everywhere = len(name) >= SHORT and _occurs(name.encode(), data, explained, word=False)
        return everywhere or any(_occurs(name.encode(), cell, explained, word=True) for cell in _cells(path))
    if path.suffix.lower() in MEDIA and len(name) < 6:
        return False
    return _occurs(name.encode(), data, explained, word=True)


def _cells(path: Path) -> Iterator[bytes]:
    """Every text in every table of a database."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (cell.encode() for cell in row if isinstance(cell, str))
    finally:
        connection.close()


def _covered(name: str, data: bytes, explained: list[bytes]) -> bool:
    return not _occurs(name.encode(), data, explained, word=True)


def _word(name: str, data: bytes) -> bool:
    return _occurs(name.encode(), data, [], word=True)


def _occurs(name: bytes, data: bytes, explained: list[bytes], *, word: bool) -> bool:
    """Whether a name occurs, standing alone if `word`, and not inside a text that explains it."""
    at = data.find(name)
    while at >= 0:
        before, after = data[at - 1 : at] if at else b"", data[at + len(name) : at + len(name) + 1]
        alone = not (_letter(before) or _letter(after))
        if (alone or not word) and not any(_inside(at, len(name), text, name, data) for text in explained):
            return True
        at = data.find(name, at + 1)
    return False


def _letter(sign: bytes) -> bool:
    return sign.isalnum() or (sign != b"" and sign[0] >= 0x80)


def _inside(at: int, length: int, text: bytes, name: bytes, data: bytes) -> bool:
    """Whether the occurrence at `at` is part of `text` there."""
    offset = text.find(name)
    while offset >= 0:
        start = at - offset
        if start >= 0 and data[start : start + len(text)] == text and len(text) > length:
            return True
        offset = text.find(name, offset + 1)
    return False


def _holds_picture(place: Workspace, path: Path, data: bytes, traces: Collection[Trace]) -> bool:
    if path.suffix.lower() not in PICTURES:
        return any(trace.probe in data for trace in traces)
    if hashlib.sha256(data).hexdigest() in {trace.digest for trace in traces}:
        return True
    if place.crops in path.parents:  # compared when the erasure was surveyed
        return False
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return False
    code, small = np.uint64(int(look(image.astype(np.uint8, copy=False)), 16)), None
    for trace in traces:
        if int(np.bitwise_count(code ^ np.uint64(int(trace.look, 16)))) <= ALIKE_BITS:
            small = thumb(image.astype(np.uint8, copy=False)) if small is None else small
            if same_picture(small, trace.thumb):
                return True
    return False
