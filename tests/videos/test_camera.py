"""The camera's homography, its projection and its views of one panorama say the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.rink import Rink
from videos.camera import Camera, focal_for, look_at
from videos.viewpoint import panorama, still

SIZE = (1280, 720)


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(-18, 18), y=st.floats(-9, 9), height=st.floats(4, 18), away=st.floats(4, 25), fov=st.floats(15, 90),
    aim=st.floats(-10, 10),
)  # fmt: skip
def test_the_homography_is_the_projection_of_the_ice(
    x: float, y: float, height: float, away: float, fov: float, aim: float
) -> None:
    camera = look_at((0, -9 - away, height), (aim, 0, 0), focal_for(fov, SIZE[0]), SIZE)
    (pixel,), depth = camera.project(np.array([[x, y, 0.0]]))
    if depth[0] < 1:
        return
    u, v, w = camera.homography @ (x, y, 1.0)
    assert (u / w, v / w) == pytest.approx(tuple(pixel), rel=1e-6, abs=1e-4)
    assert camera.on_ice(*pixel) == pytest.approx((x, y), abs=1e-4)


def test_two_views_from_one_place_are_related_by_a_homography() -> None:
    place = (0.0, -22.0, 13.0)
    one = look_at(place, (0, 0, 0), 900, SIZE)
    other = look_at(place, (5, 2, 0), 1400, (640, 360))
    points = np.array([[1.0, 2.0, 0.0], [4.0, -3.0, 1.8], [9.0, 5.0, 0.3]])
    for a, b in zip(one.project(points)[0], other.project(points)[0], strict=True):
        mapped = other.warp_from(one) @ (*a, 1.0)
        assert tuple(mapped[:2] / mapped[2]) == pytest.approx(tuple(b), abs=1e-6)


@pytest.mark.parametrize("name", ["36x18", "nhl", "iihf", "inline-30x15"])
def test_the_still_view_shows_both_goals_and_the_near_boards(name: str) -> None:
    rink = Rink.named(name)
    camera = still(rink, SIZE)
    marks = np.array(
        [(s * rink.goal_line_x, y, 0.0) for s in (-1, 1) for y in (-0.9, 0.9)] + [(0, -rink.width_m / 2, 0)]
    )
    pixels, _ = camera.project(marks)
    assert ((pixels >= 0) & (pixels <= SIZE)).all()


def test_the_panorama_holds_the_whole_rink() -> None:
    rink = Rink.named("iihf")
    camera: Camera = panorama(rink, SIZE)
    pixels, depth = camera.project(np.column_stack([rink.boards(), np.zeros(len(rink.boards()))]))
    assert (depth > 1).all()
    assert ((pixels >= 0) & (pixels <= camera.size)).all()
