"""A long table in pieces that fit into memory together with all that is computed from them."""

from collections.abc import Iterator

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
        most: Rows at which a piece ends, when its last track does.
    """
    order = np.lexsort((time_s, track_id)).astype(np.int32)
    starts = np.append(np.flatnonzero(np.diff(track_id[order], prepend=-1)), len(order))
    begin = 0
    for stop in starts[1:].tolist():
        if stop - begin >= most or (stop == len(order) and stop > begin):
            yield order[begin:stop]
            begin = stop


def by_frame(frame: NDArray[np.integer], most: int = ROWS) -> Iterator[slice]:
    """Slices of about `most` rows that are sorted by `frame` `(N,)`; a frame lies in one piece."""
    begin = 0
    while begin < len(frame):
        stop = int(np.searchsorted(frame, frame[min(begin + most, len(frame)) - 1], side="right"))
        yield slice(begin, stop)
        begin = stop
