"""One verdict per track: few crops asked about, averaged, and unknown where the classifier cannot tell."""

from pathlib import Path

import numpy as np
import pytest

from classifier.ensemble import Ensemble
from classifier.importing import import_tree
from classifier.training import train
from tests.classifier.figures import ROSTER, figure, write_picture, write_tree
from tracker.teams import MOST, verdicts


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    folder = tmp_path_factory.mktemp("teams")
    import_tree(folder / "w", write_tree(folder / "tree", ROSTER, crops=4))
    train(folder / "w", threshold=0.7, workers=1)
    return Ensemble.load(folder / "w")


def crops(folder: Path, teams: list[str]) -> list[Path]:
    return [
        write_picture(folder / f"{i:06d}.png", figure(team, f"stranger {i}", i)) for i, team in enumerate(teams)
    ]  # fmt: skip


def test_a_track_has_its_crops_team_and_one_that_is_half_and_half_has_none(ensemble: Ensemble, tmp_path: Path) -> None:
    found = verdicts(
        {
            1: crops(tmp_path / "1", ["white"] * 5),
            2: crops(tmp_path / "2", ["yellow"] * 4 + ["white"]),
            3: crops(tmp_path / "3", ["yellow", "white"] * 3),
            4: [],
        },
        ensemble,
    )
    assert {track: verdict.team for track, verdict in found.items()} == {1: "white", 2: "yellow", 3: None}
    assert found[1].confidence > 0.7
    assert found[3].confidence < 0.7


def test_the_detector_has_a_say_in_who_is_an_official(ensemble: Ensemble, tmp_path: Path) -> None:
    half = crops(tmp_path / "1", ["white"] * 5 + ["referee"] * 5)
    sure = crops(tmp_path / "2", ["referee"] * 6)
    alone = verdicts({1: half, 2: sure}, ensemble)
    assert (alone[1].team, alone[2].team) == (None, "referee")
    heard = verdicts({1: half, 2: sure}, ensemble, {1: 0.0, 2: 1.0})
    assert (heard[1].team, heard[2].team) == ("white", "referee")
    assert verdicts({1: half, 2: sure}, ensemble, {1: 1.0, 2: 1.0})[1].team == "referee"
    nobody_called_one = verdicts({1: half, 2: sure}, ensemble, {1: 0.0, 2: 0.0})
    assert nobody_called_one == alone


def test_a_long_track_is_asked_about_at_few_instants_from_first_to_last(ensemble: Ensemble, tmp_path: Path) -> None:
    found = verdicts({7: crops(tmp_path, ["white"] * 40)}, ensemble)
    assert found[7].crops == MOST


def test_nothing_that_looks_like_nobody_is_given_to_a_team_for_sure(ensemble: Ensemble) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 80, 40, 3)).astype(np.uint8)
    assert ensemble.posterior(list(noise)).max() < 0.99
