"""`cleansheet calibrate` without a page, as a user meets it: a table of points in, a TOML and a picture out."""

import csv
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import ROOT, assert_refused, cleansheet, cleansheet_json
from tracker import calibration, homography
from tracker.assets import asset
from tracker.calibrating import CALIBRATION_PICTURES, frame_at
from tracker.erasable_runs import ErasableRuns
from tracker.landmarks import landmarks, name_of
from tracker.rink import PRESETS, Rink
from tracker.rink_overlay import draw, seen_lines
from tracker.video import probe

MATCH = asset("demo/match.mp4")
RINK = Rink.named("36x18")
TRUE: NDArray[np.float64] = np.load(ROOT / "videos/demo/match.truth/camera.npz")["homography"][0]
PLACES = [(0.0, 9.0), (0.0, 0.0), (-12.0, 4.2), (-4.284, -9.0), (12.0, -4.2), (15.6, 0.915)]
"""Its marks: centre line at the far boards, centre spot, an end spot, a blue line, an end spot, a goal post."""

Row = tuple[float, float, float, float]


def clicked(places: Iterable[tuple[float, float]] = PLACES, noise_px: float = 0.0) -> list[Row]:
    rng = np.random.default_rng(5)
    return [(*(homography.apply(TRUE, np.array([xy]))[0] + rng.normal(0, noise_px, 2)).tolist(), *xy) for xy in places]


def write(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = ("u", "v", "x_m", "y_m")) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_points_become_a_toml_that_puts_the_ice_where_it_is(tmp_path: Path) -> None:
    points = write(tmp_path / "points.csv", clicked(noise_px=1.0))
    said = cleansheet_json(
        "calibrate",
        MATCH,
        "--points",
        points,
        "--rink",
        "36x18",
        "-o",
        tmp_path / "balcony.toml",
        "-w",
        tmp_path / "ws",
    )
    (view,) = calibration.load(tmp_path / "balcony.toml")
    (told,) = said["views"]
    there = np.array([(x, y) for x in (-14, -5, 3, 12) for y in (-8, 0, 8)], np.float64)
    off = np.linalg.norm(view.to_rink(homography.apply(TRUE, there)) - there, axis=1)
    assert off.max() < 0.25
    assert told["frame"] is None
    assert told["rms_cm"] == pytest.approx(100 * view.reprojection_error_m, abs=0.01)
    assert [point["name"] for point in told["points"][:3]] == [
        "centre line, far boards",
        "centre spot",
        "left far end spot",
    ]
    errors = [point["error_cm"] for point in told["points"]]
    assert told["worst"] == errors.index(max(errors)) + 1
    assert tomllib.loads((tmp_path / "balcony.toml").read_text())["frame_size"] == [1280, 720]


def test_people_read_the_errors_in_centimetres_and_which_is_the_worst(tmp_path: Path) -> None:
    rows = clicked([*PLACES, (12.0, 4.2), (-12.0, -4.2), (4.284, 9.0), (4.284, -9.0)])
    rows[1] = (rows[1][0] + 8, *rows[1][1:])
    points = write(tmp_path / "points.csv", rows)
    done = cleansheet("calibrate", MATCH, "--points", points, "--rink", "36x18", "-w", tmp_path / "ws")
    assert done.returncode == 0, done.stderr
    assert "the worst is point 2 (centre spot)" in done.stdout
    assert (tmp_path / "match.toml").exists(), "by default beside the workspace"


def test_four_points_fit_anyhow_and_that_is_said(tmp_path: Path) -> None:
    points = write(tmp_path / "points.csv", clicked(PLACES[:4]))
    done = cleansheet("calibrate", MATCH, "--points", points, "--rink", "36x18", "-w", tmp_path / "ws")
    assert "any four points fit exactly: a fifth one would show" in done.stdout


def test_the_picture_has_the_lines_where_the_paint_is_and_goes_with_any_erasure(tmp_path: Path) -> None:
    points = write(tmp_path / "points.csv", [(*row, 120) for row in clicked()], ("u", "v", "x_m", "y_m", "frame"))
    said = cleansheet_json("calibrate", MATCH, "--points", points, "--rink", "36x18", "-w", tmp_path / "ws")
    picture = tmp_path / "ws" / CALIBRATION_PICTURES / "match-frame-120.jpg"
    assert said["pictures"] == [str(picture)]
    drawn, frame = cv2.imread(str(picture)).astype(int), frame_at(probe(MATCH), 120).image.astype(int)
    changed = np.abs(drawn - frame).max(axis=2) > 60
    for place in ((-4.284, 3.0), (4.284, -2.0), (0.0, -6.0)):  # on both blue lines and the centre line
        u, v = homography.apply(TRUE, np.array([place]))[0].round().astype(int)
        assert changed[v - 2 : v + 3, u - 2 : u + 3].any()
    ErasableRuns().erase(tmp_path / "ws", [], players=(), totals="recompute", redact=False)
    assert not picture.exists()


