"""What the detector said, frame by frame, on disk: so that a run that was stopped goes on where it was.

The file is a row of fixed-size records, appended. A frame is its detections and then one closing record; what a crash
left behind the last closing record is dropped when the log is opened again.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracker.detections import Boxes, Found

RECORD = np.dtype([("frame", "<i8"), ("xyxy", "<f4", 4), ("confidence", "<f4"), ("class_id", "<i4")])
CLOSING = -1  # the class of a record that says: this frame is complete


class DetectionLog:
    """The detections of a video, appended while it is processed and read back later.

    Args:
        path: The file; made where it is missing, repaired where its end is torn.
    """

    def __init__(self, path: Path) -> None:
        path.touch()
        whole = path.stat().st_size // RECORD.itemsize
        records = np.fromfile(path, dtype=RECORD, count=whole)
        closings = np.flatnonzero(records["class_id"] == CLOSING)
        kept = int(closings[-1]) + 1 if len(closings) else 0
        with path.open("r+b") as file:
            file.truncate(kept * RECORD.itemsize)
        self._path = path
        self._file = path.open("ab")
        self.last_frame = int(records["frame"][kept - 1]) if kept else -1
        """The last complete frame, -1 where there is none."""

    def append(self, frame: int, detections: Boxes) -> None:
        """Write one frame's detections; frames come in ascending order."""
        records = np.zeros(len(detections) + 1, dtype=RECORD)
        records["frame"] = frame
        records["xyxy"][:-1] = detections.xyxy
        if len(detections):
            records["confidence"][:-1] = detections.confidence
            records["class_id"][:-1] = detections.class_id
        records["class_id"][-1] = CLOSING
        self._file.write(records.tobytes())
        self._file.flush()
        self.last_frame = frame

    def read(self) -> Iterator[tuple[int, Found]]:
        """All complete frames in order, a few at a time in memory."""
        pending = np.zeros(0, dtype=RECORD)
        with self._path.open("rb") as file:
            while chunk := file.read(RECORD.itemsize * 4096):
                pending = np.concatenate([pending, np.frombuffer(chunk, dtype=RECORD)])
                start = 0
                for closing in np.flatnonzero(pending["class_id"] == CLOSING):
                    yield int(pending["frame"][closing]), _as_detections(pending[start:closing])
                    start = int(closing) + 1
                pending = pending[start:]

    def close(self) -> None:
        self._file.close()


def _as_detections(records: NDArray[np.void]) -> Found:
    return Found(
        xyxy=records["xyxy"].copy(),
        confidence=records["confidence"].copy(),
        class_id=records["class_id"].astype(np.int64),
    )
