"""The folder of one processed video: made beside its final name, renamed when whole, resumed when it was stopped."""

import ctypes
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import BadInput, CleansheetError

PARTIAL_SUFFIX = ".partial"
ANSWER_FILES = ("teams.csv", "players.csv", "timeline.csv", "tracks.csv", "tracks.mot.txt")


@dataclass(frozen=True)
class RunPaths:
    """Where the files of a run lie, in whichever folder it is being made."""

    folder: Path

    @property
    def summary(self) -> Path:
        """run.json: versions, settings, the video's hash, timings, warnings."""
        return self.folder / "run.json"

    @property
    def detections(self) -> Path:
        return self.folder / "detections.bin"

    @property
    def crops(self) -> Path:
        return self.folder / "crops"

    @property
    def mot(self) -> Path:
        return self.folder / "tracks.mot.txt"

    @property
    def video(self) -> Path:
        return self.folder / "annotated.mp4"

    @property
    def key(self) -> Path:
        """What the detections of this run depend on; a resumed run must agree with it."""
        return self.folder / "key.json"


@dataclass(frozen=True)
class Run:
    """A run by its name in a workspace."""

    workspace: Path
    name: str

    @property
    def final(self) -> RunPaths:
        return RunPaths(self.workspace / "runs" / self.name)

    @property
    def partial(self) -> RunPaths:
        return RunPaths(self.workspace / "runs" / f"{self.name}{PARTIAL_SUFFIX}")

    def summary(self) -> dict[str, Any] | None:
        """run.json of the finished run, None where there is none."""
        return read_json(self.final.summary)

    def publish(self) -> None:
        """Give the partial run its final name, in place of an earlier run of that name: on Linux in one step, so that
        one or the other is there at every moment, and whatever is killed."""
        flush_folder(self.partial.folder)
        replaced = self.workspace / "runs" / f"{self.name}.replaced"
        shutil.rmtree(replaced, ignore_errors=True)
        if not self.final.folder.exists():
            self.partial.folder.rename(self.final.folder)
        elif exchanged(self.partial.folder, self.final.folder):
            self.partial.folder.rename(replaced)
        else:
            self.final.folder.rename(replaced)
            self.partial.folder.rename(self.final.folder)
        flush(self.final.folder.parent)
        shutil.rmtree(replaced, ignore_errors=True)


def run_name(video: Path, name: str | None) -> str:
    """A run's name: the given one, or the video's without its ending.

    Raises:
        BadInput: The name would leave the folder of runs, or is no plain file name.
    """
    chosen = video.stem if name is None else name
    if not chosen.strip() or chosen != Path(chosen).name or chosen.startswith(".") or "\\" in chosen:
        raise BadInput(f"--name {chosen!r}: a run's name is one folder name, such as 2026-11-23-home")
    if chosen.endswith((PARTIAL_SUFFIX, ".replaced")):
        raise BadInput(f"--name {chosen!r}: must not end in {PARTIAL_SUFFIX} or .replaced, which mark unfinished runs")
    return chosen


def find_run(workspace: Path, run: str) -> Run:
    """A finished run by its name or by its folder.

    Raises:
        BadInput: There is none of that name, or it is not finished.
    """
    folder = Path(run)
    if folder.is_dir() and (folder / "run.json").exists():
        folder = folder.resolve()
        return Run(folder.parent.parent, folder.name)
    found = Run(workspace, run_name(Path(run), run))
    if found.final.summary.exists():
        return found
    if found.partial.folder.exists():
        raise BadInput(f"run {run!r} is not finished; run the same `cleansheet process` again to complete it")
    runs = workspace / "runs"
    names = sorted(p.name for p in runs.iterdir() if (p / "run.json").exists()) if runs.exists() else []
    known = f"there are: {', '.join(names)}" if names else "there is none yet; make one with: cleansheet process VIDEO"
    raise BadInput(f"no run {run!r} in {workspace}; {known}")


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """Hold a run for writing; a second process gets an error at once rather than a tangle.

    Raises:
        CleansheetError: Another process is at work on this run.
    """
    folder = run.partial.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.parent / f".{run.name}.lock"
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CleansheetError(
                f"run {run.name!r} is being processed by another command; wait for it to end"
            ) from None
        yield


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file; None where the file is missing or torn."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object beside its name, flush it, rename it."""
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def exchanged(one: Path, other: Path) -> bool:
    """Give two files or folders each other's names in one step; False where the system or its disk cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def flush(path: Path) -> None:
    """Force one file or folder entry to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Force everything in a folder to the disk."""
    for path in folder.rglob("*"):
        flush(path)
    flush(folder)
