"""How alike two moments of one person look, learned in hindsight from the whole video.

A look changes with the light of a place and with posture, in several features at once: who skates into the shade gets
darker from head to foot and keeps the colours. So what is learned is the whole covariance, as in linear discriminant
analysis (Fisher, *The use of multiple measurements in taxonomic problems*, 1936), of the difference between the mean
looks of a tracklet in two successive windows of time. In three rendered matches 95 % of one person's squared
differences stay under 25; of those between a goalkeeper and a skater of one team, 95 % are over 64, between opponents
over 30 to 157.

Where the light is poor one person's looks differ as much as opponents' do, in one direction or another. But teams are
many who look alike: the looks of a video gather in two groups and a few strays, and a difference that leads from one
group's middle to the other's says more than one of the same length that leads nowhere.
"""

from dataclasses import dataclass

import numpy as np

from tracker.medoids import two_groups

WINDOW_S = 4.0
"""Looks of this long before and after an instant are averaged and compared: one moment says little, over longer times
the light changes."""
_LEARNED_S = 2.0  # looks of this long are averaged to learn how much one person's differ
_FEWEST = 0.3  # share of a window's looks that must be known
_FREEDOM = 4.0  # degrees of freedom of the differences: the fewer, the less the largest count
_FIRST = 3.0  # standard deviation of a difference, before anything is learned
_WORTH = 5  # pairs of windows that this counts for at least
_ENOUGH = 40  # pairs of windows: where there are fewer, it stands in for them
_STRANGE = 40.0  # squared standard deviations from which looks rather speak for another person
_FEWEST_WINDOWS, _ENOUGH_WINDOWS = 40, 1000  # for looking for teams
_MANY = 0.25  # share of the windows that a team takes at least; officials take fewer
_DISTINCT = 5.0  # standard deviations between the teams; less may be one team in the light and in the shade


@dataclass(frozen=True)
class Resemblance:
    """Directions in which one person's looks differ independently of each other."""

    directions: np.ndarray  # (D, D) columns, each scaled to a standard deviation of 1
    whole: float  # looks in a whole window
    between: np.ndarray  # (2, D) from each team's centre to the other's, along the directions; (0, D): not known

    @staticmethod
    def learn(tracklet: np.ndarray, time_s: np.ndarray, looks: np.ndarray) -> "Resemblance":
        """What the tracklets of a video teach.

        Args:
            tracklet: (N,) of each box, sorted by tracklet, then by time.
            time_s: (N,)
            looks: (N, D), NaN where unknown.
        """
        known = np.flatnonzero(np.isfinite(looks).all(axis=1))
        tracklet, window = tracklet[known], np.floor(time_s[known] / _LEARNED_S).astype(np.int64)
        first = np.flatnonzero((np.diff(tracklet, prepend=-1) != 0) | (np.diff(window, prepend=-1) != 0))
        count = np.diff(first, append=len(known))
        whole = float(np.quantile(count, 0.9)) if len(count) else 1.0
        if len(count):
            columns = [np.add.reduceat(looks[known, d].astype(np.float64), first) for d in range(looks.shape[1])]
            mean = np.stack(columns, axis=1) / count[:, None]
        else:
            mean = np.zeros((0, looks.shape[1]))
        full = count >= _FEWEST * whole
        mean, window, tracklet = mean[full], window[first][full], tracklet[first][full]
        after = np.flatnonzero((np.diff(tracklet) == 0) & (np.diff(window) == 1)) + 1
        variance, axes = np.linalg.eigh(_covariance(mean[after] - mean[after - 1]))
        directions = axes / np.sqrt(variance)
        return Resemblance(directions, whole, _between(mean @ directions))

    def evidence(
        self, one: np.ndarray, other: np.ndarray, count: np.ndarray, other_count: np.ndarray, *, teams: bool = True
    ) -> np.ndarray:  # fmt: skip
        """Log likelihood ratio (K,) [nats] of "one person" over "two" for mean looks (K, D) of so many looks (K,).

        Half of all others wear the same jersey: looks that agree are worth log 2 and no more. Without `teams`, all
        directions in which one person's looks differ as little count the same.
        """
        seen = np.minimum(count, self.whole), np.minimum(other_count, self.whole)
        doubt = (self.whole / np.maximum(seen, 1)).mean(axis=0)
        step = (one - other) @ self.directions
        for_two = (np.square(step).sum(axis=-1) / doubt - _STRANGE) / 2
        if teams and len(self.between):
            along = step @ self.between.T - np.square(self.between).sum(axis=1) / 2
            for_two = np.maximum(for_two, along.max(axis=-1) / doubt)
        return np.asarray(np.log(2) - np.logaddexp(0, for_two))


def _between(looks: np.ndarray) -> np.ndarray:
    """The steps (2, D) that lead from one team to the other and back, where the `looks (N, D)` of whole windows form
    two groups that are far apart."""
    if len(looks) < _FEWEST_WINDOWS:
        return np.zeros((0, looks.shape[1]))
    looks = looks[np.linspace(0, len(looks) - 1, min(len(looks), _ENOUGH_WINDOWS)).astype(int)]
    group, _ = two_groups(looks, _MANY)
    step = np.median(looks[group == 1], axis=0) - np.median(looks[group == 0], axis=0)
    return np.array([step, -step])[: 2 * int(np.linalg.norm(step) >= _DISTINCT)]


def _covariance(steps: np.ndarray) -> np.ndarray:
    """Scatter (D, D) of one person's `steps (K, D)` as a multivariate t distribution has it (Lange, Little and Taylor,
    *Robust statistical modeling using the t distribution*, 1989): a few lead from one person to another."""
    first, worth = _FIRST**2 * np.eye(steps.shape[1]), max(_WORTH, _ENOUGH - len(steps))
    found = first
    for _ in range(10):
        squared = np.einsum("ki,ik->k", steps, np.linalg.solve(found, steps.T))
        weight = (_FREEDOM + steps.shape[1]) / (_FREEDOM + squared)
        found = ((steps * weight[:, None]).T @ steps + worth * first) / (len(steps) + worth)
    return found
