"""Where the detector has to look: not at the top of the picture where nobody has been, such as stands above the boards.

What the detector costs goes with the area that it sees. A match is filmed from above, so what lies over the highest
person is stands and hall. Of every `BLOCK` looks the first is at the whole picture, so that who comes from there is
found; the others leave out what was free of people a moment ago, with room to spare and more of it where the camera
tilts. The moment is two blocks back, whatever machine it is: by then those looks are over however many run at once.
"""

from collections import deque

import numpy as np
import numpy.typing as npt

BLOCK = 16
"""Looks; more than are under way at once, which are ten at most: `tracker.pipeline.mapped` with eight streams."""
FREE = 0.25
"""Share of the picture's height that is left out, where it is; one size, since the network is prepared for each."""
_ROOM = 1.0
"""Heights of the highest person between them and what is left out."""
_FORETHOUGHT = 3.0
"""Blocks from the one that was seen to the end of the one that is decided on, for what moves up in the picture."""


class SearchArea:
    """Decides on one look after the other.

    Args:
        height: of the pictures, pixels.
    """

    def __init__(self, height: int) -> None:
        self._height = height
        self._asked = 0
        self._seen = 0
        self._highest: deque[float] = deque(maxlen=4)
        """Of the last blocks that are over: where the highest person's upper edge less their height is, pixels; minus
        infinity where nobody was seen."""
        self._blocks = 0
        self._boxes: list[npt.NDArray[np.number]] = []

    def next(self) -> float:
        """Share of the picture's height, from the top, that the next look may leave out: 0 or `FREE`."""
        block, place = divmod(self._asked, BLOCK)
        self._asked += 1
        if place == 0 or block < 3:
            return 0.0
        last, before = self._of(block - 2), self._of(block - 3)
        if not np.isfinite(last + before):
            return 0.0
        expected = min(last, last + _FORETHOUGHT * (last - before))
        return FREE if expected >= FREE * self._height else 0.0

    def seen(self, xyxy: npt.NDArray[np.number]) -> None:
        """Take in the boxes (N, 4) of the next look; looks come in order."""
        self._boxes.append(xyxy)
        self._seen += 1
        if self._seen % BLOCK == 0:
            boxes = np.concatenate(self._boxes)
            y1, y2 = (boxes[boxes[:, 1].argmin(), 1::2] if len(boxes) else (-np.inf, 0.0))
            self._highest.append(float(y1 - _ROOM * (y2 - y1)))
            self._blocks += 1
            self._boxes = []

    def _of(self, block: int) -> float:
        return self._highest[block - self._blocks]
