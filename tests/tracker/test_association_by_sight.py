"""Association with what only the picture tells: jerseys, the background's movement, who is hidden and who is not."""

from collections import Counter

import cv2
import numpy as np
import pytest
import supervision as sv

from tests.tracker.made_boxes import BOX, SIZE, detections
from tracker.association.associator import Associator
from tracker.association.tracks import Tracks
from tracker.looks import ROLE, hidden, looks

WHITE, YELLOW = np.array([90.0, 0, 2, 70, 0, 0]), np.array([75.0, 5, 60, 30, 2, 5])
FPS = 30


def box_at(x: float, y: float) -> list[float]:
    return [x - BOX[0] / 2, y - BOX[1] / 2, x + BOX[0] / 2, y + BOX[1] / 2]


def associate(
    people: list[tuple[np.ndarray, dict[int, tuple[float, float]]]], frames: int, *, sight: bool = True
) -> tuple[Tracks, list[set[int]]]:
    """Each person is a look and their place by frame; returns the tracks and the ids that each person got."""
    associator = Associator(SIZE)
    rng = np.random.default_rng(0)
    tracklets: list[list[tuple[int, int]]] = [[] for _ in people]
    for frame in range(frames):
        here = [index for index, (_, path) in enumerate(people) if frame in path]
        boxes = np.array([box_at(*people[index][1][frame]) for index in here]).reshape(-1, 4)
        boxes = boxes + rng.normal(0, 1, boxes.shape)
        seen = np.array([people[index][0] for index in here]).reshape(-1, len(people[0][0]))
        seen[:, :6] += rng.normal(0, 2, (len(here), 6))
        told = associator.update(
            detections(boxes), frame, frame / FPS, seen if sight else None, np.zeros(2) if sight else None
        )
        for index, tracklet in zip(here, told.tolist(), strict=True):
            if tracklet > 0:
                tracklets[index].append((tracklet, frame))
    tracks = associator.finish()
    final = [Counter(tracks.track_of(*seen) for seen in names) for names in tracklets]
    return tracks, [{track for track, frames in counts.items() if track and frames >= 5} for counts in final]


def bystanders() -> list[tuple[np.ndarray, dict[int, tuple[float, float]]]]:
    places = [(250, 150), (600, 560), (950, 200)]
    looks_of = [WHITE, YELLOW, WHITE]
    return [(look, dict.fromkeys(range(300), place)) for look, place in zip(looks_of, places, strict=True)]


def test_whoever_appears_where_somebody_in_plain_view_vanished_a_second_ago_is_somebody_new() -> None:
    """A line change: one climbs over the boards, another comes on at the same door."""
    gone = (WHITE, dict.fromkeys(range(120), (640.0, 300.0)))
    new = (WHITE, dict.fromkeys(range(150, 300), (640.0, 300.0)))
    _, names = associate([gone, new, *bystanders()], 300)
    assert names[0].isdisjoint(names[1])


def test_who_left_a_still_picture_is_known_again_by_jersey_and_place() -> None:
    def out_and_back(y: float) -> dict[int, tuple[float, float]]:
        leaving = {f: (60.0 - 2 * max(f - 60, 0), y) for f in range(100)}
        return leaving | {f: (-20.0 + 2 * min(f - 170, 40), y) for f in range(170, 300)}

    people = [(WHITE, out_and_back(250)), (YELLOW, out_and_back(480)), *bystanders()]
    _, names = associate(people, 300)
    assert [len(own) for own in names[:2]] == [1, 1]
    assert names[0] != names[1]
    _, blind = associate(people, 300, sight=False)
    assert [len(own) for own in blind[:2]] == [2, 2]


def test_opponents_who_meet_and_part_are_not_confused() -> None:
    """Both stand still where they meet, so that their movement says nothing about who leaves which way."""
    meeting = dict.fromkeys(range(60, 90), 640.0)

    def path(side: int) -> dict[int, tuple[float, float]]:
        before = {f: (640 + side * 4.0 * (60 - f), 350.0) for f in range(60)}
        after = {f: (640 + side * 4.0 * (f - 89), 350.0) for f in range(90, 150)}
        return before | {f: (x, 350.0) for f, x in meeting.items()} | after

    _, names = associate([(WHITE, path(-1)), (YELLOW, path(1)), *bystanders()], 150)
    assert [len(own) for own in names[:2]] == [1, 1]
    assert names[0] != names[1]


def test_opponents_who_leave_with_each_others_tracklet_get_their_own_back_in_hindsight() -> None:
    """They turn round as they meet, so that movement alone says that they went on."""
    toward = {f: 640 - 3.5 * (60 - f) for f in range(61)}
    left = toward | {f: 640 - 3.5 * (f - 60) for f in range(61, 150)}
    right = {f: 1280 - x for f, x in left.items()}
    people = [(look, {f: (x, 350.0) for f, x in path.items()}) for look, path in ((WHITE, left), (YELLOW, right))]
    _, names = associate([*people, *bystanders()], 150)
    assert [len(own) for own in names[:2]] == [1, 1]
    assert names[0] != names[1]


