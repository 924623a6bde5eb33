"""Import: all of a folder or nothing, whatever order folders come in, and a report that hides nothing."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from classifier.catalog import open_catalog
from classifier.errors import BadInput
from classifier.holdings import list_players
from classifier.importing import import_tree
from classifier.workspace import Workspace
from tests.classifier.figures import ROSTER, figure, write_csv, write_picture, write_tree
from tests.conftest import assert_refused, cleansheet, cleansheet_json


def contents(workspace: Path) -> list[object]:
    """What a training would see of a catalog."""
    with open_catalog(Workspace(workspace)) as catalog:
        return [catalog.crops(), catalog.players(), catalog.sources()]


def files(workspace: Path) -> set[str]:
    return {path.name for path in (workspace / "crops").rglob("*") if path.is_file()}


def test_the_command_reports_classes_players_and_the_lone_referee(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", ROSTER, crops=3)
    report = cleansheet_json("import", tree, "-w", tmp_path / "w")
    assert report["pictures"] == report["new"] == 7 * 3
    assert report["crops_by_team"] == {"referee": 3, "white": 9, "yellow": 9}
    assert report["players_by_team"] == {"referee": 1, "white": 3, "yellow": 3}
    assert report["teams_of_one"] == ["referee"]
    assert report["stand_ins"] == 0
    again = cleansheet_json("import", tree, "-w", tmp_path / "w")
    assert again["new"] == 0
    assert again["catalog_crops"] == 21


def test_pictures_are_stored_by_their_hash(tmp_path: Path) -> None:
    import hashlib

    tree = write_tree(tmp_path / "tree", ROSTER, crops=1)
    import_tree(tmp_path / "w", tree)
    digest = hashlib.sha256((tree / "white" / "Ann-0.png").read_bytes()).hexdigest()
    assert (tmp_path / "w" / "crops" / digest[:2] / f"{digest}.png").exists()


def test_the_order_of_imports_does_not_matter(tmp_path: Path) -> None:
    named = write_tree(tmp_path / "named", {"white": ("Ann",), "yellow": ("Dov",)}, crops=3)
    unnamed = write_tree(tmp_path / "unnamed", {"white": ("Ann", "Bea"), "yellow": ("Dov",)}, 3, "val", named=False)
    for workspace, order in (("a", (named, unnamed)), ("b", (unnamed, named))):
        for tree in order:
            import_tree(tmp_path / workspace, tree)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_picture_on_both_sides_stays_on_the_train_side(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"white": ("Ann",), "yellow": ("Dov",)}, 2, "train", named=False)
    write_tree(tree, {"white": ("Ann",), "yellow": ("Dov",)}, 3, "val", named=False)
    report = import_tree(tmp_path / "w", tree)
    assert report.on_both_sides == tuple(
        f"tree/val/{name}.png" for name in ("white/Ann-0", "white/Ann-1", "yellow/Dov-0", "yellow/Dov-1")
    )
    assert report.exact_duplicates == 4
    with open_catalog(Workspace(tmp_path / "w")) as catalog:
        assert sorted(crop.split for crop in catalog.crops()) == ["train"] * 4 + ["val"] * 2


def test_near_copies_are_reported(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"white": ("Ann",), "yellow": ("Dov",)}, 1, named=False)
    image = cv2.GaussianBlur(figure("white", "Ann", 0), (3, 3), 0)
    write_picture(tree / "white" / "copy.png", cv2.resize(image, None, fx=1.3, fy=1.3))
    report = import_tree(tmp_path / "w", tree)
    assert {tuple(sorted(pair)) for pair in report.near_duplicates} == {("tree/white/Ann-0.png", "tree/white/copy.png")}
    assert report.near_duplicates_across_players == 1


def shrunk(path: Path, target: Path) -> None:
    """The same picture, smaller and re-encoded."""
    image = cv2.imread(str(path))
    assert image is not None
    write_picture(target, cv2.resize(image, None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA))


def test_a_near_copy_on_the_other_side_is_kept_as_train_whichever_comes_first(tmp_path: Path) -> None:
    train = write_tree(tmp_path / "train", {"white": ("Ann",), "yellow": ("Dov",)}, 2, named=False)
    held_out = write_tree(tmp_path / "held", {"white": ("Bea",), "yellow": ("Eli",)}, 1, "val", named=False)
    shrunk(train / "white" / "Ann-0.png", held_out / "val" / "white" / "copy.png")
    for workspace, order in (("a", (train, held_out)), ("b", (held_out, train))):
        reports = [import_tree(tmp_path / workspace, tree) for tree in order]
        assert [len(report.near_duplicates_across_sides) for report in reports] == [0, 1]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    with open_catalog(Workspace(tmp_path / "a")) as catalog:
        assert sorted(crop.split for crop in catalog.crops()) == ["train"] * 5 + ["val"] * 2


def test_consent_is_recorded_shown_and_puts_likely_leavers_last(tmp_path: Path) -> None:
    import_tree(tmp_path / "w", write_tree(tmp_path / "tree", ROSTER, crops=3))
    said = ("--consent", "Bea=given", "--consent", "Cid=given", "--consent", "Ann=withdrawn")
    rows = cleansheet_json("players", *said, "-w", tmp_path / "w")["players"]
    assert {row["player"]: row["consent"] for row in rows if row["team"] == "white"} == {
        "Ann": "withdrawn", "Bea": "given", "Cid": "given",
    }  # fmt: skip
    trained = cleansheet_json("train", "--shards", "1", "--slices", "3", "-w", tmp_path / "w")
    assert any("Ann withdrew consent" in note for note in trained["notes"])
    slices = {row.player: row.slices for row in list_players(tmp_path / "w")}
    assert slices["Bea"] == slices["Cid"] == (0,)
    assert slices["Ann"][0] > 0
    assert_refused(cleansheet("players", "--consent", "Zoe=given", "-w", tmp_path / "w"), "nobody called 'Zoe'")
    assert_refused(cleansheet("players", "--consent", "Ann=perhaps", "-w", tmp_path / "w"), "'perhaps' is no consent")


def test_pictures_of_several_people_are_kept_and_not_trained_on(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"white": ("Ann", "Bea"), "yellow": ("Dov",)}, 1)
    write_picture(tree / "white" / "both.png", figure("white", "pair", 0))
    write_picture(tree / "white" / "scrum.png", figure("white", "scrum", 0))
    with (tree / "players.csv").open("a") as file:
        file.write("white/both.png,white,Ann;Bea\nwhite/scrum.png,white,Ann; Dov\n")
    report = import_tree(tmp_path / "w", tree)
    assert report.several_people == ("tree/white/both.png", "tree/white/scrum.png")
    assert report.several_teams == ("tree/white/scrum.png",)
    ann = next(row for row in list_players(tmp_path / "w") if row.player == "Ann")
    assert (ann.crops, ann.trained_crops) == (3, 1)


def test_labels_of_a_run_make_a_player_of_every_unnamed_track(tmp_path: Path) -> None:
    crops = tmp_path / "w" / "runs" / "saturday" / "crops"
    for track, team in ((1, "white"), (2, "yellow"), (3, "yellow")):
        for frame in (10, 20):
            write_picture(crops / f"track-{track:04d}" / f"{frame:06d}.png", figure(team, f"t{track}", frame))
    rows = [(f"track-{t:04d}/{f:06d}.png", str(t), team, who) for t, team, who in
            ((1, "white", ""), (2, "yellow", "Dov"), (3, "", "")) for f in (10, 20)]  # fmt: skip
    write_csv(crops / "labels.csv", ("crop", "track", "team", "player"), rows)
    report = import_tree(tmp_path / "w", crops)
    assert report.rows_without_team == 2
    assert report.stand_ins == 1
    assert [(row.player, row.kind, row.crops) for row in list_players(tmp_path / "w")] == [
        ("saturday/track-1", "track", 2),
        ("Dov", "named", 2),
    ]


def test_folder_names_are_replaced_by_the_teams_of_the_csv(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"white": ("Ann",), "yellow": ("Dov",)}, 2)
    rows = [(f"{team}/{player}-0.png", name, player) for team, player, name in
            (("white", "Ann", "guests"), ("yellow", "Dov", "home"))]  # fmt: skip
    write_csv(tree / "players.csv", ("file", "team", "players"), rows)
    assert import_tree(tmp_path / "w", tree).crops_by_team == {"guests": 2, "home": 2}


def damage_nothing(tree: Path) -> None:
    shutil.rmtree(tree)


def damage_one_class(tree: Path) -> None:
    shutil.rmtree(tree / "yellow")
    (tree / "players.csv").unlink()


def damage_empty_class(tree: Path) -> None:
    (tree / "green").mkdir()


def damage_missing_file(tree: Path) -> None:
    with (tree / "players.csv").open("a") as file:
        file.write("white/nobody.png,white,Ann\n")


def damage_two_teams(tree: Path) -> None:
    write_picture(tree / "yellow" / "x.png", figure("yellow", "x", 0))
    with (tree / "players.csv").open("a") as file:
        file.write("yellow/x.png,yellow,Ann\n")


def damage_two_labels(tree: Path) -> None:
    shutil.copy(tree / "white" / "Ann-0.png", tree / "yellow" / "same.png")


def damage_corrupt(tree: Path) -> None:
    (tree / "white" / "Ann-0.png").write_bytes(b"\x89PNG\r\n\x1a\n not a picture")


def damage_tiny(tree: Path) -> None:
    write_picture(tree / "white" / "Ann-0.png", np.zeros((1, 1, 3), np.uint8))


def damage_enormous(tree: Path) -> None:
    write_picture(tree / "white" / "Ann-0.png", np.zeros((8000, 8000, 3), np.uint8))


def damage_columns(tree: Path) -> None:
    (tree / "players.csv").write_text("name,colour\nAnn,white\n")


def damage_loose_picture(tree: Path) -> None:
    write_picture(tree / "loose.png", figure("white", "x", 0))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_nothing, "not there"),
        (damage_one_class, "one class, 'white'"),
        (damage_empty_class, "green holds no pictures"),
        (damage_missing_file, "line 4: there is no file"),
        (damage_two_teams, "'Ann' is labelled"),
        (damage_two_labels, "the same picture is white"),
        (damage_corrupt, "is no picture that can be read"),
        (damage_tiny, "1×1 pixels"),
        (damage_enormous, "8000×8000 pixels"),
        (damage_columns, "has no column file, players, team"),
        (damage_loose_picture, "in no team's folder"),
    ],
)
def test_bad_input_changes_nothing(tmp_path: Path, damage, words: str) -> None:  # type: ignore[no-untyped-def]
    import_tree(tmp_path / "w", write_tree(tmp_path / "first", {"white": ("Zoe",)} | {"yellow": ("Yan",)}, 1))
    (tmp_path / "fresh").mkdir()
    tree = write_tree(tmp_path / "tree", {"white": ("Ann",), "yellow": ("Dov",)}, 1)
    damage(tree)
    before = contents(tmp_path / "w"), files(tmp_path / "w")
    workspace = tmp_path / ("w" if damage is not damage_one_class else "fresh")
    with pytest.raises(BadInput, match=words) as refusal:
        import_tree(workspace, tree)
    assert "\n" not in str(refusal.value)
    assert (contents(tmp_path / "w"), files(tmp_path / "w")) == before
    assert not (tmp_path / "fresh" / "catalog.sqlite").exists()


def test_a_refusal_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    assert_refused(cleansheet("import", tmp_path / "nowhere", "-w", tmp_path / "w"), "nowhere", "not there")


def test_unusable_pictures_can_be_left_out(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"white": ("Ann",), "yellow": ("Dov",)}, 2)
    damage_corrupt(tree)
    report = import_tree(tmp_path / "w", tree, skip_unusable=True)
    assert [Path(item.file).name for item in report.unusable] == ["Ann-0.png"]
    assert report.pictures == 3


def test_a_workspace_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    tree = write_tree(tmp_path / "tree", {"white": ("Ann",), "yellow": ("Dov",)}, 1)
    import_tree(tmp_path / "w", tree)
    with sqlite3.connect(tmp_path / "w" / "catalog.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(BadInput, match="version 99"):
        import_tree(tmp_path / "w", tree)


@pytest.mark.shared_data
def test_the_reference_crops_hold_27_files_on_both_sides(tmp_path: Path, shared_data: Path) -> None:
    report = import_tree(tmp_path / "w", shared_data / "crops")
    assert (report.files, report.pictures) == (109, 72)
    assert len(report.on_both_sides) == 27
    assert {tuple(sorted(Path(f).stem for f in pair)) for pair in report.near_duplicates} == {
        ("Home_image25", "Home_image26"),
        ("Home_image33", "Home_image34"),
    }
    assert {tuple(sorted(Path(f).stem for f in pair)) for pair in report.near_duplicates_across_sides} == {
        ("Home_image25", "Home_image26"),
        ("Home_image33", "Home_image34"),
    }
    assert len(report.several_people) == 2
    assert report.players_by_team == {"referee": 1, "white": 3, "yellow": 3}
