"""Tracks divided where one player goes off at the bench and the next one comes on.

Both are of one team and in one place, a moment apart: association takes them for one person who was hidden. On the ice
it shows: the one was skating towards the boards, nobody was seen for a moment, and the other skates away from them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracker import pieces
from tracker.association.tracks import Piece, Tracks
from tracker.detector_weights import ROLES
from tracker.positions import Ground, feet
from tracker.rink import Rink

Array = NDArray[np.float64]

NEAR_BOARDS_M = 2.0
"""Of the side boards: benches are nowhere else."""
UNSEEN_S = 0.15
"""Who is seen all the time is one person."""
WINDOW_S = 0.5
"""For how long before and after the gap is looked at where people are going."""
TOWARDS_MPS, AWAY_MPS = 1.0, 0.5
_FEWEST = 3


class LineChange(NamedTuple):
    """A track, and the frame from which on it is somebody else."""

    track: int
    frame: int


def line_changes(tracks: Tracks, ground: Ground, rink: Rink) -> tuple[LineChange, ...]:
    """Where tracks pass from a player who goes off to one who comes on, sorted. Officials do not change."""
    found: list[LineChange] = []
    for rows in pieces.by_track(tracks.track_id, tracks.time_s):
        found += _of_some(tracks, rows[tracks.observed[rows]], ground, rink)
    return tuple(found)


def _of_some(tracks: Tracks, seen: NDArray[np.integer], ground: Ground, rink: Rink) -> list[LineChange]:
    """Those of whole tracks, of which `seen` are the rows that are no guesses, sorted by track and time."""
    track, time_s = tracks.track_id[seen], tracks.time_s[seen]
    gaps = 1 + np.flatnonzero((np.diff(track) == 0) & (np.diff(time_s) >= UNSEEN_S))
    found = []
    for gap in gaps.tolist():
        first, last = np.searchsorted(track, track[gap]), np.searchsorted(track, track[gap], side="right")
        begin = first + np.searchsorted(time_s[first:gap], time_s[gap - 1] - WINDOW_S)
        end = gap + np.searchsorted(time_s[gap:last], time_s[gap] + WINDOW_S, side="right")
        if min(gap - begin, end - gap) < _FEWEST:
            continue
        rows = seen[begin:end]
        room = _room(rink, ground.to_rink(feet(tracks.xyxy[rows]), tracks.frame[rows].astype(np.int64)))
        before, after = np.split(room, [gap - begin])
        if not (before[-1] < NEAR_BOARDS_M and after[0] < NEAR_BOARDS_M):  # nor where it is not known
            continue
        towards, away = -_slope(time_s[begin:gap], before), _slope(time_s[gap:end], after)
        if towards > TOWARDS_MPS and away > AWAY_MPS and not _official(tracks, seen[first:last]):
            found.append(LineChange(int(track[gap]), int(tracks.frame[seen[gap]])))
    return found


def divided(tracks: Tracks, changes: Iterable[Sequence[int]]) -> Tracks:
    """The tracks, divided at (track, frame) pairs: who comes on gets a number after all others.

    What was filled in between the two is nobody's.
    """
    ids, kept = tracks.track_id.copy(), np.ones(len(tracks), np.bool_)
    others: dict[int, list[LineChange]] = {}  # track → who comes on in it, by frame
    for number, (track, frame) in enumerate(sorted(map(tuple, changes)), start=1 + int(ids.max(initial=0))):
        others.setdefault(track, []).append(LineChange(number, frame))
        before, mine = tracks.frame < frame, tracks.track_id == track
        ids[mine & ~before] = number
        last = tracks.frame[mine & before & tracks.observed].max(initial=-1)
        kept &= ~(mine & before & (tracks.frame > last))
    if not others:
        return tracks
    rows = np.lexsort((ids, tracks.frame))
    rows = rows[kept[rows]]
    return replace(
        tracks, frame=tracks.frame[rows], time_s=tracks.time_s[rows], track_id=ids[rows], xyxy=tracks.xyxy[rows],
        confidence=tracks.confidence[rows], class_id=tracks.class_id[rows], observed=tracks.observed[rows],
        pieces=_pieces(tracks.pieces, others),
    )  # fmt: skip


def _pieces(pieces: Sequence[Piece], others: Mapping[int, Sequence[LineChange]]) -> tuple[Piece, ...]:
    """What the boxes of online tracklets became, when the tracks are divided."""
    found = []
    for piece, after in zip(pieces, (*pieces[1:], None), strict=False):
        until = after.first_frame if after is not None and after.tracklet == piece.tracklet else np.inf
        for other in others.get(piece.track_id, ()):
            if other.frame <= piece.first_frame:
                piece = piece._replace(track_id=other.track)
            elif other.frame < until:
                found.append(Piece(piece.tracklet, other.frame, other.track))
        found.append(piece)
    return tuple(sorted(found))


def _room(rink: Rink, places: Array) -> Array:
    """Metres (N,) from places (N, 2) to the side boards, where benches are; negative outside, NaN elsewhere and where
    the place is not known."""
    beside = np.abs(places[:, 0]) <= rink.length_m / 2 - rink.corner_radius_m
    return np.where(beside, rink.width_m / 2 - np.abs(places[:, 1]), np.nan)


def _slope(time_s: Array, values: Array) -> float:
    """How fast the values grow, by least squares [1/s]."""
    since = time_s - time_s.mean()
    return float((since * values).sum() / (since**2).sum())


def _official(tracks: Tracks, rows: NDArray[np.integer]) -> bool:
    return bool((tracks.class_id[rows] == ROLES.index("referee")).mean() > 0.5)
