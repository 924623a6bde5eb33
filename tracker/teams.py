"""One verdict per track: what the ensemble says of its few good crops, beside what the detector and its look say.

The classifier sees 24 pixels of a figure, on which an official's stripes are grey, and it learned its teams in another
light. So its mean posterior is weighed (naive Bayes) with whether the detector, which sees the whole figure in its
surroundings, called the track an official; and where it is still not sure, with how the tracks are judged that look
like this one (`tracker.look_alikes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tracker.attacks import OFFICIALS
from tracker.crops import read_crop
from tracker.look_alikes import asked
from tracker.silhouette import jersey
from tracker.team_groups import colours

BATCH = 192  # crops handed to the ensemble at once
MOST = 12  # crops asked about of a track, spread over its time
LOOKED_AT = 4  # of these, for how a track looks
OFFICIAL_SEEN = 0.87  # that the detector calls an official one: its recall of single boxes on a rink it never saw
PLAYER_MISTAKEN = 0.02  # that it calls a player one, there; most of a track's boxes are right more often than one box


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
    """The likeliest team's probability, 0 to 1."""
    crops: int
    """How many crops were looked at."""


def verdicts(
    crops: Mapping[int, Sequence[Path]], classifier: Classifier, officials: Mapping[int, float] | None = None
) -> dict[int, Verdict]:
    """Ask the classifier once for all tracks.

    The posterior is averaged over a track's crops, so that a moment's occlusion or an id's slip is outvoted.

    Args:
        crops: Track id → crop files by frame; at most `MOST` of each are asked about. Tracks without a crop get no
            verdict.
        classifier: The ensemble.
        officials: Track id → share of its boxes that the detector called a referee. Where it called nobody so, it says
            nothing: it may not know how officials look here, or have no such class.
    """
    files = [(track, path) for track, paths in crops.items() for path in _spread(paths)]
    rows: dict[int, list[NDArray[np.float32]]] = {}
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        posterior = classifier.posterior([read_crop(path) for _, path in batch])
        for (track, _), row in zip(batch, posterior, strict=True):
            rows.setdefault(track, []).append(row)
    said = {track: np.mean(found, axis=0) for track, found in rows.items()}
    called = {track: share > 0.5 for track, share in (officials or {}).items()}
    if OFFICIALS in classifier.teams and any(called.values()):
        at = classifier.teams.index(OFFICIALS)
        said = {track: _both(row, at, called[track]) if track in called else row for track, row in said.items()}
    said |= asked(said, classifier.threshold, lambda track: _look(crops[track]))
    return {track: _verdict(row, len(rows[track]), classifier) for track, row in said.items()}


def _both(posterior: NDArray[np.float32], official: int, called: bool) -> NDArray[np.float32]:
    """The classifier's row, given besides whether the detector called the track an official."""
    seen, mistaken = (OFFICIAL_SEEN, PLAYER_MISTAKEN) if called else (1 - OFFICIAL_SEEN, 1 - PLAYER_MISTAKEN)
    likely = posterior * mistaken
    likely[official] = posterior[official] * seen
    return likely / likely.sum()


def _look(crops: Sequence[Path]) -> NDArray[np.float64]:
    """The mean colours of a track's jersey."""
    return np.asarray(np.mean([colours(jersey(read_crop(path))) for path in _spread(crops, LOOKED_AT)], axis=0))


def _spread(paths: Sequence[Path], most: int = MOST) -> list[Path]:
    """At most `most`, evenly from the first to the last."""
    if len(paths) <= most:
        return list(paths)
    return [paths[i * (len(paths) - 1) // (most - 1)] for i in range(most)]


def _verdict(posterior: NDArray[np.float32], crops: int, classifier: Classifier) -> Verdict:
    best = int(posterior.argmax())
    confidence = float(posterior[best])
    return Verdict(classifier.teams[best] if confidence >= classifier.threshold else None, confidence, crops)
