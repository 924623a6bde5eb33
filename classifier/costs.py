"""What forgetting costs for so many shards and slices: the paper's formulas and a simulation, side by side.

Bourtoule et al., *Machine Unlearning*, IEEE S&P 2021, sections V-B and VI. A cost is the number of crops that the
optimizer sees again, as a share of a full training; 2 / (R + 1) of the epochs are spent on each of R slices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifier.errors import BadInput

Crops = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cost:
    """Of one choice of shards and slices; shares of a full training, an average over the requests."""

    shards: int
    slices: int
    crops_a_shard: float
    """What a constituent learns from: the fewer, the weaker it is."""
    formula: float
    """Expected for one request after the other."""
    simulated: float
    low: float
    high: float
    """95 % interval of the simulated mean."""
    formula_together: float
    """Expected for all the requests together, answered by one retraining."""
    simulated_together: float
    checkpoints: int
    """That are kept on the disk."""


def expected_one_by_one(people: int, shards: int, slices: int, requests: int) -> float:
    """Mean share of a full training for each of several requests, one after the other.

    A request hits slice r of a shard with chance 1 / R, and stages r to R see r/R to R/R of the shard again, without
    whoever left. Over all r that is 2/3 + 1/(3R) of the shard's work; with R = 1 and summed over K requests it is the
    paper's (N/S + 1/(2S) - 1) K - K²/(2S).
    """
    left = people - (requests - 1) / 2
    return max(0.0, (left / shards * (2 / 3 + 1 / (3 * slices)) - 1) / people)


def expected_together(people: int, shards: int, slices: int, requests: int) -> float:
    """Share of a full training for several requests that one retraining answers.

    Stage j of a shard is repeated if any request falls on its slices 1 to j, which each does with chance j / (RS).
    With R = 1 this is the paper's N (1 - (1 - 1/S)^K) - K.
    """
    stages = np.arange(1, slices + 1)
    touched = 1 - (1 - stages / (slices * shards)) ** requests
    seen = shards * (stages * people / (shards * slices) * touched - requests * stages / (slices * shards))
    return max(0.0, float(2 / (slices + 1) * seen.sum() / people))


def simulate(
    crops: Crops, shards: int, slices: int, requests: int, *, trials: int = 20, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Deal people to shards and slices and let some of them leave.

    Args:
        crops: `(people,)` how many each has.
        shards, slices: neither more than there are people to fill them.
        requests: how many people leave.
        trials: repetitions with other people leaving.
        seed: of the only source of chance.

    Returns:
        Two arrays `(trials,)`: the mean share of a full training that one request costs when they come one by one, and
        the share that all cost together.
    """
    rng = np.random.default_rng([seed, shards, slices])
    one_by_one, together = np.zeros(trials), np.zeros(trials)
    epochs = 2 / (slices + 1)
    full = float(crops.sum())
    for trial in range(trials):
        order = rng.permutation(len(crops))
        shard = np.empty(len(crops), np.int64)
        shard[order] = np.arange(len(crops)) % shards
        part = np.empty(len(crops), np.int64)
        part[order] = np.arange(len(crops)) // shards * slices // -(-len(crops) // shards)
        cells = np.zeros((shards, slices))
        np.add.at(cells, (shard, part), crops)
        leaving = rng.choice(len(crops), requests, replace=False)
        lowest = np.full(shards, slices)
        for person in leaving:
            s, r = shard[person], part[person]
            cells[s, r] -= crops[person]
            one_by_one[trial] += epochs * np.cumsum(cells[s])[r:].sum()
            lowest[s] = min(lowest[s], r)
        seen = np.cumsum(cells, axis=1) * (np.arange(slices) >= lowest[:, None])
        together[trial] = epochs * seen.sum() / full
    return one_by_one / requests / full, together


def compare(
    crops: Crops, choices: Sequence[tuple[int, int]], requests: int, *, trials: int = 20, seed: int = 0
) -> tuple[Cost, ...]:
    """The cost of each choice of (shards, slices) that these people can fill.

    Raises:
        BadInput: nobody, more requests than people, or no choice that they can fill.
    """
    people = len(crops)
    if people < 2:
        raise BadInput(f"{people} players: a simulation needs at least 2.")
    if not 1 <= requests <= people:
        raise BadInput(f"{requests} requests from {people} players: expected 1 to {people}.")
    if trials < 2:
        raise BadInput(f"{trials} trials: expected at least 2, so that their spread is known.")
    possible = [(s, r) for s, r in choices if s >= 1 and r >= 1 and s * r <= people]
    if not possible:
        raise BadInput(f"{people} players cannot fill any of the shards and slices asked for.")
    costs = []
    for shards, slices in possible:
        single, together = simulate(crops, shards, slices, requests, trials=trials, seed=seed)
        margin = 1.96 * float(single.std(ddof=1)) / trials**0.5
        mean = float(single.mean())
        cost = Cost(
            shards, slices, float(crops.sum()) / shards, expected_one_by_one(people, shards, slices, requests),
            mean, max(0.0, mean - margin), mean + margin, expected_together(people, shards, slices, requests),
            float(together.mean()), shards * slices,
        )  # fmt: skip
        costs.append(cost)
    return tuple(costs)


def imagined_crops(people: int, crops: int, seed: int = 0) -> Crops:
    """So many crops dealt at random to so many people, each with one at least.

    Raises:
        BadInput: fewer crops than people.
    """
    if people < 1 or crops < people:
        raise BadInput(f"{crops} crops of {people} players: expected at least one crop a player.")
    dealt = np.random.default_rng(seed).multinomial(crops - people, np.full(people, 1 / people))
    return dealt.astype(np.int64) + 1
