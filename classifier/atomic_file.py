"""Files that are there whole or not at all, also after a crash."""

import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write beside the final name, flush to the disk, rename, and flush the folder's entry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    flush_entries(path.parent)


def flush_entries(folder: Path) -> None:
    """Make a folder's list of names durable (after a rename or a removal)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_partial(path: Path) -> bool:
    """Whether a file is what a killed `write_whole` left behind."""
    return path.name.startswith(".") and path.name.endswith(".partial")
