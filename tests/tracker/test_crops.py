"""The crops that are kept are the best ones, and each lies with its track."""

from pathlib import Path

import numpy as np
import pytest
import supervision as sv

from tracker.crops import CropKeeper, CropSettings, crop_scores, crops_of_tracks, cut, gather_by_track, read_crop


def boxes(*xyxy: tuple[float, float, float, float], confidence: float = 0.9) -> sv.Detections:
    return sv.Detections(
        xyxy=np.array(xyxy, np.float32).reshape(-1, 4),
        confidence=np.full(len(xyxy), confidence, np.float32),
        class_id=np.zeros(len(xyxy), np.int64),
    )


def test_a_clear_view_beats_an_overlapped_and_a_cut_off_one() -> None:
    found = boxes((100, 100, 140, 200), (200, 100, 240, 200), (220, 100, 260, 200), (0, 300, 40, 400))
    clear, half_hidden, other_half, cut_off = crop_scores(found, (480, 640), CropSettings())
    assert clear == pytest.approx(0.9 * (100 / 120) ** 0.5)
    assert half_hidden == pytest.approx(clear / 2)  # 20 of its 40 columns are shared
    assert other_half == pytest.approx(clear / 2)
    assert cut_off == pytest.approx(clear / 3)


def test_small_and_doubtful_people_are_not_cut_out() -> None:
    assert crop_scores(boxes((10, 10, 20, 30)), (480, 640), CropSettings()).tolist() == [0]
    assert crop_scores(boxes((10, 10, 50, 110), confidence=0.2), (480, 640), CropSettings()).tolist() == [0]


def test_crops_stay_inside_the_picture_and_are_never_empty() -> None:
    image = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    for box in [(-5, -5, 4, 4), (29.7, 19.7, 40, 40), (3, 3, 3, 3), (-9, 3, -1, 8)]:
        piece = cut(image, np.array(box, np.float32))
        assert piece.size > 0
        assert piece.base is None


def test_the_best_crops_of_a_track_are_kept_spread_over_time(tmp_path: Path) -> None:
    settings = CropSettings(per_track=3, spacing_s=0.5)
    keeper = CropKeeper(tmp_path, settings)
    heights = [40, 50, 60, 110, 100, 90, 70, 30]  # one slot of 0.5 s holds two frames at 4 a second
    for index, height in enumerate(heights):
        image = np.full((200, 300, 3), index * 10, np.uint8)
        keeper.offer(image, boxes((50, 50, 90, 50 + height)), np.array([7]), index, index / 4)
    keeper.finish()
    gather_by_track(tmp_path, lambda tracklet, _: {7: 1}.get(tracklet), settings.per_track)
    kept = crops_of_tracks(tmp_path)
    assert [path.name for path in kept[1]] == ["000003.jpg", "000004.jpg", "000006.jpg"]
    assert abs(int(read_crop(kept[1][0]).mean()) - 30) <= 1


def test_a_poor_part_of_a_track_has_a_crop_too_since_it_may_be_somebody_else(tmp_path: Path) -> None:
    keeper = CropKeeper(tmp_path, CropSettings(per_track=4, spacing_s=0.25))
    for index in range(40):  # 5 s, of which the first 1.5 s show a person of 40 pixels and the others one of 110
        image = np.full((200, 300, 3), 99, np.uint8)
        keeper.offer(image, boxes((50, 50, 90, 90 if index < 12 else 160)), np.array([7]), index, index / 8)
    keeper.finish()
    gather_by_track(tmp_path, lambda _, frame: 1 if frame < 12 else 2, 4)
    assert {track: len(paths) for track, paths in crops_of_tracks(tmp_path).items()} == {1: 1, 2: 3}


def test_tracklets_of_one_track_share_its_folder_and_dropped_ones_vanish(tmp_path: Path) -> None:
    keeper = CropKeeper(tmp_path, CropSettings(per_track=2))
    for index in range(12):
        image = np.full((200, 300, 3), 99, np.uint8)
        keeper.offer(image, boxes((50, 50, 90, 150), (150, 50, 190, 140)), np.array([index // 6, 9]), index, index / 2)
    keeper.finish()
    gather_by_track(tmp_path, lambda tracklet, _: {0: 4, 1: 4}.get(tracklet), 2)
    assert {track: len(paths) for track, paths in crops_of_tracks(tmp_path).items()} == {4: 2}
    assert [path.name for path in tmp_path.iterdir()] == ["track-0004"]
