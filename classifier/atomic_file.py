"""Files that are there whole or not at all, also after a crash."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from classifier.crash_points import crash_point


@contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Write beside the final name, flush to the disk, rename, and flush the folder's entry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:  # noqa: PTH123
            yield file
            file.flush()
            crash_point()
            os.fsync(file.fileno())
        crash_point()
        beside.replace(path)
        crash_point()
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    flush_entries(path.parent)


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """The same for what is in memory."""
    with whole_file(path, mode) as file:
        file.write(data)


def flush_entries(folder: Path) -> None:
    """Make a folder's list of names durable (after a rename or a removal)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> bool:
    """Delete a file for good; False where there is none."""
    crash_point()
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    flush_entries(path.parent)
    return True


def is_partial(path: Path) -> bool:
    """Whether a file is what a killed `write_whole` left behind."""
    return path.name.startswith(".") and path.name.endswith(".partial")
