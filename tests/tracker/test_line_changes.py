"""Who goes off at the bench and who comes on in their place are two people."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import cleansheet_json
from tracker import homography
from tracker.association.tracks import Piece, Tracks
from tracker.calibration import PointPair, from_points, save
from tracker.detection_log import DetectionLog
from tracker.line_changes import LineChange, divided, line_changes
from tracker.rink import Rink
from tracker.video_writer import VideoWriter

RINK = Rink.named("36x18")
VIEW = np.array([[28.0, 3.0, 640.0], [0.0, -9.0, 400.0], [0.0, 0.02, 1.0]])
GROUND = from_points(
    RINK,
    [
        PointPair(image=tuple(map(float, homography.apply(VIEW, np.array([place]))[0])), rink=place)
        for place in ((-7.0, 6.0), (7.0, 6.0), (-7.0, -6.0), (7.0, -6.0), (0.0, 0.0))
    ],
    (1280, 720),
)
FPS = 15.0


def walked(x: np.ndarray, y: np.ndarray, seen: np.ndarray, role: int = 0) -> Tracks:
    """One track along places (N,) on the ice, one a frame."""
    count = len(x)
    foot = homography.apply(VIEW, np.stack([x, y], axis=1))
    half, height = np.array([10.0, 0.0]), np.array([0.0, 50.0])
    return Tracks(
        frame=np.arange(count, dtype=np.int32), time_s=np.arange(count) / FPS, track_id=np.ones(count, np.int32),
        xyxy=np.hstack([foot - half - height, foot + half]).astype(np.float32),
        confidence=np.where(seen, 0.9, 0).astype(np.float32), class_id=np.full(count, role, np.int16), observed=seen,
        pieces=(Piece(1, 0, 1),),
    )  # fmt: skip


def change(towards: float, away: float, gap: int, side: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places (N,), and where they are seen, of somebody who skates to the boards and, `gap` looks later, away."""
    since = np.arange(20) / FPS
    y = np.concatenate([8.2 - towards * since[::-1], np.full(gap, 8.3), 8.4 - away * since])
    seen = np.ones(len(y), np.bool_)
    seen[20 : 20 + gap] = False
    return -3.0 + 0.02 * np.arange(len(y)), side * y, seen


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_change_at_the_boards_divides_the_track_and_what_nobody_saw_is_nobodys(side: float) -> None:
    tracks = walked(*change(2.4, 1.5, 5, side))
    assert line_changes(tracks, GROUND, RINK) == (LineChange(1, 25),)
    both = divided(tracks, [(1, 25)])
    assert both.track_id.tolist() == [1] * 20 + [2] * 20
    assert both.frame.tolist() == [*range(20), *range(25, 45)]
    assert both.pieces == (Piece(1, 0, 1), Piece(1, 25, 2))


@pytest.mark.parametrize(
    ("places", "role"),
    [
        (change(2.4, 1.5, 1), 0),  # a look missed
        (change(0.6, 1.5, 5), 0),  # was not on the way off
        (change(2.4, -0.3, 5), 0),  # stays at the boards
        (change(2.4, 1.5, 5), 2),  # an official
        ((lambda x, y, seen: (x, y - 5.0, seen))(*change(2.4, 1.5, 5)), 0),  # in the middle of the ice
        ((lambda x, y, seen: (y + 9.0, x, seen))(*change(2.4, 1.5, 5)), 0),  # behind the goal
    ],
)  # fmt: skip
def test_one_person_stays_one(places: tuple[np.ndarray, np.ndarray, np.ndarray], role: int) -> None:
    assert line_changes(walked(*places, role=role), GROUND, RINK) == ()


def test_where_the_place_is_not_known_nobody_is_divided() -> None:
    class Lost:
        metres = "measured"

        def to_rink(self, points_px: np.ndarray, frames: np.ndarray | None = None) -> np.ndarray:
            del frames
            return np.full((len(points_px), 2), np.nan)

    assert line_changes(walked(*change(2.4, 1.5, 5)), Lost(), RINK) == ()
    assert line_changes(Tracks.empty(), GROUND, RINK) == ()


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40)), min_size=1, max_size=60, unique=True),
    st.lists(st.tuples(*map(st.integers, (0, 0, 0), (4, 40, 3))), max_size=8, unique_by=lambda piece: piece[:2]),
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 40)), max_size=5, unique=True),
)
def test_boxes_and_crops_of_divided_tracks_go_the_same_way(boxes, pieces, changes) -> None:  # type: ignore[no-untyped-def]
    boxes = sorted((frame, track) for track, frame in boxes)
    frame, track = (np.array(column, np.int32) for column in zip(*boxes, strict=True))
    count = len(boxes)
    tracks = Tracks(
        frame, frame / FPS, track, np.zeros((count, 4), np.float32), np.ones(count, np.float32),
        np.zeros(count, np.int16), np.ones(count, np.bool_), tuple(sorted(Piece(*piece) for piece in pieces)),
    )  # fmt: skip
    cut = divided(tracks, changes)
    assert len(cut) == count
    assert (np.diff(cut.frame) >= 0).all()
    number = {each: 1 + int(track.max()) + index for index, each in enumerate(sorted(changes))}

    def expected(before: int, at: int) -> int:
        begun = [each for each in sorted(changes) if each[0] == before and each[1] <= at]
        return number[begun[-1]] if begun else before

    there = sorted(zip(cut.frame.tolist(), cut.track_id.tolist(), strict=True))
    assert there == sorted((at, expected(before, at)) for at, before in boxes)
    for tracklet in range(5):
        for at in range(42):
            before = tracks.track_of(tracklet, at)
            assert cut.track_of(tracklet, at) == (None if before is None else expected(before, at))


@pytest.mark.slow
def test_what_was_labelled_before_the_calibration_came_stays_labelled(tmp_path: Path) -> None:
    """Detections are laid into a run of a video that shows nobody."""
    texture = np.random.default_rng(0).integers(0, 255, (90, 160, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    with VideoWriter(tmp_path / "change.mp4", (1280, 720), FPS) as writer:
        for index in range(50):
            writer.write(texture, index / FPS)
    save(tmp_path / "camera.toml", [GROUND])
    process = ("process", tmp_path / "change.mp4", "-w", tmp_path, "--no-video", "--detect-every", "1",
               "--image-size", "320")  # fmt: skip
    calibrated = (*process, "--calibration", tmp_path / "camera.toml")
    cleansheet_json(*process)
    run = tmp_path / "runs" / "change"
    (run / "detections.bin").unlink()
    tracks = walked(*change(2.4, 1.5, 4))
    with closing(DetectionLog(run / "detections.bin")) as log:
        for frame in range(50):
            here = (tracks.frame == frame) & tracks.observed
            log.append(frame, sv.Detections(tracks.xyxy[here], None, tracks.confidence[here], tracks.class_id[here]))

    free = cleansheet_json(*calibrated)["runs"][0]
    assert (free["tracks"], free["line_changes"]) == (2, [{"track": 1, "frame": 24}])
    cleansheet_json(*process)
    (crops,) = (run / "crops").glob("track-*")
    rows = "".join(f"{crops.name}/{crop.name},1,white,\n" for crop in crops.iterdir())
    (tmp_path / "labels.csv").write_text(f"crop,track,team,player\n{rows}")
    cleansheet_json("label", "change", "--take", tmp_path / "labels.csv", "-w", tmp_path)
    kept = cleansheet_json(*calibrated)["runs"][0]
    assert (kept["tracks"], kept["line_changes"], kept["labelled_by_hand"]) == (1, [], 1)
