"""From boxes to smoothed places: against paths that are known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracker.paths import FPS, hockey_path, tracks
from tracker import pieces
from tracker.calibration import Calibration, PointPair, from_points
from tracker.homography import apply
from tracker.movement import steps
from tracker.positions import NEARER_SKATE_M, feet, positions
from tracker.rink import Rink
from tracker.roles import roles
from tracker.smoothing import breaks, smooth
from tracker.statistics import compute
from tracker.tables import POSITIONS

NHL = Rink.named("nhl")
SIZE = (1280, 720)
MATCH = [hockey_path(np.random.default_rng(seed)) for seed in range(12)]
VIEW = np.array([[18.0, 3.0, 640.0], [0.0, -6.0, 400.0], [0.0, 0.012, 1.0]])


def calibrated() -> Calibration:
    places = [(-20.0, 8.0), (20.0, 8.0), (-15.0, -8.0), (15.0, -8.0), (0.0, 0.0)]
    pairs = [PointPair(image=tuple(apply(VIEW, np.array([p]))[0].tolist()), rink=p) for p in places]
    return from_points(NHL, pairs, SIZE)


def leaning(path: np.ndarray) -> np.ndarray:
    """Metres `(N, 2)` by which the middle of a body is ahead of its skates: 0.05 s² of its acceleration, to 5 m/s²."""
    acceleration = np.gradient(np.gradient(path, 1 / FPS, axis=0), 1 / FPS, axis=0)
    return 0.05 * acceleration.clip(-5, 5)


def boxes_at(path: np.ndarray, noise: np.ndarray | float = 0.0, height_px: float = 60.0) -> np.ndarray:
    """Boxes `(N, 4)` of somebody who skates on `path`, leaning into every turn, his nearer skate before it, moved by
    `noise` `(N, 2)` pixels."""
    pixels = apply(VIEW, path)
    away = apply(np.linalg.inv(VIEW), pixels - (0, 1)) - path
    foot = apply(VIEW, path - NEARER_SKATE_M * away / np.linalg.norm(away, axis=1, keepdims=True)) + noise
    foot[:, 0] += (apply(VIEW, path + leaning(path)) - pixels)[:, 0]
    half = height_px * 0.22
    return np.column_stack([foot[:, 0] - half, foot[:, 1] - height_px, foot[:, 0] + half, foot[:, 1]])


def length(path: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())


def test_feet_are_the_middle_of_the_lower_edge():
    assert feet(np.array([[10, 20, 30, 80]], np.float32)).tolist() == [[20, 80]]


def test_clean_boxes_give_the_path_back():
    path = hockey_path(np.random.default_rng(3), 20)
    found = positions(tracks([boxes_at(path)], [np.arange(len(path))]), {1: "white"}, calibrated(), frame_size=SIZE)
    assert POSITIONS.fit(found).schema == POSITIONS.schema
    assert found.columns == POSITIONS.names
    off = np.linalg.norm(found.select("x_m", "y_m").to_numpy() - path, axis=1)
    assert np.median(off) < 0.05
    assert off.max() < 0.5  # where the skater turns as hard as anyone can


@pytest.mark.parametrize("noise", [0.02, 0.03, 0.05])
def test_jittered_boxes_give_distance_within_3_percent_and_top_speed_within_5(noise):
    """Noise of 3 % of the box's height is what a detector has; averages over 12 skaters of 40 s."""
    rng = np.random.default_rng(7)
    paths = MATCH
    boxes = [boxes_at(path, rng.normal(0, noise * 60, path.shape)) for path in paths]
    table = positions(
        tracks(boxes, [np.arange(len(path)) for path in paths]), dict.fromkeys(range(1, 13), "white"), calibrated(),
        frame_size=SIZE,
    )  # fmt: skip
    found = compute(table, None).players
    real = np.array([length(path) for path in paths])
    top = np.array([np.linalg.norm(np.diff(path, axis=0), axis=1).max() * FPS for path in paths])
    assert found["distance_m"].sum() == pytest.approx(real.sum(), rel=0.03)
    assert found["top_speed_mps"].mean() == pytest.approx(top.mean(), rel=0.05)
    raw = [apply(np.linalg.inv(VIEW), feet(box)) for box in boxes]
    assert sum(map(length, raw)) > 1.5 * real.sum()  # what it would be without smoothing


