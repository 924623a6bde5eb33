"""Many constituents, one answer: mean posterior or majority vote, and how far the answer can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Posteriors = NDArray[np.float64]
Aggregation = Literal["mean", "majority"]
AGGREGATIONS: tuple[Aggregation, ...] = ("mean", "majority")
TEMPERATURES = tuple(float(t) for t in np.geomspace(0.1, 4, 75))


@dataclass(frozen=True)
class Calibration:
    """Makes a confidence of 0.9 mean "right nine times in ten", for people never seen."""

    temperature: float = 1.0
    """The posterior to the power of 1 / temperature, scaled to sum to 1 (Guo et al., *On Calibration of Modern Neural
    Networks*, 2017)."""
    doubt: float = 0.0
    """Share that is dealt evenly to all teams: n crops all told right prove no more than (n + 1) / (n + 2)."""
    crops: int = 0
    """Crops of people whom the constituents asked had never seen, which this was fitted on; 0: not calibrated."""

    def applied(self, posterior: Posteriors) -> Posteriors:
        """`(…, teams)` → the same, calibrated. The order of the teams stays."""
        teams = posterior.shape[-1]
        logs = np.log(np.maximum(posterior, 1e-12)) / self.temperature
        powers = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return (1 - self.doubt) * powers / powers.sum(axis=-1, keepdims=True) + self.doubt / teams


def pooled(answers: Posteriors, heard: NDArray[np.bool_], aggregation: Aggregation) -> Posteriors:
    """The constituents' answer.

    Args:
        answers: `(constituents, N, teams)` posteriors; what is not heard does not matter.
        heard: `(constituents, N, teams)`: who has a say about which team of which crop.
        aggregation: `mean`: each team's mean over those heard about it; `majority`: the share of these that call the
            crop this team, ties going by the mean.

    Returns:
        `(N, teams)`, rows that sum to 1; all alike where nobody is heard.
    """
    said = np.where(heard, answers, 0)
    voices = np.maximum(heard.sum(axis=0), 1)
    mean = _scaled(said.sum(axis=0) / voices)
    if aggregation == "mean":
        return mean
    first = np.where(heard, answers, -1).argmax(axis=2)
    votes = (np.arange(answers.shape[2]) == first[..., None]) & heard
    return _scaled(votes.sum(axis=0) / voices + 1e-3 * mean)


def calibrate(posterior: Posteriors, truth: NDArray[np.int64]) -> Calibration:
    """The calibration under which the truth is likeliest.

    Args:
        posterior: `(N, teams)` of crops of people whom those who answered had never seen.
        truth: `(N,)` their teams.
    """
    if len(truth) == 0:
        return Calibration()
    doubt, right = 1 / (len(truth) + 2), (np.arange(len(truth)), truth)
    surprise = [-np.log(Calibration(t, doubt).applied(posterior)[right]).sum() for t in TEMPERATURES]
    return Calibration(TEMPERATURES[int(np.argmin(surprise))], doubt, len(truth))


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Guo et al., 2017): how far confidence and share of right answers are apart, over
    bins of equally many answers."""
    parts: Sequence[NDArray[np.int64]] = np.array_split(np.argsort(confidence, kind="stable"), bins)
    gaps = [len(p) * abs(float(confidence[p].mean()) - float(right[p].mean())) for p in parts if len(p)]
    return sum(gaps) / max(len(confidence), 1)


def _scaled(parts: Posteriors) -> Posteriors:
    sums = parts.sum(axis=1, keepdims=True)
    return np.where(sums > 0, parts / np.maximum(sums, 1e-12), 1 / parts.shape[1])
