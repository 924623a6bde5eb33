"""Calibrations: fitted, refused, saved and loaded."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from classifier.errors import BadInput
from tracker import calibration, homography
from tracker.calibration import PointPair, by_frame, from_points, load, painted, read_csv, rink_of, save
from tracker.rink import Rink

NHL = Rink.named("nhl")
SIZE = (1280, 720)
VIEW = np.array([[20.0, 3.0, 640.0], [0.0, -6.0, 400.0], [0.0, 0.012, 1.0]])
"""A camera above the near boards."""
PLACES = [(-7.0, 10.0), (7.0, 10.0), (-7.0, -10.0), (7.0, -10.0), (0.0, 0.0), (20.0, 5.0)]


def pair(place: tuple[float, float], shift: tuple[float, float] = (0.0, 0.0)) -> PointPair:
    (u, v) = homography.apply(VIEW, np.array([place]))[0] + shift
    return PointPair(image=(float(u), float(v)), rink=place)


PAIRS = [pair(place) for place in PLACES]


def moved(index: int, place: tuple[float, float]) -> list[PointPair]:
    return [PointPair(image=p.image, rink=place) if i == index else p for i, p in enumerate(PAIRS)]


def test_exact_points_give_the_view_back():
    fitted = from_points(NHL, PAIRS, SIZE)
    assert fitted.homography / fitted.homography[2, 2] == pytest.approx(VIEW, rel=1e-4, abs=1e-6)
    assert fitted.reprojection_error_m < 1e-4
    assert fitted.metres == "measured"


@given(
    st.lists(st.tuples(st.floats(-30, 30), st.floats(-12.5, 12.5)), min_size=1, max_size=8),
    st.floats(-0.3, 0.3),
    st.floats(5, 40),
    st.floats(-0.004, 0.012),
)
@settings(max_examples=60, deadline=None)
def test_rink_to_image_and_back_is_where_it_was(places, turn, zoom, depth):
    matrix = np.array(
        [
            [zoom * np.cos(turn), -zoom * np.sin(turn), 640.0],
            [-zoom * np.sin(turn) * 0.3, -zoom * np.cos(turn) * 0.3, 400.0],
            [0.0, depth, 1.0],
        ]
    )
    there = homography.apply(matrix, np.array(places))
    assert homography.apply(homography.inverse(matrix), there) == pytest.approx(np.array(places), abs=1e-6)


@given(st.lists(st.floats(-1.5, 1.5), min_size=12, max_size=12))
@settings(max_examples=40, deadline=None)
def test_a_clicking_hand_of_a_pixel_or_two_is_no_contradiction(shifts):
    noisy = [pair(place, (shifts[2 * i], shifts[2 * i + 1])) for i, place in enumerate(PLACES)]
    fitted = from_points(NHL, noisy, SIZE)
    assert 0 <= fitted.reprojection_error_m < 0.5
    inside = homography.apply(VIEW, np.array([(0.0, -5.0)]))
    assert fitted.to_rink(inside) == pytest.approx(np.array([(0.0, -5.0)]), abs=1.0)


def test_above_the_horizon_there_is_no_place():
    fitted = from_points(NHL, PAIRS, SIZE)
    # The horizon is where 1 + 0.012 y grows without bound: v -> -6 / 0.012 = -500.
    assert np.isnan(fitted.to_rink(np.array([(640.0, -600.0)]))).all()
    assert np.isfinite(fitted.to_rink(np.array([(640.0, 300.0)]))).all()


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (PAIRS[:3], "3 calibration points: at least 4"),
        ([], "0 calibration points"),
        ([pair((x, 0.0)) for x in (-20, -7, 3, 9, 20)], "lie on one line"),
        ([pair(place) for place in ((-7, 10), (7, 10), (0, 10), (0, -10))], "points 1, 2 and 3 lie on one line"),
        (moved(4, (3.0, 4.0)), r"point 5 \(image 640, 400; rink 3, 4\) lies 5\.0 m from where"),  # (3, 4) is 5 m off
        ([PointPair(image=p.image, rink=(-p.rink[0], p.rink[1])) for p in PAIRS], "mirrored"),
        ([PointPair(image=a.image, rink=b.rink) for a, b in zip(PAIRS[:4], [PAIRS[i] for i in (1, 0, 2, 3)],
                                                                 strict=True)], "no camera sees them"),
        (moved(4, (0.0, 20.0)), "point 5 at 0, 20 m lies outside the rink of 60.96 x 25.91 m"),
        ([*PAIRS[:5], PointPair(image=(1300, 20), rink=(20, 5))], "point 6 at 1300, 20 px lies outside the 1280x720"),
    ],
)  # fmt: skip
def test_points_that_cannot_be_are_named(pairs, words):
    with pytest.raises(BadInput, match=words):
        from_points(NHL, pairs, SIZE)


@given(st.integers(0, 5), st.floats(4, 9), st.floats(0, 2 * np.pi))
@example(3, 9.0, 2.5)  # without point 2, two others lie above the horizon
@example(2, 5.0, 0.9599310885968813)  # along the diagonal: point 6 may be the wrong one just as well
@settings(max_examples=40, deadline=None)
def test_the_one_wrong_point_is_the_one_that_is_named(index, distance, angle):
    x, y = PLACES[index]
    wrong = (x + distance * np.cos(angle), y + distance * np.sin(angle))
    assume(NHL.contains(np.array([wrong]))[0])
    with pytest.raises(BadInput) as raised:
        from_points(NHL, moved(index, wrong), SIZE)
    if "no camera" not in str(raised.value) and "lie on one line" not in str(raised.value):
        assert f"point {index + 1} " in str(raised.value)


@pytest.mark.parametrize(
    "rink",
    [NHL, Rink.named("30x15"), Rink.named("inline-40x20"), Rink.sized(58, 25.5).painted_at(blue_line_x_m=7.77)],
)
def test_saved_and_loaded_is_the_same(tmp_path, rink):
    pairs = [
        PointPair(image=p.image, rink=(p.rink[0] / 3, p.rink[1] / 3), name='the "left" dot' if i == 0 else "")
        for i, p in enumerate(PAIRS)
    ]
    saved = from_points(rink, pairs, SIZE)
    save(tmp_path / "camera.toml", [saved])
    (loaded,) = load(tmp_path / "camera.toml")
    assert loaded.rink == rink
    assert loaded.points == saved.points
    assert np.array_equal(loaded.homography, saved.homography)
    assert [path.name for path in tmp_path.iterdir()] == ["camera.toml"]


def on_frame(pairs: list[PointPair], frame: int) -> list[PointPair]:
    return [pair.model_copy(update={"frame": frame}) for pair in pairs]


def test_points_of_several_frames_become_one_view_each(tmp_path):
    later = [PointPair(image=(p.image[0] + 7, p.image[1]), rink=p.rink, frame=90) for p in PAIRS]
    views = by_frame(NHL, [*later, *on_frame(PAIRS, 12)], SIZE)
    assert [view.frame for view in views] == [12, 90]
    there = np.array([(3.0, 4.0)])
    assert views[1].to_image(there) - views[0].to_image(there) == pytest.approx(np.array([(7.0, 0.0)]), abs=1e-3)
    save(tmp_path / "shot.toml", views)
    again = load(tmp_path / "shot.toml")
    assert [view.points for view in again] == [view.points for view in views]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([*on_frame(PAIRS, 3), PAIRS[0]], "point 7 names no frame, but others do"),
        ([*on_frame(PAIRS, 3), *on_frame(PAIRS[:3], 50)], "frame 50: 3 calibration points: at least 4"),
        ([*on_frame(PAIRS, 3), *on_frame(moved(4, (3.0, 4.0)), 50)], r"frame 50: .*point 5 .* lies 5\.0 m from where"),
    ],
)
def test_a_frame_whose_points_cannot_be_is_named(pairs, words):
    with pytest.raises(BadInput, match=words):
        by_frame(NHL, pairs, SIZE)


GOOD = 'rink = "nhl"\nframe_size = [1280, 720]\n' + "\n".join(
    f"[[points]]\nimage = [{p.image[0]}, {p.image[1]}]\nrink = [{p.rink[0]}, {p.rink[1]}]" for p in PAIRS
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("frame_size", "frame_sice"), "unknown key 'frame_sice'|frame_size: field required"),
        (GOOD.replace("[[points]]", "[[points]]\ncolour = 1", 1), "unknown key 'points.1.colour'"),
        (GOOD.replace("[[points]]", "[[points]]\nframe = -1", 1), r"points\.1\.frame"),
        (GOOD.replace("[[points]]", "[[points]]\nframe = 1.5", 1), r"points\.1\.frame"),
        (GOOD.replace("[[points]]", "[[points]]\nframe = 4", 1), "point 2 names no frame, but others do"),
        (GOOD.replace('"nhl"', '"olympic"'), "rink 'olympic': expected"),
        (GOOD.replace('"nhl"', "{ length_m = 0, width_m = 0 }"), "length 0 m"),
        (GOOD.replace('"nhl"', "{ length_m = 60, width_m = 26, blue_line_x_m = 40 }"), "must follow each other"),
        (GOOD.replace("image = [", 'image = ["a", ', 1), r"points\.1\.image"),
        (GOOD.replace("[1280, 720]", "[1280, 720"), "not a TOML file"),
        (GOOD.replace("1280, 720", "0, 0"), "frame size 0x0"),
        (GOOD.replace("rink = [-7.0, 10.0]", "rink = [nan, 10.0]"), r"points\.1\.rink"),
        ("", "field required"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_and_where(tmp_path, text, words):
    path = tmp_path / "camera.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=words) as raised:
        load(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_such_file(tmp_path):
    with pytest.raises(BadInput, match="cannot read the calibration"):
        load(tmp_path / "none.toml")


def test_another_video_size_is_refused():
    fitted = from_points(NHL, PAIRS, SIZE)
    fitted.refuse_other_size(SIZE)
    with pytest.raises(BadInput, match="calibrated on 1280x720, but the video is 1920x1080"):
        fitted.refuse_other_size((1920, 1080))


def test_points_from_a_csv(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("u,v,x_m,y_m\n" + "".join(f"{p.image[0]},{p.image[1]},{p.rink[0]},{p.rink[1]}\n" for p in PAIRS))
    assert read_csv(path) == PAIRS
    path.write_text(
        "u,v,x_m,y_m,frame\n" + "".join(f"{p.image[0]},{p.image[1]},{p.rink[0]},{p.rink[1]},31\n" for p in PAIRS)
    )
    assert read_csv(path) == on_frame(PAIRS, 31)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "expected the header u,v,x_m,y_m"),
        ("u,v,x_m,y_m,frame\n1,2,3,4,x\n", "frame as a whole number"),
        ("u,v,x_m,y_m\n1,2,3\n", "line 2"),
        ("", "header"),
    ],
)
def test_a_csv_that_is_none(tmp_path, text, words):
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=words):
        read_csv(path)


def test_the_module_documents_a_file_that_loads(tmp_path):
    """The example in the docstring is real TOML with known keys."""
    assert calibration.__doc__ is not None
    example = "\n".join(line[4:] for line in calibration.__doc__.splitlines() if line.startswith("    "))
    (tmp_path / "camera.toml").write_text(example)
    with pytest.raises(BadInput, match="1 calibration points"):
        load(tmp_path / "camera.toml")


def test_a_finished_run_knows_where_the_lines_are_painted():
    usual, own = Rink.named("58x26"), Rink.named("58x26").painted_at(blue_line_x_m=7.9, goal_line_x_m=25.5)
    for rink in (NHL, usual, own):
        assert rink_of({"rink": rink.name, "painted": painted(rink)}) == rink
    assert painted(usual) == {}
    assert painted(own)["blue_line_x_m"] == 7.9
