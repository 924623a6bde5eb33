"""The result of association: every box of every track."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """What the boxes of an online tracklet became, from one frame on until its next piece begins; track 0: dropped."""

    tracklet: int
    first_frame: int
    track_id: int


@dataclass(frozen=True)
class Tracks:
    """Struct of arrays, sorted by frame, then by track id; a track has at most one box in a frame."""

    frame: np.ndarray  # (N,) int32, 0-based index of the source frame
    time_s: np.ndarray  # (N,) float64
    track_id: np.ndarray  # (N,) int32, from 1
    xyxy: np.ndarray  # (N, 4) float32 [px], smoothed, inside the picture
    confidence: np.ndarray  # (N,) float32, 0 where not observed
    class_id: np.ndarray  # (N,) int16, of the detection; of a filled-in box: the track's most frequent one
    observed: np.ndarray  # (N,) bool, False: filled in over a gap
    pieces: tuple[Piece, ...]  # sorted

    def __len__(self) -> int:
        return len(self.frame)

    @classmethod
    def empty(cls) -> "Tracks":
        """No tracks at all."""
        return cls(
            frame=np.zeros(0, np.int32),
            time_s=np.zeros(0, np.float64),
            track_id=np.zeros(0, np.int32),
            xyxy=np.zeros((0, 4), np.float32),
            confidence=np.zeros(0, np.float32),
            class_id=np.zeros(0, np.int16),
            observed=np.zeros(0, bool),
            pieces=(),
        )

    def track_of(self, tracklet: int, frame: int) -> int | None:
        """The track that an online tracklet's box in a frame became part of; None where it was dropped."""
        at = bisect_right(self.pieces, (tracklet, frame, float("inf"))) - 1
        return self.pieces[at].track_id or None if at >= 0 and self.pieces[at].tracklet == tracklet else None
