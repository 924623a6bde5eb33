"""All constituents asked at once about a batch of crops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier import ridge
from classifier.aggregation import Aggregation, Posteriors, pooled
from classifier.colours import FEATURES
from classifier.members import Ask, member
from classifier.state import Arrays


@dataclass(frozen=True)
class Constituent:
    """One shard's model."""

    model: Arrays
    known: tuple[int, ...]
    """The classes that its shard has seen."""


class Panel:
    """The constituents of an ensemble.

    Args:
        member_name: Their architecture.
        constituents: One or more.
        teams: Number of classes.

    Raises:
        ValueError, KeyError, RuntimeError: a model is not of this architecture.
    """

    def __init__(self, member_name: str, constituents: Sequence[Constituent], teams: int) -> None:
        self.constituents = tuple(constituents)
        self.teams = teams
        self.knows = np.array([[team in one.known for team in range(teams)] for one in constituents], bool)
        self._ask = _asking(member_name, [one.model for one in constituents], teams)

    def answers(self, pixels: NDArray[np.uint8]) -> Posteriors:
        """What each says of each crop: `(N, H, W, 3)` of the member's size → `(constituents, N, teams)`; teams that one
        does not know have probability 0."""
        logits = self._ask(pixels).reshape(len(pixels), len(self.constituents), self.teams).transpose(1, 0, 2)
        known = np.where(self.knows[:, None, :], logits.astype(np.float64), -np.inf)
        powers = np.exp(known - known.max(axis=2, keepdims=True))
        return np.asarray(powers / powers.sum(axis=2, keepdims=True), np.float64)

    def posterior(self, pixels: NDArray[np.uint8], aggregation: Aggregation = "mean") -> Posteriors:
        """`(N, H, W, 3)` → `(N, teams)`, not calibrated."""
        answers = self.answers(pixels)
        return pooled(answers, np.broadcast_to(self.knows[:, None, :], answers.shape), aggregation)


def _asking(member_name: str, models: Sequence[Arrays], teams: int) -> Ask:
    """What all say, one after the other: logits `(N, constituents · teams)`."""
    if not member(member_name).exact:
        from classifier.networks import asking_all, for_inference  # brings PyTorch

        return asking_all([for_inference(member_name, teams, model) for model in models])
    weights = [model["weights"] for model in models]
    for of_one in weights:
        if of_one.shape != (teams, FEATURES):
            raise ValueError(f"weights of shape {of_one.shape}, expected {(teams, FEATURES)}")
    return ridge.asking(np.concatenate(weights))  # the features are the same for all
