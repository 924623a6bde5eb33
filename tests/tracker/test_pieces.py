"""A long table in pieces: nothing is lost, nothing counts twice, and it does not matter where it is cut."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from polars.testing import assert_frame_equal

from tracker import pieces
from tracker.association.tracks import Tracks
from tracker.rink import NHL
from tracker.spool import Spool
from tracker.statistics import compute
from tracker.table_spool import TableSpool
from tracker.track_table import TrackTable, with_speeds

RNG = np.random.default_rng(5)
TRACKS, FRAMES = 12, 6000  # 72,000 rows: more than a piece


def long_match() -> pl.DataFrame:
    """12 people who wander about for 200 seconds, sorted by frame and track."""
    steps = RNG.normal(0, 0.08, (FRAMES, TRACKS, 2)).cumsum(axis=0) * 0.3
    places = np.clip(steps + RNG.uniform(-8, 8, (TRACKS, 2)), -12, 12)
    frame = np.repeat(np.arange(FRAMES), TRACKS)
    track = np.tile(np.arange(1, TRACKS + 1), FRAMES)
    return pl.DataFrame({
        "frame": frame, "time_s": frame / 30, "track_id": track,
        "team": np.where(track % 2 == 0, "white", "yellow"),
        "role": np.where(track <= 2, "goalkeeper", "player"),
        "x_m": places[..., 0].ravel(), "y_m": places[..., 1].ravel(), "observed": np.ones(len(frame), bool),
        "at_border": np.zeros(len(frame), bool),
    })  # fmt: skip


MATCH = long_match()


@given(arrays(np.int64, st.integers(0, 60), elements=st.integers(1, 6)), st.integers(1, 40), st.randoms())
def test_pieces_by_track_hold_whole_tracks_in_order_and_every_row_once(track_id, most, random):
    time_s = np.arange(len(track_id), dtype=float)
    random.shuffle(time_s)
    found = list(pieces.by_track(track_id, time_s, most))
    assert sorted(np.concatenate([[], *found])) == list(range(len(track_id)))
    held = [set(track_id[rows].tolist()) for rows in found]
    assert sum(map(len, held)) == len(set(track_id.tolist())), "no track lies in two pieces"
    long = {track for track in track_id.tolist() if (track_id == track).sum() >= most}
    assert all(len(tracks) == 1 for tracks in held if tracks & long), "a long track is a piece of its own"
    for rows in found:
        assert (np.diff(np.lexsort((time_s[rows], track_id[rows]))) == 1).all()


@given(arrays(np.int64, st.integers(0, 60), elements=st.integers(0, 9)), st.integers(1, 40))
def test_pieces_by_frame_hold_whole_frames_and_every_row_once(frame, most):
    frame = np.sort(frame)
    found = list(pieces.by_frame(frame, most))
    assert [row for part in found for row in range(part.start, part.stop)] == list(range(len(frame)))
    assert sum(len(set(frame[part].tolist())) for part in found) == len(set(frame.tolist()))


@given(arrays(np.int32, st.integers(0, 60), elements=st.integers(-9, 9)), st.integers(0, 60), st.integers(1, 40))
def test_rows_are_numbered_sliced_and_seen_with_what_is_around_them(values, first, most):
    distinct, which = pieces.numbered(values)
    assert distinct.tolist() == sorted(set(values.tolist()))
    assert distinct[which].tolist() == values.tolist()
    rows = np.arange(len(values))
    parts = list(pieces.slices(len(values), most))
    assert [row for part in parts for row in rows[part].tolist()] == rows.tolist()
    assert all(len(rows[part]) <= most for part in parts)
    time_s = np.sort(values).astype(float)
    for part in parts:
        near = (time_s >= time_s[part][0] - first / 9) & (time_s <= time_s[part][-1] + first / 9)
        assert rows[pieces.widened(part, time_s, first / 9)].tolist() == np.flatnonzero(near).tolist()


@given(st.lists(arrays(np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=st.floats(0, 9, width=32))))
def test_a_spool_gives_back_what_it_was_given(parts):
    spool = Spool(np.dtype((np.float32, 3)))
    for number, part in enumerate(parts):
        spool.extend(part)
        if number % 2:
            spool.read()  # reading in between disturbs nothing
    assert len(spool) == sum(map(len, parts))
    assert spool.read().tolist() == [row for part in parts for row in part.tolist()]


def test_a_match_longer_than_a_piece_is_the_sum_of_its_players():
    found = compute(MATCH, NHL)
    for team in ("white", "yellow"):
        players = found.players.filter(pl.col("team") == team)
        whole = found.teams.row(by_predicate=pl.col("team") == team, named=True)
        assert whole["tracks"] == players.height == TRACKS // 2
        assert np.isclose(whole["distance_m"], players["distance_m"].sum())
        assert np.isclose(whole["tracked_s"], players["tracked_s"].sum())
        assert whole["top_speed_mps"] == players["top_speed_mps"].max()
        assert whole["skaters_median"] == TRACKS // 2 - 1, "all but the goalkeeper"
        seconds = found.timeline.filter(pl.col("team") == team)
        assert np.isclose(whole["distance_m"], seconds["distance_m"].sum())


def test_the_statistics_of_a_player_do_not_depend_on_who_else_is_in_the_table():
    everybody = compute(MATCH, NHL, {"white": "left"}).players
    for track in (1, 7, 12):
        alone = compute(MATCH.filter(pl.col("track_id") == track), NHL, {MATCH["team"][track - 1]: "left"}).players
        columns = ["distance_m", "tracked_s", "mean_speed_mps", "top_speed_mps", "frames"]
        assert_frame_equal(everybody.filter(pl.col("track_id") == track).select(columns), alone.select(columns))


def test_rows_in_any_order_give_the_same_tables():
    shuffled = MATCH.sample(fraction=1.0, shuffle=True, seed=3)
    one, other = compute(MATCH, NHL), compute(shuffled, NHL)
    for name in ("teams", "players", "timeline", "bursts"):
        assert_frame_equal(getattr(one, name), getattr(other, name))


def test_speeds_beside_the_boxes_do_not_depend_on_where_the_table_is_cut():
    count = MATCH.height
    tracks = Tracks(
        frame=MATCH["frame"].to_numpy(), time_s=MATCH["time_s"].to_numpy(), track_id=MATCH["track_id"].to_numpy(),
        xyxy=np.tile(np.float32([10, 20, 30, 80]), (count, 1)), confidence=np.ones(count, np.float32),
        class_id=np.zeros(count, np.int16), observed=np.ones(count, bool), pieces=(),
    )  # fmt: skip
    table = TrackTable(tracks, MATCH, {})
    parts = list(table.with_speeds())
    assert len(parts) > 1
    assert_frame_equal(pl.concat(parts), with_speeds(pl.concat(list(table))))


def test_a_table_on_disk_is_gone_through_as_often_as_wanted():
    parts = [MATCH[:100], MATCH[100:101], MATCH[101:101], MATCH[101:5000]]
    kept = TableSpool(iter(parts))
    assert_frame_equal(pl.concat(kept), MATCH[:5000])
    assert [part.height for part in kept] == [100, 1, 0, 4899]
