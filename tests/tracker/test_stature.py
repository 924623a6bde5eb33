"""What is far smaller than people who stand there is nobody; people, however they stand, stay."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tracker.stature import large_enough

WIDTH, HEIGHT = 1280, 720


def people(horizon: float, scale: float, feet: list[float], posture: list[float]) -> np.ndarray:
    """Boxes (N, 4) of people who stand in a row, their skates at `feet`, as tall as the camera makes them there."""
    tall = scale * (np.array(feet) - horizon) * np.array(posture)
    left = np.linspace(40, 1100, len(feet))
    low = np.array(feet, float)
    return np.stack([left, low - tall, left + 0.4 * tall, low], axis=1).astype(np.float32)


@given(
    horizon=st.floats(-900, 50), scale=st.floats(0.1, 0.4),
    feet=st.lists(st.floats(250, 700), min_size=4, max_size=14),
    postures=st.lists(st.floats(0.7, 1.1), min_size=14, max_size=14), weak=st.integers(0, 13),
)  # fmt: skip
def test_nobody_who_stands_or_crouches_is_left_out(
    horizon: float, scale: float, feet: list[float], postures: list[float], weak: int
) -> None:
    boxes = people(horizon, scale, feet, postures[: len(feet)])
    confidence = np.full(len(feet), 0.8, np.float32)
    confidence[weak % len(feet)] = 0.3
    assert large_enough(boxes, confidence, WIDTH, HEIGHT).all()


def test_an_emblem_and_a_bottle_are_left_out_however_sure_they_are() -> None:
    there = people(-200, 0.2, [200, 260, 330, 400, 470, 540], [1, 0.8, 1, 0.9, 1, 1])
    emblem, bottle = (100, 180, 124, 205), (600, 600, 630, 650)
    boxes = np.concatenate([np.array([emblem, bottle], np.float32), there])
    found = large_enough(boxes, np.full(8, 0.7, np.float32), WIDTH, HEIGHT)
    assert found.tolist() == [False, False, *[True] * 6]


def test_who_lies_on_the_ice_or_is_cut_by_the_border_stays() -> None:
    there = people(-200, 0.2, [200, 330, 470, 540], [1, 1, 1, 1])
    lying, at_the_border = (500, 440, 610, 480), (0, 400, 30, 430)
    boxes = np.concatenate([np.array([lying, at_the_border], np.float32), there])
    assert large_enough(boxes, np.full(6, 0.7, np.float32), WIDTH, HEIGHT).all()


def test_few_sure_people_tell_nothing() -> None:
    boxes = np.concatenate([people(-200, 0.2, [300, 400, 500], [1, 1, 1]), [[600, 600, 610, 615]]]).astype(np.float32)
    assert large_enough(boxes, np.array([0.9, 0.9, 0.9, 0.4], np.float32), WIDTH, HEIGHT).all()
    assert large_enough(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), WIDTH, HEIGHT).all()
