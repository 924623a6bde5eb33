"""Statistics on tables of positions whose answers can be worked out by hand."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.errors import BadInput
from tests.tracker.paths import at_speeds, hockey_path, keeper, skater
from tracker import tables
from tracker.attacks import find_attacks
from tracker.movement import bursts, steps
from tracker.rink import Rink
from tracker.statistics import compute

NHL = Rink.named("nhl")


def one(table: pl.DataFrame, column: str) -> object:
    assert table.height == 1
    return table[column][0]


def test_distance_is_the_sum_of_the_displacements():
    # 3 m/s for 4 s, then 5 m/s for 2 s: 12 + 10 = 22 m in 6 s, mean 22 / 6 = 3.667 m/s.
    found = compute(skater(at_speeds((3, 4), (5, 2), start=-20)), NHL).players
    assert one(found, "distance_m") == pytest.approx(22)
    assert one(found, "mean_speed_mps") == pytest.approx(22 / 6)
    assert one(found, "top_speed_mps") == pytest.approx(5)
    assert one(found, "tracked_s") == pytest.approx(6)
    assert one(found, "frames") == 181  # both ends of 180 steps


@pytest.mark.parametrize(("gap_s", "bridged"), [(0.5, True), (1.0, True), (1.1, False), (5.0, False)])
def test_gaps_over_one_second_are_not_bridged(gap_s, bridged):
    # 10 m on each side of a gap in which 4 m lie: 10 + 10, and the 4 only where the gap is short.
    first, second = at_speeds((5, 2)), 10 + 4 + at_speeds((5, 2))
    last = 60 / 30
    later = skater(second).with_columns(pl.col("time_s") + last + gap_s, pl.col("frame") + 1000)
    found = compute(pl.concat([skater(first), later]), NHL).players
    assert one(found, "distance_m") == pytest.approx(24 if bridged else 20)
    assert one(found, "tracked_s") == pytest.approx(4 + (gap_s if bridged else 0))


def test_a_jump_to_somebody_else_is_counted_and_dropped():
    # 2 s at 4 m/s, then 15 m in one frame (450 m/s), then 2 s at 4 m/s: 16 m, nobody at 450 m/s.
    path = at_speeds((4, 2), start=-20)
    found = compute(skater(np.concatenate([path, path + 15])), NHL)
    assert one(found.players, "distance_m") == pytest.approx(16)
    assert one(found.players, "top_speed_mps") == pytest.approx(4)
    assert one(found.players, "dropped_speed_samples") == 1
    assert found.dropped == 1
    assert "1 steps above 13 m/s" in found.warnings[-1]


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        # 1 mph = 0.44704 m/s: 18 mph = 8.047, 20 mph = 8.941, 22 mph = 9.835, 16 mph = 7.153 m/s.
        ([(3, 1), (8.5, 2), (3, 1)], (1, 0, 0)),  # 8.5 m/s = 19.0 mph
        ([(3, 1), (9.2, 1), (3, 1)], (0, 1, 0)),  # 20.6 mph
        ([(3, 1), (10.1, 1), (3, 1)], (0, 0, 1)),  # 22.6 mph
        ([(3, 1), (8.0, 2), (3, 1)], (0, 0, 0)),  # 17.9 mph never exceeds 18
        ([(8.5, 1), (7.5, 1), (8.6, 1)], (1, 0, 0)),  # 16.8 mph in between does not end it
        ([(8.5, 1), (7.0, 1), (8.6, 1)], (2, 0, 0)),  # 15.7 mph does
        ([(7.5, 1), (8.2, 1), (9.3, 1), (7.5, 1), (3, 1)], (0, 1, 0)),  # valued at its maximum, 20.8 mph
    ],
)
def test_speed_bursts_are_counted_as_nhl_edge_counts_them(stretches, expected):
    found = compute(skater(at_speeds(*stretches, start=-25)), NHL).players
    assert tuple(found.select("bursts_18_20", "bursts_20_22", "bursts_22_plus").row(0)) == expected


def test_a_burst_begins_where_18_mph_is_exceeded():
    found = bursts(steps(skater(at_speeds((7.5, 1), (8.5, 1), (3, 1)))))
    assert one(found, "time_s") == pytest.approx(1.0)
    assert one(found, "top_mps") == pytest.approx(8.5)


def test_a_burst_does_not_survive_a_gap():
    path = at_speeds((8.5, 1))
    later = skater(path + 12).with_columns(pl.col("time_s") + 3, pl.col("frame") + 90)
    assert bursts(steps(pl.concat([skater(path), later]))).height == 2


def changing_tracks(gap_s: float, aside_m: float = 0.0, team: str = "white") -> pl.DataFrame:
    """Somebody at 8.5 m/s who is lost after 1 s and found again under another number, perhaps where they cannot be."""
    later = skater(8.5 * (1 + gap_s) + at_speeds((9.2, 1), (3, 1)), aside_m, track=2, team=team)
    later = later.with_columns(pl.col("time_s") + 2 + gap_s, pl.col("frame") + 60 + round(30 * gap_s))
    return pl.concat([skater(at_speeds((3, 1), (8.5, 1), start=-3)), later])


def test_a_burst_that_goes_on_under_another_track_is_one():
    found = compute(changing_tracks(0.4), NHL)
    assert found.bursts.select("track_id", "top_speed_mps").rows() == [(1, pytest.approx(9.2))]
    assert found.teams.select("bursts_18_20", "bursts_20_22").rows() == [(0, 1)]
    assert found.players["bursts_20_22"].to_list() == [1, 0]


@pytest.mark.parametrize("apart", [{"gap_s": 1.2}, {"gap_s": 0.4, "aside_m": 4.0}, {"gap_s": 0.4, "team": "yellow"}])
def test_bursts_too_far_apart_for_one_skater_are_two(apart):
    assert compute(changing_tracks(**apart), NHL).bursts.height == 2


def test_two_skaters_bursts_are_two():
    both = pl.concat([skater(at_speeds((8.5, 1)), track=track) for track in (1, 2)])
    assert compute(both, NHL).teams["bursts_18_20"].to_list() == [2]


def test_zone_time_and_pressure_are_split_at_the_blue_lines():
    # NHL blue lines at ±7.772 m. From -17.772 at 5 m/s: 10 m (2 s) defensive, 15.545 m neutral, then offensive.
    path = at_speeds((5, 2), (5, 15.5448 / 5), (5, 1), start=-7.7724 - 10)
    found = compute(skater(path), NHL, {"white": "right"})
    total = path[-1] - path[0]
    row = found.teams.row(0, named=True)
    assert row["defensive_time_share"] == pytest.approx(10 / total, abs=0.01)
    assert row["neutral_time_share"] == pytest.approx(15.5448 / total, abs=0.01)
    assert row["offensive_time_share"] == pytest.approx(1 - (10 + 15.5448) / total, abs=0.01)
    assert row["offensive_pressure_distance_share"] == pytest.approx(row["distance_offensive_m"] / row["distance_m"])


def test_pressure_is_of_distance_and_not_of_time():
    # 4 s standing in the offensive zone, then 10 m there and 10 m back: all time and all distance lie in it.
    # Add 4 s of 5 m/s in the neutral zone by a second skater: 20 m there against 20 m offensive, 4 s against 8 s.
    forward = skater(np.concatenate([np.full(121, 9.0), 9 + at_speeds((5, 2))[1:], 19 - at_speeds((5, 2))[1:]]))
    other = skater(at_speeds((5, 2), (-5, 2), start=-5), track=2)
    row = compute(pl.concat([forward, other]), NHL, {"white": "right"}).teams.row(0, named=True)
    assert row["offensive_pressure_distance_share"] == pytest.approx(20 / 40)
    assert row["offensive_time_share"] == pytest.approx(8 / 12)


def test_an_inline_rink_is_split_in_thirds():
    # 30 x 15 m: thirds at ±5 m; a second at each of -10, 0, 4 and 10 m.
    rink = Rink.named("inline-30x15")
    tables_ = [skater(np.full(31, x), track=i + 1) for i, x in enumerate((-10, 0, 4, 10))]
    row = compute(pl.concat(tables_), rink, {"white": "left"}).teams.row(0, named=True)
    assert row["offensive_time_share"] == pytest.approx(1 / 4)
    assert row["neutral_time_share"] == pytest.approx(2 / 4)
    assert row["defensive_time_share"] == pytest.approx(1 / 4)


def test_goalkeepers_tell_the_direction_of_attack():
    match = pl.concat([keeper(-26, "white", 1), keeper(26, "yellow", 2), skater(at_speeds((3, 5)), track=3)])
    assert find_attacks(match, NHL) == {"white": "right", "yellow": "left"}
    assert compute(match, NHL).attacks == {"white": "right", "yellow": "left"}


def test_one_goalkeeper_tells_both_directions():
    match = pl.concat([keeper(26, "white", 1), skater(at_speeds((3, 5)), track=3, team="yellow")])
    assert find_attacks(match, NHL) == {"white": "left", "yellow": "right"}


@pytest.mark.parametrize("x", [(26.0, 25.0), (1.0, -2.0)])
def test_goalkeepers_in_doubt_tell_nothing_and_that_is_said(x):
    match = pl.concat([keeper(x[0], "white", 1), keeper(x[1], "yellow", 2)])
    found = compute(match, NHL)
    assert found.attacks == {}
    assert found.teams["offensive_time_share"].null_count() == 2
    assert found.teams["offensive_pressure_distance_share"].null_count() == 2
    assert found.teams["distance_m"].null_count() == 0
    assert "white, yellow not known" in found.warnings[0]


def test_a_given_direction_wins_and_tells_the_other_team_s():
    match = pl.concat([keeper(-26, "white", 1), keeper(26, "yellow", 2)])
    assert compute(match, NHL, {"yellow": "right"}).attacks == {"white": "left", "yellow": "right"}


@pytest.mark.parametrize(
    ("attacks", "words"), [({"white": "up"}, "neither left nor right"), ({"red": "left"}, "no such team")]
)
def test_an_attack_that_cannot_be_is_bad_input(attacks, words):
    with pytest.raises(BadInput, match=words):
        compute(keeper(-26, "white", 1), NHL, attacks)


def test_skaters_are_counted_each_second_without_goalkeepers_and_officials():
    # Five skaters throughout; one leaves over the boards after 2 s (a penalty): 5 5 4 4.
    rows = [skater(np.full(120, float(i)), track=i) for i in range(1, 5)]
    rows += [skater(np.full(60, 9.0), 12.0, track=5), keeper(-26, "white", 6, 4), skater(np.zeros(120), track=7,
             team="referee", role="referee")]  # fmt: skip
    found = compute(pl.concat(rows), NHL)
    assert found.timeline["skaters"].to_list() == [5, 5, 4, 4]
    assert found.teams["skaters_median"].to_list() == [4.5]
    assert found.timeline["team"].unique().to_list() == ["white"]


def test_who_is_missed_for_a_moment_has_not_left_the_ice():
    rows = pl.concat([skater(np.zeros(90), 12.0, track=track) for track in (1, 2, 3)])  # the boards are at 12.955 m
    missed = rows.filter(~((pl.col("track_id") == 3) & pl.col("frame").is_between(30, 50)))
    gone = rows.filter(~((pl.col("track_id") == 3) & pl.col("frame").is_between(20, 70)))  # 1.7 s
    assert compute(missed, NHL).timeline["skaters"].to_list() == [3, 3, 3]
    assert compute(gone, NHL).timeline["skaters"].to_list() == [3, 2, 3]  # there in 20, 0 and 19 of 30 frames


def test_a_team_that_is_away_for_a_second_has_no_skaters_in_it():
    rows = pl.concat([skater(np.zeros(90), track=1), skater(np.zeros(30), 12.0, track=2, team="yellow")])
    timeline = compute(rows, NHL).timeline
    assert timeline.filter(pl.col("team") == "yellow")["skaters"].to_list() == [1, 0, 0]


def test_shape_is_that_of_the_skaters():
    # Corners of a 6 x 8 m rectangle: length 6, width 8, each 5 m from the middle (3-4-5).
    corners = [(-3, -4), (3, -4), (3, 4), (-3, 4)]
    rows = [skater(np.full(30, x), float(y), track=i) for i, (x, y) in enumerate(corners, 1)]
    row = compute(pl.concat([*rows, keeper(-26, "white", 9, 1)]), NHL).timeline.row(0, named=True)
    assert (row["length_m"], row["width_m"]) == (6, 8)
    assert row["spread_m"] == pytest.approx(5)
    assert (row["centroid_x_m"], row["centroid_y_m"]) == (0, 0)


def test_people_off_the_ice_are_in_no_team_figures():
    bench = skater(np.full(60, 0.0), 15.5, track=2)  # the boards are at 12.95 m
    found = compute(pl.concat([skater(at_speeds((3, 2))), bench]), NHL)
    assert found.timeline["skaters"].to_list()[0] == 1
    assert one(found.teams, "tracks") == 1
    assert found.players.height == 2
    assert "60 of 121 places lie outside the boards" in found.warnings[-1]


def test_who_climbs_over_the_boards_is_no_longer_on_the_ice():
    # The boards are at 12.955 m: 12 m for 2 s, then 13.2 m for 0.9 s, on the way to the bench.
    y = np.where(np.arange(87) < 60, 12.0, 13.2)
    found = compute(pl.concat([skater(np.zeros(90), 0.0, track=2), skater(np.zeros(87), y)]), NHL)
    assert found.timeline["skaters"].to_list() == [2, 2, 1]


def test_of_two_who_change_at_the_boards_under_one_track_neither_counts_meanwhile():
    # One goes off after 1.2 s and another comes on at the same place 0.9 s later: seconds 1.2 to 2.1 have one skater.
    y = np.where((np.arange(120) >= 36) & (np.arange(120) < 63), 13.2, 12.0)
    found = compute(pl.concat([skater(np.zeros(120), 0.0, track=2), skater(np.zeros(120), y)]), NHL)
    assert found.timeline["skaters"].to_list() == [2, 1, 2, 2]


def test_somebody_mostly_outside_the_boards_never_counts():
    # 25.91 / 2 = 12.955 m to the boards: at 13.6 m for 3 s of 4, which is 0.65 m outside, and never 1.5 m.
    found = compute(skater(np.linspace(0, 8, 121), np.where(np.arange(121) < 90, 13.6, 12.0)), NHL)
    assert found.teams.height == 0
    assert "121 of 121 places lie outside the boards" in found.warnings[-1]


def test_after_a_period_the_teams_change_ends_and_the_break_does_not_count():
    # 3 s at 4 m/s at x > 10 (offensive for who attacks right), a break at any place, then 3 s at x < -10.
    right, left = at_speeds((4, 3), start=10), -at_speeds((4, 3), start=10)
    pause = np.zeros(61)
    table = skater(np.concatenate([right, pause, left]))
    starts = table["time_s"].to_numpy()
    periods = [(0.0, float(starts[len(right)])), (float(starts[len(right) + 61]), 100.0)]
    found = compute(table, NHL, {"white": "right"}, periods=periods)
    assert one(found.teams, "offensive_time_share") == pytest.approx(1)
    assert one(found.teams, "distance_m") == pytest.approx(24)  # 12 + 12, the jumps into and out of the break not
    assert found.attacks == {"white": "right"}
    assert "61 of 243 places lie outside the periods" in " ".join(found.warnings)  # 91 + 61 + 91 rows
    without = compute(table, NHL, {"white": "right"})
    assert one(without.teams, "offensive_time_share") < 0.6


def test_goalkeepers_of_both_periods_tell_one_direction():
    # The keeper stands at x = -26 for 1 s, then at +26: without periods that is doubt, with them it is sure.
    rows = skater(np.repeat([-26.0, 26.0], 30), role="goalkeeper")
    assert compute(rows, NHL).attacks == {}
    assert compute(rows, NHL, periods=[(0, 0.99), (0.99, 3)]).attacks == {"white": "right"}


def test_frames_in_which_the_camera_is_lost_count_no_skaters():
    rows = skater(at_speeds((4, 4)))
    lost = rows.with_columns(x_m=pl.when(pl.col("time_s") < 1.95).then("x_m"))
    assert compute(lost, NHL).timeline["second"].to_list() == [0, 1]
    assert compute(rows, NHL).timeline["second"].to_list() == [0, 1, 2, 3, 4]


def test_officials_have_rows_among_players_only():
    rows = pl.concat([skater(at_speeds((3, 2))), skater(at_speeds((2, 2)), track=2, team="referee", role="referee")])
    found = compute(rows, NHL, team_confidence={1: 0.9}, players={2: "R. Linesman"})
    assert found.players["team"].to_list() == ["white", "referee"]
    assert found.players["team_confidence"].to_list() == [0.9, None]
    assert found.players["player"].to_list() == [None, "R. Linesman"]
    assert found.teams["team"].to_list() == ["white"]


def test_without_metres_there_are_times_and_counts_and_no_zeros():
    found = compute(skater(at_speeds((3, 2))), None, metres="none")
    row = found.teams.row(0, named=True)
    assert row["metres"] == "none"
    assert row["tracked_s"] == pytest.approx(2)
    assert row["skaters_median"] == 1
    for name in ("distance_m", "mean_speed_mps", "top_speed_mps", "bursts_18_20", "dropped_speed_samples"):
        assert row[name] is None, name


def test_estimates_are_marked_and_have_no_zones():
    found = compute(skater(at_speeds((3, 2))), None, metres="estimated")
    for table in (found.teams, found.players, found.timeline):
        assert table["metres"].unique().to_list() == ["estimated"]
    assert one(found.teams, "distance_m") == pytest.approx(6)
    assert one(found.teams, "offensive_time_share") is None
    assert "no rink coordinates" in found.warnings[0]


def test_without_teams_only_tracks_have_rows():
    found = compute(skater(at_speeds((3, 2)), team=None), NHL)
    assert found.players.height == 1
    assert found.teams.height == found.timeline.height == 0


def test_no_rows_give_empty_tables_with_all_columns():
    found = compute(tables.POSITIONS.empty(), NHL)
    assert found.teams.schema == tables.TEAMS.schema
    assert found.players.schema == tables.PLAYERS.schema
    assert found.timeline.schema == tables.TIMELINE.schema
    assert found.teams.height == found.players.height == found.timeline.height == 0


def test_another_table_is_bad_input():
    with pytest.raises(BadInput, match=r"not a table of positions.*'frame'"):
        compute(pl.DataFrame({"a": [1]}), NHL)


def test_missing_places_within_a_second_are_bridged():
    path = at_speeds((3, 2))
    rows = skater(path).with_columns(
        x_m=pl.when(pl.col("frame").is_between(20, 40)).then(None).otherwise(pl.col("x_m"))
    )
    assert one(compute(rows, NHL).players, "distance_m") == pytest.approx(6)


match_paths = st.sampled_from([hockey_path(np.random.default_rng(seed), seconds=6) for seed in range(12)])


@given(match_paths, st.floats(0, 2 * np.pi), st.booleans())
@settings(max_examples=15, deadline=None)
def test_distance_and_speed_do_not_depend_on_how_the_rink_lies(path, angle, mirrored):
    cos, sin = np.cos(angle), np.sin(angle)
    turned = path @ np.array([[cos, -sin], [sin, cos]]) * ((-1 if mirrored else 1), 1)
    a, b = (compute(skater(p[:, 0], p[:, 1]), None).players.row(0, named=True) for p in (path, turned))
    for name in ("distance_m", "mean_speed_mps", "top_speed_mps"):
        assert a[name] == pytest.approx(b[name], rel=1e-9), name


@given(st.lists(match_paths, min_size=1, max_size=4), st.sampled_from(["left", "right"]))
@settings(max_examples=15, deadline=None)
def test_shares_of_the_zones_sum_to_one_and_players_to_their_team(paths, side):
    rows = pl.concat([skater(p[:, 0], p[:, 1], track=i + 1) for i, p in enumerate(paths)])
    found = compute(rows, NHL, {"white": side})
    row = found.teams.row(0, named=True)
    zones = ("offensive_time_share", "neutral_time_share", "defensive_time_share")
    assert sum(row[zone] for zone in zones) == pytest.approx(1)
    for name in ("distance_m", "tracked_s", "bursts_18_20", "distance_offensive_m"):
        assert found.players[name].sum() == pytest.approx(row[name]), name
    assert found.timeline["distance_m"].sum() == pytest.approx(row["distance_m"])
    assert found.players["top_speed_mps"].max() == row["top_speed_mps"]


@given(match_paths)
@settings(max_examples=10, deadline=None)
def test_attacking_the_other_way_exchanges_offence_and_defence(path):
    right, left = (compute(skater(path[:, 0]), NHL, {"white": side}).teams for side in ("right", "left"))
    assert one(right, "offensive_time_share") == pytest.approx(one(left, "defensive_time_share"))


def test_the_order_of_rows_does_not_matter():
    rows = pl.concat(
        [skater(at_speeds((3, 2)), track=1), skater(at_speeds((8.5, 2)), track=2), keeper(-26, "white", 3)]
    )
    a, b = compute(rows, NHL), compute(rows.sample(fraction=1.0, shuffle=True, seed=1), NHL)
    for one_, other in ((a.teams, b.teams), (a.players, b.players), (a.timeline, b.timeline)):
        assert one_.equals(other)
