"""Evaluation: nobody on both sides, sharded and unsharded side by side."""

from pathlib import Path

import numpy as np
import pytest

from classifier.errors import BadInput
from classifier.evaluation import evaluate
from classifier.importing import import_tree
from classifier.recipe import Recipe
from classifier.report import to_json
from tests.classifier.figures import ROSTER, write_tree
from tests.conftest import cleansheet_json


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    import_tree(folder / "w", write_tree(folder / "tree", ROSTER, crops=4))
    return folder / "w"


def test_folds_keep_people_together_and_shares_of_a_lone_person_in_blocks(workspace: Path) -> None:
    from classifier.catalog import open_catalog
    from classifier.evaluation import _fold_of, _groups
    from classifier.workspace import Workspace

    with open_catalog(Workspace(workspace)) as catalog:
        crops, sources = catalog.crops(), catalog.sources()
    for seed in range(5):
        fold_of = _fold_of(_groups(crops, sources), 3, seed)
        for player in {crop.players[0] for crop in crops}:
            folds = {fold_of[crop.digest] for crop in crops if crop.players[0] == player}
            assert len(folds) == (3 if player == "Ref" else 1)
        for team in ROSTER:
            assert {fold_of[crop.digest] for crop in crops if crop.team == team} == {0, 1, 2}


def test_ensemble_and_single_network_are_scored_on_unseen_players_side_by_side(workspace: Path) -> None:
    before = sorted(path.name for path in workspace.iterdir())
    recipe = Recipe(member="compact", epochs=1, least_steps=70)
    report = to_json(evaluate(workspace, recipe, seeds=1, unsharded=True, workers=1))
    assert (report["crops"], report["players"], report["folds"]) == (28, 7, 3)
    assert (report["sharded"]["shards"], report["unsharded"]["shards"]) == (2, 1)
    for arm in ("sharded", "unsharded"):
        score = report[arm]
        assert score["accuracy"] >= 0.85
        assert score["low"] <= score["accuracy"] <= score["high"]
        confusion = np.array(score["confusion"])
        assert confusion.sum(axis=1).tolist() == [4, 12, 12]
        assert np.trace(confusion) / 28 == pytest.approx(score["accuracy"])
    assert any("Ref alone is referee" in note for note in report["notes"])
    assert sorted(path.name for path in workspace.iterdir()) == before


def test_too_little_to_evaluate_is_refused(tmp_path: Path) -> None:
    import_tree(tmp_path / "w", write_tree(tmp_path / "tree", {"white": ("Ann",), "yellow": ("Dov",)}, 1))
    with pytest.raises(BadInput, match="two teams of two crops each"):
        evaluate(tmp_path / "w", Recipe(epochs=1))


@pytest.mark.shared_data
def test_the_reference_crops_are_told_apart_on_people_never_seen(tmp_path: Path, shared_data: Path) -> None:
    import_tree(tmp_path / "w", shared_data / "crops")
    report = cleansheet_json("evaluate", "--seeds", 1, "-w", tmp_path / "w")
    assert report["crops"] == 70
    assert report["sharded"]["accuracy"] >= 0.9
