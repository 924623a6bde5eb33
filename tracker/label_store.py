"""labels.sqlite of a workspace: what was said by hand about the tracks of its runs, and how to take it back.

As in the catalog, `secure_delete` overwrites what is deleted and the rollback journal goes after every transaction.
Tracks are named by the ids that the run's association gave them; a track that was cut in time has further ids.
"""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from classifier.crash_points import crash_point
from classifier.errors import BadInput, CleansheetError

CONSENTS = ("unknown", "given", "withdrawn")
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE run (name TEXT PRIMARY KEY, tracks TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE team (name TEXT PRIMARY KEY, colour TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE alias (
        run TEXT NOT NULL, guess TEXT NOT NULL, team TEXT NOT NULL, PRIMARY KEY (run, guess)
    ) WITHOUT ROWID;
    CREATE TABLE player (
        name TEXT PRIMARY KEY,
        number TEXT NOT NULL DEFAULT '',
        consent TEXT NOT NULL DEFAULT 'unknown' CHECK (consent IN ('unknown', 'given', 'withdrawn')),
        consent_date TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID;
    CREATE TABLE card (
        run TEXT NOT NULL,
        track INTEGER NOT NULL,
        team TEXT,
        player TEXT,
        aside INTEGER NOT NULL DEFAULT 0,
        joined INTEGER,
        PRIMARY KEY (run, track)
    ) WITHOUT ROWID;
    CREATE TABLE cut (
        run TEXT NOT NULL,
        part INTEGER NOT NULL,
        track INTEGER NOT NULL,
        frame INTEGER NOT NULL,
        PRIMARY KEY (run, part)
    ) WITHOUT ROWID;
    CREATE TABLE action (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL,
        said TEXT NOT NULL,
        changes TEXT NOT NULL
    );
    """,
)


@dataclass(frozen=True)
class Team:
    """A team as the user calls it."""

    name: str
    colour: str
    """#rrggbb."""


@dataclass(frozen=True)
class Alias:
    """What the user calls a team that was guessed under another name."""

    run: str
    guess: str
    team: str


@dataclass(frozen=True)
class Person:
    """A player who was named."""

    name: str
    number: str = ""
    consent: str = "unknown"
    consent_date: str = ""
    """YYYY-MM-DD, or empty."""


@dataclass(frozen=True)
class Card:
    """What was said about one track, or about a part of one."""

    run: str
    track: int
    team: str | None = None
    player: str | None = None
    aside: bool = False
    joined: int | None = None
    """The card of the same person that this one was laid onto, and that speaks for both."""


@dataclass(frozen=True)
class Cut:
    """A track that shows somebody else from a frame on."""

    run: str
    part: int
    """The id of what begins at the frame."""
    track: int
    """The id of the association's track."""
    frame: int


Row = Team | Alias | Person | Card | Cut
TABLES: dict[type[Row], tuple[str, tuple[str, ...]]] = {
    Team: ("team", ("name",)), Alias: ("alias", ("run", "guess")), Person: ("player", ("name",)),
    Card: ("card", ("run", "track")), Cut: ("cut", ("run", "part")),
}  # fmt: skip
_KINDS = {table: kind for kind, (table, _) in TABLES.items()}


@dataclass(frozen=True)
class Change:
    """A row as it was and as it became; None where there is none."""

    old: Row | None
    new: Row | None


class LabelStore:
    """An open store; it may be used from several threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._lock = threading.RLock()
        self._written = 0

    def rows(self, kind: type[Row], **where: Any) -> list[Any]:
        """All rows of a kind with these values, by key."""
        table, key = TABLES[kind]
        condition = " AND ".join(f"{column} IS ?" for column in where) or "1"
        columns = [f.name for f in fields(kind)]
        with self._lock:
            found = self._db.execute(
                f"SELECT {', '.join(columns)} FROM {table} WHERE {condition} ORDER BY {', '.join(key)}",
                tuple(where.values()),
            ).fetchall()
        return [_made(kind, dict(zip(columns, row, strict=True))) for row in found]

    @contextmanager
    def acting(self, run: str, said: str) -> Iterator["Action"]:
        """All of an action's changes at once, durable when the block is left, and remembered for `undo`."""
        with self._transaction():
            action = Action(self)
            yield action
            if action.changes:
                changes = json.dumps([[_told(c.old), _told(c.new)] for c in action.changes])
                self._db.execute("INSERT INTO action (run, said, changes) VALUES (?, ?, ?)", (run, said, changes))

    def undo(self, run: str) -> tuple[str, list[Change]] | None:
        """Take back a run's last action: what it was, and what changed by taking it back. None where there is none."""
        with self._transaction():
            row = self._db.execute(
                "SELECT number, said, changes FROM action WHERE run = ? ORDER BY number DESC LIMIT 1", (run,)
            ).fetchone()
            if row is None:
                return None
            number, said, changes = row
            back = Action(self)
            for old, new in reversed(json.loads(changes)):
                was, became = _untold(old), _untold(new)
                if was is not None:
                    back.put(was)
                elif became is not None:
                    back.drop(became)
            self._db.execute("DELETE FROM action WHERE number = ?", (number,))
            return said, back.changes

    def last_action(self, run: str) -> str | None:
        """What `undo` would take back."""
        with self._lock:
            row = self._db.execute(
                "SELECT said FROM action WHERE run = ? ORDER BY number DESC LIMIT 1", (run,)
            ).fetchone()
        return None if row is None else str(row[0])

    def tracks_key(self, run: str) -> str | None:
        """The fingerprint of the tracks that a run's labels are about."""
        with self._lock:
            row = self._db.execute("SELECT tracks FROM run WHERE name = ?", (run,)).fetchone()
        return None if row is None else str(row[0])

    def begin_run(self, run: str, tracks_key: str) -> None:
        with self._transaction():
            self._db.execute("INSERT INTO run VALUES (?, ?) ON CONFLICT DO NOTHING", (run, tracks_key))

    def drop_run(self, run: str) -> None:
        """Delete all labels of a run."""
        with self._transaction():
            for table in ("card", "cut", "alias", "action"):
                self._db.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
            self._db.execute("DELETE FROM run WHERE name = ?", (run,))

    def teams_of_players(self) -> dict[str, str]:
        """The team that each named player was given on some run; cards that were set aside do not count."""
        with self._lock:
            found = self._db.execute(
                "SELECT player, team FROM card WHERE player IS NOT NULL AND team IS NOT NULL AND NOT aside "
                "ORDER BY run DESC, track DESC"
            ).fetchall()
        return dict(found)

    def version(self) -> int:
        """Changes when another process has written."""
        with self._lock:
            return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def stamp(self) -> tuple[int, int]:
        """Changes when anybody has written, this process included."""
        return self.version(), self._written

    def erase(self, tracks: Collection[tuple[str, int]], players: Collection[str]) -> None:
        """Delete what was said about tracks and people, and every action that could bring it back; then write the
        file anew, so that no free page keeps anything. Where a track was cut stays: it bounds somebody else's."""
        with self._transaction():
            gone = {*tracks}
            gone |= {(c.run, c.track) for c in self.rows(Card) if c.player in players}
            gone |= {(c.run, c.track) for c in self.rows(Card) if (c.run, c.joined) in gone}
            for run, track in gone:
                self._db.execute("DELETE FROM card WHERE run = ? AND track = ?", (run, track))
                self._db.execute("UPDATE card SET joined = NULL WHERE run = ? AND joined = ?", (run, track))
            for name in players:
                self._db.execute("DELETE FROM player WHERE name = ?", (name,))
            if players:
                self._db.execute("DELETE FROM action")
            for run in {run for run, _ in gone}:
                self._db.execute("DELETE FROM action WHERE run = ?", (run,))
        crash_point()
        with self._lock:
            self._db.execute("PRAGMA temp_store = MEMORY")
            self._db.execute("VACUUM")
        crash_point()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            crash_point()
            self._db.execute("COMMIT")
            self._written += 1
            crash_point()


class Action:
    """What happens to rows inside one transaction, written down so that it can be taken back."""

    def __init__(self, store: LabelStore) -> None:
        self._store = store
        self.changes: list[Change] = []

    def put(self, row: Row) -> None:
        """Add a row or replace the one with its key."""
        table = TABLES[type(row)][0]
        old = self._present(row)
        if old == row:
            return
        values = asdict(row)
        marks = ", ".join("?" for _ in values)
        self._store._db.execute(
            f"INSERT OR REPLACE INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
        )
        self.changes.append(Change(old, row))

    def drop(self, row: Row) -> None:
        """Delete the row with this one's key."""
        table, key = TABLES[type(row)]
        old = self._present(row)
        if old is None:
            return
        condition = " AND ".join(f"{column} = ?" for column in key)
        self._store._db.execute(f"DELETE FROM {table} WHERE {condition}", tuple(getattr(row, k) for k in key))
        self.changes.append(Change(old, None))

    def _present(self, row: Row) -> Row | None:
        found: Sequence[Row] = self._store.rows(type(row), **{k: getattr(row, k) for k in TABLES[type(row)][1]})
        return found[0] if found else None


def store_path(workspace: Path) -> Path:
    return workspace / "labels.sqlite"


@contextmanager
def open_labels(workspace: Path, *, write: bool = False) -> Iterator[LabelStore | None]:
    """The workspace's store; None where there is none, unless `write`, which makes one.

    Raises:
        BadInput: It is of a newer program, or no store.
        CleansheetError: It cannot be read or written.
    """
    path = store_path(workspace)
    if not write and not path.exists():
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    try:
        for pragma in ("secure_delete = ON", "foreign_keys = ON", "journal_mode = DELETE", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        _migrate(connection, path)
        yield LabelStore(connection)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError):
            raise CleansheetError(f"{path}: {error}; nothing was changed") from error
        raise BadInput(f"{path} is no store of labels ({error}): restore it, or move it away") from error
    finally:
        connection.close()


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise BadInput(
            f"{path} has version {version} and this program knows up to {len(MIGRATIONS)}: install a newer cleansheet"
        )
    for target, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {target}; COMMIT;")


def _made(kind: type[Row], values: dict[str, Any]) -> Row:
    if kind is Card:
        values["aside"] = bool(values["aside"])
    return kind(**values)


def _told(row: Row | None) -> list[Any] | None:
    return None if row is None else [TABLES[type(row)][0], asdict(row)]


def _untold(told: list[Any] | None) -> Row | None:
    return None if told is None else _made(_KINDS[told[0]], told[1])
