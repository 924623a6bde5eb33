"""Tracks that the classifier cannot tell: what those say that look like them, in the same match and the same light.

The classifier learned its teams elsewhere, or from a few of this match's people. Where a jersey looks half like one
team and half like another to it, the tracks of this match that it is sure of show how the teams look here. They are
asked as neighbours, nearer ones counting more (Dudani, 1976); their answer is evidence beside the classifier's own.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

MOST = 300
"""So many sure tracks, evenly chosen, show how the teams look: a long match has thousands."""
NEIGHBOURS = 5
DOUBT = 0.5
"""Votes that every team has beforehand: five neighbours of one mind count eleven to one."""
WITHIN = 0.95
"""A neighbour is one who is as near as this share of the sure tracks have their fifth."""

Array = NDArray[np.float64]


def asked(
    posteriors: Mapping[int, NDArray[np.float32]], threshold: float, look: Callable[[int], Array]
) -> dict[int, NDArray[np.float32]]:
    """New posteriors of the tracks whose likeliest team is below the threshold, as far as others look like them.

    Args:
        posteriors: Track id → (teams,), summing to 1.
        threshold: From this confidence on a track is sure, and a neighbour.
        look: How a track looks, (features,), such that unlike tracks are far apart; asked for only where it is needed.

    Returns:
        Track id → (teams,), of those only that were not sure and have neighbours.
    """
    unsure = [track for track, row in posteriors.items() if row.max() < threshold]
    sure = [track for track, row in posteriors.items() if row.max() >= threshold]
    if not unsure or len(sure) <= NEIGHBOURS:
        return {}
    sure = [sure[place] for place in np.linspace(0, len(sure) - 1, min(len(sure), MOST)).astype(int)]
    teams = np.array([int(posteriors[track].argmax()) for track in sure])
    known = np.array([look(track) for track in sure])
    among = np.linalg.norm(known[:, None] - known[None], axis=2)
    among.sort(axis=1)
    near = max(float(np.median(among[:, 1])), 1e-9)
    reach = float(np.quantile(among[:, NEIGHBOURS], WITHIN))
    found = {}
    for track in unsure:
        apart = np.linalg.norm(known - look(track), axis=1)
        nearest = np.argsort(apart, kind="stable")[:NEIGHBOURS]
        nearest = nearest[apart[nearest] <= reach]
        if len(nearest):
            weight = np.exp((apart[nearest[0]] ** 2 - apart[nearest] ** 2) / (2 * near**2))
            votes = np.bincount(teams[nearest], weight / weight.sum(), minlength=len(posteriors[track]))
            row = posteriors[track] * (len(nearest) * votes + DOUBT)
            found[track] = (row / row.sum()).astype(np.float32)
    return found
