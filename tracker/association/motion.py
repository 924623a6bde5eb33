"""How a person's box moves: a Kalman filter over centre, velocity and size, for all tracklets at once.

Both axes of the picture are alike and independent: axis 0 is across (left and right edge), axis 1 down (top and bottom
edge). The state of an axis is (centre [px], velocity [px/s], size [px]). The velocity is the person's own: the camera's
motion is added from outside. It is an Ornstein-Uhlenbeck process (a velocity that is slowly forgotten; Li and Jilkov,
*Survey of Maneuvering Target Tracking I*, 2003, section IV); the size is a random walk.

What is measured are the two edges of an axis. At the border of the picture an edge is cut off: it then says little.
"""

import numpy as np

from tracker.association.config import AssociationConfig

# edges = H @ (centre, velocity, size)
H = np.array([[1.0, 0.0, -0.5], [1.0, 0.0, 0.5]])
CUT_EDGE = 0.5  # standard deviation of an edge that the border cuts off [share of the size]


def edges(xyxy: np.ndarray) -> np.ndarray:
    """Boxes (..., 4) as edges (..., axis 2, lower/upper 2)."""
    return np.swapaxes(xyxy.reshape(*xyxy.shape[:-1], 2, 2), -1, -2)


def boxes(edge: np.ndarray) -> np.ndarray:
    """Edges (..., axis 2, lower/upper 2) as boxes (..., 4)."""
    return np.swapaxes(edge, -1, -2).reshape(*edge.shape[:-2], 4)


def clipped_edges(mean: np.ndarray, shift: np.ndarray, frame_size: np.ndarray) -> np.ndarray:
    """Edges (..., 2, 2) that the picture shows of people at `mean (..., 2, 3)`, moved by `shift (..., 2)` [px]."""
    centre, half = mean[..., 0] + shift, mean[..., 2] / 2
    return np.clip(np.stack([centre - half, centre + half], axis=-1), 0, frame_size[:, None])


def cut_edges(edge: np.ndarray, frame_size: np.ndarray) -> np.ndarray:
    """Which edges (..., 2, 2) lie on the border of the picture, where the rest of the person is cut off."""
    slack = 0.003 * frame_size.max()
    return np.stack([edge[..., 0] <= slack, edge[..., 1] >= frame_size - slack], axis=-1)


class BoxMotion:
    """The filter's equations; states are `mean (N, 2, 3)` and `covariance (N, 2, 3, 3)`."""

    def __init__(self, config: AssociationConfig) -> None:
        self._memory_s = config.velocity_memory_s
        self._drift = np.array(config.size_drift)
        self._speed = np.array(config.speed)  # [box heights / s]
        self._density = 2 * np.square(self._speed) / self._memory_s  # of the acceleration [box heights^2 / s^3]

    def birth(self, edge: np.ndarray, cut: np.ndarray, jitter: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """States of people first seen at `edge (N, 2, 2)` [px], with `cut (N, 2, 2)` telling the cut-off edges.

        `jitter` is the standard deviation of a box's centre and of its size [share of the size].
        """
        size = edge[..., 1] - edge[..., 0]
        height = np.maximum(size[:, 1], 1.0)
        mean = np.zeros((len(edge), 2, 3))
        mean[..., 0] = edge.mean(axis=-1)
        mean[..., 2] = size
        hidden = cut.any(axis=-1) * CUT_EDGE * height[:, None]
        covariance = np.zeros((len(edge), 2, 3, 3))
        covariance[..., 0, 0] = np.square(jitter[0] * size) + np.square(hidden) / 4
        covariance[..., 1, 1] = np.square(self._speed * height[:, None])
        covariance[..., 2, 2] = np.square(jitter[1] * size) + np.square(hidden)
        return mean, covariance

    def predict(
        self, mean: np.ndarray, covariance: np.ndarray, dt: float | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The states `dt` (one for all, or (N,)) seconds later, the camera standing still."""
        memory = self._memory_s
        dt = np.broadcast_to(dt, len(mean))
        kept = np.exp(-dt / memory)
        transition = np.zeros((len(mean), 1, 3, 3))
        transition[..., [0, 1, 2], [0, 1, 2]] = np.stack([np.ones_like(dt), kept, np.ones_like(dt)], axis=-1)[:, None]
        transition[..., 0, 1] = (memory * (1 - kept))[:, None]
        moved = (transition @ mean[..., None])[..., 0]
        spread = transition @ covariance @ np.swapaxes(transition, -1, -2)
        # Covariance of position and velocity after dt of white acceleration (unit density) with forgetting.
        decay = 1 - kept**2
        height = np.maximum(mean[:, 1, 2], 1.0)
        density = np.square(height)[:, None] * self._density
        both = density * (memory**2 / 2 * (1 - kept) ** 2)[:, None]
        spread[..., 0, 0] += density * (memory**2 * (dt - 2 * memory * (1 - kept) + memory / 2 * decay))[:, None]
        spread[..., 0, 1] += both
        spread[..., 1, 0] += both
        spread[..., 1, 1] += density * (memory / 2 * decay)[:, None]
        spread[..., 2, 2] += np.square(self._drift * mean[..., 2]) * dt[:, None]
        return moved, spread

    def measurement_noise(self, mean: np.ndarray, cut: np.ndarray, jitter: tuple[float, float]) -> np.ndarray:
        """Covariance (..., 2, 2, 2) of the measured edges of people at `mean (..., 2, 3)` with `cut (..., 2, 2)`."""
        size = np.square(mean[..., 2])
        centre, half = jitter[0] ** 2, jitter[1] ** 2 / 4
        noise = np.empty((*cut.shape, 2))
        hidden = cut * (CUT_EDGE**2 * size)[..., None]
        noise[..., 0, 0] = (centre + half) * size + hidden[..., 0]
        noise[..., 1, 1] = (centre + half) * size + hidden[..., 1]
        noise[..., 0, 1] = noise[..., 1, 0] = (centre - half) * size
        return noise

    def update(
        self, mean: np.ndarray, covariance: np.ndarray, innovation: np.ndarray, noise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The states after edges were measured that differ by `innovation (N, 2, 2)` from the predicted ones."""
        cross = covariance @ H.T
        gain = cross @ np.linalg.inv(H @ cross + noise)
        left = covariance - gain @ np.swapaxes(cross, -1, -2)
        left = (left + np.swapaxes(left, -1, -2)) / 2  # rounding would grow into asymmetry
        return mean + (gain @ innovation[..., None])[..., 0], left
