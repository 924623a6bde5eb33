"""Forgetting: bit for bit what a training without the player gives, nothing left behind, and no harm from any kill."""

import json
import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import cv2
import pytest

from classifier import certificate
from classifier.catalog import open_catalog
from classifier.crash_points import KILL_AT
from classifier.ensemble import Ensemble, NoEnsemble
from classifier.erasure import NoRuns
from classifier.errors import BadInput, CleansheetError
from classifier.forgetting import Outcome, finish, forget, look_up, pending, rectify
from classifier.holdings import list_players
from classifier.importing import import_tree
from classifier.training import PlanRequest, train
from classifier.verification import verify
from classifier.workspace import Workspace
from tests.classifier.figures import ROSTER, figure, write_csv, write_picture, write_tree
from tests.classifier.test_training import QUICK, bits, in_a_fresh_process

FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two teams of three and a referee, in two shards; some pictures held out, one of two people."""
    folder = tmp_path_factory.mktemp("trained")
    tree = write_tree(folder / "tree", ROSTER, crops=3, split="train")
    write_tree(tree, {"white": ("Ann",)}, crops=4, split="val", named=False)
    rows = [
        (path.relative_to(tree).as_posix(), path.parent.name, path.stem.split("-")[0])
        for path in sorted(tree.rglob("*.png"))
    ]
    both = write_picture(tree / "train" / "white" / "both.png", figure("white", "Both", 0))
    rows.append((both.relative_to(tree).as_posix(), "white", "Ann;Bea"))
    write_csv(tree / "players.csv", ("file", "team", "players"), rows)
    import_tree(folder / "w", tree)
    train(folder / "w", QUICK, PlanRequest(shards=2), workers=1)
    return folder / "w"


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "w")
    return tmp_path / "w"


def from_scratch(workspace: Path, target: Path) -> dict[str, str]:
    """The bits of a training in a fresh process, on the crops and under the plan that are recorded there."""
    shutil.copytree(workspace, target)
    shutil.rmtree(target / "shards")
    shutil.rmtree(target / "ensemble")
    in_a_fresh_process(target)
    return bits(target)


@pytest.mark.parametrize("player", ["Ann", "Ref"])
def test_what_remains_is_what_a_training_without_them_gives(workspace: Path, tmp_path: Path, player: str) -> None:
    done = forget(workspace, [player], NoRuns(), workers=1)
    assert bits(workspace) == from_scratch(workspace, tmp_path / "scratch")
    proofs = done.content["retrained_in_a_fresh_process"]
    assert proofs
    assert all(proof["rebuilt"] == proof["retrained"] for proof in proofs)
    assert {proof["shard"] for proof in proofs} == {touched["shard"] for touched in done.content["touched"]}
    assert len(done.content["touched"]) == (2 if player == "Ref" else 1)


@pytest.mark.slow
def test_every_order_of_requests_ends_in_the_same_bits(trained: Path, tmp_path: Path) -> None:
    ends = set()
    for number, order in enumerate(permutations(["Ann", "Dov", "Ref", "Cid"])):
        copy = tmp_path / str(number)
        shutil.copytree(trained, copy)
        for name in order:
            forget(copy, [name], NoRuns(), workers=1)
        ends.add(json.dumps(bits(copy), sort_keys=True))
    assert len(ends) == 1
    assert json.loads(ends.pop()) == from_scratch(tmp_path / "0", tmp_path / "scratch")


@pytest.mark.slow
@pytest.mark.parametrize("player", ["R-1", "W-77", "W-9", "W-red-helmet", "Y-17", "Y-black-gloves", "Y-maroon-gloves"])
def test_every_player_of_the_reference_crops(shared_data: Path, tmp_path: Path, player: str) -> None:
    import_tree(tmp_path / "w", shared_data / "crops")
    train(tmp_path / "w", QUICK)
    names = set(look_up(tmp_path / "w", [player], NoRuns()).players)
    assert names == {player}
    forget(tmp_path / "w", [player], NoRuns())
    assert bits(tmp_path / "w") == from_scratch(tmp_path / "w", tmp_path / "scratch")


@pytest.mark.slow
def test_every_player_of_a_rendered_roster(tmp_path: Path) -> None:
    """44 people: each is forgotten from the same training, and a fresh process trains the rest from nothing."""
    rendered = [sys.executable, "-m", "videos.crops", str(tmp_path / "crops"), "--players", "18", "--referees", "6"]
    subprocess.run([*rendered, "--each", "3"], check=True, stdout=subprocess.DEVNULL)
    import_tree(tmp_path / "all", tmp_path / "crops")
    train(tmp_path / "all", QUICK, PlanRequest(shards=4, slices=3))
    players = [row.player for row in list_players(tmp_path / "all") if row.trained_crops]
    assert len(players) == 44
    for player in players:
        copy, scratch = tmp_path / "copy", tmp_path / "scratch"
        shutil.copytree(tmp_path / "all", copy)
        done = forget(copy, [player], NoRuns())
        assert len(done.content["touched"]) == 1
        assert bits(copy) == from_scratch(copy, scratch), player
        shutil.rmtree(copy)
        shutil.rmtree(scratch)


def test_nothing_of_them_is_left(workspace: Path) -> None:
    found = look_up(workspace, ["Ann"], NoRuns())
    assert len(found.crops) == 5  # three trained, one held out that is no copy of these, one with Bea
    assert len(found.with_others) == 1
    files = [Workspace(workspace).crop(crop.digest, crop.suffix).read_bytes() for crop in found.crops]
    before = bits(workspace)
    done = forget(workspace, ["Ann"], NoRuns(), workers=1)
    assert done.leftovers == ()
    everything = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}
    for path, data in everything.items():
        assert not re.search(rb"Ann(?![a-z])", data), path
        for crop, file in zip(found.crops, files, strict=True):
            assert crop.digest.encode() not in data, path
            assert crop.digest not in path.name
            assert file[len(file) // 2 : len(file) // 2 + 32] not in data, path
    touched = done.content["touched"][0]["shard"]
    assert len(set(bits(workspace)) - set(before)) == 4 - done.content["touched"][0]["from_slice"], touched
    assert not pending(workspace)


def test_a_copy_under_another_name_goes_too(workspace: Path, tmp_path: Path) -> None:
    again = figure("white", "Ann", 0)
    write_picture(tmp_path / "more" / "white" / "copy.jpg", cv2.convertScaleAbs(again, alpha=1.0, beta=2))
    import_tree(workspace, tmp_path / "more")
    done = forget(workspace, ["Ann"], NoRuns(), workers=1)
    assert done.content["counts"]["near_copies"] == 1
    assert done.leftovers == ()


def test_a_file_of_the_users_that_names_them_is_found(workspace: Path) -> None:
    (workspace / "notes.txt").write_text("ask Ann about Saturday; Anna is somebody else")
    done = forget(workspace, ["Ann"], NoRuns(), workers=1)
    assert done.leftovers == ("notes.txt",)
    assert done.content["leftovers"]["found"] == 1


def test_they_are_not_taken_in_again_until_that_is_lifted(workspace: Path, tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"white": ("Ann", "Gus")}, crops=3)
    forget(workspace, ["Ann"], NoRuns(), workers=1)
    report = import_tree(workspace, tree)
    assert (report.suppressed, report.new) == (3, 3)
    with pytest.raises(BadInput, match="forgotten already: certificate 1"):
        forget(workspace, ["Ann"], NoRuns())
    with Workspace(workspace).writing(), open_catalog(Workspace(workspace)) as catalog, catalog.transaction():
        assert catalog.lift_suppression(1) > 0
    assert import_tree(workspace, tree).suppressed == 0


def test_a_team_may_lose_its_last_player_and_a_classifier_everybody(workspace: Path) -> None:
    assert "nobody" in " ".join(look_up(workspace, ["Ref"], NoRuns()).thin)
    done = forget(workspace, [*ROSTER["yellow"], "Ref"], NoRuns(), workers=1)
    assert done.content["counts"]["people"] == 4
    with pytest.raises(NoEnsemble, match="two teams"):
        Ensemble.load(workspace)
    forget(workspace, list(ROSTER["white"]), NoRuns(), workers=1)
    assert verify(done.certificate, workspace).holds


@pytest.mark.parametrize(
    ("name", "words"),
    [("An", "did you mean Ann"), ("", "empty"), ("../Ann", "path"), ("saturday/track-3", "nobody|path")],
)
def test_who_is_unknown_changes_nothing(workspace: Path, name: str, words: str) -> None:
    before = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file() and "keys" not in path.parts}
    with pytest.raises(BadInput, match=words):
        forget(workspace, [name], NoRuns())
    after = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file() and "keys" not in path.parts}
    assert after == before


def test_a_workspace_copied_by_half_is_refused(workspace: Path) -> None:
    next((workspace / "crops").glob("*/*.png")).unlink()
    with pytest.raises(CleansheetError, match="not whole"):
        forget(workspace, ["Cid"], NoRuns())
    assert not pending(workspace)


def test_a_correction_is_as_exact(workspace: Path, tmp_path: Path) -> None:
    done = rectify(workspace, "Ann", NoRuns(), player="Zoe", workers=1)
    assert bits(workspace) == from_scratch(workspace, tmp_path / "scratch")
    with open_catalog(Workspace(workspace)) as catalog:
        names = {player.name for player in catalog.players()}
    assert "Zoe" in names
    assert done.content["kind"] == "rectification"
    with pytest.raises(BadInput, match="already"):
        rectify(workspace, "Zoe", NoRuns(), player="Zoe")
    with pytest.raises(BadInput, match="one team"):
        rectify(workspace, "Zoe", NoRuns(), player="Dov")


# --- certificates ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forgotten(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    workspace = tmp_path_factory.mktemp("forgotten") / "w"
    shutil.copytree(trained, workspace)
    first = forget(workspace, ["Ann"], NoRuns(), workers=1)
    forget(workspace, ["Dov"], NoRuns(), workers=1)
    return first


def test_a_certificate_names_no_one_and_says_what_it_does_not_cover(forgotten: Outcome) -> None:
    for path in (forgotten.certificate, forgotten.page):
        assert not re.search("Ann(?![a-z])", path.read_text())
    assert any("source videos" in text.lower() for text in forgotten.content["not_covered"])
    assert any("detector" in text for text in forgotten.content["not_covered"])
    assert "Not covered" in forgotten.page.read_text()


def test_every_changed_byte_is_rejected(forgotten: Outcome) -> None:
    data = forgotten.certificate.read_bytes()
    assert certificate.opened(data, "it") == forgotten.content
    for at in range(len(data)):
        for changed in {data[at] ^ 1, data[at] ^ 32, 32} - {data[at]}:
            with pytest.raises(BadInput):
                certificate.opened(data[:at] + bytes([changed]) + data[at + 1 :], "it")
        with pytest.raises(BadInput):
            certificate.opened(data[:at] + data[at + 1 :], "it")


def test_verify_says_what_it_did(forgotten: Outcome) -> None:
    workspace = forgotten.certificate.parents[1]
    plain = {check.what: check.holds for check in verify(forgotten.certificate, workspace).checks}
    assert plain["ledger"] is True
    assert plain["retraining"] is None
    alone = {check.what: check.holds for check in verify(forgotten.certificate, None).checks}
    assert alone == {"signature": True, "workspace": None}
    full = verify(forgotten.certificate, workspace, retrain=True, workers=1)
    assert full.holds
    assert {check.what: check.holds for check in full.checks}["retraining"] is True


@pytest.mark.parametrize(
    "harm", ["entry deleted", "last entry deleted", "entries swapped", "file deleted", "file other"]
)
def test_a_ledger_that_was_tampered_with_is_found(forgotten: Outcome, tmp_path: Path, harm: str) -> None:
    shutil.copytree(forgotten.certificate.parents[1], tmp_path / "w")
    folder = tmp_path / "w" / "certificates"
    shown = folder / ("certificate-0002.json" if harm == "last entry deleted" else "certificate-0001.json")
    text = shown.read_bytes()
    statements = {
        "entry deleted": ["DELETE FROM ledger WHERE number = 1"],
        "last entry deleted": ["DELETE FROM ledger WHERE number = 2"],
        "entries swapped": [
            f"UPDATE ledger SET number = {to} WHERE number = {n}" for n, to in ((1, 9), (2, 1), (9, 2))
        ],
    }
    with sqlite3.connect(tmp_path / "w" / "catalog.sqlite") as db:
        for statement in statements.get(harm, []):
            db.execute(statement)
    if harm == "file deleted":
        (folder / "certificate-0002.json").unlink()
    if harm == "file other":
        (folder / "certificate-0002.json").write_bytes(text)
    found = verify(shown, tmp_path / "w")
    assert not found.holds
    assert [check.what for check in found.checks if check.holds is False] == ["ledger"]


def test_weights_changed_afterwards_are_found(forgotten: Outcome, tmp_path: Path) -> None:
    shutil.copytree(forgotten.certificate.parents[1], tmp_path / "w")
    name = forgotten.content["retrained_in_a_fresh_process"][0]["checkpoint"]
    for path in (tmp_path / "w" / "shards").glob("*.safetensors"):
        data = bytearray(path.read_bytes())
        data[-5] ^= 1
        path.write_bytes(bytes(data))
    found = verify(tmp_path / "w" / "certificates" / forgotten.certificate.name, tmp_path / "w")
    assert not found.holds, name


# --- pulling the plug ------------------------------------------------------------------------------------------------


def state_of(workspace: Path) -> dict[str, object]:
    """All that an erasure leaves, but for dates, random ids and keys."""
    with open_catalog(Workspace(workspace)) as catalog:
        rows = (catalog.crops(), catalog.players(), catalog.sources(), catalog.plan(), len(catalog.suppressed()))
        numbers = [entry.number for entry in catalog.ledger()]
    content = json.loads((workspace / "certificates" / "certificate-0001.json").read_bytes())
    stable = ("counts", "touched", "roots", "retrained_in_a_fresh_process", "ensemble", "number", "plan")
    files = sorted(
        path.relative_to(workspace).as_posix()
        for path in workspace.rglob("*")
        if path.is_file() and path.name != ".lock"
    )
    return {"rows": rows, "numbers": numbers, "bits": bits(workspace), "files": files,
            "certificate": {key: content[key] for key in stable}}  # fmt: skip


def _forget_and_die(workspace: Path, at: int) -> None:
    os.environ[KILL_AT] = str(at)
    forget(workspace, ["Ann"], NoRuns(), workers=1)
    os._exit(0)


def killed_at(trained: Path, workspace: Path, at: int) -> bool:
    """Forget in a process that is killed at a crash point; whether it was."""
    shutil.copytree(trained, workspace)
    process = FORK.Process(target=_forget_and_die, args=(workspace, at))
    cv2.setNumThreads(1)  # a pool of threads does not survive a fork, and whoever waits for it waits forever
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.fixture(scope="module")
def undisturbed(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    workspace = tmp_path_factory.mktemp("undisturbed") / "w"
    shutil.copytree(trained, workspace)
    forget(workspace, ["Ann"], NoRuns(), workers=1)
    return state_of(workspace)


def ends_well(workspace: Path, undisturbed: dict[str, object]) -> None:
    """After a kill the workspace is as it was, or the next command completes it; to the same end in both cases."""
    if pending(workspace):
        with pytest.raises(CleansheetError, match="interrupted"):
            train(workspace, QUICK, workers=1)
        finish(workspace, NoRuns())
    if not (workspace / "certificates").exists() or not list((workspace / "certificates").glob("*.json")):
        forget(workspace, ["Ann"], NoRuns(), workers=1)
    assert not pending(workspace)
    assert state_of(workspace) == undisturbed


@pytest.mark.parametrize("at", [7, 23, 40, 49])
def test_killed_at_a_crash_point(trained: Path, undisturbed: dict[str, object], tmp_path: Path, at: int) -> None:
    assert killed_at(trained, tmp_path / "w", at)
    ends_well(tmp_path / "w", undisturbed)


def every_point() -> Iterator[int]:
    yield from range(1, 200)


@pytest.mark.slow
def test_killed_at_every_crash_point(trained: Path, undisturbed: dict[str, object], tmp_path: Path) -> None:
    for at in every_point():
        if not killed_at(trained, tmp_path / str(at), at):
            break
        ends_well(tmp_path / str(at), undisturbed)
        shutil.rmtree(tmp_path / str(at))
    assert at > 40


@pytest.mark.slow
def test_killed_at_a_hundred_instants(trained: Path, undisturbed: dict[str, object], tmp_path: Path) -> None:
    start = time.monotonic()
    cv2.setNumThreads(1)
    shutil.copytree(trained, tmp_path / "whole")
    process = FORK.Process(target=_forget_and_die, args=(tmp_path / "whole", 10**9))
    process.start()
    process.join()
    length = time.monotonic() - start
    for number in range(100):
        copy = tmp_path / str(number)
        shutil.copytree(trained, copy)
        process = FORK.Process(target=_forget_and_die, args=(copy, 10**9))
        process.start()
        process.join(length * number / 100)
        process.kill()
        process.join()
        ends_well(copy, undisturbed)
        shutil.rmtree(copy)


def test_a_certificate_number_is_given_once(workspace: Path) -> None:
    """Finishing twice what was finished writes no second entry."""
    done = forget(workspace, ["Ann"], NoRuns(), workers=1)
    assert finish(workspace, NoRuns()) is None
    with open_catalog(Workspace(workspace)) as catalog:
        assert [entry.number for entry in catalog.ledger()] == [done.content["number"]]
