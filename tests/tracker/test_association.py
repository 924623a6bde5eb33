"""Association: who is who from frame to frame, on scenes with known answers and on noisy ground truth."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.conftest import ROOT
from tests.tracker.made_boxes import BOX, SIZE, detections, play, skating, standing, steady
from tracker.association.associator import Associator
from tracker.association.config import AssociationConfig
from tracker.association.tracks import Tracks

CROWD = [standing(200, 200), standing(500, 500), standing(800, 250), standing(1050, 520)]


def assert_one_track_each(played, people: int) -> None:
    names = [played.ids_of(person) for person in range(people)]
    assert all(len(name) == 1 for name in names), names
    assert len(set.union(*names)) == people, names


def test_ids_are_handed_out_in_the_order_of_the_detections():
    associator = Associator(SIZE)
    boxes = np.array([[100, 100, 150, 210], [400, 300, 450, 410], [900, 200, 950, 310]], float)
    first = associator.update(detections(boxes), 0, 0.0)
    again = associator.update(detections(boxes[::-1]), 1, 1 / 30)
    assert first.dtype == np.int64
    assert len(set(first.tolist())) == 3
    assert again.tolist() == first[::-1].tolist()


def test_everybody_in_steady_view_is_one_track():
    played = play([skating(100, 200, 150), skating(1200, 500, -180), *CROWD[:2]], steady(120))
    assert_one_track_each(played, 4)
    assert played.tracks.frame.max() == 119
    assert sorted(set(played.tracks.track_id.tolist())) == [1, 2, 3, 4]


@pytest.mark.parametrize("missing_s", [0.2, 0.5])
def test_a_person_who_is_missed_for_a_while_keeps_the_id_and_the_gap_is_filled(missing_s):
    def hidden(person: int, time_s: float) -> bool:
        return person == 0 and 2.0 <= time_s < 2.0 + missing_s

    played = play([skating(300, 350, 120), *CROWD], steady(150), hidden)
    assert_one_track_each(played, 5)
    (name,) = played.ids_of(0)
    own = played.tracks.track_id == name
    filled = own & ~played.tracks.observed
    assert own.sum() == 150
    assert filled.sum() == round(missing_s * 30)
    assert (played.tracks.confidence[filled] == 0).all()
    centre = played.tracks.xyxy[filled][:, [0, 2]].mean(axis=1)
    expected = 300 + 120 * played.tracks.time_s[filled]
    assert np.abs(centre - expected).max() < BOX[0] / 4


def test_two_who_cross_keep_their_ids():
    # Opposite ways on nearly the same line: at 2 s one covers most of the other.
    played = play([skating(300, 350, 170), skating(980, 362, -170), *CROWD], steady(120))
    assert_one_track_each(played, 6)


def test_two_who_cross_while_the_rear_one_is_hidden_keep_their_ids():
    def hidden(person: int, time_s: float) -> bool:
        return person == 1 and abs(time_s - 2.0) < 0.2  # boxes overlap by half within 0.15 s of the crossing

    played = play([skating(300, 350, 170), skating(980, 362, -170), *CROWD], steady(120), hidden)
    assert_one_track_each(played, 6)


def test_a_panning_camera_does_not_tear_tracks():
    # 0 .. 3 s: swings right and back, up to 600 px/s; a person is missed during the fastest part.
    def camera(time_s: float) -> tuple[float, float]:
        return (-190 * (1 - np.cos(2 * np.pi * time_s / 2)), 0.0)

    def hidden(person: int, time_s: float) -> bool:
        return person == 1 and 0.9 < time_s < 1.4

    paths = [standing(500, 200), standing(700, 500), standing(900, 250), standing(1100, 520), skating(600, 380, 90)]
    assert_one_track_each(play(paths, steady(90), hidden, camera), 5)


def test_the_same_camera_movement_that_all_share_is_not_taken_for_speed():
    played = play(CROWD, steady(90), camera=lambda time_s: (-100 * time_s, 0.0))
    for person in range(4):
        own = played.tracks.track_id == next(iter(played.ids_of(person)))
        centre = played.tracks.xyxy[own][:, [0, 2]].mean(axis=1)
        seen = centre > BOX[0]
        expected = CROWD[person](0)[0] - 100 * played.tracks.time_s[own]
        assert np.abs(centre - expected)[seen].max() < 4


@pytest.mark.parametrize("stride", [2, 3, 5])
def test_skipped_frames_only_make_the_steps_longer(stride):
    times = [frame / 30 for frame in range(0, 150, stride)]
    played = play([skating(100, 200, 150), skating(1200, 500, -180), *CROWD[:2]], times, frame_step=stride)
    assert_one_track_each(played, 4)
    assert set(played.tracks.frame.tolist()) == set(range(0, 150, stride))


def test_variable_frame_rate_is_followed_by_the_timestamps():
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.choice([1 / 60, 1 / 30, 1 / 8], 150)).tolist()
    short = [moment for moment in times if moment < 6.5]
    played = play([skating(100, 200, 150), skating(1200, 500, -170), *CROWD[:2]], short)
    assert_one_track_each(played, 4)


def test_sixty_frames_a_second_give_what_thirty_give():
    paths = [skating(100, 200, 150), skating(1200, 500, -180), *CROWD]
    for fps, frames in ((30, 90), (60, 180)):
        assert_one_track_each(play(paths, steady(frames, fps)), 6)


def test_frames_without_boxes_are_no_trouble():
    played = play(CROWD, steady(120), hidden=lambda _, time_s: 2.0 < time_s < 2.5)
    assert_one_track_each(played, 4)
    assert len(played.tracks) == 4 * 120


def test_no_detections_at_all_give_no_tracks():
    associator = Associator(SIZE)
    for frame in range(5):
        assert associator.update(sv.Detections.empty(), frame, frame / 30).shape == (0,)
    assert len(associator.finish()) == 0
    assert len(Associator(SIZE).finish()) == 0


def test_boxes_that_are_no_boxes_belong_to_nobody():
    associator = Associator(SIZE)
    odd = np.array([[-90, 20, -30, 90], [1400, 10, 1450, 120], [50, 50, 50, 90], [100, 100, 150, 210]])
    for frame in range(30):
        ids = associator.update(detections(odd), frame, frame / 30)
        assert ids[:3].tolist() == [-1, -1, -1]
    assert len(associator.finish()) == 30


def test_boxes_that_flash_up_once_belong_to_no_track():
    rng = np.random.default_rng(5)
    associator = Associator(SIZE)
    for frame in range(90):
        real = np.array([[*(np.array(path(0)) - 50), *(np.array(path(0)) + 50)] for path in CROWD])
        corner = rng.uniform([0, 0], [1200, 600])
        associator.update(detections(np.vstack([real, [*corner, *(corner + 90)]])), frame, frame / 30)
    assert len(set(associator.finish().track_id.tolist())) == 4


def test_who_leaves_the_view_is_not_followed_by_the_next_to_enter():
    # One leaves on the left at 1.6 s; another enters there 0.8 s later.
    played = play([skating(200, 350, -150), skating(-470, 360, 190), *CROWD], steady(150))
    assert played.ids_of(0).isdisjoint(played.ids_of(1))


def test_smoothing_takes_most_of_the_jitter_off():
    path = skating(200, 350, 130)
    jitter_px = 4.0
    tracks = play([path, *CROWD], steady(150), jitter_px=jitter_px).tracks
    nearest = [
        np.abs(tracks.xyxy[tracks.frame == frame][:, [0, 2]].mean(axis=1) - path(frame / 30)[0]).min()
        for frame in range(150)
    ]
    # A centre is the mean of two edges: 4 / sqrt(2) = 2.8 px before smoothing.
    assert np.sqrt(np.mean(np.square(nearest))) < 0.6 * jitter_px / np.sqrt(2)


def test_the_same_boxes_give_the_same_tracks_bit_for_bit():
    first, second = (play([skating(100, 200, 150), *CROWD], steady(90), seed=7).tracks for _ in range(2))
    for name in ("frame", "track_id", "xyxy", "confidence", "class_id", "observed", "time_s"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes(), name
    assert first.pieces == second.pieces


def test_frames_out_of_order_are_refused():
    associator = Associator(SIZE)
    associator.update(detections(np.zeros((0, 4))), 4, 0.2)
    with pytest.raises(ValueError, match="frame 4 comes after frame 4"):
        associator.update(detections(np.zeros((0, 4))), 4, 0.25)


def test_filled_in_boxes_carry_the_usual_class_of_their_track():
    associator = Associator(SIZE)
    for frame in range(60):
        boxes = detections(np.array([[100, 100, 150, 210], [600, 300, 650, 410]], float))
        boxes.class_id = np.array([0, 2 if frame % 5 else 1])
        shown = boxes if not 30 <= frame < 36 else boxes[:1]
        associator.update(shown, frame, frame / 30)
    tracks = associator.finish()
    assert tracks.class_id[~tracks.observed].tolist() == [2] * 6


boxes_of_a_frame = arrays.arrays(
    np.float64, st.tuples(st.integers(0, 6), st.just(4)), elements=st.floats(-50, 1300, width=32)
)


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(boxes_of_a_frame, min_size=1, max_size=25), dt=st.floats(0.005, 2.0), seed=st.integers(0, 99))
def test_whatever_comes_in_what_goes_out_is_sound(frames, dt, seed):
    rng = np.random.default_rng(seed)
    associator = Associator(SIZE, AssociationConfig(min_track_s=0.0))
    given_ids = []
    for frame, corners in enumerate(frames):
        low, high = np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:]) + 1
        boxes = detections(np.concatenate([low, high], axis=1), float(rng.uniform(0.1, 1)))
        ids = associator.update(boxes, frame, frame * dt)
        assert ids.shape == (len(corners),)
        named = ids[ids > 0]
        assert len(set(named.tolist())) == len(named)
        assert ((ids == -1) | (ids > 0)).all()
        given_ids += named.tolist()
    assert_sound(associator.finish(), set(given_ids))


def assert_sound(tracks: Tracks, tracklets: set[int]) -> None:
    pairs = list(zip(tracks.frame.tolist(), tracks.track_id.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert {piece.tracklet for piece in tracks.pieces} <= tracklets
    assert {piece.track_id for piece in tracks.pieces} - {0} == set(tracks.track_id.tolist())
    assert np.isfinite(tracks.xyxy).all()
    assert (tracks.xyxy >= 0).all()
    assert (tracks.xyxy <= [*SIZE, *SIZE]).all()
    assert (tracks.xyxy[:, 2:] > tracks.xyxy[:, :2]).all()
    assert ((tracks.confidence > 0) == tracks.observed).all()


def test_fourteen_players_take_few_milliseconds_a_frame():
    rng = np.random.default_rng(1)
    starts = rng.uniform([80, 100], [1200, 620], (14, 2))
    associator = Associator(SIZE)
    spent = []
    for frame in range(200):
        centre = starts + 20 * np.sin(frame / 20 + np.arange(14))[:, None] + rng.normal(0, 2, (14, 2))
        boxes = detections(np.concatenate([centre - 40, centre + 40], axis=1))
        start = time.process_time()
        associator.update(boxes, frame, frame / 30)
        spent.append(time.process_time() - start)
    assert np.median(spent) < 0.006  # 3 ms are meant; a busy machine counts twice


@pytest.mark.shared_data
def test_noisy_ground_truth_is_tracked_better_than_by_the_trackers_library(shared_data: Path, monkeypatch):
    pytest.importorskip("trackeval")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from association_candidates import candidates
    from association_noise import NOISES, corrupt, read_clip
    from association_scores import combine, score, summary

    everyone = {candidate.label: candidate for candidate in candidates()}
    rivals = [
        "trackers ByteTrack()",
        "trackers SORT(lost_track_buffer=60, minimum_iou_threshold=0.1)",
        "trackers BoT-SORT(lost_track_buffer=60, minimum_iou_threshold_first_assoc=0.05, "
        "track_activation_threshold=0.5, high_conf_det_threshold=0.4)",
    ]
    clips = [read_clip(shared_data / "mot" / name, 900) for name in ("CHI_VS_TOR_2016_003", "PIT_VS_SJ_2019_001")]
    noisy = {clip.name: corrupt(clip, NOISES["standard"], seed=11) for clip in clips}

    def figures(label: str) -> dict[str, float]:
        run = everyone[label].run
        return summary(combine({clip.name: score(clip, run(clip, noisy[clip.name])[0]) for clip in clips}))

    ours, others = figures("cleansheet()"), [figures(label) for label in rivals]
    assert ours["IDF1"] >= max(other["IDF1"] for other in others) + 3
    assert ours["HOTA"] >= max(other["HOTA"] for other in others) + 2
    sys.modules.pop("association_candidates", None)
