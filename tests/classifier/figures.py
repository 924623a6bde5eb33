"""Small pictures of coloured figures, so that tests need no one's photograph."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SHIRTS = {"white": (235, 235, 235), "yellow": (40, 200, 230), "referee": (30, 30, 30)}
"""BGR."""


def figure(team: str, player: str, number: int) -> NDArray[np.uint8]:
    """One picture of a player: shirt of the team, trousers and helmet of the player, a pose of its own."""
    look = np.random.default_rng([*player.encode()])
    pose = np.random.default_rng([*player.encode(), number])
    height, width = int(pose.integers(60, 90)), int(pose.integers(30, 45))
    image = np.full((height, width, 3), pose.integers(150, 210), np.uint8)
    trousers, helmet = look.integers(20, 160, 3).tolist(), look.integers(0, 140, 3).tolist()
    middle = width // 2 + int(pose.integers(-3, 4))
    cv2.rectangle(image, (middle - 8, height // 2), (middle + 8, height - 4), trousers, -1)
    cv2.ellipse(image, (middle, height // 3), (width // 4, height // 4), 0, 0, 360, SHIRTS[team], -1)
    cv2.circle(image, (middle, height // 8), height // 12, helmet, -1)
    noise = pose.normal(0, 6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def write_tree(
    folder: Path, roster: Mapping[str, Sequence[str]], crops: int, split: str = "", named: bool = True
) -> Path:
    """`folder/[split/]TEAM/PLAYER-i.png` and players.csv; returns the folder."""
    rows = []
    for team, players in roster.items():
        for player in players:
            for number in range(crops):
                path = folder / split / team / f"{player}-{number}.png"
                write_picture(path, figure(team, player, number))
                rows.append((path.relative_to(folder).as_posix(), team, player))
    if named:
        write_csv(folder / "players.csv", ("file", "team", "players"), rows)
    return folder


def write_picture(path: Path, image: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


ROSTER = {"white": ("Ann", "Bea", "Cid"), "yellow": ("Dov", "Eli", "Fay"), "referee": ("Ref",)}
"""Two teams of three and a referee alone."""
