"""What a confusion matrix says: accuracy, and precision, recall and F1 of each team and on average over teams."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Confusion = Sequence[Sequence[int]] | NDArray[np.int64]
"""`confusion[i][j]`: crops of team i called team j."""


@dataclass(frozen=True)
class Scores:
    """Of the teams that occur; all from 0 to 1."""

    accuracy: float
    precision: float
    """Macro: the mean over teams, so that a small one weighs as much as a large one."""
    recall: float
    """Macro."""
    f1: float
    """Macro."""
    by_team: tuple[tuple[float, float, float], ...]
    """Precision, recall and F1 of every team, also of those that do not occur."""


def scores_of(confusion: Confusion) -> Scores:
    """Scores of a confusion matrix; 0 where nothing is there to divide by."""
    table = np.asarray(confusion, np.float64)
    hits, real, called = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    precision, recall = hits / np.maximum(called, 1), hits / np.maximum(real, 1)
    f1 = 2 * hits / np.maximum(real + called, 1)
    occurs = real > 0
    if not occurs.any():
        return Scores(0.0, 0.0, 0.0, 0.0, tuple((0.0, 0.0, 0.0) for _ in hits))
    return Scores(
        float(hits.sum() / real.sum()), float(precision[occurs].mean()), float(recall[occurs].mean()),
        float(f1[occurs].mean()), tuple(zip(precision.tolist(), recall.tolist(), f1.tolist(), strict=True)),
    )  # fmt: skip


def confusion_of(truth: NDArray[np.int64], called: NDArray[np.int64], teams: int) -> NDArray[np.int64]:
    """`(teams, teams)` counts."""
    confusion = np.zeros((teams, teams), np.int64)
    np.add.at(confusion, (truth, called), 1)
    return confusion
