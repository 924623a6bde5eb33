"""Frames in which nobody looks: tracks go through them by motion, people's and the camera's."""

import numpy as np
import pytest
import supervision as sv

from tracker.association.associator import Associator

SIZE = (1280, 720)


def walker(frame: int, camera: float = 0.0) -> sv.Detections:
    """Somebody 30 by 80 pixels who walks 3 pixels a frame, seen by a camera that has panned by `camera` pixels."""
    x = 200.0 + 3 * frame + camera
    return sv.Detections(
        xyxy=np.array([[x, 300, x + 30, 380]], np.float32), confidence=np.array([0.9], np.float32),
        class_id=np.array([0]),
    )  # fmt: skip


@pytest.mark.parametrize("every", [2, 3, 5])
@pytest.mark.parametrize("pan", [0.0, 7.0])
def test_a_track_goes_straight_through_frames_without_a_look(every: int, pan: float) -> None:
    associator = Associator(SIZE)
    for frame in range(61):
        shift = np.array([pan if frame else 0.0, 0.0])
        if frame % every == 0:
            associator.update(walker(frame, pan * frame), frame, frame / 30, None, shift)
        else:
            associator.skip(frame, frame / 30, shift)
    tracks = associator.finish()
    assert tracks.frame.tolist() == list(range(61)), "one track, in every frame"
    assert set(tracks.track_id.tolist()) == {1}
    assert tracks.observed.all(), "seen in the looks before and after counts as seen"
    centre = (tracks.xyxy[:, 0] + tracks.xyxy[:, 2]) / 2
    # 215 at first, then 3 pixels of walking and the pan each frame
    assert centre == pytest.approx(215 + (3 + pan) * np.arange(61), abs=2.0)


def test_a_camera_that_jerks_between_two_looks_is_followed() -> None:
    """The picture jumps by 40 pixels in frame 31, which nobody looks at: boxes must jump there and not glide."""
    associator = Associator(SIZE)
    for frame in range(61):
        shift = np.array([40.0 if frame == 31 else 0.0, 0.0])
        if frame % 4 == 0:
            associator.update(walker(frame, 40.0 if frame >= 31 else 0.0), frame, frame / 30, None, shift)
        else:
            associator.skip(frame, frame / 30, shift)
    tracks = associator.finish()
    centre = (tracks.xyxy[:, 0] + tracks.xyxy[:, 2]) / 2
    assert set(tracks.track_id.tolist()) == {1}
    assert centre[30] == pytest.approx(215 + 3 * 30, abs=3)
    assert centre[31] == pytest.approx(215 + 3 * 31 + 40, abs=3)


def test_who_was_not_seen_in_a_look_is_filled_in_and_says_so() -> None:
    associator = Associator(SIZE)
    for frame in range(61):
        if frame % 2:
            associator.skip(frame, frame / 30, np.zeros(2))
        else:
            seen = walker(frame) if frame != 30 else sv.Detections.empty()
            associator.update(seen, frame, frame / 30, None, np.zeros(2))
    tracks = associator.finish()
    # the look at 30 missed the person: 30 itself, and 29 and 31 beside it, rest on nothing but motion
    assert tracks.frame[~tracks.observed].tolist() == [29, 30, 31]


def test_frames_come_in_order() -> None:
    associator = Associator(SIZE)
    associator.skip(4, 0.1)
    with pytest.raises(ValueError, match="frame 4"):
        associator.skip(4, 0.2)
