"""The first guess of teams by colour."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tracker.crops import read_crop
from tracker.team_groups import suggest_teams


def person(jersey: tuple[int, int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A figure of a jersey, dark trousers and a head on ice, lit and sized at random."""
    height = int(rng.integers(40, 120))
    image = np.full((height, height // 2, 3), 225, np.uint8)
    at = lambda share: int(share * height)  # noqa: E731
    cv2.rectangle(image, (at(0.1), at(0.15)), (at(0.4), at(0.55)), jersey, -1)
    cv2.rectangle(image, (at(0.13), at(0.55)), (at(0.37), at(0.95)), (40, 40, 40), -1)
    cv2.circle(image, (at(0.25), at(0.08)), at(0.07), (60, 60, 60), -1)
    light = rng.uniform(0.75, 1.15)
    return np.clip(image * light + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("home", "away"),
    [
        ("white", "black"),
        ("red", "white"),
        ("yellow", "blue"),
        ("green", "red"),
        ("white", "yellow"),
        ("black", "orange"),
    ],
)
def test_two_teams_are_told_apart_and_named_by_their_colour(home: str, away: str) -> None:
    bgr = {"white": (245, 245, 245), "black": (25, 25, 25), "red": (40, 30, 190), "yellow": (40, 210, 240),
           "blue": (160, 70, 20), "green": (60, 130, 30), "orange": (20, 120, 240)}  # fmt: skip
    rng = np.random.default_rng(3)
    truth = {track: home if track % 2 else away for track in range(20)}
    crops = {track: [person(bgr[team], rng) for _ in range(3)] for track, team in truth.items()}
    guesses = suggest_teams(crops, {})
    assert {track: guess.team for track, guess in guesses.items()} == truth


def test_officials_come_from_the_detector_and_no_crops_means_no_guess() -> None:
    rng = np.random.default_rng(0)
    crops = {1: [person((30, 30, 30), rng)], 2: [person((240, 240, 240), rng)], 3: [], 4: [person((200, 80, 20), rng)]}
    guesses = suggest_teams(crops, {1: 1.0})
    assert guesses[1].team == "referee"
    assert 3 not in guesses
    assert guesses[2].team != guesses[4].team


def test_one_track_and_none_are_fine() -> None:
    assert suggest_teams({}, {}) == {}
    assert list(suggest_teams({5: [person((240, 240, 240), np.random.default_rng(0))]}, {})) == [5]


@pytest.mark.shared_data
def test_real_players_on_real_ice_fall_into_their_teams(shared_data: Path) -> None:
    """Clothing in three halls' light, sticks in the boxes, white jerseys on white ice."""
    folder = shared_data / "crops"
    with (folder / "players.csv").open(newline="") as file:
        rows = {row["sha256"]: row for row in csv.DictReader(file)}.values()
    skaters = [row for row in rows if row["players"][:2] in ("W-", "Y-") and not set(row["players"]) & set(" ;,")]
    crops = {number: [read_crop(folder / row["file"])] for number, row in enumerate(skaters)}
    guesses = suggest_teams(crops, {})
    names = sorted({guess.team for guess in guesses.values()})
    apart = [(guesses[number].team == names[0]) == (row["players"][0] == "W") for number, row in enumerate(skaters)]
    share = sum(apart) / len(apart)
    assert len(names) == 2
    assert max(share, 1 - share) >= 0.95
