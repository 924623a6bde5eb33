"""Who is a goalkeeper, an official or a skater: one role per track."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
    ids, index = np.unique(tracks.track_id, return_inverse=True)
    known = np.flatnonzero(tracks.observed & (tracks.class_id >= 0) & (tracks.class_id < len(ROLES)))
    said = index[known] * len(ROLES) + tracks.class_id[known].astype(np.int64)
    votes = np.bincount(said, np.nan_to_num(tracks.confidence[known]), len(ids) * len(ROLES)).reshape(-1, len(ROLES))
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


def _beside_others(frame: NDArray[np.integer], index: NDArray[np.intp], rows: list[int]) -> list[int]:
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
