"""The ensemble: what inference loads."""

from pathlib import Path

import numpy as np
import pytest

from classifier.ensemble import Ensemble, NoEnsemble
from classifier.errors import CleansheetError
from classifier.importing import import_tree
from classifier.recipe import Recipe
from classifier.training import PlanRequest, train
from tests.classifier.figures import ROSTER, figure, write_tree


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ensemble")
    import_tree(folder / "w", write_tree(folder / "tree", ROSTER, crops=6))
    train(folder / "w", Recipe(member="compact", least_steps=100), workers=1)
    return folder / "w"


def test_it_tells_the_teams_of_people_it_never_saw(workspace: Path) -> None:
    ensemble = Ensemble.load(workspace)
    assert ensemble.teams == ("referee", "white", "yellow")
    for column, team in enumerate(ensemble.teams):
        posterior = ensemble.posterior([figure(team, f"stranger {i}", i) for i in range(20)])
        assert (posterior.argmax(axis=1) == column).mean() >= 0.8, team


def test_a_posterior_is_a_distribution_for_crops_of_any_size_and_number(workspace: Path) -> None:
    ensemble = Ensemble.load(workspace)
    crops = [np.full((h, w, 3), 128, np.uint8) for h, w in ((1, 1), (9, 400), (700, 300))] * 200
    posterior = ensemble.posterior(crops)
    assert posterior.shape == (600, 3)
    assert posterior.dtype == np.float32
    assert np.allclose(posterior.sum(axis=1), 1, atol=1e-5)
    assert ensemble.posterior([]).shape == (0, 3)


def test_it_answers_the_same_every_time(workspace: Path) -> None:
    crops = [figure("white", "Ann", i) for i in range(12)]
    one, two = Ensemble.load(workspace), Ensemble.load(workspace)
    assert one.version == two.version
    assert np.array_equal(one.posterior(crops), two.posterior(crops))


def test_shards_that_do_not_know_a_team_have_no_say_about_it(tmp_path: Path) -> None:
    # One referee with two crops: of three shards, one never sees a referee.
    tree = write_tree(tmp_path / "tree", {"white": ("Ann", "Bea", "Cid"), "yellow": ("Dov", "Eli", "Fay")}, 4)
    import_tree(tmp_path / "w", tree)
    import_tree(tmp_path / "w", write_tree(tmp_path / "ref", {"referee": ("Ref",)}, 2))
    report = train(tmp_path / "w", Recipe(member="compact", least_steps=100), PlanRequest(shards=3), workers=1)
    assert any("referee is known to 2 of 3 shards" in note for note in report.notes)
    posterior = Ensemble.load(tmp_path / "w").posterior([figure("referee", "stranger", i) for i in range(10)])
    assert posterior.argmax(axis=1).tolist() == [0] * 10


def test_no_ensemble_yet_names_the_next_commands(tmp_path: Path) -> None:
    with pytest.raises(NoEnsemble, match=r"cleansheet crops RUN.*cleansheet import.*cleansheet train"):
        Ensemble.load(tmp_path)


def test_a_damaged_ensemble_is_not_used(workspace: Path) -> None:
    path = next((workspace / "ensemble").glob("*.safetensors"))
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-4] + bytes(4))
        with pytest.raises(CleansheetError, match="cleansheet train"):
            Ensemble.load(workspace)
        train(workspace, Recipe(member="compact", least_steps=100), workers=1)
        assert path.read_bytes() == whole
    finally:
        path.write_bytes(whole)
