"""Training: the same bits in any process, at any number of workers, after any kill; and only what is missing."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classifier.catalog import open_catalog
from classifier.checkpoints import load_state
from classifier.ensemble import read_manifest
from classifier.errors import BadInput
from classifier.holdings import list_players
from classifier.importing import import_tree
from classifier.recipe import Recipe
from classifier.state import fingerprint
from classifier.training import PlanRequest, train
from classifier.workspace import Workspace
from tests.classifier.figures import ROSTER, write_tree
from tests.conftest import ROOT, assert_refused, cleansheet, cleansheet_json

QUICK = Recipe(member="compact", epochs=1, least_steps=9)
EXACT = Recipe(member="linear")

TRAIN_IN_A_FRESH_PROCESS = """
import sys
from pathlib import Path
from classifier.recipe import Recipe
from classifier.training import train
train(Path(sys.argv[1]), Recipe.model_validate_json(sys.argv[2]), workers=int(sys.argv[3]))
"""


def in_a_fresh_process(workspace: Path, recipe: Recipe = QUICK, workers: int = 1) -> None:
    subprocess.run(
        [sys.executable, "-c", TRAIN_IN_A_FRESH_PROCESS, str(workspace), recipe.model_dump_json(), str(workers)],
        check=True, cwd=ROOT,
    )  # fmt: skip


def bits(workspace: Path) -> dict[str, str]:
    """Checkpoint name → hash of all its tensors, and the ensemble's manifest."""
    found = {"manifest": (workspace / "ensemble" / "manifest.json").read_text()}
    for path in (workspace / "shards").glob("*.safetensors"):
        state = load_state(path.parent, path.stem)
        assert state is not None
        found[path.stem] = "".join(
            fingerprint(part) for part in (state.model, state.memory)
        ) + str(state.step)
    return found


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a catalog and nothing trained."""
    folder = tmp_path_factory.mktemp("imported")
    import_tree(folder / "w", write_tree(folder / "tree", ROSTER, crops=3))
    return folder / "w"


@pytest.fixture(scope="module")
def trained(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, trained in this process."""
    workspace = tmp_path_factory.mktemp("trained") / "w"
    shutil.copytree(imported, workspace)
    train(workspace, QUICK, workers=1)
    return workspace


def copy(workspace: Path, target: Path) -> Path:
    shutil.copytree(workspace, target)
    return target