def test_a_rush_is_as_fast_as_it_was_although_the_body_leans():
    """From 4 to 8 m/s and back in 2.6 s: when fastest, the lean turns from ahead to behind, by 0.05 s² · 11.7 m/s³."""
    time = np.arange(200) / FPS
    speed = 4 + 4 * np.sin(np.pi * (time - 2).clip(0, 2.6) / 2.6) ** 2
    path = np.column_stack([np.cumsum(speed) / FPS - 17, np.zeros(200)])
    table = positions(tracks([boxes_at(path)], [np.arange(200)]), {1: "white"}, calibrated(), frame_size=SIZE)
    assert steps(table)["speed_mps"].max() == pytest.approx(8, abs=0.3)
    middles = np.diff((path + leaning(path))[:, 0]) * FPS
    assert middles.max() < 8 - 0.4  # what the middles of the boxes do


def test_a_long_track_is_smoothed_in_parts_as_if_it_were_one():
    """Whoever is followed for a quarter of an hour has the places that the last minutes alone give them."""
    rng = np.random.default_rng(11)
    path = np.concatenate([hockey_path(np.random.default_rng(seed), 100) for seed in range(8)])
    boxes = boxes_at(path, rng.normal(0, 1.8, path.shape))
    frame, late = np.arange(len(path)), len(path) - 14_000
    assert late < pieces.ROWS < len(path) < 2 * pieces.ROWS, "cut where the last minutes alone are not"
    whole, end = (
        positions(tracks([boxes[first:]], [frame[first:]]), {1: "white"}, calibrated(), frame_size=SIZE)
        for first in (0, late)
    )
    apart = int(30 * FPS)
    places = [table.select("x_m", "y_m").to_numpy() for table in (whole[late + apart :], end[apart:])]
    assert np.nanmax(np.abs(places[0] - places[1])) < 1e-6
    assert np.isnan(places[0]).sum() == np.isnan(places[1]).sum()


def test_somebody_who_stands_still_goes_nowhere():
    rng = np.random.default_rng(1)
    path = np.tile([[5.0, -3.0]], (900, 1))
    boxes = boxes_at(path, rng.normal(0, 1.8, path.shape))
    table = positions(tracks([boxes], [np.arange(900)]), {}, calibrated(), frame_size=SIZE)
    # 30 s, noise of 3 % of the height: under 0.15 m/s of it is left.
    assert compute(table, None).players["distance_m"][0] < 30 * 0.15


def test_an_identity_that_jumps_is_cut_and_not_smeared():
    here, there = np.tile([[-10.0, 0.0]], (60, 1)), np.tile([[10.0, 2.0]], (60, 1))
    boxes = np.concatenate([boxes_at(here), boxes_at(there)])
    table = positions(tracks([boxes], [np.arange(120)]), {1: "white"}, calibrated(), frame_size=SIZE)
    found = compute(table, None)
    assert found.players["distance_m"][0] < 0.1
    assert found.dropped == 1


def test_one_bad_box_neither_cuts_nor_bends_the_path():
    path = np.column_stack([np.linspace(-10, 10, 120), np.zeros(120)])
    noise = np.zeros((120, 2))
    noise[60] = (0, 40)
    table = positions(tracks([boxes_at(path, noise)], [np.arange(120)]), {1: "white"}, calibrated(), frame_size=SIZE)
    assert steps(table)["error"].sum() == 0
    off = np.linalg.norm(table.select("x_m", "y_m").to_numpy() - path, axis=1)
    assert off.max() < 0.25


def test_places_are_cut_at_long_gaps():
    boxes = np.concatenate([boxes_at(np.tile([[x, 0.0]], (40, 1))) for x in (0.0, 9.0)])
    frames = np.concatenate([np.arange(40), 200 + np.arange(40)])
    table = positions(tracks([boxes], [frames]), {1: "white"}, calibrated(), frame_size=SIZE)
    assert table["x_m"].to_numpy()[:40] == pytest.approx(0, abs=0.01)
    assert table["x_m"].to_numpy()[40:] == pytest.approx(9, abs=0.01)


