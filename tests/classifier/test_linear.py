"""The exact linear member: sums of whole numbers, one exact solution, the same bits wherever it is computed."""

import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from classifier.catalog import open_catalog
from classifier.checkpoints import load_state
from classifier.colours import CONSTANT, FEATURES, colour_features, shrink
from classifier.erasure import NoRuns
from classifier.forgetting import forget
from classifier.holdings import list_players
from classifier.importing import import_tree
from classifier.recipe import Recipe
from classifier.ridge import POINT, add_crops, exact_solution, fresh_sums
from classifier.shard import member_pixels
from classifier.training import PlanRequest, shard_jobs, train
from classifier.verification import verify
from classifier.workspace import Workspace
from tests.classifier.figures import ROSTER, figure, write_tree
from tests.classifier.test_training import (
    EXACT,
    QUICK,
    TRAIN_IN_A_FRESH_PROCESS,
    bits,
    in_a_fresh_process,
    remove_player,
)
from tests.conftest import ROOT


def pictures(number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Shrunk crops of three teams and their classes."""
    teams = ("white", "yellow", "referee")
    crops = [shrink(figure(teams[i % 3], f"player {i % 7}", i)) for i in range(number)]
    return np.stack(crops), np.arange(number) % 3


def test_a_crop_is_shrunk_to_means_of_whole_boxes() -> None:
    # 48×32 pixels to 24×16: boxes of 2×2. (1 + 2 + 3 + 5 + 2) // 4 with 2 for rounding: 13 // 4 = 3.
    image = np.zeros((48, 32, 3), np.uint8)
    image[:2, :2, 0] = [[1, 2], [3, 5]]
    assert shrink(image)[0, 0].tolist() == [3, 0, 0]
    assert (shrink(np.full((1, 1, 3), 77, np.uint8)) == 77).all()


def test_one_colour_fills_its_own_bins() -> None:
    # White: luma 255 is on the last of the 4 centres, both chromas 128 in the middle: one bin of each zone holds all.
    features = colour_features(np.full((1, 24, 16, 3), 255, np.uint8))[0]
    assert features.shape == (FEATURES,)
    assert np.flatnonzero(features).tolist() == [3 * 9 + 4, 36 + 3 * 9 + 4, FEATURES - 1]
    assert features[[31, 67, -1]].tolist() == [255, 255, CONSTANT]  # the root of 65535, rounded down


def test_a_slice_whose_people_have_all_left_has_no_crops_and_that_is_no_error() -> None:
    assert colour_features(np.empty((0, 24, 16, 3), np.uint8)).shape == (0, FEATURES)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 10**9), st.integers(0, 2**32 - 1))
def test_the_solution_is_the_exact_one(size: int, floor: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.integers(-(10**6), 10**6, (size + 2, size))
    matrix = (rows.T @ rows).astype(object) + floor * np.eye(size, dtype=np.int64).astype(object)
    goals = random.integers(-(10**9), 10**9, (size, 2)).astype(object)
    expected = [
        [(x * POINT + Fraction(1, 2)).__floor__() for x in row] for row in eliminated(matrix.tolist(), goals.tolist())
    ]
    assert exact_solution(matrix, goals, floor).tolist() == expected


def eliminated(matrix: list[list[int]], goals: list[list[int]]) -> list[list[Fraction]]:
    """Gauss and Jordan, in fractions."""
    rows = [[Fraction(v) for v in [*left, *right]] for left, right in zip(matrix, goals, strict=True)]
    for k in range(len(rows)):
        pivot = rows[k]
        rows = [
            row if i == k else [a - row[k] / pivot[k] * b for a, b in zip(row, pivot, strict=True)]
            for i, row in enumerate(rows)
        ]
    return [[value / row[i] for value in row[len(rows) :]] for i, row in enumerate(rows)]


def test_the_order_of_crops_and_slices_does_not_matter() -> None:
    pixels, labels = pictures(24)
    shuffled = np.random.default_rng(0).permutation(24)
    whole = add_crops(fresh_sums(3), pixels, labels)
    parts = add_crops(add_crops(fresh_sums(3), pixels[shuffled[:5]], labels[shuffled[:5]]),
                      pixels[shuffled[5:]], labels[shuffled[5:]])  # fmt: skip
    assert np.array_equal(whole.model["weights"], parts.model["weights"])
    assert np.array_equal(whole.memory["sums"], parts.memory["sums"])


def test_fewer_than_two_teams_are_told_apart_by_nothing_and_an_unknown_team_has_no_weights() -> None:
    pixels, labels = pictures(12)
    assert not add_crops(fresh_sums(3), pixels[labels == 0], labels[labels == 0]).model["weights"].any()
    two = add_crops(fresh_sums(3), pixels[labels < 2], labels[labels < 2]).model["weights"]
    assert two[:2].any()
    assert not two[2].any()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linear")
    import_tree(folder / "w", write_tree(folder / "tree", ROSTER, crops=3))
    train(folder / "w", EXACT, PlanRequest(shards=2), workers=1)
    return folder / "w"


def test_forgetting_is_a_subtraction(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "w")
    place = Workspace(tmp_path / "w")
    with open_catalog(place) as catalog:
        plan, crops = catalog.plan(), catalog.crops()
    assert plan is not None
    at = plan.places["Ann"]
    jobs = shard_jobs(place, plan, crops, EXACT)
    old = load_state(place.shards, jobs[at.shard].names()[-1])
    mine = [crop for part in jobs[at.shard].slices for crop in part
            if crop.digest in {c.digest for c in crops if c.players == ("Ann",)}]  # fmt: skip
    own = add_crops(fresh_sums(3), member_pixels(mine, "linear"), np.full(len(mine), plan.teams.index("white")))
    remove_player(tmp_path / "w", "Ann")
    train(tmp_path / "w", EXACT, workers=1)
    with open_catalog(place) as catalog:
        after, left = catalog.plan(), catalog.crops()
    assert after is not None
    new = load_state(place.shards, shard_jobs(place, after, left, EXACT)[at.shard].names()[-1])
    assert old is not None
    assert new is not None
    assert np.array_equal(old.memory["sums"] - own.memory["sums"], new.memory["sums"])
    assert new.step == old.step - 3


OTHER_MACHINES = [
    {"OMP_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Prescott", "ATEN_CPU_CAPABILITY": "default"},
    {"OPENBLAS_CORETYPE": "Haswell", "MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "avx2"},
]
"""What makes a network's bits differ: threads, instruction sets, other ways to multiply matrices."""


@pytest.mark.parametrize("machine", OTHER_MACHINES)
def test_other_threads_and_instruction_sets_give_the_same_bits(
    trained: Path, tmp_path: Path, machine: dict[str, str]
) -> None:
    shutil.copytree(trained, tmp_path / "w")
    shutil.rmtree(tmp_path / "w" / "shards")
    shutil.rmtree(tmp_path / "w" / "ensemble")
    subprocess.run(
        [sys.executable, "-c", TRAIN_IN_A_FRESH_PROCESS, str(tmp_path / "w"), EXACT.model_dump_json(), "1"],
        check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **machine},
    )  # fmt: skip
    there, here = bits(tmp_path / "w"), bits(trained)
    assert there.pop("manifest").split('"calibration"')[0] == here.pop("manifest").split('"calibration"')[0]
    assert there == here


