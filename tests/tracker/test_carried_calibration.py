"""A calibration of one frame, carried along by a camera that pans, through a close-up, against the renderer's truth."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import assert_refused, cleansheet, cleansheet_json
from tracker import homography
from tracker.background import Background
from tracker.calibration import PointPair, by_frame, save
from tracker.carried import Carried, carry
from tracker.rink import Rink
from tracker.tables import TRACKS, read_csv
from tracker.video import frames, probe
from tracker.video_writer import VideoWriter
from videos.render import Film, film

NHL = Rink.named("nhl")
SIZE = (960, 540)
FPS = 15.0
CLOSE_UP = range(30, 44)
"""Frames in which another camera looks at the crowd."""
CALIBRATED = 20
MARKS = [
    *((sign * x, y) for x in (0.0, 7.62) for sign in (-1, 1) for y in (-12.95, 12.95)),
    *((sx * x, sy * 6.71) for sx in (-1, 1) for sy in (-1, 1) for x in (6.10, 21.03)),
    *((sign * 27.13, y) for sign in (-1, 1) for y in (-0.91, 0.91)),
]
"""Ends of the lines, spots, and posts."""


@dataclass(frozen=True)
class Shot:
    video: Path
    calibration: Path
    homographies: np.ndarray
    """(F, 3, 3) the truth; meaningless in the close-up."""
    people: list[np.ndarray]
    """(N, 4) boxes of each frame."""


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    folder = tmp_path_factory.mktemp("shot")
    what = Film(seed=61, size=SIZE, fps=FPS, seconds=6, camera="pan", rink=NHL)
    truth, people = [], []
    with VideoWriter(folder / "shot.mp4", SIZE, FPS) as writer:
        for index, (rendered, _) in enumerate(film(what, what.roster())):
            image = rendered.image
            if index in CLOSE_UP:
                image = cv2.resize(image[10:100, 400 + index : 560 + index], SIZE, interpolation=cv2.INTER_CUBIC)[::-1]
            writer.write(np.ascontiguousarray(image), index / FPS)
            truth.append(rendered.camera.homography)
            people.append(np.array([] if index in CLOSE_UP else [seen.box for seen in rendered.seen]).reshape(-1, 4))
    matrices = np.array(truth)
    rng = np.random.default_rng(3)
    placed = homography.apply(matrices[CALIBRATED], np.array(MARKS)) + rng.normal(0, 1, (len(MARKS), 2))
    pairs = [
        PointPair(image=(float(u), float(v)), rink=mark, frame=CALIBRATED)
        for mark, (u, v) in zip(MARKS, placed, strict=True)
        if 0 <= u <= SIZE[0] and 0 <= v <= SIZE[1]
    ]
    save(folder / "shot.toml", by_frame(NHL, pairs, SIZE))
    return Shot(folder / "shot.mp4", folder / "shot.toml", matrices, people)


@pytest.fixture(scope="module")
def carried(shot: Shot) -> Carried:
    from tracker.calibration import load

    views = load(shot.calibration)
    info = probe(shot.video)
    picture = next(frames(info, start_s=CALIBRATED / FPS)).image
    background = Background(SIZE, [(CALIBRATED, picture, shot.people[CALIBRATED])])
    for frame in frames(info):
        background.update(frame.index, frame.image, shot.people[frame.index])
    found = carry(views, background.finish())
    assert found is not None
    return found


def test_places_are_right_to_centimetres_in_every_frame_that_is_not_lost(shot: Shot, carried: Carried) -> None:
    u, v = (grid.ravel() for grid in np.meshgrid(np.linspace(40, 920, 7), np.linspace(170, 520, 5)))
    pixels = np.stack([u, v], axis=1)
    for frame in (0, 29, 44, 89):
        real = homography.apply(homography.inverse(shot.homographies[frame]), pixels)
        on_ice = NHL.contains(np.nan_to_num(real, nan=99))
        off = np.linalg.norm(carried.to_rink(pixels, np.full(len(pixels), frame)) - real, axis=1)[on_ice]
        assert np.median(off) < 0.10, frame


def test_the_close_up_has_no_places_and_says_so(carried: Carried) -> None:
    assert (carried.lost[0].first, carried.lost[-1].last) == (CLOSE_UP[0], CLOSE_UP[-1])
    assert {stretch.why for stretch in carried.lost} == {"not recognised", "another scene"}
    assert not carried.known(np.array(CLOSE_UP)).any()
    assert np.isnan(carried.to_rink(np.array([[480.0, 400.0]]), np.array([CLOSE_UP[3]]))).all()
    assert carried.known(np.array([0, 29, 44, 89])).all()


def test_the_camera_stands_where_it_stood(carried: Carried) -> None:
    # videos/viewpoint.py: 13 m behind and 14 m above the near boards, times 0.5 + 25.91 / 40 = 1.14775.
    assert carried.centre == pytest.approx((0, -12.955 - 13 * 1.14775, 14 * 1.14775), abs=0.3)
    assert carried.line_px < 1


def test_a_run_measures_in_metres_but_for_the_close_up(shot: Shot, tmp_path: Path) -> None:
    summary = cleansheet_json(
        "process", shot.video, "-w", tmp_path, "--calibration", shot.calibration, "--no-video", "--image-size", "640"
    )["runs"][0]
    assert summary["metres"] == "measured"
    assert summary["camera"]["moves"] is True
    assert summary["camera"]["frames_lost"] == len(CLOSE_UP)
    assert summary["camera"]["lost"][0]["first_frame"] == CLOSE_UP[0]
    assert any("14 of 90 frames have no place on the rink" in warning for warning in summary["warnings"])
    tracks = read_csv(TRACKS, tmp_path / "runs" / "shot" / "tracks.csv")
    placed = tracks.drop_nulls("x_m")
    assert len(placed) > 100
    assert NHL.contains(placed.select("x_m", "y_m").to_numpy(), 3.0).mean() > 0.9
    middle = set(range(CLOSE_UP[0] + 1, CLOSE_UP[-1]))
    assert not middle & set(placed["frame"].to_list())


def test_a_calibrated_frame_that_the_video_does_not_have_is_refused(shot: Shot, tmp_path: Path) -> None:
    text = shot.calibration.read_text().replace(f"frame = {CALIBRATED}", "frame = 900")
    (tmp_path / "late.toml").write_text(text)
    done = cleansheet("process", shot.video, "-w", tmp_path, "--calibration", tmp_path / "late.toml")
    assert_refused(done, "late.toml", "frame 900", "has frames 0 to 89")


def test_a_calibration_without_a_frame_is_set_aside_where_the_camera_moves(shot: Shot, tmp_path: Path) -> None:
    text = "\n".join(line for line in shot.calibration.read_text().splitlines() if not line.startswith("frame ="))
    (tmp_path / "unnamed.toml").write_text(text)
    summary = cleansheet_json(
        "process", shot.video, "-w", tmp_path, "--calibration", tmp_path / "unnamed.toml", "--no-video",
        "--image-size", "640", "--end", "1.9",
    )["runs"][0]  # fmt: skip
    assert summary["metres"] == "estimated"
    assert any("add frame = N" in warning for warning in summary["warnings"])