def test_without_ground_there_are_rows_but_no_places():
    table = positions(tracks([boxes_at(np.zeros((5, 2)))], [np.arange(5)]), {1: "white"}, None, frame_size=SIZE)
    assert table.height == 5
    assert table["x_m"].null_count() == 5


def test_no_tracks_give_an_empty_table():
    empty = tracks([np.zeros((0, 4))], [np.zeros(0, np.int64)])
    assert positions(empty, {}, calibrated(), frame_size=SIZE).equals(POSITIONS.empty())


def test_boxes_above_the_horizon_have_no_place():
    boxes = np.tile([[600, -800, 640, -700]], (30, 1)).astype(float)
    table = positions(tracks([boxes], [np.arange(30)]), {}, calibrated(), frame_size=SIZE)
    assert table["x_m"].null_count() == 30


@pytest.mark.filterwarnings("error")  # which would stand in the user's terminal
def test_a_box_that_is_over_the_horizon_for_a_moment_is_filled_in():
    boxes = np.tile([[600, 0, 640, 100]], (60, 1)).astype(float)
    boxes[25:30, 1::2] -= 800
    table = positions(tracks([boxes], [np.arange(60)]), {}, calibrated(), frame_size=SIZE)
    assert table["x_m"].null_count() == 0
    assert np.ptp(table["y_m"].to_numpy()) < 1


def test_roles_follow_the_classifier_where_it_has_spoken():
    seen = tracks([np.zeros((4, 4))] * 5, [np.arange(4)] * 5)
    seen.class_id = np.array([0, 0, 0, 1, 1, 1, 1, 0, 2, 2, 2, 2, 2, 2, 2, 0, 1, 1, 1, 1])
    found = roles(seen, {1: "white", 2: "white", 3: "white", 5: "referee"})
    assert found == {1: "player", 2: "goalkeeper", 3: "player", 4: "referee", 5: "referee"}


def test_a_team_has_one_goalkeeper_at_a_time():
    """All are called goalkeeper: 1 in most frames, 2 beside 1, 3 after 1, 4 of the other team, 5 of no team."""
    frames = [np.arange(90), np.arange(60, 80), np.arange(85, 120), np.arange(50), np.arange(20)]
    seen = tracks([np.zeros((len(each), 4)) for each in frames], frames)
    seen.class_id = np.ones(len(seen.frame), np.int64)
    found = roles(seen, {1: "white", 2: "white", 3: "white", 4: "yellow"})
    assert found == {1: "goalkeeper", 2: "player", 3: "goalkeeper", 4: "goalkeeper", 5: "goalkeeper"}


def test_the_smoother_follows_unequal_time_steps():
    rng = np.random.default_rng(0)
    time = np.cumsum(rng.uniform(0.01, 0.08, 300))
    path = np.column_stack([4 * time, -2 * time])
    smoothed = smooth(time, path + rng.normal(0, 0.2, path.shape), np.full(path.shape, 0.2), density=1.2)
    assert np.abs(smoothed - path).max() < 0.25
    assert length(smoothed) == pytest.approx(length(path), rel=0.01)


def test_the_smoother_fills_in_what_was_not_seen():
    time = np.arange(60) / 30
    path = np.column_stack([3 * time, np.zeros(60)])
    seen = path.copy()
    seen[20:40] = np.nan
    assert smooth(time, seen, np.full(path.shape, 0.1), density=1.2) == pytest.approx(path, abs=1e-6)