def test_several_frames_of_a_panning_shot_lie_in_one_file(tmp_path: Path) -> None:
    rows = [(*row, frame) for frame in (30, 600) for row in clicked()]
    points = write(tmp_path / "points.csv", rows, ("u", "v", "x_m", "y_m", "frame"))
    said = cleansheet_json("calibrate", MATCH, "--points", points, "--rink", "36x18", "-w", tmp_path / "ws")
    assert [view["frame"] for view in said["views"]] == [30, 600]
    assert [view.frame for view in calibration.load(tmp_path / "match.toml")] == [30, 600]


def test_a_rink_that_is_not_this_one_is_doubted(tmp_path: Path) -> None:
    points = write(tmp_path / "points.csv", clicked())
    done = cleansheet("calibrate", MATCH, "--points", points, "--rink", "60x30", "-w", tmp_path / "ws")
    assert "5 of 6 points are no mark of a 60x30 rink: is it this one?" in done.stdout


CONTRADICTING = [*clicked()[:5], (*clicked()[5][:2], 12.0, 6.0)]
"""The last point is a goal post, and is said to be 6.2 m from there: (15.6 - 12)² + (6 - 0.915)² = 6.23²."""


@pytest.mark.parametrize(
    ("rows", "rink", "words"),
    [
        (clicked()[:3], "36x18", ["points.csv", "3 calibration points: at least 4"]),
        (clicked([(x, 0.0) for x in (-15, -3, 2, 8, 14)]), "36x18", ["lie on one line"]),
        (CONTRADICTING, "36x18", ["contradict each other", "point 6 ", "lies 6.2 m from"]),
        (clicked(), "0x0", ["rink length 0 m: expected 15 to 80 metres"]),
        (clicked(), "-36x18", ["rink length -36 m"]),
        (clicked(), "the big one", ["'the big one'", "nhl, iihf, inline"]),
        (clicked(), None, ["--rink", "nhl, iihf, inline"]),
        ([*clicked(), (1300, 100, 0, 0)], "36x18", ["point 7 at 1300, 100 px lies outside the 1280x720 frame"]),
        ([*clicked(), ("here", 1, 2, 3)], "36x18", ["points.csv, line 8", "expected four numbers"]),
    ],
)
def test_points_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, rows: Sequence[Row], rink: str | None, words: list[str]
) -> None:
    named = [] if rink is None else ["--rink", rink]
    points = write(tmp_path / "points.csv", rows)
    refused = cleansheet("calibrate", MATCH, "--points", points, *named, "-w", tmp_path / "ws")
    assert_refused(refused, *words)
    assert not list(tmp_path.glob("*.toml"))
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rink = '36x18'\nframe_size = [640, 360]\n", ["calibrated on 640x360, but the video is 1280x720"]),
        ("rink = '36x18'\nframe_size = [1280, 720]\nlens = 'wide'\n", ["unknown key 'lens'"]),
        ("rink = {length_m = 0, width_m = 0}\nframe_size = [1280, 720]\n", ["rink length 0 m"]),
    ],
)
def test_a_toml_that_does_not_belong_to_the_video_is_refused_by_every_command(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    factor = 0.5 if "640" in text else 1.0
    blocks = [f"[[points]]\nimage = [{u * factor}, {v * factor}]\nrink = [{x}, {y}]\n" for u, v, x, y in clicked()]
    (tmp_path / "balcony.toml").write_text(text + "".join(blocks))
    for command in (["calibrate", MATCH, "-o", tmp_path / "balcony.toml", "--no-browser"],
                    ["process", MATCH, "--calibration", tmp_path / "balcony.toml"]):  # fmt: skip
        assert_refused(cleansheet(*command, "-w", tmp_path / "ws", timeout_s=60), "balcony.toml", *words)


@pytest.mark.parametrize("name", [*PRESETS, "36x18", "inline-40x20", "15x8"])
def test_landmarks_lie_on_the_rink_and_have_names_of_their_own(name: str) -> None:
    rink = Rink.named(name)
    places = landmarks(rink)
    assert rink.contains(np.array([(p.x_m, p.y_m) for p in places]), 0.01).all()
    assert len({p.name for p in places}) == len(places)
    assert len(places) >= 30
    left = {(-p.x_m, p.y_m) for p in places if p.name.startswith("left")}
    assert left == {(p.x_m, p.y_m) for p in places if p.name.startswith("right")}
    assert name_of(rink, (0.05, -0.05)) == "centre spot"
    assert name_of(rink, (rink.length_m / 4, 0.3)) == ""


def test_lines_behind_the_camera_are_not_drawn() -> None:
    """A camera at the near boards looks at the far end only: what it does not see must not be mirrored into view."""
    low = np.array([[60.0, 60.0, 640.0], [0.0, -20.0, 500.0], [0.0, 0.1, 1.0]])  # behind it where y < -10
    size = (1280, 720)
    for line in seen_lines(Rink.named("nhl"), low, size):
        assert np.isfinite(line.points).all()
        assert homography.apply(homography.inverse(low), line.points)[:, 1].min() > -10
    assert draw(np.zeros((720, 1280, 3), np.uint8), Rink.named("nhl"), low).any()