@pytest.mark.parametrize(("recipe", "player"), [(EXACT, "Ref"), (QUICK.model_copy(update={"member": "frozen"}), "Ann")])
def test_forgetting_goes_through_the_same_machinery(trained: Path, tmp_path: Path, recipe: Recipe, player: str) -> None:
    shutil.copytree(trained, tmp_path / "w")
    train(tmp_path / "w", recipe, workers=1)
    done = forget(tmp_path / "w", [player], NoRuns(), workers=1)
    assert done.leftovers == ()
    assert done.content["retrained_in_a_fresh_process"]
    shutil.copytree(tmp_path / "w", tmp_path / "scratch")
    for folder in ("shards", "ensemble"):
        shutil.rmtree(tmp_path / "scratch" / folder)
    in_a_fresh_process(tmp_path / "scratch", recipe)
    assert bits(tmp_path / "w") == bits(tmp_path / "scratch")
    checks = {check.what: check.holds for check in verify(done.certificate, tmp_path / "w", retrain=True).checks}
    assert checks["retraining"] is True


def test_forgetting_costs_the_crops_of_later_slices_only(trained: Path) -> None:
    # A shard's full training adds each of its crops once; forgetting somebody of the last slice adds the rest of that
    # slice again, and no crop of the slices before.
    rows = {row.player: row for row in list_players(trained)}
    full = sum(row.trained_crops for row in rows.values())
    for row in rows.values():
        if len(row.shards) == 1:
            later = sum(
                other.trained_crops
                for other in rows.values()
                if other.shards == row.shards and other.slices >= row.slices and other is not row
            )
            assert row.forgetting_share == pytest.approx(later / full, abs=2.1 / full)  # the spread referee's crops
