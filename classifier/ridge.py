"""The exact linear member: a ridge regression from integer sums, the same to the last bit on every machine.

Training adds up, for each team, the products of its crops' features; forgetting somebody subtracts theirs. The sums
are whole numbers, and the weights are the one exact (rational) solution of the ridge's equations, rounded to a fixed
point: however a machine comes near that solution, it arrives at the same digits.
"""

from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.colours import CONSTANT, FEATURES, colour_features
from classifier.errors import CleansheetError
from classifier.members import Ask
from classifier.state import State

PENALTY = 2000
"""Of the weights' squares, beside squared errors that count each crop of the average team once."""
PRIOR = 3
"""Of what the weights make of differences within a team, times `WITHIN_TEAMS`: 48 crops' worth."""
WITHIN_TEAMS = np.loadtxt(Path(__file__).with_name("within_teams.csv"), np.int64, delimiter=",")
"""Sixteenths of the mean scatter of people around their team's mean, `(d, d)`: from rendered sessions, where nobody is
real (`benchmarks/within_teams.py`). Where a shard holds two or three people, it tells jerseys from one's trousers."""
POINT = 2**32
"""Weights are stored as whole multiples of 1 / POINT."""
SHARP = 8.0
"""Scores are fitted to 1 for the right team and 0 for others; times this they are logits."""
Whole = NDArray[np.object_]
"""Python's integers, which never overflow."""


def fresh_sums(teams: int) -> State:
    """Before the first slice: no crop."""
    sums = np.zeros((teams, FEATURES, FEATURES), np.int64)
    return State({"weights": np.zeros((teams, FEATURES), np.int64)}, {"sums": sums}, 0)


def add_crops(before: State, pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> State:
    """Add a slice's crops, and solve.

    Args:
        before: Where the previous slice ended; not changed.
        pixels: `(N, 24, 16, 3)` BGR.
        labels: `(N,)` class of each.
    """
    sums = before.memory["sums"].copy()
    features = colour_features(pixels).astype(np.float64)
    for team in np.unique(labels):
        mine = features[labels == team]
        sums[team] += (mine.T @ mine).astype(np.int64)
    return State({"weights": solve(sums)}, {"sums": sums}, before.step + len(labels))


def asking(weights: NDArray[np.int64]) -> Ask:
    """What weights `(teams, d)`, as `solve` gives them, say of `(N, 24, 16, 3)` crops; sums in between are exact."""
    columns = weights.T.astype(np.float64)

    def ask(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        scores = colour_features(pixels).astype(np.float64) @ columns
        return (scores * (SHARP / POINT)).astype(np.float32)

    return ask


def solve(sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ridge's weights, in multiples of 1 / POINT.

    Each team's crops weigh as much as the average team's. A team without crops, and all where there are fewer than
    two teams, have weights 0.

    Args:
        sums: `(teams, d, d)`: of each team the sum of its crops' feature vectors' outer products, the last feature
            being `CONSTANT`.

    Returns:
        `(teams, d)`.
    """
    weights = np.zeros(sums.shape[:2], np.int64)
    crops = [int(of_team[-1, -1]) // CONSTANT**2 for of_team in sums]
    seen = [team for team, count in enumerate(crops) if count]
    if len(seen) < 2:
        return weights
    every = prod(crops[team] for team in seen)
    share = {team: sum(crops) * every // crops[team] for team in seen}
    whole = len(seen) * every
    matrix = sum(share[team] * sums[team].astype(object) for team in seen)
    matrix = matrix + whole * (PENALTY * np.eye(FEATURES, dtype=np.int64) + PRIOR * WITHIN_TEAMS).astype(object)
    goals = np.stack([share[team] * (sums[team][:, -1] // CONSTANT).astype(object) for team in seen], axis=1)
    weights[seen] = exact_solution(matrix, goals, whole * PENALTY // 2).T  # rounding cost the prior less than half
    return weights


def exact_solution(matrix: Whole, goals: Whole, floor: int, digits: int = 96) -> NDArray[np.int64]:
    """The solution of `matrix @ x = goals`, times POINT, rounded to whole numbers.

    Found by refinement: a float64 solution, then exact remainders solved for again, until what is left is provably too
    little to change any digit (the error is at most |remainder| / `floor`).

    Args:
        matrix: `(d, d)` symmetric integers, with no eigenvalue below `floor`.
        goals: `(d, k)` integers.
        floor: Positive.
        digits: Bits behind the point to begin with; more are taken where a weight is that close to a rounding edge.
    """
    down = max(int(np.abs(matrix).max()).bit_length() - 60, 0)
    near = np.linalg.inv((matrix >> down).astype(np.float64))
    found = np.zeros(goals.shape, object)
    for _ in range(100):
        rest = (goals << digits) - matrix.dot(found)
        largest = max(int(np.abs(rest).max()), 1)
        error = 1 + largest * len(matrix) // floor
        unit = (1 << digits) // POINT
        if np.all((found + unit // 2 - error) // unit == (found + unit // 2 + error) // unit):
            return ((found + unit // 2) // unit).astype(np.int64)
        if error < 1 << 8:  # as near as so many digits tell, and still on an edge
            found, digits = found << 32, digits + 32
            continue
        shift = max(largest.bit_length() - 60, 0)
        step = near @ (rest >> shift).astype(np.float64)
        found = found + _shifted(np.vectorize(lambda v: int(v * 2.0**60), otypes=[object])(step), shift - 60 - down)
    raise CleansheetError("the linear member's equations could not be solved; this is a defect, please report it.")


def _shifted(numbers: Whole, bits: int) -> Whole:
    return numbers << bits if bits >= 0 else numbers >> -bits
