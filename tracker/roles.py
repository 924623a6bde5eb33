"""Who is a goalkeeper, an official or a skater: one role per track."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tracker import pieces
from tracker.attacks import OFFICIALS
from tracker.detector_weights import ROLES


class Seen(Protocol):
    """Boxes of tracks, one element per frame and track."""

    @property
    def frame(self) -> NDArray[np.integer]: ...
    @property
    def track_id(self) -> NDArray[np.integer]: ...
    @property
    def confidence(self) -> NDArray[np.float32]: ...
    @property
    def class_id(self) -> NDArray[np.integer]: ...
    @property
    def observed(self) -> NDArray[np.bool_]: ...


def roles(tracks: Seen, teams: Mapping[int, str]) -> dict[int, str]:
    """One role per track: what the detector said most, weighted by its confidence.

    The classifier, which has looked at several crops, decides who is an official where it has spoken: its `referee` is
    one, and whom it gives to a team is not. And a team has one goalkeeper at a time: detectors take skaters in front of
    the net for one, so of several tracks at once, the one that was called so most often is.

    Args:
        tracks: all boxes.
        teams: team by track; a track without one is in no team.
    """
    found: dict[int, str] = {}
    ids, index = pieces.numbered(tracks.track_id)
    votes = _votes(tracks, index, len(ids))
    keepers: dict[str, list[int]] = {}
    for row, (track, vote) in enumerate(zip(ids.tolist(), votes, strict=True)):
        team = teams.get(track)
        if team == OFFICIALS:
            found[track] = "referee"
        elif team is None:
            found[track] = ROLES[int(vote.argmax())]
        elif vote[1] > vote[0] + vote[2]:
            keepers.setdefault(team, []).append(row)
            found[track] = "goalkeeper"
        else:
            found[track] = "player"
    for rows in keepers.values():
        rows.sort(key=lambda row: -votes[row, 1])
        others = _beside_others(tracks.frame, index, rows)
        found |= {int(ids[row]): "player" for row in others}
    return found


def _votes(tracks: Seen, index: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """How often, weighted by its confidence, the detector said each role `(count, roles)` of each track; `index` `(N,)`
    is the track of each box."""
    votes = np.zeros(count * len(ROLES))
    for part in pieces.slices(len(index)):
        said, sure = tracks.class_id[part], np.nan_to_num(tracks.confidence[part])
        known = tracks.observed[part] & (said >= 0) & (said < len(ROLES))
        votes += np.bincount(index[part][known] * len(ROLES) + said[known], sure[known], len(votes))
    return votes.reshape(-1, len(ROLES))


def _beside_others(frame: NDArray[np.integer], index: NDArray[np.integer], rows: list[int]) -> list[int]:
    """Those of the tracks `rows`, of the most certain first, that are there mostly at the same time as one before."""
    taken = np.zeros(int(frame.max(initial=0)) + 1, np.bool_)
    beside = []
    for row in rows:
        mine = frame[index == row]
        if 2 * np.count_nonzero(taken[mine]) > len(mine):
            beside.append(row)
        else:
            taken[mine] = True
    return beside
