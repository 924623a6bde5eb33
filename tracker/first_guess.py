"""A first guess of each track's team for somebody who is about to label: by jersey, or by the classifier there is.

A suggestion, kept nowhere: only what a person confirms becomes a label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tracker.crops import read_crop
from tracker.team_groups import Guess, suggest_teams
from tracker.teams import Classifier, verdicts

LOOKED_AT = 4  # crops of a track
AGREE = 0.85  # of the tracks: so far do jerseys and classifier divide the tracks alike where it knows these teams
NOBODY = "nobody"


@dataclass(frozen=True)
class Guesses:
    """Who plays for whom, perhaps."""

    by: str
    """`jersey` or `classifier`; `NOBODY` where it could not be guessed, empty before anybody has tried."""
    teams: Mapping[int, Guess]
    """Track → its guess; none for tracks without crops."""


def first_guess(
    crops: Mapping[int, Sequence[Path]], officials: Mapping[int, float], classifier: Classifier | None, *,
    trust: bool = False,
) -> Guesses:  # fmt: skip
    """Guess every track's team.

    The classifier is asked where it knows these teams: where it divides the tracks much as the look of their jerseys
    does. An ensemble that was trained on other teams is as sure of itself as ever, and says nothing here.

    Args:
        crops: Track id → its crop files.
        officials: Track id → share of its boxes that the detector called a referee.
        classifier: The ensemble, if there is one.
        trust: Whether it was trained on this very match, so that it is asked in any case.
    """
    chosen = {track: _spread(files) for track, files in crops.items() if files}
    if classifier is not None and trust:
        return Guesses("classifier", _by_classifier(chosen, officials, classifier))
    by_jersey = suggest_teams({t: [read_crop(file) for file in files] for t, files in chosen.items()}, officials)
    if classifier is not None:
        by_classifier = _by_classifier(chosen, officials, classifier)
        if _agreement(by_jersey, by_classifier) >= AGREE:
            return Guesses("classifier", by_classifier)
    return Guesses("jersey", by_jersey)


def _by_classifier(
    crops: Mapping[int, Sequence[Path]], officials: Mapping[int, float], classifier: Classifier
) -> dict[int, Guess]:
    return {t: Guess(v.team, v.confidence) for t, v in verdicts(crops, classifier, officials).items() if v.team}


def _agreement(one: Mapping[int, Guess], other: Mapping[int, Guess]) -> float:
    """Share of the tracks that fall into the other's group that most of their own group falls into; 0 where one of
    the other's groups would stand for two."""
    shared = sorted(set(one) & set(other))
    if not shared:
        return 0.0
    groups = sorted({one[t].team for t in shared})
    teams = sorted({other[t].team for t in shared})
    counts = np.zeros((len(groups), len(teams)))
    for t in shared:
        counts[groups.index(one[t].team), teams.index(other[t].team)] += 1
    best = counts.argmax(axis=1)
    return float(counts.max(axis=1).sum() / len(shared)) if len(set(best)) == len(groups) else 0.0


def _spread(files: Sequence[Path]) -> list[Path]:
    """A few of a track's crops, evenly over its time."""
    if len(files) <= LOOKED_AT:
        return list(files)
    return [files[round(place)] for place in np.linspace(0, len(files) - 1, LOOKED_AT)]
