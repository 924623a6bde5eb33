"""The camera's motion, from nothing but the boxes: what the innovations of all people have in common.

A panning camera moves everybody in the picture alike. Its velocity is filtered per axis (white acceleration); each
frame measures how far the people, after their own predicted motion, are displaced together (their median).
"""

import numpy as np

from tracker.association.config import AssociationConfig

_MEMORY_S = 2.0  # after this time without people to see it by, the camera's velocity is forgotten by 63 %


class CameraMotion:
    """Velocity `(2,)` [px/s] with which a camera moves the picture, and the sum of its shifts so far."""

    def __init__(self, width: int, config: AssociationConfig) -> None:
        self._density = np.square(np.array(config.camera_acceleration) * width)
        self._variance = self._density * _MEMORY_S / 2
        self.velocity = np.zeros(2)
        self.position = np.zeros(2)  # sum of all shifts [px]

    def predict(self, dt: float) -> tuple[np.ndarray, np.ndarray]:
        """Shift (2,) [px] that is expected over `dt` seconds, and its variance (2,) [px^2]."""
        kept = np.exp(-dt / _MEMORY_S)
        self.velocity = self.velocity * kept
        self._variance = self._variance * kept**2 + self._density * _MEMORY_S / 2 * (1 - kept**2)
        return self.velocity * dt, self._variance * dt**2

    def follow(self, shift: np.ndarray) -> None:
        """Take a shift (2,) [px] that was measured in the picture's background."""
        self.position = self.position + shift

    def correct(self, displacement: np.ndarray, variance: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
        """Learn from people displaced by `displacement (K, 2)` [px] against their prediction (expected shift included).

        `variance (K, 2)` [px^2] is each displacement's own. Returns the shift to add to the expected one and the
        variance that remains.
        """
        expected = self._variance * dt**2
        if len(displacement) < 2:
            self.position = self.position + self.velocity * dt
            return np.zeros(2), expected
        common = np.median(displacement, axis=0)
        # pi/2: the variance of a median against that of a mean.
        uncertain = np.pi / 2 * np.median(variance, axis=0) / len(displacement)
        gain = expected / (expected + uncertain)
        self.velocity = self.velocity + gain * common / dt
        self._variance = (1 - gain) * self._variance
        self.position = self.position + self.velocity * dt
        return gain * common, self._variance * dt**2
