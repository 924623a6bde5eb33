"""Metres estimated from people's heights, against cameras whose place is known; and how the camera moves."""

import math
from itertools import pairwise

import numpy as np
import pytest

from tests.tracker.paths import hockey_path, tracks
from tracker.camera_motion import CameraPath, Similarity
from tracker.positions import feet, positions
from tracker.scale import SKATER_M, estimate, head_row
from tracker.statistics import compute
from videos.camera import Camera, focal_for, look_at

SIZE = (1280, 720)
PATHS = [hockey_path(np.random.default_rng(seed), 20) for seed in range(10)]


def seen(cameras: list[Camera], rng: np.random.Generator, jitter: float = 0.0):
    """Tracks of `PATHS` as the cameras (one a frame) see them, people of 1.72 ± 0.09 m, and the true distance."""
    boxes, frames, real = [], [], 0.0
    for path in PATHS:
        tall = SKATER_M * rng.normal(1, 0.04)
        own_boxes, own_frames = [], []
        for index, (x, y) in enumerate(path[: len(cameras)]):
            points = np.array([(x, y, 0.0), (x, y, tall * rng.normal(1, 0.03))])
            (foot, head), depth = cameras[index].project(points)
            height = foot[1] - head[1]
            foot = foot + rng.normal(0, jitter * height, 2)
            if depth.min() > 1 and 30 < foot[0] < SIZE[0] - 30 and head[1] > 5 and foot[1] < SIZE[1] - 5:
                own_boxes.append((foot[0] - 0.22 * height, foot[1] - height, foot[0] + 0.22 * height, foot[1]))
                own_frames.append(index)
        boxes.append(np.array(own_boxes).reshape(-1, 4))
        frames.append(np.array(own_frames, np.int64))
        steps = np.linalg.norm(np.diff(path[own_frames], axis=0), axis=1)
        real += float(steps[np.diff(own_frames) <= 30].sum())
    return tracks(boxes, frames), real


def test_the_head_is_where_a_pinhole_camera_sees_it():
    camera = look_at((0, -25, 9), (0, 0, 0), 900.0, SIZE)
    # The nearer skate on the ice, and the head 1.6 m over the ice and 0.2 m further away.
    people = np.array([(x, y + d, z) for x, y in ((0, -10), (5, 0), (-8, 10)) for d, z in ((0, 0), (0.2, SKATER_M))])
    rows = camera.project(people)[0][:, 1]
    horizon = 360 - 900 * 9 / 25  # tan of the tilt is 9 / 25
    assert head_row(rows[::2], horizon, 9.0, 900.0, 360.0) == pytest.approx(rows[1::2], abs=1e-6)


@pytest.mark.parametrize(
    ("place", "target", "view"),
    [
        ((0, -28, 9), (0, 0, 0), 80),
        ((0, -24, 7), (0, 2, 0), 95),
        ((-10, -26, 12), (0, 0, 0), 75),
        ((5, -22, 4), (0, 0, 0), 90),
        ((0, -28, 9), (-14, 0, 0), 45),
    ],
)
def test_team_distance_is_within_a_quarter_of_the_truth(place, target, view):
    camera = look_at(place, target, focal_for(view, SIZE[0]), SIZE)
    people, real = seen([camera] * len(PATHS[0]), np.random.default_rng(1), jitter=0.03)
    scale = estimate(people, SIZE)
    assert scale is not None
    found = compute(positions(people, {}, scale, frame_size=SIZE), None, metres="estimated").players
    assert found["distance_m"].sum() == pytest.approx(real, rel=0.25)
    assert scale.camera_height_m == pytest.approx(place[2], rel=0.25)


def test_a_panning_camera_is_compensated():
    count = len(PATHS[0])
    focal = focal_for(60, SIZE[0])
    aims = 8 * np.sin(np.arange(count) / 90)
    cameras = [look_at((0, -28, 9), (float(aim), 0, 0), focal, SIZE) for aim in aims]
    motions = [Similarity()]
    for before, after in pairwise(cameras):
        # Where the background of the middle of the picture goes from one frame to the next.
        middle = after.warp_from(before) @ (640, 360, 1)
        du, dv = middle[:2] / middle[2] - (640, 360)
        motions.append(Similarity(float(du), float(dv), 1.0))
    people, real = seen(cameras, np.random.default_rng(2))
    scale = estimate(people, SIZE, CameraPath.of(range(count), motions))
    uncompensated = estimate(people, SIZE)
    assert scale is not None
    assert uncompensated is not None
    tables = [positions(people, {}, ground, frame_size=SIZE) for ground in (scale, uncompensated)]
    metres = [compute(table, None).players["distance_m"].sum() for table in tables]
    assert metres[0] == pytest.approx(real, rel=0.2)
    assert abs(metres[1] - real) > 1.5 * abs(metres[0] - real)


def test_everybody_in_one_row_is_no_reason_to_fail():
    rng = np.random.default_rng(0)
    boxes = np.column_stack([x := rng.uniform(100, 1100, 300), y := rng.normal(340, 2, 300), x + 25, y + 60])
    scale = estimate(tracks([boxes], [np.arange(300)]), SIZE)
    assert scale is not None
    # 60 pixels are 1.72 m there: a step of 60 pixels to the side is about 1.72 m.
    a, b = scale.to_rink(np.array([(600.0, 400.0), (660.0, 400.0)]))
    assert math.dist(a, b) == pytest.approx(SKATER_M, rel=0.15)


def test_too_few_people_give_no_estimate():
    boxes = np.tile([[100, 100, 130, 170]], (20, 1))
    assert estimate(tracks([boxes], [np.arange(20)]), SIZE) is None


def test_places_above_the_horizon_are_not_known():
    camera = look_at((0, -28, 9), (0, 0, 0), 900.0, SIZE)
    people, _ = seen([camera] * 300, np.random.default_rng(1))
    scale = estimate(people, SIZE)
    assert scale is not None
    assert scale.metres == "estimated"
    assert np.isnan(scale.to_rink(np.array([(640.0, scale.horizon_v - 20)]))).all()
    middle = np.nanmedian(scale.to_rink(feet(people.xyxy)), axis=0)
    assert middle == pytest.approx([0, 0], abs=1.0)


def test_unknown_frames_move_as_their_neighbours_do():
    path = CameraPath.of([0, 2, 4], [Similarity(), Similarity(9, 9, 9, known=False), Similarity(6, 2, 1)])
    assert path.shift[1] == pytest.approx([3, 1])  # half way between 0, 0 and 6, 2
    assert path.shift[2] == pytest.approx([9, 3])
    assert path.shift[path.index(np.array([-1, 3, 4, 99])), 0] == pytest.approx([0, 3, 9, 9])
