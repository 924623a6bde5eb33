"""One verdict per track: the ensemble's mean posterior over the track's few good crops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tracker.crops import read_crop

BATCH = 192  # crops handed to the ensemble at once
MOST = 12  # crops asked about of a track, spread over its time


class Classifier(Protocol):
    """What this stage needs of `classifier.ensemble.Ensemble`."""

    teams: tuple[str, ...]

    @property
    def threshold(self) -> float:
        """Below this confidence the team is unknown."""
        ...

    def posterior(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(N, teams) calibrated rows that sum to 1, for N BGR crops of any size."""
        ...


@dataclass(frozen=True)
class Verdict:
    """Whom a track plays for."""

    team: str | None
    """None: unknown, since the confidence is below the classifier's threshold. Such a track counts for no team."""
    confidence: float
    """The likeliest team's mean posterior over the crops, 0 to 1."""
    crops: int
    """How many crops were looked at."""


def verdicts(crops: Mapping[int, Sequence[Path]], classifier: Classifier) -> dict[int, Verdict]:
    """Ask the classifier once for all tracks.

    The posterior is averaged over a track's crops, so that a moment's occlusion or an id's slip is outvoted.

    Args:
        crops: Track id → crop files by frame; at most `MOST` of each are asked about. Tracks without a crop get no
            verdict.
        classifier: The ensemble.
    """
    files = [(track, path) for track, paths in crops.items() for path in _spread(paths)]
    rows: dict[int, list[NDArray[np.float32]]] = {}
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        posterior = classifier.posterior([read_crop(path) for _, path in batch])
        for (track, _), row in zip(batch, posterior, strict=True):
            rows.setdefault(track, []).append(row)
    return {track: _verdict(np.mean(found, axis=0), len(found), classifier) for track, found in rows.items()}


def _spread(paths: Sequence[Path]) -> list[Path]:
    """At most `MOST`, evenly from the first to the last."""
    if len(paths) <= MOST:
        return list(paths)
    return [paths[i * (len(paths) - 1) // (MOST - 1)] for i in range(MOST)]


def _verdict(posterior: NDArray[np.float32], crops: int, classifier: Classifier) -> Verdict:
    best = int(posterior.argmax())
    confidence = float(posterior[best])
    return Verdict(classifier.teams[best] if confidence >= classifier.threshold else None, confidence, crops)
