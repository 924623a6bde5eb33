"""The schema of the tables, the files that are written and the page that describes them agree."""

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.tracker.paths import at_speeds, keeper, skater
from tracker import tables
from tracker.rink import Rink
from tracker.statistics import compute


@pytest.fixture(scope="module")
def found():
    rows = pl.concat([skater(at_speeds((3, 2))), keeper(-26, "white", 2), keeper(26, "yellow", 3)])
    return compute(rows, Rink.named("nhl"))


def test_docs_are_in_step():
    written = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert written == tables.markdown(), "run `python -m tracker.tables > docs/tables.md`"


@pytest.mark.parametrize("table", [tables.TEAMS, tables.PLAYERS, tables.TIMELINE], ids=lambda table: table.name)
def test_a_written_csv_matches_its_schema(tmp_path, found, table):
    frame = getattr(found, table.name)
    path = tmp_path / f"{table.name}.csv"
    tables.write_csv(frame, table, path)
    assert path.read_text().splitlines()[0].split(",") == table.names
    back = tables.read_csv(table, path)
    assert back.schema == table.schema
    assert back.height == frame.height
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_numbers_are_rounded_and_unknown_is_empty(tmp_path):
    row = dict.fromkeys(tables.TRACKS.names) | {
        "frame": 7, "time_s": 7 / 29.97, "track_id": 1, "team": "a, b", "role": "player", "x1": 1.23456, "x_m": 2 / 3,
        "confidence": 0.123456, "observed": True, "at_border": False,
    }  # fmt: skip
    path = tmp_path / "tracks.csv"
    tables.write_csv(pl.DataFrame([row], schema=tables.TRACKS.schema), tables.TRACKS, path)
    # 7 / 29.97 = 0.233567; boxes have 2 decimals, metres 3, shares 4, times 6.
    assert path.read_text().splitlines()[1] == '7,0.233567,1,"a, b",,player,1.23,,,,0.1235,true,false,0.667,'


def test_a_frame_without_a_column_is_refused():
    with pytest.raises(KeyError, match="team"):
        tables.TEAMS.fit(pl.DataFrame({"a": [1]}))


@pytest.mark.parametrize("table", [*tables.WRITTEN, tables.POSITIONS], ids=lambda table: table.name)
def test_every_column_says_what_it_is(table):
    assert len(set(table.names)) == len(table.names)
    for column in table.columns:
        assert column.description, column.name
        assert column.name == column.name.lower()
        if column.dtype is pl.Float64:
            assert column.unit, column.name


def test_the_empty_table_is_written_with_its_header(tmp_path):
    path = tmp_path / "teams.csv"
    tables.write_csv(tables.TEAMS.empty(), tables.TEAMS, path)
    assert path.read_text() == ",".join(tables.TEAMS.names) + "\n"
