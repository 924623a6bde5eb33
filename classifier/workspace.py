"""The folder that holds everything about people, so that "everything" has an address."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from classifier.errors import BadInput, CleansheetError


@dataclass(frozen=True)
class Workspace:
    """Where things lie in a workspace; making one does not touch the disk."""

    path: Path

    @property
    def catalog(self) -> Path:
        """SQLite: crops, players, labels and the plan."""
        return self.path / "catalog.sqlite"

    @property
    def crops(self) -> Path:
        """The pictures as they were imported, named by their SHA-256: `ab/abcd….jpg`."""
        return self.path / "crops"

    @property
    def shards(self) -> Path:
        """Slice checkpoints, named by the hash of all that made them."""
        return self.path / "shards"

    @property
    def ensemble(self) -> Path:
        """What inference loads."""
        return self.path / "ensemble"

    @property
    def training(self) -> Path:
        """A page about the last training: curves, confusion matrix, wrong crops."""
        return self.path / "training"

    @property
    def runs(self) -> Path:
        """Processed videos (written by `tracker`)."""
        return self.path / "runs"

    @property
    def certificates(self) -> Path:
        return self.path / "certificates"

    @property
    def keys(self) -> Path:
        """The workspace's secrets."""
        return self.path / "keys"

    @property
    def journal(self) -> Path:
        """What a change that is under way has set out to do; absent at rest."""
        return self.path / "journal.json"

    @property
    def preview(self) -> Path:
        """The contact sheet of the last `forget-player --dry-run`."""
        return self.path / "forget-preview.jpg"

    def crop(self, digest: str, suffix: str) -> Path:
        """Where the picture with that SHA-256 lies."""
        return self.crops / digest[:2] / f"{digest}{suffix}"

    def require_catalog(self) -> None:
        """
        Raises:
            BadInput: nothing was ever imported here.
        """
        if not self.catalog.exists():
            raise BadInput(f"no labelled crops in {self.path}: run `cleansheet import DIR` first.")

    @contextmanager
    def writing(self, waiting: Callable[[], None] | None = None, *, recovering: bool = False) -> Iterator[None]:
        """Hold the workspace for writing; a second writer waits, and `waiting` is called once when it has to.

        Raises:
            BadInput: the path is a file.
            CleansheetError: an erasure was interrupted and must be finished first (unless `recovering`).
        """
        if self.path.exists() and not self.path.is_dir():
            raise BadInput(f"the workspace {self.path} is a file; expected a folder (it is made when missing).")
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is not None:
                    waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            if self.journal.exists() and not recovering:
                raise CleansheetError(f"an erasure in {self.path} was interrupted: run the command again to finish it.")
            yield
