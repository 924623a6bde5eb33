"""How long somebody in plain view stays undetected: measured from the video itself, because every detector differs.

A person whom nobody hides is found again within a few frames or has gone: to the bench, or out of the rink. Whoever
stands in the same place a second later is then somebody else.
"""

import numpy as np

HIDDEN_SHARE = 0.15  # of a box, covered by others: the person may be behind them
_PRIOR_S, _PRIOR_COUNT = 0.08, 3.0
_TIMES = 7.0  # of the mean: an exponential waiting time is longer once in 1,000 gaps
_SHORTEST_S = 0.35


class PlainView:
    """The mean length of the gaps in which people in plain view were missed, and the limit that follows from it."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._sum = _PRIOR_S * _PRIOR_COUNT
        self._count = _PRIOR_COUNT

    @property
    def limit_s(self) -> float:
        """Nobody in plain view is waited for longer than this [s]."""
        return float(np.clip(_TIMES * self._sum / self._count, min(_SHORTEST_S, self._longest_s), self._longest_s))

    def learn(self, gaps_s: np.ndarray) -> None:
        """Take the lengths (K,) [s] of gaps after which somebody in plain view was seen again."""
        self._sum += float(gaps_s.sum())
        self._count += len(gaps_s)


def covered(edge: np.ndarray, others: np.ndarray, *, same: bool) -> np.ndarray:
    """Which boxes `edge (N, 2, 2)` [px] the boxes `others (M, 2, 2)` cover by more than a share, any one of them.

    `same` says that both are the same boxes: none covers itself.
    """
    if not (len(edge) and len(others)):
        return np.zeros(len(edge), bool)
    shared = np.minimum(edge[:, None, :, 1], others[None, :, :, 1]) - np.maximum(
        edge[:, None, :, 0], others[None, :, :, 0]
    )
    area = np.maximum((edge[..., 1] - edge[..., 0]).prod(axis=-1), 1.0)
    share = np.clip(shared, 0, None).prod(axis=-1) / area[:, None]
    if same:
        np.fill_diagonal(share, 0)
    return (share > HIDDEN_SHARE).any(axis=1)
