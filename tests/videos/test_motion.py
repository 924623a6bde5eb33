"""Skaters of the rendered match move as bodies can, and the same match is played whenever it is asked for."""

from itertools import islice, pairwise

import numpy as np
import pytest

from tracker.rink import Rink
from videos.game import MatchPlan
from videos.match import Match, Moment
from videos.motion import SPEED_LIMIT
from videos.roster import make_roster

RINK = Rink.named("36x18")
FPS = 15


def played(seed: int, seconds: float, **plan: object) -> list[Moment]:
    roster = make_roster(np.random.default_rng(seed))
    quick = MatchPlan(seed, first_change_s=(1.0, 3.0), step_s=1 / 30, **plan)  # type: ignore[arg-type]
    return list(islice(Match(roster, RINK, quick).moments(FPS), round(seconds * FPS)))


@pytest.fixture(scope="module", params=[1, 26])
def moments(request: pytest.FixtureRequest) -> list[Moment]:
    return played(request.param, 12.0)


def test_nobody_is_faster_than_a_human_skater(moments: list[Moment]) -> None:
    speeds = [np.hypot(s.vx, s.vy) for m in moments for _, s in m.people]
    assert max(speeds) <= SPEED_LIMIT
    assert 1.5 < np.mean(speeds) < 5


def test_places_change_as_the_speeds_say(moments: list[Moment]) -> None:
    for a, b in pairwise(moments):
        before = {p.player_id: s for p, s in a.people}
        for person, now in b.people:
            if person.player_id in before:
                old = before[person.player_id]
                moved = np.hypot(now.x - old.x, now.y - old.y) * FPS
                assert moved <= max(np.hypot(now.vx, now.vy), np.hypot(old.vx, old.vy)) + 1.0


def test_accelerations_are_those_of_trained_players_but_for_hits_into_the_boards(moments: list[Moment]) -> None:
    changes = []
    for a, b in pairwise(moments):
        before = {p.player_id: s for p, s in a.people}
        changes += [np.hypot(s.vx - before[p.player_id].vx, s.vy - before[p.player_id].vy) * FPS
                    for p, s in b.people if p.player_id in before]  # fmt: skip
    assert np.percentile(changes, 98) < 5.5


def test_everybody_stays_on_the_rink_and_no_team_has_too_many(moments: list[Moment]) -> None:
    for moment in moments:
        assert RINK.contains(np.array([(s.x, s.y) for _, s in moment.people])).all()
        ids = [p.player_id for p, _ in moment.people]
        assert len(ids) == len(set(ids))
        for team in ("white", "yellow"):
            assert sum(p.team == team and p.role == "player" for p, _ in moment.people) <= 5


def test_a_line_change_moves_the_number_of_skaters(moments: list[Moment]) -> None:
    counts = {sum(p.team == "white" and p.role == "player" for p, _ in m.people) for m in moments}
    assert 5 in counts
    assert min(counts) < 5


def test_a_power_play_keeps_one_team_short() -> None:
    for moment in played(3, 0.5, penalty=(1, 60.0)):
        skaters = [p.team for p, _ in moment.people if p.role == "player"]
        assert skaters.count("white") == 5
        assert skaters.count("yellow") == 4


def test_the_same_seed_plays_the_same_match_and_another_seed_another() -> None:
    first, again, other = played(4, 1.0), played(4, 1.0), played(5, 1.0)
    assert first == again
    assert first != other
