"""The page about the training: what is on it, and that an erasure renews it."""

import csv
import shutil
from pathlib import Path

import pytest

from classifier.catalog import open_catalog
from classifier.erasure import NoRuns
from classifier.forgetting import forget
from classifier.history import load_history
from classifier.importing import import_tree
from classifier.roster import trainable
from classifier.shard import sample_key
from classifier.training import PlanRequest, shard_jobs, train
from classifier.training_page import COLUMNS, CONFUSION, CURVES, EPOCHS, PAGE
from classifier.workspace import Workspace
from tests.classifier.figures import ROSTER, figure, write_picture, write_tree
from tests.classifier.test_training import QUICK


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann wears yellow on one picture that says white: nobody can tell that right."""
    folder = tmp_path_factory.mktemp("page")
    tree = write_tree(folder / "tree", ROSTER, crops=3)
    write_picture(tree / "white" / "Ann-0.png", figure("yellow", "Ann", 0))
    import_tree(folder / "w", tree)
    train(folder / "w", QUICK.model_copy(update={"least_steps": 60}), PlanRequest(shards=2), workers=1)
    return folder / "w"


def rows(workspace: Path) -> list[dict[str, str]]:
    with (workspace / "training" / EPOCHS).open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_epoch_has_its_scores_on_own_crops_and_on_people_never_seen(trained: Path) -> None:
    table = rows(trained)
    assert tuple(table[0]) == COLUMNS
    assert {(row["shard"], row["on"]) for row in table} == {(s, on) for s in "12" for on in ("own", "unseen")}
    assert {row["slice"] for row in table} >= {"2", "3"}  # a first slice of one team has nothing to learn
    for row in table:
        assert all(0 <= float(row[name]) <= 1 for name in ("accuracy", "precision", "recall", "f1"))
        assert float(row["loss"]) > 0
    first, last = table[0], [row for row in table if row["on"] == "own"][-1]
    assert float(last["loss"]) < float(first["loss"])


def test_the_page_shows_the_wrong_crop_and_its_pictures_are_there(trained: Path) -> None:
    page = (trained / "training" / PAGE).read_text()
    assert "called <b>yellow</b>" in page
    assert "Ann, white" in page
    for name in (CURVES, CONFUSION):
        assert f'src="{name}"' in page
        assert (trained / "training" / name).read_bytes().startswith(b"\x89PNG")
    crops = [part.partition('"')[0] for part in page.split('src="../')[1:]]
    assert crops
    assert all((trained / crop).exists() for crop in crops)


def test_an_erasure_renews_it_and_takes_what_was_measured_on_the_person(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "w")
    done = forget(tmp_path / "w", ["Ann"], NoRuns(), workers=1)
    assert done.leftovers == ()
    assert "Ann" not in (tmp_path / "w" / "training" / PAGE).read_text()
    place = Workspace(tmp_path / "w")
    with open_catalog(place) as catalog:
        plan, crops = catalog.plan(), trainable(catalog.crops())
    assert plan is not None
    jobs = shard_jobs(place, plan, crops, QUICK.model_copy(update={"least_steps": 60}))
    names = [name for job in jobs for name in job.names()]
    kept = {sample_key(part) for job in jobs for part in job.held_out}
    told = {key for name in names for epoch in load_history(place.shards, name) for key in epoch.held_out}
    assert told <= kept
    assert {path.name.partition(".")[0] for path in place.shards.iterdir()} == set(names)


def test_one_shard_says_that_it_knows_no_strangers(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "w")
    train(tmp_path / "w", QUICK, PlanRequest(shards=1, slices=1), workers=1)
    assert "nobody whom a shard did not see" in (tmp_path / "w" / "training" / PAGE).read_text()
    assert not (tmp_path / "w" / "training" / CONFUSION).exists()

