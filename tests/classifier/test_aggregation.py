"""Many answers to one, and what a confidence is worth."""

import numpy as np
import pytest

from classifier.aggregation import Calibration, calibrate, calibration_error, pooled


def heard(*rows: tuple[int, int, int]) -> np.ndarray:
    return np.array(rows, bool)[:, None, :]


def test_the_mean_of_a_class_is_over_those_who_know_it() -> None:
    # The third class is known to the second alone: (0.5 + 0.2) / 2 = 0.35 twice and 0.6, which sum to 1.3.
    answers = np.array([[[0.5, 0.5, 0.0]], [[0.2, 0.2, 0.6]]])
    mean = pooled(answers, heard((1, 1, 0), (1, 1, 1)), "mean")
    assert mean[0] == pytest.approx(np.array([0.35, 0.35, 0.6]) / 1.3)


def test_a_vote_counts_heads_where_the_mean_weighs_them() -> None:
    # Two are a little for the first, one is sure of the second.
    answers = np.array([[[0.6, 0.4, 0.0]], [[0.6, 0.4, 0.0]], [[0.0, 1.0, 0.0]]])
    every = heard(*[(1, 1, 1)] * 3)
    assert pooled(answers, every, "mean").argmax() == 1
    assert pooled(answers, every, "majority").argmax() == 0
    tie = pooled(answers[1:], every[1:], "majority")
    assert tie.argmax() == 1  # one head each: the mean decides


def test_nobody_heard_is_nobody_sure() -> None:
    assert pooled(np.ones((2, 1, 4)), np.zeros((2, 1, 4), bool), "mean")[0].tolist() == [0.25] * 4


def test_calibration_brings_confidence_to_what_it_is_worth_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    sure = np.where(rng.random(4000) < 0.8, 0, 1)  # called 0 with 99 %, and right in 80 %
    said = np.tile([0.99, 0.01], (4000, 1))
    assert calibration_error(said.max(axis=1), sure == 0) == pytest.approx(0.19, abs=0.02)
    found = calibrate(said, sure)
    after = found.applied(said)
    assert after[0, 0] == pytest.approx((sure == 0).mean(), abs=0.02)
    assert (after.argmax(axis=1) == 0).all()
    assert after.sum(axis=1) == pytest.approx(1)


def test_a_few_right_answers_prove_no_certainty() -> None:
    # Three crops, all right: (3 + 1) / (3 + 2) = 0.8 for two teams' doubt of 1/5 dealt to both, 1 - 0.2 + 0.1 = 0.9.
    found = calibrate(np.tile([0.9, 0.1], (3, 1)), np.zeros(3, np.int64))
    assert found.doubt == pytest.approx(1 / 5)
    assert found.applied(np.array([[0.999, 0.001]]))[0, 0] <= 0.9 + 1e-9
    assert calibrate(np.empty((0, 2)), np.empty(0, np.int64)) == Calibration()
