"""Labels of a run out to other programs and in again: CSV, ImageFolder, CVAT, MOTChallenge."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from classifier.discovery import discover
from tests.conftest import assert_refused, cleansheet, cleansheet_json
from tests.tracker.made_desks import held, label_all, opened
from tests.tracker.made_runs import CROPS, FRAMES, PEOPLE, write_run
from tracker.hand_labels import labels_of_run


def test_csv_out_is_what_import_and_take_understand(workspace: Path, tmp_path: Path) -> None:
    for desk in opened(workspace):
        label_all(desk)
    out = desk.run.final.crops / "labels.csv"
    assert cleansheet_json("export", "saturday", "--as", "labels", "-o", out, "-w", workspace)["entries"] == 9 * CROPS
    assert {(p.team, p.players) for p in discover(out.parent).pictures} == {(team, (name,)) for team, name in PEOPLE}
    write_run(tmp_path / "other")
    taken = cleansheet_json("label", "saturday", "--take", out, "-w", tmp_path / "other")
    assert taken == {"cards": len(PEOPLE), "named": len(PEOPLE), "not_found": 0}
    assert labels_of_run(tmp_path / "other", "saturday").players == {n + 1: name for n, (_, name) in enumerate(PEOPLE)}


def test_an_imagefolder_is_what_import_understands(workspace: Path, tmp_path: Path) -> None:
    for desk in opened(workspace):
        label_all(desk)
        desk.act("rename-team", {"team": "white", "name": "../White/Sox"})
    out = tmp_path / "folder"
    cleansheet_json("export", "saturday", "--as", "imagefolder", "-o", out, "-w", workspace)
    assert {p.name for p in out.iterdir()} == {"players.csv", "referee", "yellow", "_White_Sox"}
    cleansheet_json("import", out, "-w", tmp_path / "w2")
    assert held(tmp_path / "w2")["Ann"] == ("../White/Sox", CROPS)
    assert_refused(cleansheet("export", "saturday", "--as", "imagefolder", "-o", out, "-w", workspace), "there already")


def test_cvat_goes_out_and_comes_back_corrected(workspace: Path, tmp_path: Path) -> None:
    for desk in opened(workspace):
        label_all(desk)
    out = tmp_path / "cvat.xml"
    cleansheet_json("export", "saturday", "--as", "cvat", "-o", out, "-w", workspace)
    root = ElementTree.parse(out).getroot()
    tracks = {track.get("id"): track for track in root.iter("track")}
    assert (tracks["1"].get("label"), len(tracks)) == ("white", len(PEOPLE))
    boxes = list(tracks["1"].iter("box"))
    assert [box.get("frame") for box in (boxes[0], boxes[-1])] == ["0", str(FRAMES)]
    assert [box.get("outside") for box in (boxes[0], boxes[-1])] == ["0", "1"]
    assert boxes[0].findtext("attribute[@name='player']") == "Ann"
    out.write_text(out.read_text().replace("Ann", "Zoë").replace('id="2" label="white"', 'id="2" label="yellow"'))
    write_run(tmp_path / "other")
    cleansheet_json("label", "saturday", "--take", out, "-w", tmp_path / "other")
    labels = labels_of_run(tmp_path / "other", "saturday")
    assert (labels.players[1], labels.teams[2], labels.players[9]) == ("Zoë", "yellow", "Ref")


def test_tracks_go_out_as_motchallenge(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "mot.txt"
    cleansheet_json("export", "saturday", "--as", "mot", "-o", out, "-w", workspace)
    rows = [line.split(",") for line in out.read_text().splitlines()]
    assert len(rows) == len(PEOPLE) * FRAMES
    assert rows[0] == ["1", "1", "10.00", "100.00", "40.00", "90.00", "0.9000", "-1", "-1", "-1"]


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("a,b\n1,2\n", "x.csv", "no labels.csv"),
        ("<annotations>", "x.xml", "no XML"),
        ("<html/>", "x.xml", "expected <annotations>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations/>', "x.xml", "document type"),
        ('<annotations><track id="1" label="a"><box frame="x"/></track></annotations>', "x.xml", "whole frame"),
    ],
)
def test_other_files_are_refused(workspace: Path, tmp_path: Path, text: str, name: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    assert_refused(cleansheet("label", "saturday", "--take", tmp_path / name, "-w", workspace), words)
    assert not labels_of_run(workspace, "saturday")
