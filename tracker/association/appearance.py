"""What a likeness is worth from frame to frame: learned from the video itself, because light and jerseys differ.

A look is any vector of features in which one person changes little and two people differ, such as the colours of
jersey and legs. How much one changes and how much two differ is measured from the people who are followed.
"""

import numpy as np

_MEDIAN = 0.455  # of a squared standard normal variable
_FIRST_SPREAD = 8.0  # of one person's features, before anything is learned
_FIRST_DIFFERENCE = 20.0
_BOUNDS = (2.0, 40.0)
_MEMORY = 2000.0  # pairs of people after which the old ones count for 1/e
_LIMITS = (-4.0, 0.7)  # of the evidence [nats]; half of all others wear the same jersey: log 2 at most speaks for one
_SHARE = 0.25  # of the sum over features that counts: they are not independent
_MOST = 50.0  # looks that a tracklet's mean is worth at most, so that it follows the light


class Appearance:
    """Mean looks of the living tracklets, and how far looks spread within a person and between people."""

    def __init__(self) -> None:
        self.mean: np.ndarray | None = None  # (N, D) of the tracklets
        self.count = np.zeros(0)  # (N,) looks behind each mean
        self._log_within: np.ndarray | None = None  # (D,) log standard deviation
        self._between: np.ndarray | None = None  # (D,) mean squared difference of two people
        self._pairs = 50.0
        self._learned = 0

    def evidence(self, looks: np.ndarray | None) -> np.ndarray | float:
        """Log likelihood ratio (N, M) [nats] of "this look is the tracklet's person" over "somebody else's".

        Args:
            looks: (M, D), NaN where unknown; None where nobody looks.
        """
        if looks is None or self.mean is None or not len(self.mean) or not len(looks):
            return 0.0
        squared = np.square(self.mean[:, None] - looks)
        known = (self.count[:, None] > 0) & np.isfinite(squared).all(axis=-1)
        ratio = np.nan_to_num(self._ratio(squared, self.count[:, None]))
        return np.where(known, np.clip(ratio, *_LIMITS), 0.0)

    def _ratio(self, squared: np.ndarray, count: np.ndarray) -> np.ndarray:
        """The same, without limits, for squared differences (..., D) of a look and a mean of `count` (...,) looks."""
        assert self._log_within is not None
        assert self._between is not None
        same = np.exp(2 * self._log_within) * (1 + 1 / np.maximum(count, 1))[..., None]
        different = self._between + same
        return _SHARE * 0.5 * (np.log(different / same) - squared / same + squared / different).sum(axis=-1)

    def learn(self, rows: np.ndarray, looks: np.ndarray | None, sure: np.ndarray) -> None:
        """Take the looks (K, D) of the boxes that the tracklets `rows (K,)` took; `sure (K,)` tells the established."""
        if looks is None or not len(looks):
            return
        self._begin(looks.shape[1])
        assert self.mean is not None
        known = np.isfinite(looks).all(axis=1)
        rows, looks, sure = rows[known], looks[known], sure[known] & (self.count[rows[known]] >= 3)
        self._learn_within(rows[sure], looks[sure])
        self._learn_between(looks[sure])
        self.count[rows] = np.minimum(self.count[rows] + 1, _MOST)
        self.mean[rows] += (looks - self.mean[rows]) / self.count[rows, None]

    def bear(self, looks: np.ndarray | None, count: int) -> None:
        """Begin `count` tracklets with the looks (count, D)."""
        if looks is not None:
            self._begin(looks.shape[1])
        self.count = np.concatenate([self.count, np.zeros(count)])
        if self.mean is not None:
            fresh = np.zeros((count, self.mean.shape[1]))
            self.mean = np.concatenate([self.mean, fresh])
            if looks is not None and count:
                known = np.isfinite(looks).all(axis=1)
                rows = len(self.mean) - count + np.flatnonzero(known)
                self.mean[rows], self.count[rows] = looks[known], 1.0

    def keep(self, alive: np.ndarray) -> None:
        """Forget the tracklets that are not `alive (N,)`."""
        self.count = self.count[alive]
        if self.mean is not None:
            self.mean = self.mean[alive]

    def _begin(self, features: int) -> None:
        if self._log_within is None:
            self._log_within = np.full(features, np.log(_FIRST_SPREAD))
            self._between = np.full(features, _FIRST_DIFFERENCE**2)
            self.mean = np.zeros((len(self.count), features))

    def _learn_within(self, rows: np.ndarray, looks: np.ndarray) -> None:
        """Stochastic approximation of the median (Robbins and Monro, 1951), as for the boxes' jitter: a person who was
        taken for another does not count."""
        if not len(rows):
            return
        assert self.mean is not None
        assert self._log_within is not None
        squared = np.square(looks - self.mean[rows]) / (1 + 1 / self.count[rows, None])
        larger = np.mean(squared > _MEDIAN * np.exp(2 * self._log_within), axis=0)
        self._learned += 1
        rate = max(0.02, 0.4 / (1 + 0.1 * self._learned))
        self._log_within = np.clip(self._log_within + rate * (larger - 0.5), *np.log(_BOUNDS))

    def _learn_between(self, looks: np.ndarray) -> None:
        if len(looks) < 2:
            return
        assert self._between is not None
        one, other = np.triu_indices(len(looks), 1)
        squared = np.square(looks[one] - looks[other])
        keep = np.exp(-len(one) / _MEMORY)
        total = self._pairs * keep + len(one)
        self._between = (self._between * self._pairs * keep + squared.sum(axis=0)) / total
        self._pairs = total
