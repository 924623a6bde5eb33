"""How much the detector's boxes tremble: measured from the video itself, because every detector differs."""

import numpy as np

_MEDIAN = 0.455  # of a squared standard normal variable
_BOUNDS = (0.008, 0.15)


class Jitter:
    """Standard deviation of a box's centre and of its size [share of the size], as a pair `shares`.

    Stochastic approximation of the median (Robbins and Monro, 1951): where more than half of the squared, normalised
    innovations are larger than their median should be, the share grows, else it shrinks.
    """

    def __init__(self, guess: float) -> None:
        self._log = np.log(np.array([guess, guess]))
        self._learned = 0

    @property
    def shares(self) -> tuple[float, float]:
        centre, size = np.exp(self._log)
        return float(centre), float(size)

    def learn(self, innovation: np.ndarray, covariance: np.ndarray, noise: np.ndarray) -> None:
        """Learn from K trusted pairs: `innovation (K, 2, 2)` of the edges [px], `covariance (K, 2, 3, 3)` of the
        predicted states and `noise (K, 2, 2, 2)` of the edges [px^2]."""
        if not len(innovation):
            return
        centre = innovation.mean(axis=-1)
        size = innovation[..., 1] - innovation[..., 0]
        centre_variance = covariance[..., 0, 0] + noise.sum(axis=(-1, -2)) / 4
        size_variance = covariance[..., 2, 2] + noise[..., 0, 0] + noise[..., 1, 1] - 2 * noise[..., 0, 1]
        larger = np.array(
            [
                np.mean(np.square(centre) > _MEDIAN * centre_variance),
                np.mean(np.square(size) > _MEDIAN * size_variance),
            ]
        )
        self._learned += 1
        rate = max(0.02, 0.4 / (1 + 0.1 * self._learned))
        self._log = np.clip(self._log + rate * (larger - 0.5), *np.log(_BOUNDS))
