"""Where each tracklet comes from and where it is going: its state at its first and at its last box."""

from dataclasses import dataclass

import numpy as np

from tracker.association.motion import BoxMotion, clipped_edges


@dataclass(frozen=True)
class Observations:
    """All boxes that carry a tracklet, sorted by tracklet, then by time. Stabilised: minus the camera's shift."""

    tracklet: np.ndarray  # (N,) int64
    step: np.ndarray  # (N,) int64, position in the sequence of processed frames
    time_s: np.ndarray  # (N,)
    edge: np.ndarray  # (N, 2, 2) edges in the picture [px]
    cut: np.ndarray  # (N, 2, 2) bool, edges cut off by the picture's border
    camera: np.ndarray  # (N, 2) shift of the camera up to this frame [px]
    confidence: np.ndarray  # (N,)
    crowded: np.ndarray  # (N,) bool, partly covered by another box

    def take(self, rows: np.ndarray, tracklet: np.ndarray) -> "Observations":
        """The observations at `rows`, under other tracklet numbers."""
        return Observations(
            tracklet=tracklet,
            step=self.step[rows],
            time_s=self.time_s[rows],
            edge=self.edge[rows],
            cut=self.cut[rows],
            camera=self.camera[rows],
            confidence=self.confidence[rows],
            crowded=self.crowded[rows],
        )


@dataclass(frozen=True)
class Ends:
    """States of K tracklets at one of their ends, in stabilised coordinates and forward time."""

    time_s: np.ndarray  # (K,)
    mean: np.ndarray  # (K, 2, 3) centre [px], velocity [px/s], size [px]
    covariance: np.ndarray  # (K, 2, 3, 3)

    def take(self, rows: np.ndarray) -> "Ends":
        """Those at `rows`."""
        return Ends(self.time_s[rows], self.mean[rows], self.covariance[rows])

    def blurred(self, share: np.ndarray) -> "Ends":
        """Less certain: by these shares (K,) of the size in place and size, and of the height a second in speed."""
        covariance = self.covariance.copy()
        size = self.mean[..., 2]
        covariance[..., 0, 0] += np.square(share[:, None] * size)
        covariance[..., 1, 1] += np.square(share[:, None] * size[:, 1:])
        covariance[..., 2, 2] += np.square(share[:, None] * size)
        return Ends(self.time_s, self.mean, covariance)

    def replaced(self, rows: np.ndarray, others: "Ends") -> "Ends":
        """With `others` at `rows`."""
        whole = self.take(np.arange(len(self.time_s)))
        whole.time_s[rows], whole.mean[rows], whole.covariance[rows] = others.time_s, others.mean, others.covariance
        return whole


def end_states(
    observations: Observations,
    first: np.ndarray,
    last: np.ndarray,
    motion: BoxMotion,
    frame_size: np.ndarray,
    jitter: tuple[float, float],
    window: int,
    backwards: bool,
) -> Ends:
    """Filter up to `window` boxes of every tracklet towards its last box, or (`backwards`) towards its first.

    `first (K,)` and `last (K,)` are the rows of each tracklet's first and last box in `observations`.
    """
    count = np.minimum(last - first + 1, window)
    rows = first + count - 1 if backwards else last - count + 1
    direction = -1 if backwards else 1
    camera = observations.camera
    mean, covariance = motion.birth(observations.edge[rows] - camera[rows][..., None], observations.cut[rows], jitter)
    for taken in range(1, int(count.max(initial=1))):
        live = np.flatnonzero(taken < count)
        before, now = rows[live], rows[live] + direction
        rows[live] = now
        dt = np.abs(observations.time_s[now] - observations.time_s[before])
        state, spread = motion.predict(mean[live], covariance[live], dt)
        predicted = clipped_edges(state, camera[now], frame_size)
        innovation = observations.edge[now] - predicted
        noise = motion.measurement_noise(state, observations.cut[now], jitter)
        mean[live], covariance[live] = motion.update(state, spread, innovation, noise)
    if backwards:
        mean[..., 1] *= -1
        covariance[..., 1, :] *= -1
        covariance[..., :, 1] *= -1
    return Ends(observations.time_s[rows], mean, covariance)
