"""What a step in somebody's looks is worth: one that leads to the other team more than one that leads nowhere."""

import numpy as np

from tracker.association.resemblance import Resemblance
from tracker.medoids import two_groups

FPS = 30
SECONDS = 20
JERSEY, LEGS = 0, 3
APART = 20.0  # of two jerseys in a poor light
WANDER = 2.5  # of one person's looks from one window to the next, in each feature


def learned(*, apart: float = APART) -> Resemblance:
    """From six people of each of two teams whose jerseys differ in one feature."""
    rng = np.random.default_rng(0)
    tracklets, times, looks = [], [], []
    for person in range(12):
        base = np.zeros(6)
        base[JERSEY] = apart * (person % 2)
        windows = base + rng.normal(0, WANDER, (SECONDS // 2, 6))
        looks.append(np.repeat(windows, 2 * FPS, axis=0) + rng.normal(0, 1, (SECONDS * FPS, 6)))
        tracklets.append(np.full(SECONDS * FPS, person + 1))
        times.append(np.arange(SECONDS * FPS) / FPS)
    return Resemblance.learn(*(np.concatenate(part) for part in (tracklets, times, looks)))


def evidence(resemblance: Resemblance, feature: int, step: float, *, teams: bool = True) -> float:
    one, other, count = np.zeros((1, 6)), np.zeros((1, 6)), np.array([2 * FPS])
    other[0, feature] = step
    return float(resemblance.evidence(one, other, count, count, teams=teams)[0])


def test_a_step_to_the_other_team_is_another_person_though_one_person_differs_as_much_elsewhere() -> None:
    known = learned()
    assert evidence(known, JERSEY, 0.9 * APART) < -5
    assert evidence(known, LEGS, 0.9 * APART) > 0
    assert evidence(known, JERSEY, 0.9 * APART, teams=False) > 0
    assert evidence(known, JERSEY, 0.3 * APART) > 0


def test_where_all_look_alike_no_step_leads_to_another_team() -> None:
    known = learned(apart=0.0)
    assert len(known.between) == 0
    assert evidence(known, JERSEY, 12.0) > 0


def test_two_groups_are_two_teams_and_not_the_few_who_are_far_from_both() -> None:
    rng = np.random.default_rng(1)
    middles = np.repeat([[0.0, 0.0], [6.0, 0.0], [0.0, 40.0]], [40, 40, 10], axis=0)
    groups, apart = two_groups(middles + rng.normal(0, 1, middles.shape), least=0.25)
    assert len(set(groups[:40])) == len(set(groups[40:80])) == 1
    assert groups[0] != groups[40]
    assert apart.shape == (90, 2)
