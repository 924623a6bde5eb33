"""What a detector's confidence is worth: learned from the video itself, because every detector means something else."""

import numpy as np

_PRIOR = np.array([0.7, 0.4])  # mean confidence of a person's box, of a false one
_PRIOR_SPREAD = 0.25
_PRIOR_COUNT = 50.0  # boxes that the prior is worth
_MEMORY = 3000.0  # boxes after which the old ones count for 1/e
_LIMIT = 3.0  # largest evidence of one box [nats]


class ConfidenceModel:
    """Two normal distributions of confidence: boxes that established tracklets took, and boxes that nobody wanted."""

    def __init__(self) -> None:
        self._count = np.full(2, _PRIOR_COUNT)
        self._sum = _PRIOR * _PRIOR_COUNT
        self._square = (_PRIOR**2 + _PRIOR_SPREAD**2) * _PRIOR_COUNT

    def learn(self, established: np.ndarray, unwanted: np.ndarray) -> None:
        """Learn from one frame: the confidences (K,) of boxes that established tracklets took, and those (L,) of boxes
        that no tracklet took."""
        for kind, values in enumerate((established, unwanted)):
            keep = np.exp(-len(values) / _MEMORY)
            self._count[kind] = self._count[kind] * keep + len(values)
            self._sum[kind] = self._sum[kind] * keep + values.sum()
            self._square[kind] = self._square[kind] * keep + np.square(values).sum()

    def evidence(self, confidence: np.ndarray) -> np.ndarray:
        """Log likelihood ratio (M,) [nats] of a person's box over a false one, at most 3 either way.

        It never falls with the confidence: beyond the point where two unequal normal curves would turn, it stays level.
        """
        mean = self._sum / self._count
        variance = np.maximum(self._square / self._count - mean**2, 0.05**2)
        if mean[0] - mean[1] < 0.02:
            return np.zeros(len(confidence))
        pooled = variance.mean()
        ratio = (mean[0] - mean[1]) / pooled * (confidence - mean.mean())
        return np.clip(ratio, -_LIMIT, _LIMIT)
