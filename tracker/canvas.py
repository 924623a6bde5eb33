"""Drawing on the frames of a video, to be written again."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tracker.planes import Box, Planes
from tracker.video import Frame, VideoInfo

Image = NDArray[np.uint8]


class Canvas:
    """Frames of one video are drawn on; where its coding is known, only the parts that are drawn on are converted."""

    def __init__(self, info: VideoInfo) -> None:
        self._coding = info.coding
        self._picture = np.zeros((info.height, info.width, 3), np.uint8)

    def drawn(self, frame: Frame, boxes: Iterable[Box], draw: Callable[[Image], None]) -> Planes | Image:
        """A frame with something on it, for a `tracker.video_writer.VideoWriter` with the video's coding.

        Args:
            frame: Of the video; a picture that it holds already is drawn on.
            boxes: x1, y1, x2, y2 in pixels of all that is drawn.
            draw: Does so, on a BGR picture (H, W, 3) that may hold the frame in these boxes only.
        """
        if self._coding is None:
            draw(frame.image)
            return frame.image
        planes = frame.planes(self._coding)
        with planes.open(boxes, self._picture) as picture:
            draw(picture)
        return planes
