"""Where people stand in the picture: under the middle of their boxes, with the lower edge steadied by their height.

How tall somebody looks changes slowly, so both edges of a box tell where the skates are: the lower one itself, and the
upper one with the height of the moments around it. Where another person hides the skates, the upper edge alone tells.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tracker.smoothing import smooth

Array = NDArray[np.float64]

HEIGHT_NOISE = 0.045
"""Standard deviation of a box's height as a share of it: 3 % for each edge."""
HEIGHT_DENSITY = 0.05
"""How fast the logarithm of a height changes its rate, 1/s³ (`tracker/smoothing.py`): people crouch, come nearer."""
HIDDEN = 0.85
"""A box this much lower than its height around it, with somebody before its lower edge, hides the skates."""
_LONGEST_GAP_S = 1.0
_FEWEST = 5


class Boxes(Protocol):
    """Of tracks, arrays with one element per frame and track."""

    @property
    def frame(self) -> NDArray[np.int64]: ...
    @property
    def time_s(self) -> NDArray[np.float64]: ...
    @property
    def track_id(self) -> NDArray[np.int64]: ...
    @property
    def xyxy(self) -> NDArray[np.float32]: ...


class Crowd:
    """Everybody in every frame; tells who is hidden by somebody nearer.

    Args:
        frame: `(M,)` of each box.
        xyxy: `(M, 4)` pixels.
    """

    def __init__(self, frame: NDArray[np.integer], xyxy: NDArray[np.float32]) -> None:
        if (np.diff(frame) < 0).any():
            order = np.argsort(frame, kind="stable")
            frame, xyxy = frame[order], xyxy[order]
        self._frame, self._xyxy = frame, xyxy

    def hides_skates(self, frame: NDArray[np.integer], boxes: Array) -> NDArray[np.bool_]:
        """For each of `boxes` `(K, 4)`, seen in `frame` `(K,)`, whether somebody nearer stands before the middle of its
        lower edge."""
        first = np.searchsorted(self._frame, frame, side="left")
        last = np.searchsorted(self._frame, frame, side="right")
        found = np.zeros(len(boxes), np.bool_)
        for index, (box, low, high) in enumerate(zip(boxes, first, last, strict=True)):
            others = self._xyxy[low:high].astype(np.float64)
            middle, edge = (box[0] + box[2]) / 2, box[3]
            across = (others[:, 0] < middle) & (middle < others[:, 2])
            found[index] = bool((across & (others[:, 1] < edge) & (others[:, 3] > edge + 1)).any())
        return found


def skate_points(tracks: Boxes, crowd: Crowd | None = None) -> tuple[Array, Array]:
    """Pixels `(N, 2)` where people stand, and their steadied heights `(N,)` in pixels.

    Args:
        tracks: Whole tracks.
        crowd: Everybody; where it is None, `tracks` are everybody.
    """
    crowd = crowd or Crowd(tracks.frame, tracks.xyxy)
    boxes = np.asarray(tracks.xyxy, np.float64).reshape(-1, 4)
    seen = np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
    height = _steadied(tracks, seen)
    below = boxes[:, 1] + height
    foot = (boxes[:, 3] + below) / 2
    short = np.flatnonzero(seen < HIDDEN * height)
    if len(short):
        hidden = short[crowd.hides_skates(tracks.frame[short], boxes[short])]
        foot[hidden] = below[hidden]
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, foot], axis=1), height


def _steadied(tracks: Boxes, seen: Array) -> Array:
    """Heights `(N,)` as those around them in their track say."""
    height = seen.copy()
    order = np.lexsort((tracks.time_s, tracks.track_id))
    time = np.asarray(tracks.time_s, np.float64)[order]
    new = (np.diff(tracks.track_id[order], prepend=-1) != 0) | (np.diff(time, prepend=-np.inf) > _LONGEST_GAP_S)
    for rows in np.split(order, np.flatnonzero(new)[1:]):
        moments = np.asarray(tracks.time_s, np.float64)[rows]
        if len(rows) < _FEWEST or not (np.diff(moments) > 0).all():
            continue
        logarithm = np.log(seen[rows])[:, None].repeat(2, axis=1)
        noise = np.full_like(logarithm, HEIGHT_NOISE)
        height[rows] = np.exp(smooth(moments, logarithm, noise, density=HEIGHT_DENSITY)[:, 0])
    return height
