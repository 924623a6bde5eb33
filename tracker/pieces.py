"""A long table in pieces that fit into memory together with all that is computed from them."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

ROWS = 20_000
"""Rows of a piece, about."""


def by_track(
    track_id: NDArray[np.integer], time_s: NDArray[np.float64], most: int = ROWS
) -> Iterator[NDArray[np.int32]]:
    """Indices of rows, sorted by track and time, a few whole tracks at a time.

    Args:
        track_id, time_s: `(N,)` of each row.
        most: Rows at which a piece ends, when its last track does; a track of as many is a piece of its own.
    """
    order, ends = _by_track(track_id, time_s)
    begin = 0
    for start, stop in pairwise([0, *ends.tolist()]):
        if stop - start >= most and start > begin:
            yield order[begin:start]
            begin = start
        if stop - begin >= most or (stop == len(order) and stop > begin):
            yield order[begin:stop]
            begin = stop


def _by_track(
    track_id: NDArray[np.integer], time_s: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The order (N,) of rows by track and time, and where each track ends in it.

    Rows that are in order of time, as those of a match are, are dealt out a piece at a time: sorting all of them takes
    more than three times the room.
    """
    tracks = np.unique(track_id)
    counts = np.zeros(len(tracks), np.int64)
    for part in slices(len(track_id)):
        counts += np.bincount(np.searchsorted(tracks, track_id[part]), minlength=len(tracks))
    ends = np.cumsum(counts)
    if (time_s[1:] < time_s[:-1]).any():
        return np.lexsort((time_s, track_id)).astype(np.int32), ends
    order, free = np.empty(len(track_id), np.int32), ends - counts
    for part in slices(len(track_id)):
        which = np.searchsorted(tracks, track_id[part])
        rows = np.argsort(which, kind="stable")
        which = which[rows]
        order[free[which] + np.arange(len(which)) - np.searchsorted(which, which)] = part.start + rows
        free += np.bincount(which, minlength=len(tracks))
    return order, ends


def by_frame(frame: NDArray[np.integer], most: int = ROWS) -> Iterator[slice]:
    """Slices of about `most` rows that are sorted by `frame` `(N,)`; a frame lies in one piece."""
    begin = 0
    while begin < len(frame):
        stop = int(np.searchsorted(frame, frame[min(begin + most, len(frame)) - 1], side="right"))
        yield slice(begin, stop)
        begin = stop


def widened(part: slice, time_s: NDArray[np.float64], around_s: float) -> slice:
    """A slice of rows that are sorted by `time_s` `(N,)`, with all that lie up to `around_s` before and after it."""
    first, last = time_s[part.start] - around_s, time_s[part.stop - 1] + around_s
    return slice(int(np.searchsorted(time_s, first)), int(np.searchsorted(time_s, last, side="right")))


def slices(count: int, most: int = ROWS) -> Iterator[slice]:
    """Slices of at most `most` of `count` rows."""
    for begin in range(0, count, most):
        yield slice(begin, min(begin + most, count))


def numbered(values: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.int32]]:
    """The distinct values, sorted, and which of them each of `values` `(N,)` is: as `np.unique` has it, whose indices
    and what it finds them with take several times the room."""
    distinct = np.unique(values)
    which = np.empty(len(values), np.int32)
    for part in slices(len(values)):
        which[part] = np.searchsorted(distinct, values[part])
    return distinct, which