@given(st.floats(-100, 100), st.floats(-100, 100), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_short_tracks_are_smoothed_too(x, y, count):
    path = np.tile([[x, y]], (count, 1))
    assert smooth(np.arange(count) / 30, path, np.full(path.shape, 0.3), density=1.2) == pytest.approx(path, abs=1e-6)


def test_smoothing_equals_the_rauch_tung_striebel_smoother():
    """The banded system against the textbook's recursions, with the discrete velocity noise that both share."""
    rng = np.random.default_rng(5)
    count, dt, q, sigma = 80, 1 / 30, 1.0, 0.2
    z = np.cumsum(rng.normal(0, 0.1, count)) + rng.normal(0, 0.05, count)
    # State (place, velocity of the next step); velocity changes by N(0, q dt) at each place.
    transition, noise = np.array([[1, dt], [0, 1]]), np.array([[0, 0], [0, q * dt]])
    mean, cov = np.array([z[0], 0.0]), np.diag([1e8, 1e8])
    filtered, predicted = [], []
    for index in range(count):
        if index:
            mean, cov = transition @ mean, transition @ cov @ transition.T + noise
        predicted.append((mean, cov))
        gain = cov[:, 0] / (cov[0, 0] + sigma**2)
        mean, cov = mean + gain * (z[index] - mean[0]), cov - np.outer(gain, cov[0])
        filtered.append((mean, cov))
    smoothed = [filtered[-1][0]]
    for index in range(count - 2, -1, -1):
        mean, cov = filtered[index]
        gain = cov @ transition.T @ np.linalg.inv(predicted[index + 1][1])
        smoothed.append(mean + gain @ (smoothed[-1] - predicted[index + 1][0]))
    expected = np.array(smoothed[::-1])[:, 0]
    # Residuals stay under 2 sigma here, so that Huber's function changes nothing.
    assert np.abs(expected - z).max() < 2 * sigma
    ours = smooth(np.arange(count) * dt, np.column_stack([z, z]), np.full((count, 2), sigma), density=q)
    assert ours[:, 0] == pytest.approx(expected, abs=1e-4)


def test_breaks_are_found_at_jumps_only():
    time = np.arange(90) / 30
    sigma = np.full((90, 2), 0.2)
    path = np.column_stack([np.where(time < 1.5, 9.5 * time, 9.5 * time + 8), np.zeros(90)])
    assert breaks(time, path, sigma, longest_gap_s=1.0, fastest_mps=13.0).tolist() == [45]
    steady = np.column_stack([12.0 * time, np.zeros(90)])
    assert breaks(time, steady, sigma, longest_gap_s=1.0, fastest_mps=13.0).size == 0


def test_rows_are_sorted_by_frame_and_track():
    path = np.zeros((10, 2))
    people = tracks([boxes_at(path), boxes_at(path + 1)], [np.arange(10), np.arange(10)])
    table = positions(people, {}, calibrated(), frame_size=SIZE)
    assert table.equals(table.sort("frame", "track_id"))
    assert table.select(pl.struct("frame", "track_id").is_unique().all()).item()


def test_an_end_of_a_track_that_shoots_off_is_no_place():
    """3 m/s for 4 s; then off in 0.8 s, as a box that slides to somebody else: smoothed it is still 12.8 m/s."""
    speed = np.concatenate([np.full(120, 3.0), np.linspace(3, 25, 24)])
    x = np.cumsum(speed) / FPS - 14
    path = np.column_stack([x, np.zeros(len(x))])
    table = positions(tracks([boxes_at(path)], [np.arange(len(x))]), {}, calibrated(), frame_size=SIZE)
    known = table["x_m"].is_not_null().to_numpy()
    assert known[:120].all(), "what came before stays"
    assert not known[-12:-1].any(), "the last box is a jump away, and a track of its own"
    assert steps(table)["speed_mps"].max() < 9


def test_a_hard_stop_keeps_its_places():
    """8 m/s, then to nothing at 7 m/s², at the very end of a track: skaters can do that."""
    speed = np.concatenate([np.full(60, 8.0), np.maximum(8 - 7 * np.arange(36) / FPS, 0)])
    path = np.column_stack([np.cumsum(speed) / FPS - 12, np.zeros(len(speed))])
    table = positions(tracks([boxes_at(path)], [np.arange(len(speed))]), {}, calibrated(), frame_size=SIZE)
    assert table["x_m"].null_count() == 0
