"""People who are forgotten, and what was said about them on the desk."""

from pathlib import Path

import pytest

from classifier.errors import BadInput
from classifier.leftovers import search
from classifier.workspace import Workspace
from tests.conftest import assert_refused, cleansheet, cleansheet_json
from tests.tracker.made_desks import label_all, opened
from tests.tracker.made_runs import PEOPLE
from tracker.erasable_runs import ErasableRuns
from tracker.hand_labels import people_named
from tracker.label_sources import take_in_labels
from tracker.label_store import store_path
from tracker.tables import TRACKS, read_csv


def test_a_forgotten_player_is_nowhere_in_the_labels_and_the_search_looks_there(workspace: Path) -> None:
    for desk in opened(workspace):
        label_all(desk)
        desk.act("person", {"player": "Ann", "number": "17", "consent": "given", "consent_date": "2026-11-01"})
        take_in_labels(workspace, desk.store)
    assert search(Workspace(workspace), ["Ann"], [], []).hits == ("catalog.sqlite", "labels.sqlite")
    done = cleansheet("forget-player", "Ann", "--yes", "-w", workspace)
    assert done.returncode == 0, done.stderr
    assert search(Workspace(workspace), ["Ann"], [], []).hits == ()
    data = store_path(workspace).read_bytes()
    assert b"Ann" not in data
    assert b"2026-11-01" not in data
    for desk in opened(workspace):
        assert [each["id"] for each in desk.board()["cards"]] == list(range(2, len(PEOPLE) + 1))
        assert desk.labels().players[2] == "Bea", "the others stay"
        with pytest.raises(BadInput, match="nothing to undo"):
            desk.undo()
        with pytest.raises(BadInput, match="not there any more"):
            desk.act("team", {"cards": [1], "team": "white"})


def test_somebody_who_was_named_and_never_learnt_can_be_forgotten_too(workspace: Path) -> None:
    for desk in opened(workspace):
        desk.act("name", {"card": 1, "player": "Ann"})
        desk.act("name", {"card": 2, "player": "Anna"})
    looked = cleansheet_json("forget-player", "Ann", "--dry-run", "-w", workspace)
    assert looked["tracks"] == [["saturday", 1]]
    assert people_named(workspace) == {"Ann", "Anna"}
    done = cleansheet("forget-player", "Ann", "--yes", "-w", workspace)
    assert done.returncode == 0, done.stderr
    assert people_named(workspace) == {"Anna"}
    assert 1 not in read_csv(TRACKS, workspace / "runs" / "saturday" / "tracks.csv")["track_id"]
    assert_refused(cleansheet("forget-player", "Ann", "--yes", "-w", workspace), "forgotten already")


def test_of_a_cut_track_only_the_parts_rows_are_erased_once_it_was_processed_again(workspace: Path) -> None:
    for desk in opened(workspace):
        desk.act("cut", {"card": 1, "frame": 30})
        new = len(PEOPLE) + 1
        desk.act("name", {"card": new, "player": "Zoe"})
        place = f"saturday/track-{1:04d}/000037.jpg"
    runs = ErasableRuns()
    assert runs.tracks(workspace, [place], ()) == (("saturday", 1),), "its rows are still its track's"
    table = workspace / "runs" / "saturday" / "tracks.csv"
    lines = table.read_text().splitlines()
    at, frame = lines[0].split(",").index("track_id"), lines[0].split(",").index("frame")
    cells = [line.split(",") for line in lines[1:]]
    for row in cells:
        row[at] = str(new) if row[at] == "1" and int(row[frame]) >= 30 else row[at]
    rows = [",".join(row) for row in cells]
    table.write_text("\n".join([lines[0], *rows]) + "\n")
    assert runs.tracks(workspace, [place], ()) == (("saturday", new),)
    assert runs.tracks(workspace, [], ["Zoe"]) == (("saturday", new),)