def test_a_goalkeeper_and_a_skater_of_one_team_who_leave_with_each_others_tracklet_get_their_own_back() -> None:
    """Their jerseys are the same; the pads are a little darker, and the detector says who is who."""
    toward = {f: 640 - 3.5 * (60 - f) for f in range(61)}
    left = toward | {f: 640 - 3.5 * min(f - 60, 100) for f in range(61, 600)}
    right = {f: 1280 - x for f, x in left.items()}
    skater, goalkeeper = np.append(WHITE, [0, 0]), np.append(WHITE - (0, 0, 0, 12, 0, 0), [ROLE, 0])
    paths = [{f: (x, 350.0) for f, x in path.items()} for path in (left, right)]
    still = [(np.append(look, [0, 0]), dict.fromkeys(range(600), path[0])) for look, path in bystanders()]
    _, names = associate([(skater, paths[0]), (goalkeeper, paths[1]), *still], 600)
    assert [len(own) for own in names[:2]] == [1, 1]
    assert names[0] != names[1]


def test_who_looks_otherwise_for_half_a_second_at_the_end_is_not_cut_in_two() -> None:
    """Somebody climbs over the boards, which hide the legs, and is hardly recognised."""
    associator = Associator(SIZE)
    for frame in range(150):
        people = [(640.0, 300.0 - 2 * max(frame - 135, 0)), (300.0, 500.0), (900.0, 560.0)]
        seen = np.array([YELLOW if frame >= 135 else WHITE, WHITE, YELLOW])
        doubt = np.array([0.3 if frame >= 135 else 0.9, 0.9, 0.9])
        found = detections(np.array([box_at(*place) for place in people]))
        found.confidence = doubt
        associator.update(found, frame, frame / FPS, seen, np.zeros(2))
    tracks = associator.finish()
    climber = tracks.track_id[(tracks.frame == 149) & (tracks.xyxy[:, 0] > 550) & (tracks.xyxy[:, 0] < 700)]
    assert (tracks.track_id == climber[0]).sum() == 150


def test_a_second_box_that_keeps_the_old_tracklet_for_an_instant_does_not_split_a_person() -> None:
    """The detector's box jumps ahead, and for eight frames another one goes on where the first had been."""
    skater = (WHITE, {f: (200 + 4.0 * f + (26 if f >= 60 else 0), 350.0) for f in range(150)})
    double = (WHITE, {f: (200 + 4.0 * f, 350.0) for f in range(60, 68)})
    _, names = associate([skater, double, *bystanders()], 150)
    assert len(names[0]) == 1


def test_a_still_camera_stays_still_when_everybody_skates_the_same_way() -> None:
    people = [(WHITE, {f: (150.0 + 3 * f, 120.0 + 90 * row) for f in range(200)}) for row in range(6)]
    tracks, names = associate(people, 200)
    assert all(len(own) == 1 for own in names)
    first = tracks.track_id == next(iter(names[0]))
    x = tracks.xyxy[first][:, [0, 2]].mean(axis=1)
    assert np.abs(x - (150 + 3 * tracks.frame[first])).max() < 4


def test_who_comes_into_the_picture_is_there_from_where_the_border_lets_a_little_be_seen() -> None:
    """The detector finds people of whom half is in the picture; BOX is their whole size."""
    associator = Associator(SIZE)
    step = BOX[0] / 12  # from nothing to the whole within 12 frames, begun at frame 40
    for frame in range(120):
        x = -BOX[0] / 2 + step * (frame - 40)
        boxes = np.array([box_at(x, 300), box_at(600, 300), box_at(900, 500)])
        found = [boxes[0].clip(0, None)] if x > 0 else []
        associator.update(detections(np.array([*found, *boxes[1:]])), frame, frame / FPS, shift=np.zeros(2))
    tracks = associator.finish()
    coming = tracks.track_id[(tracks.frame == 119) & (tracks.xyxy[:, 2] > 200) & (tracks.xyxy[:, 2] < 550)]
    frames = tracks.frame[tracks.track_id == coming[0]]
    assert frames[0] == pytest.approx(41, abs=2)  # 47 is the first in which they are found
    assert not tracks.observed[tracks.track_id == coming[0]][0]


def test_looks_are_the_colours_of_jersey_and_legs_and_the_role_that_was_seen() -> None:
    image = np.full((200, 300, 3), 230, np.uint8)
    cv2.rectangle(image, (100, 60), (140, 110), (0, 220, 250), -1)
    cv2.rectangle(image, (100, 110), (140, 170), (30, 30, 30), -1)
    boxes = sv.Detections(xyxy=np.array([[98, 45, 142, 172], [10, 10, 12, 12]], np.float32), class_id=np.array([1, 0]))
    (lightness, a, b, *legs, goalkeeper, referee), nothing = looks(image, boxes)
    assert (lightness, a, b) == pytest.approx((88, -3, 87), abs=8)  # yellow
    assert legs == pytest.approx([12, 0, 0], abs=3)  # black
    assert goalkeeper > 0
    assert referee == 0
    assert np.isnan(nothing).all(), "two pixels tell nothing"


def test_who_stands_behind_somebody_is_hidden_and_who_stands_before_is_not() -> None:
    boxes = np.array([[100, 100, 140, 200], [110, 110, 150, 220], [300, 100, 340, 200]], float)
    assert hidden(boxes).tolist() == [True, False, False]
