"""The tables that a run writes: every column's name, type, unit and meaning, once.

`docs/tables.md` is generated from here (`python -m tracker.tables > docs/tables.md`); what is written is made to fit.
"""

import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tracker.words import Format


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    dtype: type[pl.DataType]
    unit: str
    description: str
    decimals: int = 3

    @property
    def kind(self) -> str:
        """The type in words."""
        return {pl.Int64: "integer", pl.Float64: "number", pl.String: "text", pl.Boolean: "true/false"}[self.dtype]


@dataclass(frozen=True)
class Table:
    """One table: `name` is the file's name without `.csv`."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The columns' names in the file's order."""
        return [column.name for column in self.columns]

    @property
    def schema(self) -> pl.Schema:
        """Names and types in the file's order."""
        return pl.Schema({column.name: column.dtype() for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """No rows, all columns."""
        return pl.DataFrame(schema=self.schema)

    def fit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly this table's columns, order and types; a column that it lacks is a KeyError."""
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise KeyError(f"table {self.name}: column {missing[0]!r} is missing")
        return frame.select(pl.col(column.name).cast(column.dtype) for column in self.columns)


def integer(name: str, unit: str, description: str) -> Column:
    return Column(name, pl.Int64, unit, description)


def number(name: str, unit: str, description: str, decimals: int = 3) -> Column:
    return Column(name, pl.Float64, unit, description, decimals)


def share(name: str, description: str) -> Column:
    return Column(name, pl.Float64, "0 to 1", description, decimals=4)


def text(name: str, description: str) -> Column:
    return Column(name, pl.String, "", description)


def boolean(name: str, description: str) -> Column:
    return Column(name, pl.Boolean, "", description)


FRAME = integer("frame", "frames", "0-based index of the frame in the source video")
TIME = number("time_s", "s", "presentation time of the frame, from the first frame on", decimals=6)
TRACK = integer("track_id", "", "the track; ids start at 1")
TEAM = text("team", "the team's name; `referee` for officials; empty where not known")
TEAM_CONFIDENCE = share("team_confidence", "how sure the team is: the classifier, and what is weighed with it")
ROLE = text("role", "`player`, `goalkeeper` or `referee`")
X = number("x_m", "m", "place on the rink along its length, right of centre ice positive; empty where not known")
Y = number("y_m", "m", "place on the rink across it, away from the camera positive; empty where not known")
OBSERVED = boolean(
    "observed",
    "false where the place was filled in between two detections; with `--detect-every`, a frame that was not looked at "
    "counts as observed if the person was seen in the looks before and after it",
)
AT_BORDER = boolean(
    "at_border",
    "true where the border of the picture cuts the person off, or is no farther to the side than they are wide: there "
    "people come into view and leave it",
)
METRES = text("metres", "what the metres of the row rest on: `measured` (a calibration), `estimated`, `none`")

_BLOCK = 4 * 2**20
"""Bytes of a table that are read at once."""
_MOVEMENT = (
    number("distance_m", "m", "sum of smoothed displacements; gaps over 1 s are not bridged"),
    number("distance_offensive_m", "m", "the part of it that was covered in the offensive zone"),
    share("offensive_pressure_distance_share", "offensive pressure: distance_offensive_m / distance_m"),
    share("offensive_time_share", "share of tracked time in the offensive zone; stands beside offensive pressure"),
    share("neutral_time_share", "share of tracked time between the blue lines (inline rink: in the middle third)"),
    share("defensive_time_share", "share of tracked time in the defensive zone"),
    number("mean_speed_mps", "m/s", "distance over the time in which it was measured"),
    number("top_speed_mps", "m/s", "highest speed of the smoothed track, tracking errors left out"),
    integer("bursts_18_20", "", "speed bursts (above 18 mph until below 16 mph) with a maximum of 18 to 20 mph"),
    integer("bursts_20_22", "", "speed bursts with a maximum of 20 to 22 mph"),
    integer("bursts_22_plus", "", "speed bursts with a maximum of 22 mph or more"),
    integer("dropped_speed_samples", "", "steps above 13 m/s: tracking errors, in no distance and no speed"),
)
_SHAPE = (
    ("width_m", "extent of the team's skaters across the rink"),
    ("length_m", "extent of the team's skaters along the rink"),
    ("spread_m", "mean distance of the team's skaters from their centre"),
)

POSITIONS = Table(
    "positions",
    "Where everybody is: one row per frame and track, metres smoothed. All statistics are computed from this table.",
    (FRAME, TIME, TRACK, TEAM, ROLE, X, Y, OBSERVED, AT_BORDER),
)
TEAMS = Table(
    "teams",
    "One row per team, officials left out. Sums and times are over all tracks of the team, goalkeepers included; "
    "skaters and shape leave goalkeepers out.",
    (
        TEAM,
        integer("tracks", "", "tracks of the team; a player who leaves the view and returns may have several"),
        number(
            "skaters_median", "people", "median over the seconds of the skaters on the ice, goalkeepers not counted"
        ),
        number("tracked_s", "s", "time in which the team's people were tracked, summed over them"),
        *_MOVEMENT,
        *(number(f"{name}_median", "m", f"median over the seconds: {meaning}") for name, meaning in _SHAPE),
        METRES,
    ),
)
PLAYERS = Table(
    "players",
    "One row per track, officials included.",
    (
        TRACK,
        TEAM,
        TEAM_CONFIDENCE,
        ROLE,
        text("player", "the player's name where it is known"),
        number("first_time_s", "s", "time of the track's first frame"),
        number("last_time_s", "s", "time of the track's last frame"),
        number("tracked_s", "s", "time in which the track was followed; gaps over 1 s are left out"),
        integer("frames", "frames", "frames with a place for the track"),
        integer("observed_frames", "frames", "frames in which it was detected, not filled in"),
        *_MOVEMENT,
        METRES,
    ),
)
TIMELINE = Table(
    "timeline",
    "One row per second and team, officials left out.",
    (
        integer("second", "s", "the second: 0 holds times from 0 up to 1"),
        TEAM,
        integer(
            "skaters", "people", "median over the frames of the second of the skaters on the ice, without goalkeepers"
        ),
        number("distance_m", "m", "metres covered by the team in this second"),
        number("distance_offensive_m", "m", "the part of it that was covered in the offensive zone"),
        number("mean_speed_mps", "m/s", "distance over the time in which it was measured"),
        number("top_speed_mps", "m/s", "highest speed of anyone in the team in this second"),
        number("centroid_x_m", "m", "mean place of the team's skaters along the rink"),
        number("centroid_y_m", "m", "mean place of the team's skaters across the rink"),
        *(number(name, "m", f"{meaning}, median over the frames") for name, meaning in _SHAPE),
        share("offensive_time_share", "share of the second's tracked time in the offensive zone"),
        METRES,
    ),
)
BURSTS = Table(
    "bursts",
    "One row per speed burst (NHL EDGE: above 18 mph until below 16 mph), in order of time, officials included.",
    (
        number("start_s", "s", "time at which the speed first exceeds 18 mph"),
        TEAM,
        TRACK,
        number("top_speed_mps", "m/s", "the burst's highest speed"),
        METRES,
    ),
)
TRACKS = Table(
    "tracks",
    "One row per frame and track: the box, the team, the place.",
    (
        FRAME,
        TIME,
        TRACK,
        TEAM,
        TEAM_CONFIDENCE,
        ROLE,
        number("x1", "px", "left edge of the box; the picture's top-left corner is 0, 0", decimals=2),
        number("y1", "px", "top edge", decimals=2),
        number("x2", "px", "right edge", decimals=2),
        number("y2", "px", "bottom edge", decimals=2),
        share("confidence", "the detector's confidence; empty where the box was filled in"),
        OBSERVED,
        AT_BORDER,
        X,
        Y,
    ),
)
WRITTEN: tuple[Table, ...] = (TEAMS, PLAYERS, TIMELINE, BURSTS, TRACKS)
"""The tables that a run writes: always as CSV, in other formats where asked for."""


def write_csv(frame: pl.DataFrame, table: Table, path: Path) -> None:
    """Write the frame as this table: UTF-8, comma, a header, empty where unknown, whole or not at all."""
    _write([frame], table, "csv", path)


def write_table(
    frame: pl.DataFrame | Iterable[pl.DataFrame], table: Table, folder: Path, formats: Iterable[Format] = ("csv",)
) -> None:
    """Write `<table>.csv` and the like into a folder, each file whole or not at all.

    JSON is an array of one object per row, null where unknown. Parquet is not compressed, so that the search that
    follows an erasure (`classifier.leftovers`) can read what is in it.

    Args:
        frame: The table, or its pieces, gone through once for each format; CSV is written piece by piece.
        table: What it is.
        folder: Where.
        formats: Which files.
    """
    for form in formats:
        _write([frame] if isinstance(frame, pl.DataFrame) else frame, table, form, folder / f"{table.name}.{form}")


def formats_of(table: Table, folder: Path) -> tuple[Format, ...]:
    """The formats in which a folder holds this table."""
    forms: tuple[Format, ...] = ("csv", "parquet", "json")
    return tuple(form for form in forms if (folder / f"{table.name}.{form}").exists())


def _rounded(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    return table.fit(frame).with_columns(
        pl.col(column.name).round(column.decimals) for column in table.columns if column.dtype is pl.Float64
    )


def _write(pieces: Iterable[pl.DataFrame], table: Table, form: Format, path: Path) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("wb") as stream:
        if form == "csv":
            table.empty().write_csv(stream)
            for piece in pieces:
                _rounded(piece, table).write_csv(stream, include_header=False)
        else:
            whole = pl.concat([table.empty(), *(_rounded(piece, table) for piece in pieces)])
            if form == "json":
                whole.write_json(stream)
            else:
                whole.write_parquet(stream, compression="uncompressed")
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def read_csv(table: Table, path: Path) -> pl.DataFrame:
    """Read back what `write_csv` wrote."""
    return pl.read_csv(path, schema=table.schema)


def read_places(path: Path) -> pl.DataFrame:
    """Of tracks.csv the columns of `POSITIONS`, in types that need little memory, however long the match.

    It is read in blocks: polars' own scan of an hour takes 140 MiB more for a moment than what comes of it.
    """
    narrow = {FRAME: pl.Int32, TRACK: pl.Int32, TEAM: pl.Categorical, ROLE: pl.Categorical}
    columns = [pl.col(column.name).cast(narrow.get(column, column.dtype)) for column in POSITIONS.columns]
    parts = [pl.DataFrame(schema=TRACKS.schema).select(columns)]
    with path.open("rb") as file:
        file.readline()
        while block := file.read(_BLOCK):
            block += file.readline()
            while block.count(b'"') % 2 and (more := file.readline()):  # a line that ends within a quoted word
                block += more
            part = pl.read_csv(io.BytesIO(block), has_header=False, schema=TRACKS.schema)
            parts.append(part.select(columns))
    return pl.concat(parts)


def markdown(tables: Sequence[Table] = (*WRITTEN, POSITIONS)) -> str:
    """The text of docs/tables.md."""
    lines = [
        "# The tables",
        "",
        "Written by `cleansheet process` into the run's folder. UTF-8, comma-separated, one header line; an empty",
        "field means *not known*, never zero. Metres, seconds, metres a second; shares are 0 to 1.",
        "With `--format parquet,json` the same lies beside it as Parquet (not compressed, so that the search after",
        "an erasure can read it) and JSON (an array of one object a row, null where not known).",
        "Generated from `tracker/tables.py` by `python -m tracker.tables > docs/tables.md`.",
    ]
    for table in tables:
        heading = f"{table.name}.csv" if table in WRITTEN else f"The table of {table.name} (in memory)"
        lines += ["", f"## {heading}", table.description, "", "| column | type | unit | meaning |", "|---|---|---|---|"]
        lines += [f"| `{c.name}` | {c.kind} | {c.unit} | {c.description} |" for c in table.columns]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
