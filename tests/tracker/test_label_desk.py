"""The desk at which tracks are labelled, without a browser: what is said is kept, taken back and learnt."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from classifier.errors import BadInput
from classifier.holdings import list_players, record_consent
from classifier.workspace import Workspace
from tests.conftest import assert_refused, cleansheet, cleansheet_json
from tests.tracker.made_desks import held, label_all, opened
from tests.tracker.made_runs import CROPS, FRAMES, PEOPLE, write_run
from tracker.association.tracks import Tracks
from tracker.hand_labels import HandLabels, corrected, labels_of_run, move_crops
from tracker.label_desk import LabelDesk
from tracker.label_sources import adopt_catalog, pull_consent, take_in_labels
from tracker.label_store import Card, Cut, Person, store_path
from tracker.tables import TRACKS, read_csv


def card(desk: LabelDesk, number: int) -> dict[str, object]:
    return next(each for each in desk.board()["cards"] if each["id"] == number)


def test_the_first_guess_divides_the_tracks_into_two_teams_and_officials(desk: LabelDesk) -> None:
    guessed = {each["id"]: each["guess"] for each in desk.board()["cards"]}
    assert guessed == {place + 1: team for place, (team, _) in enumerate(PEOPLE)}
    assert [team["name"] for team in desk.board()["teams"]] == ["white", "yellow", "referee"]
    assert not desk.labels(), "a guess is no label"


def test_what_was_said_is_there_when_the_store_is_opened_again(workspace: Path) -> None:
    for desk in opened(workspace):
        desk.act("team", {"cards": [1, 2], "team": "white"})
        desk.act("aside", {"cards": [3]})
        desk.act("name", {"card": 5, "player": "Dov"})
        desk.act("person", {"player": "Dov", "number": "17", "consent": "given", "consent_date": "2026-11-01"})
    for desk in opened(workspace):
        assert dict(desk.labels().teams) == {1: "white", 2: "white", 5: "yellow"}
        assert desk.labels().aside == {3}
        assert desk.labels().by_hand[3] is None, "counts for no team"
        assert card(desk, 5)["player"] == "Dov"
        assert desk.board()["players"] == [
            {"name": "Dov", "number": "17", "consent": "given", "consent_date": "2026-11-01", "team": "yellow"}
        ]


def test_what_another_program_said_and_tables_that_were_made_anew_are_seen(workspace: Path, desk: LabelDesk) -> None:
    desk.act("team", {"cards": [1], "team": "white"})
    for other in opened(workspace):
        assert dict(other.labels().teams) == {1: "white"}
        other.act("cut", {"card": 2, "frame": 30})
        desk.act("team", {"cards": [2], "team": "white"})
        assert dict(other.labels().teams) == {1: "white", 2: "white"}
    new = len(PEOPLE) + 1
    assert (card(desk, 2)["pictures"], card(desk, new)["pictures"]) == (["2/7", "2/22"], ["2/37", "2/52"])
    write_run(workspace, people=PEOPLE[:4])
    assert [each["id"] for each in desk.board()["cards"]] == [1, 2, 3, 4, new]


def test_a_picture_is_found_under_its_name_whatever_is_cut_and_joined(desk: LabelDesk) -> None:
    """A browser may still be fetching what a card showed a moment ago."""
    names = [name for each in desk.board()["cards"] for name in each["pictures"]]
    before = {name: desk.picture(name).read_bytes() for name in names}
    assert len(before) == len(PEOPLE) * CROPS
    desk.act("cut", {"card": 2, "frame": 30})
    desk.act("cut", {"card": 3, "frame": 30})
    desk.act("join", {"card": len(PEOPLE) + 1, "onto": 3})
    assert {name: desk.picture(name).read_bytes() for name in names} == before
    for unknown in ("2/8", "99/7", "2", "", "2/../7", "x/7"):
        with pytest.raises(BadInput, match="no picture"):
            desk.picture(unknown)


def test_every_action_can_be_taken_back_to_where_it_began(desk: LabelDesk) -> None:
    before = desk.board()
    acts = [
        ("team", {"cards": [1, 2, 3], "team": "yellow"}), ("aside", {"cards": [4]}),
        ("name", {"card": 5, "player": "Dov"}), ("person", {"player": "Dov", "number": "17"}),
        ("cut", {"card": 6, "frame": 30}), ("unsay", {"cards": [5]}),
        ("rename-team", {"team": "yellow", "name": "Falcons"}), ("colour", {"team": "Falcons", "colour": "#112233"}),
    ]  # fmt: skip
    for what, given in acts:
        desk.act(what, given)
    assert desk.board()["undo"] == "another colour for Falcons"
    for _ in acts:
        assert desk.undo().said.startswith("undone: ")
    after = desk.board()
    assert [{**each, "sure": 0} for each in after["cards"]] == [{**each, "sure": 0} for each in before["cards"]]
    assert after["teams"] == before["teams"]
    with pytest.raises(BadInput, match="nothing to undo"):
        desk.undo()


def test_a_player_has_one_team(desk: LabelDesk) -> None:
    desk.act("name", {"card": 1, "player": "Ann"})
    said = desk.act("name", {"card": 5, "player": "Ann"}).said
    assert "plays for white" in said
    assert desk.labels().teams == {1: "white", 5: "white"}
    assert "1 more of the same player" in desk.act("team", {"cards": [1], "team": "yellow"}).said
    assert desk.labels().teams == {1: "yellow", 5: "yellow"}


def test_two_cards_seen_at_the_same_moment_are_two_people(desk: LabelDesk) -> None:
    with pytest.raises(BadInput, match="two people"):
        desk.act("join", {"card": 2, "onto": 1})


def test_cards_of_one_person_are_joined_and_the_tracks_with_them(tmp_path: Path) -> None:
    write_run(tmp_path, people=PEOPLE[:4], together=False)
    for desk in opened(tmp_path):
        desk.act("name", {"card": 1, "player": "Ann"})
        desk.act("join", {"card": 2, "onto": 1})
        desk.act("join", {"card": 1, "onto": 3})
        assert [each["id"] for each in desk.board()["cards"]] == [3, 4]
        joined = card(desk, 3)
        assert (joined["player"], joined["joined"], len(joined["pictures"])) == ("Ann", [1, 2], 3 * CROPS)
        labels = desk.labels()
    tracks = corrected(tracks_of(tmp_path), labels)
    assert set(tracks.track_id.tolist()) == {3, 4}
    assert len(tracks) == 4 * FRAMES


def test_a_card_cut_in_time_becomes_two_people_for_process_too(workspace: Path, desk: LabelDesk) -> None:
    desk.act("name", {"card": 1, "player": "Ann"})
    desk.act("cut", {"card": 1, "frame": 30})
    new = max(each["id"] for each in desk.board()["cards"])
    assert new == len(PEOPLE) + 1
    assert (card(desk, 1)["player"], card(desk, new)["player"]) == ("Ann", None)
    assert card(desk, 1)["pictures"] == ["1/7", "1/22"]
    assert card(desk, new)["pictures"] == ["1/37", "1/52"]
    desk.act("name", {"card": new, "player": "Bea"})
    labels = desk.labels()
    tracks = corrected(tracks_of(workspace), labels)
    assert (tracks.frame[tracks.track_id == 1].max(), tracks.frame[tracks.track_id == new].min()) == (29, 30)
    move_crops(desk.run.final.crops, labels)
    assert sorted(p.name for p in (desk.run.final.crops / "track-0001").iterdir()) == ["000007.jpg", "000022.jpg"]
    assert sorted(p.name for p in (desk.run.final.crops / f"track-{new:04d}").iterdir()) == ["000037.jpg", "000052.jpg"]


def test_boxes_that_a_join_brings_together_are_one_box_a_frame() -> None:
    empty = Tracks.empty()
    tracks = Tracks(
        frame=np.array([0, 1, 1, 2]), time_s=np.zeros(4), track_id=np.array([1, 1, 2, 2]),
        xyxy=np.array([[0, 0, 1, 1], [5, 0, 6, 1], [9, 0, 10, 1], [9, 0, 10, 1]], np.float32),
        confidence=np.array([0.9, 0, 0.8, 0.9], np.float32), class_id=np.zeros(4, np.int64),
        observed=np.array([True, False, True, True]), pieces=empty.pieces,
    )  # fmt: skip
    joined = corrected(tracks, HandLabels(joined={2: 1}))
    assert joined.frame.tolist() == [0, 1, 2]
    assert joined.track_id.tolist() == [1, 1, 1]
    assert joined.xyxy[1].tolist() == [9, 0, 10, 1], "the observed one stays"


def test_labels_end_in_the_catalog_and_corrections_replace_them(workspace: Path, desk: LabelDesk) -> None:
    label_all(desk)
    report = take_in_labels(workspace, desk.store)
    assert report.new == len(PEOPLE) * CROPS
    assert held(workspace) == {name: (team, CROPS) for team, name in PEOPLE}
    desk.act("name", {"card": 1, "player": "Zoe"})
    desk.act("team", {"cards": [2], "team": "yellow"})
    desk.act("aside", {"cards": [3]})
    desk.act("person", {"player": "Gus", "consent": "withdrawn"})
    desk.act("person", {"player": "Dov", "consent": "given", "consent_date": "2026-11-01"})
    take_in_labels(workspace, desk.store)
    assert {row.player: row.consent for row in list_players(workspace)}["Dov"] == "given"
    record_consent(workspace, {"Dov": "withdrawn", "Eli": "given"})
    pull_consent(workspace, desk.store)
    consents = {p.name: p.consent for p in desk.store.rows(Person)}
    assert (consents["Dov"], consents["Eli"], consents["Gus"]) == ("withdrawn", "given", "withdrawn")
    now = held(workspace)
    assert now["Zoe"] == ("white", CROPS)
    assert now["Bea"] == ("yellow", CROPS)
    assert not {"Ann", "Cid", "Gus"} & set(now), "renamed, set aside, consent withdrawn"
    assert len(list(Workspace(workspace).crops.glob("*/*"))) == (len(PEOPLE) - 2) * CROPS


def test_one_team_alone_is_refused_and_changes_nothing(workspace: Path, desk: LabelDesk) -> None:
    desk.act("team", {"cards": [1, 2], "team": "white"})
    with pytest.raises(BadInput, match="at least two teams"):
        take_in_labels(workspace, desk.store)
    assert not Workspace(workspace).catalog.exists()


def test_what_was_imported_by_hand_lies_on_the_desk(workspace: Path) -> None:
    made = cleansheet_json("crops", "saturday", "-w", workspace)
    labels = Path(made["labels"])
    labels.write_text(labels.read_text().replace("0001/000007.jpg,1,white,", "0001/000007.jpg,1,white,Ann"))
    lines = [line + ("Ann" if ",1,white," in line and "Ann" not in line else "") for line in labels.read_text().split()]
    labels.write_text("\n".join(lines) + "\n")
    cleansheet_json("import", labels.parent, "-w", workspace)
    for desk in opened(workspace):
        assert adopt_catalog(desk) == len(PEOPLE)
        assert desk.labels().players == {1: "Ann"}
        assert desk.labels().teams[5] == "yellow"


def test_a_correction_on_the_command_line_corrects_the_desk(workspace: Path) -> None:
    for desk in opened(workspace):
        label_all(desk)
        take_in_labels(workspace, desk.store)
    cleansheet_json("rectify", "Ann", "--player", "Zoe", "-w", workspace)
    cleansheet_json("rectify", "Bea", "--team", "yellow", "-w", workspace)
    labels = labels_of_run(workspace, "saturday")
    assert (labels.players[1], labels.teams[2]) == ("Zoe", "yellow")


def test_a_killed_program_loses_nothing_that_it_answered_for(workspace: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tracker.label_desk import LabelDesk; "
        "from tracker.label_store import open_labels; from tracker.run import find_run\n"
        "w = Path(sys.argv[1])\n"
        "with open_labels(w, write=True) as store:\n"
        "    LabelDesk(find_run(w, 'saturday'), store).act('team', {'cards': [1, 2], 'team': 'white'})\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(workspace)], check=False).returncode == -9
    assert labels_of_run(workspace, "saturday").teams == {1: "white", 2: "white"}


def test_labels_of_other_tracks_are_refused_until_one_starts_over(workspace: Path, tmp_path: Path) -> None:
    for desk in opened(workspace):
        desk.act("team", {"cards": [1], "team": "white"})
    write_run(workspace, people=PEOPLE[:5])
    done = cleansheet("export", "saturday", "--as", "labels", "-o", tmp_path / "x", "-w", workspace)
    assert_refused(done, "--start-over")


@pytest.mark.parametrize(
    ("what", "given", "words"),
    [
        ("team", {"cards": [1], "team": " "}, "no team"),
        ("team", {"cards": [1], "team": "x" * 101}, "1 to 100"),
        ("team", {"cards": [99], "team": "white"}, "99"),
        ("team", {"cards": "1", "team": "white"}, "expected cards"),
        ("name", {"card": 1, "player": "a;b"}, "semicolon"),
        ("name", {"card": 1, "player": "a\x00b"}, "printable"),
        ("cut", {"card": 1, "frame": 999}, "not inside"),
        ("colour", {"team": "white", "colour": "red"}, "#rrggbb"),
        ("person", {"player": "nobody"}, "no player"),
        ("drop everything", {}, "unknown action"),
    ],
)
def test_nonsense_is_refused_in_words(desk: LabelDesk, what: str, given: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        desk.act(what, given)
    assert not desk.labels()


def test_names_may_hold_anything_that_can_be_printed(desk: LabelDesk) -> None:
    for name in ("O'Brien \"Bob\"", "<img src=x onerror=alert(1)>", "🏒 Ann", "שרה לוי", "x" * 100):
        desk.act("name", {"card": 1, "player": name})
        assert desk.labels().players == {1: name}


def test_runs_that_cannot_be_labelled_are_told_in_one_line(workspace: Path) -> None:
    assert_refused(cleansheet("label", "sunday", "-w", workspace), "no run 'sunday'", "saturday")
    (workspace / "runs" / "monday.partial").mkdir()
    assert_refused(cleansheet("label", "monday", "-w", workspace), "not finished")
    store_path(workspace).write_bytes(b"no database, but long enough to look like one" * 40)
    assert_refused(cleansheet("label", "saturday", "-w", workspace), "no store of labels")


def test_a_store_of_a_newer_program_is_left_alone(workspace: Path) -> None:
    with sqlite3.connect(store_path(workspace)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert_refused(cleansheet("label", "saturday", "-w", workspace), "newer cleansheet")


def test_the_store_holds_nothing_beside_what_was_said(desk: LabelDesk) -> None:
    desk.act("name", {"card": 1, "player": "Ann"})
    assert desk.store.rows(Card) == [Card("saturday", 1, "white", "Ann")]
    assert desk.store.rows(Person) == [Person("Ann")]
    assert desk.store.rows(Cut) == []


def tracks_of(workspace: Path) -> Tracks:
    table = read_csv(TRACKS, workspace / "runs" / "saturday" / "tracks.csv")
    count = len(table)
    return Tracks(
        frame=table["frame"].to_numpy(), time_s=table["time_s"].to_numpy(), track_id=table["track_id"].to_numpy(),
        xyxy=table.select("x1", "y1", "x2", "y2").to_numpy().astype(np.float32),
        confidence=np.full(count, 0.9, np.float32), class_id=np.zeros(count, np.int64), observed=np.ones(count, bool),
        pieces=(),
    )  # fmt: skip
