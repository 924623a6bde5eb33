"""The camera's way through a video: which frames are looked at for it, and which are filled in."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from tracker.background import Background
from tracker.camera_motion import CameraSteps, Similarity
from tracker.video import Frame

WAITING = 3
"""Frames that may wait."""
Followed = tuple[Frame, NDArray[np.float64] | None]
"""A frame, and how far `(2,)` the background has moved since the one before it [px]; None where that is not known."""


class CameraFollower:
    """Hands a video's frames to its background.

    Frames in which nobody looks for people need not be looked at for the camera's sake, either: while it stands still
    they are passed over, and while it moves smoothly they wait for the next look.
    """

    def __init__(self, background: Background) -> None:
        self.steps = CameraSteps()
        self._background = background
        self._waiting: list[Frame] = []
        self._boxes = np.zeros((0, 4))

    def follow(self, frame: Frame, boxes: NDArray[np.float64] | None) -> list[Followed]:
        """Take the next frame, with the boxes of its people `(N, 4)`, where they were looked for.

        Returns:
            The frames that had waited and this one; nothing, where this one waits, too.
        """
        if boxes is None:
            passed = None if self._waiting else self._background.pass_over(frame.index)
            if passed is not None:
                return [(frame, self._step(frame, passed))]
            if len(self._waiting) < WAITING and self._background.follows:
                self._waiting.append(frame)
                return []
        self._boxes = self._boxes if boxes is None else boxes
        skipped = [(each.index, partial(getattr, each, "image")) for each in self._waiting]
        motions = self._background.update_after(skipped, frame.index, frame.image, self._boxes)
        done, self._waiting = [*self._waiting, frame], []
        return [(each, self._step(each, motion)) for each, motion in zip(done, motions, strict=True)]

    def rest(self) -> list[Followed]:
        """Those that still wait where a video ends before it should."""
        return self.follow(self._waiting.pop(), self._boxes) if self._waiting else []

    def _step(self, frame: Frame, motion: Similarity) -> NDArray[np.float64] | None:
        self.steps.add(frame.index, motion)
        return np.array([motion.dx, motion.dy]) if motion.known else None