def test_two_fresh_processes_give_the_same_bits(imported: Path, trained: Path, tmp_path: Path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        in_a_fresh_process(copy(imported, tmp_path / name), workers=workers)
        assert bits(tmp_path / name) == bits(trained)


def test_a_second_training_builds_nothing(trained: Path, tmp_path: Path) -> None:
    before = bits(trained)
    report = train(copy(trained, tmp_path / "w"), QUICK)
    assert (report.stages_built, report.stages_reused) == (0, 9)
    assert bits(tmp_path / "w") == before


def test_a_killed_training_goes_on_to_the_same_bits(imported: Path, trained: Path, tmp_path: Path) -> None:
    workspace = copy(imported, tmp_path / "w")
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN_IN_A_FRESH_PROCESS, str(workspace), QUICK.model_dump_json(), "1"], cwd=ROOT
    )
    deadline = time.monotonic() + 120
    while not list((workspace / "shards").glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 0 < len(list((workspace / "shards").glob("*.safetensors"))) < 9
    (workspace / "shards" / ".torn.safetensors.123.partial").write_bytes(b"half of a checkpoint")
    report = train(workspace, QUICK, workers=1)
    assert report.stages_reused > 0
    assert bits(workspace) == bits(trained)
    assert not list((workspace / "shards").glob(".*"))


def test_workers_end_when_the_training_is_killed(imported: Path, tmp_path: Path) -> None:
    workspace = copy(imported, tmp_path / "w")
    long = QUICK.model_copy(update={"least_steps": 3000})
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN_IN_A_FRESH_PROCESS, str(workspace), long.model_dump_json(), "2"], cwd=ROOT
    )
    deadline = time.monotonic() + 120
    while len(children_of(process.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = children_of(process.pid)
    assert len(workers) == 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while any(alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(alive(worker) for worker in workers)


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_damaged_checkpoint_is_built_again(trained: Path, tmp_path: Path) -> None:
    workspace = copy(trained, tmp_path / "w")
    before = bits(workspace)
    for path in (workspace / "shards").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert train(workspace, QUICK, workers=1).stages_built == 9
    assert bits(workspace) == before


def remove_player(workspace: Path, name: str) -> None:
    """What forgetting does to the catalog."""
    place = Workspace(workspace)
    with open_catalog(place) as catalog:
        crops = [crop for crop in catalog.crops() if name in crop.players]
    with sqlite3.connect(place.catalog) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.executemany("DELETE FROM crop WHERE digest = ?", [(crop.digest,) for crop in crops])
        db.execute("DELETE FROM player WHERE name = ?", (name,))
    for crop in crops:
        place.crop(crop.digest, crop.suffix).unlink()


@pytest.mark.parametrize("name", ["Ann", "Eli", "Ref"])
def test_without_a_player_the_bits_are_those_of_a_training_that_never_saw_them(
    trained: Path, tmp_path: Path, name: str
) -> None:
    workspace = copy(trained, tmp_path / "w")
    old = set(bits(workspace))
    row = next(row for row in list_players(workspace) if row.player == name)
    remove_player(workspace, name)
    scratch = copy(workspace, tmp_path / "scratch")
    for folder in ("shards", "ensemble"):
        shutil.rmtree(scratch / folder)
    report = train(workspace, QUICK, workers=1)
    # Of each shard that the player was in, the stages from their slice on (0-based) are trained again.
    assert report.stages_built == len(row.shards) * (report.slices - min(row.slices))
    if name == "Ann":
        in_a_fresh_process(scratch)
    else:  # that processes do not differ is shown above
        train(scratch, QUICK, workers=1)
    assert bits(workspace) == bits(scratch)
    gone = old - set(bits(workspace))
    assert len(gone) == report.checkpoints_deleted == report.stages_built


def test_new_players_leave_earlier_slices_trained(trained: Path, tmp_path: Path) -> None:
    workspace = copy(trained, tmp_path / "w")
    import_tree(workspace, write_tree(tmp_path / "more", {"white": ("Gil",), "yellow": ("Hal",)}, crops=3))
    report = train(workspace, QUICK, workers=1)
    assert report.players == 9
    assert report.stages_built <= 2  # the last slice of one shard, or of two


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 2.0}, {"batch": 8}, {"member": "reference"}])
def test_every_setting_changes_the_names(trained: Path, change: dict[str, object]) -> None:
    from classifier.roster import trainable
    from classifier.training import shard_jobs

    place = Workspace(trained)
    with open_catalog(place) as catalog:
        plan, crops = catalog.plan(), trainable(catalog.crops())
    assert plan is not None
    before = shard_jobs(place, plan, crops, QUICK)
    after = shard_jobs(place, plan, crops, QUICK.model_copy(update=change))
    assert not {n for job in before for n in job.names()} & {n for job in after for n in job.names()}


def test_the_global_random_state_is_neither_read_nor_changed(trained: Path, imported: Path, tmp_path: Path) -> None:
    import random

    import numpy as np
    import torch

    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    workspace = copy(imported, tmp_path / "w")
    train(workspace, QUICK, PlanRequest(), workers=1)
    assert bits(workspace) == bits(trained)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


def test_a_training_without_options_repeats_the_last_one(trained: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(trained, workspace)
    assert cleansheet_json("train", "-w", workspace, "--epochs", "2", "--seed", "5")["stages_built"] > 0
    again = cleansheet_json("train", "-w", workspace)
    assert again["stages_built"] == 0
    recipe = read_manifest(workspace)["recipe"]
    assert (recipe["epochs"], recipe["seed"], recipe["least_steps"]) == (2, 5, QUICK.least_steps)


def test_the_command_says_why_there_are_fewer_shards(imported: Path, tmp_path: Path) -> None:
    workspace = copy(imported, tmp_path / "w")
    report = cleansheet_json("train", "--epochs", 1, "--workers", 1, "-w", workspace)
    assert (report["shards"], report["slices"]) == (3, 3)
    assert "3 shards instead of 4: white has 3 players" in report["notes"][0]
    assert "Ref alone is referee" in report["notes"][1]
    rows = cleansheet_json("players", "-w", workspace)["players"]
    ref = next(row for row in rows if row["player"] == "Ref")
    assert ref["shards"] == [0, 1, 2]
    assert all(len(row["shards"]) == 1 for row in rows if row["player"] != "Ref")


def test_bad_wishes_are_one_line(imported: Path, tmp_path: Path) -> None:
    workspace = copy(imported, tmp_path / "w")
    with pytest.raises(BadInput, match="99 shards were asked for and there are 7 players"):
        train(workspace, QUICK, PlanRequest(shards=99))
    with pytest.raises(BadInput, match="unknown member 'resnet'"):
        train(workspace, QUICK.model_copy(update={"member": "resnet"}))
    with open_catalog(Workspace(workspace)) as catalog:
        assert catalog.plan() is None
    assert_refused(cleansheet("train", "-w", tmp_path / "none"), "no labelled crops", "cleansheet import")
