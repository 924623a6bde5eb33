"""The catalog: which crops there are, who shows on them, for which team, and where each player's crops are trained.

SQLite in the workspace. `secure_delete` overwrites what is deleted, and the rollback journal is removed after every
transaction, so that a deleted row leaves no bytes behind.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from classifier.crash_points import crash_point
from classifier.errors import BadInput, CleansheetError
from classifier.plan import Place, Plan
from classifier.workspace import Workspace

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE player (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('named', 'track', 'picture')),
        consent TEXT NOT NULL DEFAULT 'unknown' CHECK (consent IN ('unknown', 'given', 'withdrawn'))
    ) WITHOUT ROWID;
    CREATE TABLE crop (
        digest TEXT PRIMARY KEY,
        suffix TEXT NOT NULL,
        team TEXT NOT NULL,
        split TEXT NOT NULL CHECK (split IN ('train', 'val')),
        width_px INTEGER NOT NULL,
        height_px INTEGER NOT NULL,
        look TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE appearance (
        digest TEXT NOT NULL REFERENCES crop (digest) ON DELETE CASCADE,
        player TEXT NOT NULL REFERENCES player (name) ON DELETE CASCADE ON UPDATE CASCADE,
        PRIMARY KEY (digest, player)
    ) WITHOUT ROWID;
    CREATE INDEX appearance_player ON appearance (player);
    CREATE TABLE source (
        digest TEXT NOT NULL REFERENCES crop (digest) ON DELETE CASCADE,
        location TEXT NOT NULL,
        PRIMARY KEY (digest, location)
    ) WITHOUT ROWID;
    CREATE TABLE plan (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        mode TEXT NOT NULL,
        shards INTEGER NOT NULL,
        slices INTEGER NOT NULL,
        teams TEXT NOT NULL,
        asked TEXT NOT NULL
    );
    CREATE TABLE player_place (
        player TEXT PRIMARY KEY REFERENCES player (name) ON DELETE CASCADE ON UPDATE CASCADE,
        shard INTEGER NOT NULL,
        slice INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE spread_place (
        digest TEXT PRIMARY KEY REFERENCES crop (digest) ON DELETE CASCADE,
        player TEXT NOT NULL REFERENCES player (name) ON DELETE CASCADE ON UPDATE CASCADE,
        shard INTEGER NOT NULL,
        slice INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE suppressed (
        token TEXT NOT NULL,
        certificate INTEGER NOT NULL,
        PRIMARY KEY (token, certificate)
    ) WITHOUT ROWID;
    CREATE TABLE ledger (
        number INTEGER PRIMARY KEY,
        request TEXT NOT NULL UNIQUE,
        certificate TEXT NOT NULL,
        previous TEXT NOT NULL,
        entry TEXT NOT NULL
    );
    """,
)
"""`MIGRATIONS[v]` takes a catalog from version v to v + 1."""


@dataclass(frozen=True)
class Crop:
    """A picture in the catalog."""

    digest: str
    """SHA-256 of the file's bytes, hexadecimal."""
    suffix: str
    """The file's ending, lower case, with its dot."""
    team: str
    split: str
    """`train`, or `val`: never trained on."""
    width_px: int
    height_px: int
    look: str
    """Perceptual hash, 16 hexadecimal digits; see `classifier.likeness`."""
    players: tuple[str, ...]
    """Who shows on it, sorted."""

    @property
    def alone(self) -> bool:
        """Whether one person shows on it. Pictures of several are kept, and not trained on: they would tie their
        people's shards together."""
        return len(self.players) == 1


@dataclass(frozen=True)
class Player:
    """A person with an id, or what stands in for one where nobody said who it is."""

    name: str
    kind: str
    """`named`; `track` and `picture` where only the source is known."""
    consent: str = "unknown"


@dataclass(frozen=True)
class LedgerEntry:
    """One certificate in the hash chain of all."""

    number: int
    """From 1 on, without gaps."""
    request: str
    """Random id of the request, so that finishing it twice writes one entry."""
    certificate: str
    """SHA-256 of the certificate's file."""
    previous: str
    """The previous entry's hash; of the first, 64 zeros."""
    entry: str
    """SHA-256 over all of the above."""


