"""The rink's geometry, against the rule books."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.errors import BadInput
from tracker import rink_drawing
from tracker.rink import RED, Rink

RINKS = ["nhl", "iihf", "inline", "56x26", "30x15", "inline-40x20"]


def test_nhl_is_200_by_85_feet_with_blue_lines_50_feet_apart_inside():
    rink = Rink.named("nhl")
    assert rink.length_m / 0.3048 == pytest.approx(200)
    assert rink.width_m / 0.3048 == pytest.approx(85, abs=0.01)
    assert rink.goal_line_x / 0.3048 == pytest.approx(89)  # 100 - 11
    assert rink.blue_line_x is not None
    assert (rink.blue_line_x - rink.thick_line_m / 2) / 0.3048 == pytest.approx(25, abs=0.02)
    assert rink.end_spot[0] / 0.3048 == pytest.approx(69)  # 100 - 11 - 20
    assert rink.end_spot[1] * 2 / 0.3048 == pytest.approx(44)


def test_iihf_is_60_by_30_metres_with_the_middle_of_the_blue_lines_22_86_from_the_boards():
    rink = Rink.named("IIHF")
    assert (rink.length_m, rink.width_m, rink.corner_radius_m) == (60, 30, 8.5)
    assert rink.goal_line_x == 26  # 30 - 4
    assert rink.blue_line_x == pytest.approx(30 - 22.86)
    assert rink.end_spot == pytest.approx((20, 7))  # 26 - 6
    assert rink.neutral_spot == pytest.approx((7.14 - 1.5, 7))


def test_an_inline_rink_has_thirds_instead_of_blue_lines():
    rink = Rink.named("inline-30x15")
    assert rink.zone_x == 5  # 30 / 6 on each side of the middle
    assert not any("blue line" in line.name for line in rink.lines())


def test_a_short_ice_rink_scales_its_blue_lines():
    rink = Rink.sized(57, 28)
    assert rink.blue_line_x == pytest.approx(57 / 2 - 57 * 22.86 / 60)


@pytest.mark.parametrize("name", RINKS)
def test_nothing_is_painted_outside_the_boards(name):
    rink = Rink.named(name)
    for line in rink.lines():
        assert rink.contains(line.points, 1e-9).all(), line.name
    for area in rink.areas():
        assert rink.contains(area.points, 1e-9).all(), area.name


@pytest.mark.parametrize("name", RINKS)
def test_both_halves_mirror_each_other(name):
    rink = Rink.named(name)
    lines = {line.name: line.points for line in rink.lines()}
    for left in [key for key in lines if key.startswith("left ")]:
        mirrored = lines[left] * (-1, 1)
        other = lines["right " + left.removeprefix("left ")]
        if "mark" in left or "circle" in left:  # numbered within their circle
            continue
        assert mirrored == pytest.approx(other), left


def test_names_of_lines_are_unique():
    names = [line.name for line in Rink.named("nhl").lines()]
    assert len(names) == len(set(names))


def test_rounded_corners_belong_to_the_stand():
    rink = Rink.named("iihf")
    xy = np.array([(29.9, 0), (0, 14.9), (29.5, 14.5), (29.9, 14.9), (30.5, 0), (np.nan, 0)])
    assert rink.contains(xy).tolist() == [True, True, False, False, False, False]
    assert rink.contains(xy, 1.0)[4]
    # The corner's centre is (21.5, 6.5); its arc meets the diagonal 8.5/sqrt(2) = 6.010 further on both axes.
    assert rink.contains(np.array([(21.5 + 6.0, 6.5 + 6.0), (21.5 + 6.02, 6.5 + 6.02)])).tolist() == [True, False]


def test_goal_lines_end_at_the_rounded_boards():
    rink = Rink.named("nhl")
    line = next(line for line in rink.lines() if line.name == "right goal line")
    ends = np.array([line.points[0], line.points[-1]])
    assert rink.contains(ends, 1e-9).all()
    assert not rink.contains(ends * (1, 1.01)).any()


@given(st.floats(-40, 40), st.floats(-20, 20))
@settings(max_examples=60, deadline=None)
def test_contains_is_symmetric(x, y):
    rink = Rink.named("nhl")
    inside = rink.contains(np.array([(x, y), (-x, y), (x, -y), (-x, -y)]))
    assert len(set(inside.tolist())) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("olympic", "expected nhl, iihf, inline"),
        ("0x0", "length 0 m"),
        ("60", "expected nhl"),
        ("30x60", "width 60 m"),
        ("20x30", "the length comes first"),
        ("nanx20", "numbers of metres"),
        ("1000x30", "15 to 80"),
    ],
)
def test_a_rink_that_cannot_be_is_bad_input(name, words):
    with pytest.raises(BadInput, match=words):
        Rink.named(name)


def test_the_drawing_shows_the_lines_where_they_are():
    rink = Rink.named("nhl")
    picture = rink_drawing.draw(rink, 10)
    assert picture.shape == (279, 630, 3)  # (25.91 + 2) * 10, (60.96 + 2) * 10
    (u, v), (spot_u, spot_v) = rink_drawing.to_pixels(rink, np.array([(0.0, -3.0), rink.end_spot]), 10)
    assert np.abs(picture[int(v), int(u)].astype(int) - RED).max() < 10
    assert np.abs(picture[int(spot_v), int(spot_u)].astype(int) - RED).max() < 40
    assert picture[int(v), int(u) + 20].min() > 230  # ice


def test_the_far_side_is_up():
    rink = Rink.named("iihf")
    near, far = rink_drawing.to_pixels(rink, np.array([(0.0, -5.0), (0.0, 5.0)]), 10)
    assert far[1] < near[1]
