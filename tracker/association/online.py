"""Boxes to tracklets, frame by frame: a tracklet is one person for as long as that is hardly in doubt."""

import numpy as np

from tracker.association.appearance import Appearance
from tracker.association.assignment import assign, pair_costs
from tracker.association.camera import CameraMotion
from tracker.association.confidence import ConfidenceModel
from tracker.association.config import AssociationConfig
from tracker.association.jitter import Jitter
from tracker.association.motion import BoxMotion, clipped_edges, cut_edges, edges
from tracker.association.plain_view import PlainView, covered

_SURE_HITS = 3  # a tracklet seen this often tells about the camera


class OnlineTracker:
    """The living tracklets: struct of arrays over them, and the camera."""

    def __init__(self, frame_size: tuple[int, int], config: AssociationConfig) -> None:
        self._config = config
        self._size = np.array(frame_size, float)
        self._motion = BoxMotion(config)
        self.camera = CameraMotion(frame_size[0], config)
        self.jitter = Jitter(config.jitter)
        self.confidence = ConfidenceModel()
        self.appearance = Appearance()
        self.plain_view = PlainView(config.memory_s)
        self._next_id = 1
        self._ids = np.zeros(0, np.int64)
        self._mean = np.zeros((0, 2, 3))
        self._covariance = np.zeros((0, 2, 3, 3))
        self._hits = np.zeros(0, np.int64)
        self._credit_s = np.zeros(0)  # time for which the tracklet may stay unseen: earned by being seen
        self._plain_s = np.zeros(0)  # time for which it was not seen although nobody hid it
        self._time_s: float | None = None

    def step(
        self,
        xyxy: np.ndarray,
        confidence: np.ndarray,
        time_s: float,
        looks: np.ndarray | None = None,
        shift: np.ndarray | None = None,
    ) -> np.ndarray:
        """Tracklet ids (M,) of the boxes `xyxy (M, 4)` [px] of one frame; -1: none (yet).

        `looks (M, D)`, where known, tell people apart (appearance.py). `shift (2,)` [px] is how far the background has
        moved since the frame before, where that was measured in the picture; otherwise the people tell.
        """
        config = self._config
        edge = edges(xyxy.astype(float))
        cut = cut_edges(edge, self._size)
        dt = 0.0 if self._time_s is None else max(time_s - self._time_s, 1e-3)
        self._time_s = time_s
        ids = np.full(len(xyxy), -1, np.int64)
        if dt > config.memory_s:
            self._keep(np.zeros(len(self._ids), bool))
        if dt > 0:
            self._predict(edge, cut, confidence, looks, shift, dt)
        rows, columns, innovation, noise = self._pair(edge, cut, confidence, looks)
        whole = ~cut[columns].any(axis=(1, 2)) & (self._hits[rows] >= _SURE_HITS)
        sure = rows[whole]
        self.jitter.learn(innovation[sure, columns[whole]], self._covariance[sure], noise[sure, columns[whole]])
        self._mean[rows], self._covariance[rows] = self._motion.update(
            self._mean[rows], self._covariance[rows], innovation[rows, columns], noise[rows, columns]
        )
        self._hits[rows] += 1
        seen = np.zeros(len(self._ids), bool)
        seen[rows] = True
        ids[columns] = self._ids[rows]
        self.appearance.learn(rows, None if looks is None else looks[columns], self._established()[rows])
        self.confidence.learn(confidence[columns[self._established()[rows]]], confidence[ids < 0])
        found_again = seen & self._established() & (self._plain_s > 0)
        self.plain_view.learn(self._plain_s[found_again])
        shown = clipped_edges(self._mean, np.zeros(2), self._size)
        self._plain_s = np.where(seen, 0.0, self._plain_s + np.where(covered(shown, edge, same=False), 0.0, dt))
        self._credit_s = np.minimum(self._credit_s + np.where(seen, config.credit_rate * dt, -dt), config.memory_s)
        leaving = ~seen & (self._visible_share() < config.visible_share)
        self._credit_s[leaving] = np.minimum(self._credit_s[leaving], config.border_memory_s)
        self._keep((self._credit_s >= 0) & (self._plain_s <= self.plain_view.limit_s))
        fresh = np.flatnonzero((ids < 0) & (confidence >= config.birth_confidence))
        ids[fresh] = self._bear(edge[fresh], cut[fresh])
        self.appearance.bear(None if looks is None else looks[fresh], len(fresh))
        return ids

    def _visible_share(self) -> np.ndarray:
        """Share (N,) of each tracklet's box that lies in the picture."""
        shown = clipped_edges(self._mean, np.zeros(2), self._size)
        size = np.maximum(self._mean[..., 2], 1.0)
        return np.clip((shown[..., 1] - shown[..., 0]) / size, 0, 1).prod(axis=-1)

    def _established(self) -> np.ndarray:
        """Which tracklets (N,) are persons rather than chance."""
        return (self._hits >= _SURE_HITS) & (self._credit_s > self._config.memory_s / 2)

    def _predict(
        self,
        edge: np.ndarray,
        cut: np.ndarray,
        confidence: np.ndarray,
        looks: np.ndarray | None,
        shift: np.ndarray | None,
        dt: float,
    ) -> None:
        """Move the tracklets on by their own motion and the camera's, which is measured on the way if nobody knows."""
        self._mean, self._covariance = self._motion.predict(self._mean, self._covariance, dt)
        if shift is not None:
            self._mean[..., 0] += shift
            self.camera.follow(shift)
            return
        expected, variance = self.camera.predict(dt)
        self._mean[..., 0] += expected
        plain = self._covariance
        self._covariance = plain.copy()
        self._covariance[..., 0, 0] += variance
        rows, columns, innovation, noise = self._pair(edge, cut, confidence, looks)
        whole = ~cut[columns].any(axis=(1, 2)) & (self._hits[rows] >= _SURE_HITS)
        rows, columns = rows[whole], columns[whole]
        own = plain[rows][..., 0, 0] + (noise[rows, columns].sum(axis=(-1, -2)) / 4)
        correction, left = self.camera.correct(innovation[rows, columns].mean(axis=-1), own, dt)
        self._mean[..., 0] += correction
        self._covariance = plain
        self._covariance[..., 0, 0] += left

    def _pair(
        self, edge: np.ndarray, cut: np.ndarray, confidence: np.ndarray, looks: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The cheapest pairing `rows, columns`, with the innovation and noise of every pair."""
        predicted = clipped_edges(self._mean, np.zeros(2), self._size)
        innovation = edge[None] - predicted[:, None]
        shape = (len(self._ids), len(edge))
        mean = np.broadcast_to(self._mean[:, None], (*shape, 2, 3))
        noise = self._motion.measurement_noise(mean, np.broadcast_to(cut[None], (*shape, 2, 2)), self.jitter.shares)
        if not (shape[0] and shape[1]):
            none = np.zeros(0, np.int64)
            return none, none, innovation, noise
        typical = np.median(self._mean[..., 2], axis=0)
        volume = float(self._size.prod() * typical.prod())
        outlier = self._config.outlier if looks is None else self._config.outlier_by_sight
        cost = pair_costs(innovation, self._covariance, noise, volume, self._config.novelty, outlier)
        cost -= self.confidence.evidence(confidence)
        cost -= self.appearance.evidence(looks)
        rows, columns = assign(cost, self._config.seniority * self._credit_s / self._config.memory_s)
        return rows, columns, innovation, noise

    def _bear(self, edge: np.ndarray, cut: np.ndarray) -> np.ndarray:
        """Begin a tracklet at every box of `edge (K, 2, 2)`; returns their ids."""
        count = len(edge)
        ids = np.arange(self._next_id, self._next_id + count)
        self._next_id += count
        mean, covariance = self._motion.birth(edge, cut, self.jitter.shares)
        self._ids = np.concatenate([self._ids, ids])
        self._mean = np.concatenate([self._mean, mean])
        self._covariance = np.concatenate([self._covariance, covariance])
        self._hits = np.concatenate([self._hits, np.ones(count, np.int64)])
        self._credit_s = np.concatenate([self._credit_s, np.full(count, self._config.youth_s)])
        self._plain_s = np.concatenate([self._plain_s, np.zeros(count)])
        return ids

    def _keep(self, alive: np.ndarray) -> None:
        """Forget the tracklets that are not `alive (N,)`."""
        self.appearance.keep(alive)
        self._ids, self._mean, self._covariance = self._ids[alive], self._mean[alive], self._covariance[alive]
        self._hits, self._credit_s, self._plain_s = self._hits[alive], self._credit_s[alive], self._plain_s[alive]
