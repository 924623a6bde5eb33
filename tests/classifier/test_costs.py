"""What forgetting costs: formulas against the simulation, against the paper, and through the command."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.costs import compare, expected_one_by_one, expected_together, imagined_crops, simulate
from tests.classifier.figures import ROSTER, write_tree
from tests.conftest import assert_refused, cleansheet, cleansheet_json


@given(st.integers(20, 500), st.integers(1, 8), st.integers(1, 15))
def test_without_slices_they_are_the_papers_formulas(people: int, shards: int, requests: int) -> None:
    in_turn = (people / shards + 1 / (2 * shards) - 1) * requests - requests**2 / (2 * shards)
    at_once = people * (1 - (1 - 1 / shards) ** requests) - requests
    assert expected_one_by_one(people, shards, 1, requests) * people * requests == pytest.approx(max(0, in_turn))
    assert expected_together(people, shards, 1, requests) * people == pytest.approx(max(0, at_once), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 30))
def test_the_simulation_agrees_with_the_formulas(shards: int, slices: int, requests: int) -> None:
    people = shards * slices * 12
    requests = min(requests, people // 4)  # the formulas take the shards for even, and they are until many have left
    single, together = simulate(np.full(people, 10), shards, slices, requests, trials=200)
    spread = 4 * single.std() / 200**0.5 + 0.01
    assert single.mean() == pytest.approx(expected_one_by_one(people, shards, slices, requests), abs=spread)
    assert together.mean() == pytest.approx(
        expected_together(people, shards, slices, requests), abs=4 * together.std() / 200**0.5 + 0.02
    )


def test_one_shard_and_one_slice_is_a_full_training_without_the_one_who_left() -> None:
    single, together = simulate(np.full(50, 4), 1, 1, 1)
    assert np.allclose(single, 0.98)
    assert np.allclose(together, 0.98)


def test_a_million_crops_of_a_hundred_thousand_players() -> None:
    crops = imagined_crops(100_000, 1_000_000)
    assert (len(crops), crops.sum(), crops.min()) == (100_000, 1_000_000, crops.min())
    (cost,) = compare(crops, [(100, 5)], 200, trials=3)
    assert cost.simulated == pytest.approx(cost.formula, rel=0.1)
    assert cost.simulated_together == pytest.approx(cost.formula_together, rel=0.1)


def test_the_command_compares_imagined_people() -> None:
    said = cleansheet_json(
        "plan", "--simulate", "--players", "400", "--crops", "4000", "--shards", "1,4", "--slices", "1,3"
    )
    assert [(c["shards"], c["slices"]) for c in said["costs"]] == [(1, 1), (1, 3), (4, 1), (4, 3)]
    assert said["costs"][3]["simulated"] < said["costs"][0]["simulated"] / 3
    shown = cleansheet("plan", "--simulate", "--players", "30")
    assert shown.returncode == 0, shown.stderr
    assert "left out" in shown.stdout


def test_the_command_shows_the_plan_that_was_trained(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    assert_refused(cleansheet("plan", "-w", workspace), "import")
    write_tree(tmp_path / "tree", ROSTER, 4)
    cleansheet_json("import", tmp_path / "tree", "-w", workspace)
    assert_refused(cleansheet("plan", "-w", workspace), "cleansheet train")
    cleansheet_json("train", "-w", workspace, "--epochs", "0.1")
    said = cleansheet_json("plan", "-w", workspace)
    trained = cleansheet_json("players", "-w", workspace)["players"]
    assert sum(sum(cell["crops_by_team"].values()) for cell in said["cells"]) == sum(
        p["trained_crops"] for p in trained
    )
    assert cleansheet("plan", "-w", workspace).returncode == 0
    assert len(cleansheet_json("plan", "--simulate", "-w", workspace)["costs"]) > 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--shards", "0"], "whole numbers"),
        (["--players", "3", "--crops", "2"], "one crop a player"),
        (["--players", "5", "--requests", "9"], "9 requests"),
        (["--players", "5", "--shards", "6", "--slices", "2"], "cannot fill"),
        (["--crops", "50"], "--players"),
    ],
)
def test_bad_wishes_are_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    assert_refused(cleansheet("plan", "--simulate", *arguments, "-w", tmp_path), words)
