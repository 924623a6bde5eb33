"""Unsure tracks go by those that look like them; sure ones, and ones that look like nobody, by themselves."""

import numpy as np

from tracker.look_alikes import MOST, asked

SURE = np.array([0.9, 0.05, 0.05], np.float32)
HALF = np.array([0.5, 0.48, 0.02], np.float32)


def match(unsure: dict[int, tuple[np.ndarray, float]]) -> dict[int, np.ndarray]:
    """Ten sure tracks of each of the first two teams, which look like 0 and like 1, and unsure ones: (row, look)."""
    rng = np.random.default_rng(0)
    rows = {track: np.roll(SURE, int(track >= 10)) for track in range(20)}
    looks = {track: np.array([float(track >= 10) + rng.normal(0, 0.05)]) for track in range(20)}
    for track, (row, look) in unsure.items():
        rows[track], looks[track] = row, np.array([look])
    return asked(rows, 0.6, looks.__getitem__)


def test_a_track_between_two_teams_goes_with_those_that_look_like_it() -> None:
    found = match({20: (HALF, 0.02), 21: (HALF, 0.97)})
    assert found.keys() == {20, 21}
    assert found[20].argmax() == 0
    assert found[21].argmax() == 1
    assert min(row.max() for row in found.values()) > 0.8
    np.testing.assert_allclose([row.sum() for row in found.values()], 1, rtol=1e-5)


def test_who_looks_like_nobody_stays_unsure_and_who_was_sure_is_not_asked() -> None:
    assert match({20: (HALF, 9.0)}) == {}
    assert match({}) == {}


def test_of_a_long_match_some_are_looked_at() -> None:
    looked: list[int] = []
    rows = {track: np.roll(SURE, track % 2) for track in range(5000)} | {5000: HALF}

    def look(track: int) -> np.ndarray:
        looked.append(track)
        return np.array([float(track % 2)])

    assert asked(rows, 0.6, look)[5000].argmax() == 0
    assert len(looked) == MOST + 1


def test_few_sure_tracks_are_no_match() -> None:
    rows = {1: SURE, 2: SURE, 3: np.roll(SURE, 1), 4: HALF}
    assert asked(rows, 0.6, lambda track: np.array([float(track)])) == {}


def test_nobody_is_looked_at_where_everybody_is_sure() -> None:
    def look(track: int) -> np.ndarray:
        raise AssertionError(track)

    assert asked(dict.fromkeys(range(9), SURE), 0.6, look) == {}
    assert asked({}, 0.6, look) == {}
