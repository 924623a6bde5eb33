"""MOTChallenge text files: `frame,id,left,top,width,height,confidence,x,y,z`, frames from 1, pixels, no header.

Milan et al., *MOT16: A Benchmark for Multi-Object Tracking*, 2016, table 5. Here as everywhere in the house frames are
counted from 0 in memory; only the files count from 1. Coordinates are passed through as they are.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.atomic_file import whole_file
from classifier.errors import BadInput
from tracker.association.tracks import Tracks

_LINES = 50_000  # written at once
_EXPECTED = "expected frame,id,left,top,width,height,confidence,-1,-1,-1"


@dataclass(frozen=True)
class MotDetections:
    """The boxes of a detection file, sorted by frame."""

    frame: np.ndarray  # (N,) int64, 0-based
    xyxy: np.ndarray  # (N, 4) float32 [px]
    confidence: np.ndarray  # (N,) float32, 0 .. 1

    def __len__(self) -> int:
        return len(self.frame)

    def at(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (M, 4) and confidences (M,) of one frame."""
        rows = slice(*np.searchsorted(self.frame, [frame, frame + 1]))
        return self.xyxy[rows], self.confidence[rows]


def read_detections(path: Path) -> MotDetections:
    """Read a detection file; the id column is ignored, a missing confidence or one of -1 counts as 1.

    Raises:
        BadInput: where the file cannot be read, or a line is not what the format says (which line, and what is wrong).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; expected MOTChallenge detections") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as text ({_reason(error)}); expected MOTChallenge detections") from None
    rows = [
        _parse(line, f"{path}, line {number}") for number, line in enumerate(text.splitlines(), start=1) if line.strip()
    ]
    table = np.array(rows, float).reshape(-1, 6)
    table = table[np.argsort(table[:, 0], kind="stable")]
    corner, size = table[:, 1:3], table[:, 3:5]
    return MotDetections(
        frame=table[:, 0].astype(np.int64) - 1,
        xyxy=np.concatenate([corner, corner + size], axis=1).astype(np.float32),
        confidence=table[:, 5].astype(np.float32),
    )


def write_mot(path: Path, tracks: Tracks) -> None:
    """Write tracks, whole or not at all; filled-in boxes carry a confidence of 0."""
    with whole_file(path) as stream:
        for start in range(0, len(tracks.frame), _LINES):
            part = slice(start, start + _LINES)
            left, top, right, bottom = tracks.xyxy[part].astype(float).T
            columns = zip(
                (tracks.frame[part] + 1).tolist(), tracks.track_id[part].tolist(), left.tolist(), top.tolist(),
                (right - left).tolist(), (bottom - top).tolist(), tracks.confidence[part].tolist(), strict=True,
            )  # fmt: skip
            stream.write("".join(
                f"{frame},{track},{x:.2f},{y:.2f},{width:.2f},{height:.2f},{confidence:.4f},-1,-1,-1\n"
                for frame, track, x, y, width, height, confidence in columns
            ).encode("ascii"))  # fmt: skip


def _parse(line: str, where: str) -> tuple[float, float, float, float, float, float]:
    """Frame, left, top, width, height, confidence of one line."""
    cells = line.split(",")
    if len(cells) < 6:
        shown = line.strip()
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise BadInput(f"{where}: {len(cells)} values in {shown!r}; {_EXPECTED}")
    try:
        values = [float(cell) for cell in [cells[0], *cells[2:7]]]
    except ValueError:
        wrong = next(cell.strip() for cell in [cells[0], *cells[2:7]] if not _is_number(cell))
        raise BadInput(f"{where}: {wrong[:40]!r} is no number; {_EXPECTED}") from None
    if not all(map(math.isfinite, values)):
        raise BadInput(f"{where}: a value is not finite; expected plain numbers")
    frame, left, top, width, height = values[:5]
    confidence = values[5] if len(values) > 5 else 1.0
    if frame < 1 or frame != int(frame) or frame > 1e9:
        raise BadInput(f"{where}: frame {cells[0].strip()}; expected a whole number from 1 on")
    if width <= 0 or height <= 0:
        raise BadInput(f"{where}: a box of {width:g} by {height:g} px; expected a width and height above 0")
    if confidence == -1:
        confidence = 1.0
    if not 0 <= confidence <= 1:
        raise BadInput(f"{where}: confidence {confidence:g}; expected 0 to 1, or -1 where there is none")
    return frame, left, top, width, height, confidence


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "unknown").lower() if isinstance(error, OSError) else "not UTF-8"
