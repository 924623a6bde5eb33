"""Who was found in one picture, as it is handed through the stages of a video.

supervision's Detections have the same fields and are taken in their place everywhere; importing them costs a second,
which would pass before the first frame.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import supervision as sv


class Boxes(Protocol):
    """What the stages read of detections: `Found`, or supervision's Detections."""

    @property
    def xyxy(self) -> NDArray[Any]:
        """(N, 4) pixels."""
        ...

    @property
    def confidence(self) -> NDArray[Any] | None:
        """(N,) 0 to 1; None where all are certain."""
        ...

    @property
    def class_id(self) -> NDArray[Any] | None:
        """(N,) see `tracker.detector_weights.ROLES`; None where all are players."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class Found:
    """The detections of one picture."""

    xyxy: NDArray[np.float32]
    """(N, 4) pixels."""
    confidence: NDArray[np.float32]
    """(N,) 0 to 1"""
    class_id: NDArray[np.int64]
    """(N,) see `tracker.detector_weights.ROLES`"""

    def __len__(self) -> int:
        return len(self.xyxy)

    def supervised(self) -> "sv.Detections":
        """The same as supervision has it."""
        import supervision as sv

        return sv.Detections(xyxy=self.xyxy, confidence=self.confidence, class_id=self.class_id)
