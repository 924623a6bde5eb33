"""How many skaters are on the ice: people come and go over the boards and the picture's border, nowhere else.

Boards of the NHL rink: 12.955 m from the middle, 30.48 m to each end.
"""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracker.paths import keeper, skater
from tracker.presence import Frames, counted, stretches
from tracker.rink import NHL
from tracker.statistics import compute

MIDDLE, BOARDS = 0.0, 12.0


def number(*rows: pl.DataFrame, team: str = "white") -> list[int]:
    """Skaters in each second."""
    return compute(pl.concat(rows), NHL).timeline.filter(team=team)["skaters"].to_list()


def present(seconds: float, track: int, y: float = MIDDLE, first_s: float = 0.0, **more: str) -> pl.DataFrame:
    return skater(np.zeros(round(seconds * 30)), y, track=track, first=round(first_s * 30), **more)


@pytest.mark.parametrize(("y", "expected"), [(MIDDLE, [2] * 9), (BOARDS, [2, 2, 2, 1, 1, 1, 2, 2, 2])])
def test_who_vanishes_in_the_middle_of_the_ice_is_still_there(y: float, expected: list[int]) -> None:
    """Track 2 ends after 3 s and track 3 begins 3 s later: in the middle one person, at the boards two."""
    assert number(present(9, 1), present(3, 2, y), present(3, 3, y, first_s=6)) == expected


def test_who_is_unseen_for_long_is_no_longer_taken_to_be_there() -> None:
    found = number(present(20, 1), present(3, 2))
    assert found[:3] == [2, 2, 2]
    assert found[3:] == [1] * 17


def test_a_second_track_on_one_person_does_not_count() -> None:
    assert number(present(6, 1), present(1.5, 2, first_s=2)) == [1] * 6


def test_the_border_of_the_picture_is_a_way_out() -> None:
    rows = pl.concat([present(9, 1), present(3, 2), present(3, 3, first_s=6)])
    near = rows.with_columns(at_border=pl.col("track_id") > 1)
    assert number(near) == [2, 2, 2, 1, 1, 1, 2, 2, 2]


def test_six_of_a_team_may_be_on_the_ice() -> None:
    skaters = [present(6, track) for track in range(1, 6)]
    sixth = present(3, 6, BOARDS, first_s=2)
    assert number(*skaters, sixth, keeper(-26, "white", 9, 6)) == [5] * 6
    assert number(*skaters, sixth) == [5, 5, 6, 6, 6, 5], "a sixth skater for the goalkeeper"


def test_a_lost_camera_makes_no_difference_between_before_and_after() -> None:
    """Nobody is seen from 3 to 6 s, and another number afterwards."""
    before = [present(3, track) for track in (1, 2, 3, 4)]
    after = [present(3, track, first_s=6) for track in (5, 6)]
    found = compute(pl.concat([*before, *after]), NHL).timeline
    assert found["skaters"].to_list() == [4, 4, 4, 2, 2, 2]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 280), st.integers(1, 300)), min_size=1, max_size=5))
def test_who_comes_and_goes_at_the_boards_counts_from_first_to_last(spells: list[tuple[int, int]]) -> None:
    rows = pl.concat([
        skater(np.zeros(length), BOARDS, track=track, first=first)
        for track, (first, length) in enumerate(spells, 1)
    ])  # fmt: skip
    frames = Frames.of(np.arange(600), np.arange(600) / 30)
    found = counted(stretches(rows, NHL), frames)["white"]
    each = [(np.arange(600) >= first) & (np.arange(600) < first + length) for first, length in spells]
    assert found.tolist() == np.sum(each, axis=0).tolist()