class Catalog:
    """An open catalog. Writes happen inside `transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of a block's writes, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        crash_point()
        self._db.execute("COMMIT")
        crash_point()

    def crops(self) -> tuple[Crop, ...]:
        """All crops by digest, which is an order that no import decided."""
        people: dict[str, list[str]] = {}
        for digest, player in self._db.execute("SELECT digest, player FROM appearance ORDER BY digest, player"):
            people.setdefault(digest, []).append(player)
        rows = self._db.execute(
            "SELECT digest, suffix, team, split, width_px, height_px, look FROM crop ORDER BY digest"
        )
        return tuple(
            Crop(digest, suffix, team, split, width_px, height_px, code, tuple(people.get(digest, ())))
            for digest, suffix, team, split, width_px, height_px, code in rows
        )

    def players(self) -> tuple[Player, ...]:
        return tuple(Player(*row) for row in self._db.execute("SELECT name, kind, consent FROM player ORDER BY name"))

    def sources(self) -> dict[str, tuple[str, ...]]:
        """Digest → where the picture came from, sorted."""
        found: dict[str, list[str]] = {}
        for digest, location in self._db.execute("SELECT digest, location FROM source ORDER BY digest, location"):
            found.setdefault(digest, []).append(location)
        return {digest: tuple(locations) for digest, locations in found.items()}

    def put_players(self, players: Iterable[Player]) -> None:
        """Add players; those already there stay as they are."""
        self._db.executemany(
            "INSERT INTO player (name, kind, consent) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(p.name, p.kind, p.consent) for p in players],
        )

    def set_consent(self, name: str, consent: str) -> None:
        """Record whether a player agreed to be in here: `unknown`, `given` or `withdrawn`."""
        self._db.execute("UPDATE player SET consent = ? WHERE name = ?", (consent, name))

    def put_crop(self, crop: Crop) -> None:
        """Add a crop, or bring its split and people up to date."""
        self._db.execute(
            "INSERT INTO crop (digest, suffix, team, split, width_px, height_px, look) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (digest) DO UPDATE SET split = excluded.split, team = excluded.team",
            (crop.digest, crop.suffix, crop.team, crop.split, crop.width_px, crop.height_px, crop.look),
        )
        self._db.execute("DELETE FROM appearance WHERE digest = ?", (crop.digest,))
        self._db.executemany("INSERT INTO appearance VALUES (?, ?)", [(crop.digest, name) for name in crop.players])

    def put_source(self, digest: str, location: str) -> None:
        self._db.execute("INSERT INTO source VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, location))

    def drop_players_without_crops(self) -> None:
        """Forget the names of stand-ins whose pictures have got a named player."""
        self._db.execute("DELETE FROM player WHERE name NOT IN (SELECT player FROM appearance)")

    def remove(self, players: Iterable[str], digests: Iterable[str]) -> None:
        """Delete crops, and players with all that is said about them; then those who show on no crop any more."""
        self._db.executemany("DELETE FROM crop WHERE digest = ?", [(digest,) for digest in digests])
        self._db.executemany("DELETE FROM player WHERE name = ?", [(name,) for name in players])
        self.drop_players_without_crops()

    def relabel(self, digests: Iterable[str], team: str | None, player: str | None) -> None:
        """Give crops of one person another team or another (named) person; None leaves that as it is."""
        for digest in digests:
            if team is not None:
                self._db.execute("UPDATE crop SET team = ? WHERE digest = ?", (team, digest))
            if player is not None:
                self.put_players([Player(player, "named")])
                self._db.execute("DELETE FROM appearance WHERE digest = ?", (digest,))
                self._db.execute("INSERT INTO appearance VALUES (?, ?)", (digest, player))
        self.drop_players_without_crops()

    def suppressed(self) -> dict[str, int]:
        """Token → number of the certificate that it came with; see `classifier.keys.token`."""
        return dict(self._db.execute("SELECT token, certificate FROM suppressed ORDER BY token, certificate"))

    def suppress(self, tokens: Iterable[str], certificate: int) -> None:
        self._db.executemany("INSERT INTO suppressed VALUES (?, ?) ON CONFLICT DO NOTHING",
                             [(token, certificate) for token in tokens])  # fmt: skip

    def lift_suppression(self, certificate: int) -> int:
        """Destroy a certificate's tokens; how many there were."""
        return self._db.execute("DELETE FROM suppressed WHERE certificate = ?", (certificate,)).rowcount

    def ledger(self) -> tuple[LedgerEntry, ...]:
        rows = self._db.execute("SELECT number, request, certificate, previous, entry FROM ledger ORDER BY number")
        return tuple(LedgerEntry(*row) for row in rows)

    def append_to_ledger(self, entry: LedgerEntry) -> None:
        values = (entry.number, entry.request, entry.certificate, entry.previous, entry.entry)
        self._db.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?)", values)

    def rewrite(self) -> None:
        """Write the whole file anew, so that no free page or slack keeps anything of what was deleted."""
        crash_point()
        self._db.execute("PRAGMA temp_store = MEMORY")
        self._db.execute("VACUUM")
        crash_point()

    def plan(self) -> Plan | None:
        """The recorded plan, or None before the first training."""
        row = self._db.execute("SELECT mode, shards, slices, teams, asked FROM plan").fetchone()
        if row is None:
            return None
        mode, shards, slices, teams, asked = row
        whole = self._db.execute("SELECT player, shard, slice FROM player_place ORDER BY player")
        spread = self._db.execute("SELECT digest, player, shard, slice FROM spread_place ORDER BY digest").fetchall()
        return Plan(
            mode, shards, slices, tuple(json.loads(teams)), tuple(json.loads(asked)),
            places={name: Place(shard, part) for name, shard, part in whole},
            spread={digest: Place(shard, part) for digest, _, shard, part in spread},
            spread_players=tuple(sorted({player for _, player, _, _ in spread})),
        )  # fmt: skip

    def record_plan(self, plan: Plan, player_of: dict[str, str]) -> None:
        """Replace the recorded plan. `player_of` names the person on each spread crop."""
        for table in ("plan", "player_place", "spread_place"):
            self._db.execute(f"DELETE FROM {table}")
        self._db.execute(
            "INSERT INTO plan VALUES (1, ?, ?, ?, ?, ?)",
            (plan.mode, plan.shards, plan.slices, json.dumps(plan.teams), json.dumps(plan.asked)),
        )
        self._db.executemany(
            "INSERT INTO player_place VALUES (?, ?, ?)", [(n, p.shard, p.slice) for n, p in plan.places.items()]
        )
        self._db.executemany(
            "INSERT INTO spread_place VALUES (?, ?, ?, ?)",
            [(digest, player_of[digest], p.shard, p.slice) for digest, p in plan.spread.items()],
        )


@contextmanager
def open_catalog(workspace: Workspace, write: bool = False) -> Iterator[Catalog]:
    """Open the workspace's catalog, brought to this program's version.

    Raises:
        BadInput: there is none (unless `write`, which makes one), it is of a newer program, or it is no catalog.
    """
    if not write:
        workspace.require_catalog()
    connection = sqlite3.connect(workspace.catalog, isolation_level=None, timeout=30)
    try:
        for pragma in ("secure_delete = ON", "foreign_keys = ON", "journal_mode = DELETE", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        _migrate(connection, workspace.catalog, write)
        yield Catalog(connection)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError):
            raise CleansheetError(f"{workspace.catalog}: {error}; nothing was changed.") from error
        raise BadInput(f"{workspace.catalog} is no catalog ({error}): restore it, or use another workspace.") from error
    finally:
        connection.close()


def _migrate(connection: sqlite3.Connection, path: Path, write: bool) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise BadInput(
            f"{path} has version {version} and this program knows up to {len(MIGRATIONS)}: "
            "install a newer cleansheet to use this workspace."
        )
    if version == 0 and not write:
        raise BadInput(f"{path} is empty: run `cleansheet import DIR`.")
    for target, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {target}; COMMIT;")
