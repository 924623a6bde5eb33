"""Where each tracklet comes from and where it is going: its state at its first and at its last box."""

from dataclasses import dataclass

import numpy as np

from tracker.association.motion import BoxMotion, clipped_edges, cut_edges, edges

Rows = np.ndarray | np.int64 | int | slice
EVERY = slice(None)


@dataclass(frozen=True)
class Steps:
    """The S frames that were processed, in order."""

    frame: np.ndarray  # (S,) int64, index in the source
    time_s: np.ndarray  # (S,)
    camera: np.ndarray  # (S, 2) shift of the camera up to this frame [px]
    looked: np.ndarray  # (S,) bool, whether people were looked for
    look: np.ndarray  # (S,) how many looks there were up to this frame, itself included, minus 1
    size: np.ndarray  # (2,) width and height of the picture [px]


@dataclass(frozen=True)
class Observations:
    """All boxes that carry a tracklet, sorted by tracklet, then by time. What can be computed is not kept: a long match
    has millions of boxes."""

    tracklet: np.ndarray  # (N,) int
    step: np.ndarray  # (N,) int, position in `steps`
    xyxy: np.ndarray  # (N, 4) float32 [px]
    confidence: np.ndarray  # (N,) float32
    class_id: np.ndarray  # (N,) int
    crowded: np.ndarray  # (N,) bool, partly covered by another box
    steps: Steps

    def take(self, rows: np.ndarray, tracklet: np.ndarray) -> "Observations":
        """The observations at `rows`, under other tracklet numbers."""
        return Observations(
            tracklet=tracklet,
            step=self.step[rows],
            xyxy=self.xyxy[rows],
            confidence=self.confidence[rows],
            class_id=self.class_id[rows],
            crowded=self.crowded[rows],
            steps=self.steps,
        )

    def time_s(self, rows: Rows = EVERY) -> np.ndarray:
        """When (K,) [s]."""
        return self.steps.time_s[self.step[rows]]

    def look(self, rows: Rows = EVERY) -> np.ndarray:
        """In which look (K,): what a track missed counts in looks, not in frames."""
        return self.steps.look[self.step[rows]]

    def edge(self, rows: Rows = EVERY) -> np.ndarray:
        """Edges (K, 2, 2) in the picture [px]."""
        return edges(self.xyxy[rows].astype(np.float64))

    def cut(self, rows: Rows = EVERY) -> np.ndarray:
        """Which edges (K, 2, 2) are cut off by the picture's border."""
        return cut_edges(self.edge(rows), self.steps.size)

    def camera(self, rows: Rows = EVERY) -> np.ndarray:
        """Shift (K, 2) of the camera up to then [px]."""
        return self.steps.camera[self.step[rows]]


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
    mean, covariance = motion.birth(
        observations.edge(rows) - observations.camera(rows)[..., None], observations.cut(rows), jitter
    )
    for taken in range(1, int(count.max(initial=1))):
        live = np.flatnonzero(taken < count)
        before, now = rows[live], rows[live] + direction
        rows[live] = now
        dt = np.abs(observations.time_s(now) - observations.time_s(before))
        state, spread = motion.predict(mean[live], covariance[live], dt)
        predicted = clipped_edges(state, observations.camera(now), frame_size)
        innovation = observations.edge(now) - predicted
        noise = motion.measurement_noise(state, observations.cut(now), jitter)
        mean[live], covariance[live] = motion.update(state, spread, innovation, noise)
    if backwards:
        mean[..., 1] *= -1
        covariance[..., 1, :] *= -1
        covariance[..., :, 1] *= -1
    return Ends(observations.time_s(rows), mean, covariance)
