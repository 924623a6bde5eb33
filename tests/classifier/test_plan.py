"""The plan: pure functions, so they are tried on rosters that hypothesis makes up."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.errors import BadInput
from classifier.plan import Holding, Plan, extend_plan, forgetting_share, make_plan

TEAMS = ("referee", "white", "yellow")


@st.composite
def rosters(draw: st.DrawFn) -> list[Holding]:
    """Two or three teams of 1 to 8 players with 1 to 9 crops each."""
    teams = TEAMS[: draw(st.integers(2, 3))]
    roster = []
    for team in teams:
        for number in range(draw(st.integers(1, 8))):
            crops = draw(st.integers(1, 9))
            name = f"{team}-{number}"
            roster.append(Holding(name, team, tuple(f"{name}/{i}" for i in range(crops))))
    return roster


def everywhere(plan: Plan, roster: list[Holding]) -> dict[str, set[tuple[int, int]]]:
    """Player → the cells that their crops lie in."""
    return {
        h.player: {(p.shard, p.slice) for p in (plan.place(h.player, digest) for digest in h.crops)} for h in roster
    }


@settings(max_examples=150, deadline=None)
@given(rosters(), st.integers(1, 6), st.integers(1, 4))
def test_every_player_lies_in_one_cell_unless_alone_in_the_team(
    roster: list[Holding], shards: int, slices: int
) -> None:
    plan = make_plan(roster, min(shards, len(roster)), slices)
    size = {team: sum(h.team == team for h in roster) for team in TEAMS}
    for h in roster:
        if size[h.team] > 1:
            assert len(everywhere(plan, roster)[h.player]) == 1
        else:
            assert h.player in plan.spread_players
    for cells in everywhere(plan, roster).values():
        assert all(0 <= shard < plan.shards and 0 <= part < plan.slices for shard, part in cells)


@settings(max_examples=150, deadline=None)
@given(rosters(), st.integers(1, 6), st.integers(1, 4))
def test_every_shard_sees_every_team_and_fills_every_slice(roster: list[Holding], shards: int, slices: int) -> None:
    plan = make_plan(roster, min(shards, len(roster)), slices)
    for shard in range(plan.shards):
        here = [h for h in roster if any(s == shard for s, _ in everywhere(plan, roster)[h.player])]
        for team in {h.team for h in roster}:
            alone = [h for h in roster if h.team == team]
            enough = len(alone) > 1 or len(alone[0].crops) >= plan.shards
            assert not enough or any(h.team == team for h in here)
        parts = {p for h in here for s, p in everywhere(plan, roster)[h.player] if s == shard}
        assert parts == set(range(plan.slices))


@settings(max_examples=100, deadline=None)
@given(rosters(), st.integers(1, 6), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_players(
    roster: list[Holding], shards: int, slices: int, random: Random
) -> None:
    shuffled = random.sample(roster, len(roster))
    shards = min(shards, len(roster))
    assert make_plan(roster, shards, slices) == make_plan(shuffled, shards, slices)


@settings(max_examples=150, deadline=None)
@given(rosters(), st.integers(1, 6), st.integers(1, 4), st.data())
def test_who_leaves_or_joins_moves_nobody_else(
    roster: list[Holding], shards: int, slices: int, data: st.DataObject
) -> None:
    plan = make_plan(roster, min(shards, len(roster)), slices)
    leaver = data.draw(st.sampled_from(roster))
    stay = [h for h in roster if h != leaver]
    newcomer = Holding("newcomer", data.draw(st.sampled_from(TEAMS)), ("n/0", "n/1"))
    before, after = everywhere(plan, stay), everywhere(extend_plan(plan, stay), stay)
    assert before == after
    joined = extend_plan(extend_plan(plan, stay), [*stay, newcomer])
    assert everywhere(joined, stay) == before
    assert all(part == joined.slices - 1 for _, part in everywhere(joined, [newcomer])["newcomer"])
    assert leaver.player not in {*joined.places, *joined.spread_players}


@given(rosters(), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_a_strict_place_is_the_players_own(roster: list[Holding], shards: int, slices: int) -> None:
    shards = min(shards, len(roster))
    plan = make_plan(roster, shards, slices, "strict")
    others = [h for h in roster if h.player == roster[0].player or h.team != roster[0].team]
    again = make_plan(others, min(shards, len(others)), slices, "strict")
    if again.shards == plan.shards:
        assert again.places[roster[0].player] == plan.places[roster[0].player]


def test_a_small_team_lowers_the_number_of_shards_and_says_so() -> None:
    roster = [Holding(f"{team}{i}", team, ("x",)) for team, n in (("white", 3), ("yellow", 9)) for i in range(n)]
    plan = make_plan(roster, 4, 3)
    assert plan.shards == 3
    assert "3 shards instead of 4: white has 3 players" in plan.notes[0]


def test_forgetting_costs_the_stages_from_the_players_slice_on() -> None:
    # Two shards of two slices, one player each, 10 crops each. A shard's stages see 10 and 20 crops: 30; in all 60.
    roster = [
        Holding(n, t, tuple(f"{n}{i}" for i in range(10))) for n, t in zip("abcd", ["w", "w", "y", "y"], strict=True)
    ]
    plan = make_plan(roster, 2, 2)
    share = forgetting_share(plan, roster)
    for h in roster:
        first = plan.places[h.player].slice == 0
        # In slice 0: both stages again, over the other's 10 crops: 0 + 10. In slice 1: one stage over 10.
        assert share[h.player] == pytest.approx(10 / 60), (h, first)


@pytest.mark.parametrize(
    ("shards", "slices", "mode", "words"),
    [(9, 1, "balanced", "9 shards"), (1, 0, "balanced", "at least 1"), (1, 1, "clever", "balanced or strict")],
)
def test_wishes_that_cannot_be_met_are_refused(shards: int, slices: int, mode: str, words: str) -> None:
    roster = [Holding("a", "white", ("1",)), Holding("b", "yellow", ("2",))]
    with pytest.raises(BadInput, match=words):
        make_plan(roster, shards, slices, mode)
