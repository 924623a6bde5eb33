"""The background of a video: how the camera moves, and a calibration carried along by it."""

import cv2
import numpy as np
import pytest

from tracker.background import Background
from tracker.camera_motion import CameraPath, Similarity

NOBODY = np.zeros((0, 4), np.float32)


def ice(width: int = 2000, height: int = 1200) -> np.ndarray:
    """A wide picture with corners to follow."""
    rng = np.random.default_rng(4)
    grain = rng.integers(60, 220, (height // 40, width // 40, 3), dtype=np.uint8)
    return np.kron(grain, np.ones((40, 40, 1), np.uint8))


def test_a_pan_is_measured_and_people_are_not_the_camera():
    wide = ice()
    background = Background((1280, 720))
    found = []
    for index in range(6):
        frame = wide[100 + 4 * index :, 200 + 12 * index :][:720, :1280].copy()
        frame[200:600, 300 + 40 * index : 700 + 40 * index] = 128 + 20 * (index % 2)
        box = np.array([[300 + 40 * index, 200, 700 + 40 * index, 600]], np.float32)
        found.append(background.update(index, frame, box))
    path = CameraPath.of(range(6), found)
    assert path.known.all()
    # The view goes 12 right and 4 down a frame: the background goes -12, -4; five steps.
    assert path.shift[-1] == pytest.approx([-60, -20], abs=4)
    assert path.scale[-1] == pytest.approx(1, abs=0.01)
    assert path.moves(1280)


def test_a_still_camera_does_not_move():
    rng = np.random.default_rng(0)
    wide, background = ice()[:720, :1280], Background((1280, 720))
    frames = [np.clip(wide + rng.normal(0, 4, wide.shape), 0, 255).astype(np.uint8) for _ in range(5)]
    path = CameraPath.of(range(5), [background.update(i, frame, NOBODY) for i, frame in enumerate(frames)])
    assert not path.moves(1280)


def test_a_frame_is_passed_over_only_while_the_camera_stands_still():
    rng = np.random.default_rng(1)
    wide, background = ice(), Background((1280, 720))
    grain = rng.normal(0, 4, (720, 1280, 3))

    def view(index: int, at: int = 100) -> np.ndarray:
        return np.clip(wide[at : at + 720, at : at + 1280] + np.roll(grain, index, axis=0), 0, 255).astype(np.uint8)

    assert background.pass_over(0) is None, "nothing is known yet"
    path = [background.update(index, view(index), NOBODY) for index in range(12)]
    passed = background.pass_over(12)
    assert passed is not None
    assert background.update(13, view(13), NOBODY).known
    background.update(14, view(14, at=106), NOBODY)
    assert background.pass_over(15) is None, "the camera has begun to pan"
    assert not CameraPath.of(range(13), [*path, passed]).moves(1280)
    rows = background.finish().sightings.read()
    assert rows["frame"].tolist() == list(range(15))
    before, after = rows[11], rows[12]
    assert after["count"] == before["count"] > 0
    assert np.array_equal(after["points"], before["points"])


def test_a_pan_that_creeps_is_noticed_though_each_frame_is_like_the_one_before():
    """A twentieth of a pixel a frame, after a rest; the sum of the steps is never off by more than a pixel."""
    wide, background = ice(), Background((1280, 720))
    path = []
    for index in range(100):
        crept = max(0, index - 15) / 20
        view = cv2.warpAffine(wide, np.array([[1, 0, -100 - crept], [0, 1, -100.0]]), (1280, 720))
        path.append(background.update(index, np.asarray(view, np.uint8), NOBODY))
        assert sum(motion.dx for motion in path) == pytest.approx(-crept, abs=1), index
    assert all(motion == Similarity() for motion in path[10:16]), "at rest nothing trembles"


def test_frames_skipped_in_a_pan_lie_on_the_way_and_are_not_looked_at():
    wide, background = ice(), Background((1280, 720))

    def view(index: int) -> np.ndarray:
        return wide[100 + 4 * index :, 200 + 12 * index :][:720, :1280].copy()

    def unseen() -> np.ndarray:
        raise AssertionError("a skipped frame was looked at")

    path = [background.update(0, view(0), NOBODY)]
    for index in (3, 6, 9):
        assert background.follows
        path += background.update_after([(index - 2, unseen), (index - 1, unseen)], index, view(index), NOBODY)
    assert len(path) == 10
    for motion in path[1:]:
        assert [motion.dx, motion.dy] == pytest.approx([-12, -4], abs=0.5)
    rows = background.finish().sightings.read()
    assert rows["frame"].tolist() == list(range(10))
    assert not rows["key"].any(), "they all share background with the first"
    for row in rows:
        moved = (row["points"] - row["key_points"])[: row["count"]] * 2  # looked at in half the size
        assert row["count"] > 12
        assert np.median(moved, axis=0) == pytest.approx([-12.0 * row["frame"], -4.0 * row["frame"]], abs=1)


def test_frames_skipped_before_a_cut_are_looked_at_after_all():
    rng = np.random.default_rng(9)
    background, looked_at = Background((1280, 720)), []
    before = ice()[:720, :1280]
    after = np.kron(rng.integers(0, 255, (12, 22, 3), dtype=np.uint8), np.ones((60, 60, 1), np.uint8))[:720, :1280]
    for index in range(3):
        background.update(index, before, NOBODY)
    pictures = {3: before, 4: after}

    def look(index: int) -> np.ndarray:
        looked_at.append(index)
        return pictures[index]

    path = background.update_after([(3, lambda: look(3)), (4, lambda: look(4))], 5, after, NOBODY)
    assert looked_at == [3, 4]
    assert [motion.known for motion in path] == [True, False, False]
    assert not background.follows
    assert background.finish().sightings.read()["frame"].tolist() == list(range(6))


def test_a_cut_is_not_a_motion():
    rng = np.random.default_rng(9)
    background = Background((1280, 720))
    background.update(0, ice()[:720, :1280], NOBODY)
    other = np.kron(rng.integers(0, 255, (12, 22, 3), dtype=np.uint8), np.ones((60, 60, 1), np.uint8))[:720, :1280]
    assert not background.update(1, other, NOBODY).known
    assert not background.update(2, np.full((720, 1280, 3), 200, np.uint8), NOBODY).known
