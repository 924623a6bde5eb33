"""Single frames of random matches with YOLO labels, to train a player detector: `python -m videos.frames DIR`.

Every few frames another hall, camera, light, pair of jerseys and lens. Labels: `class x y w h`, centre and size as
shares of the picture, class 0 player, 1 goalkeeper, 2 referee.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click
import cv2
import numpy as np

from classifier.errors import BadInput
from tracker.rink import Rink
from videos.camera import Camera, focal_for, look_at
from videos.game import MatchPlan
from videos.match import Match, Moment
from videos.optics import Sensor, random_lens
from videos.options import parse_size, refusing, size_option
from videos.render import Film, film
from videos.renderer import Rendered, Stage, render
from videos.roster import JERSEYS, Colour, colour_of, luminance, make_roster
from videos.venue import random_venue

CLASSES = {"player": 0, "goalkeeper": 1, "referee": 2}
SCENE = 4
"""Frames that share a hall and a lens, at different times and with different cameras."""
CLUB_SCENE = 12
"""Frames of one club match, most of a second apart."""


def random_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Jersey colours of two teams that can be told apart; every third time one of them is near white."""
    while True:
        pair = []
        for _ in (0, 1):
            if rng.random() < 0.6:
                names = list(JERSEYS)
                pair.append(colour_of(names[int(rng.integers(len(names)))]))
            else:
                rgb = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.3, 1), rng.uniform(0.2, 0.95))
                pair.append((rgb[2] * 255, rgb[1] * 255, rgb[0] * 255))
        if rng.random() < 0.35:
            pair[int(rng.integers(2))] = colour_of("white")
        first, second = pair
        apart = math.dist(first, second) + 0.5 * abs(luminance(first) - luminance(second))
        if apart > 130:
            return first, second


def random_camera(rng: np.random.Generator, rink: Rink, size: tuple[int, int], puck: tuple[float, float]) -> Camera:
    """From a low seat behind the glass to high under the roof, wide or close, following the puck loosely."""
    side = -rink.width_m / 2
    height = float(rng.uniform(4.0, 17.0))
    away = float(rng.uniform(2.5, 24.0))
    position = (float(rng.normal(0, rink.length_m / 6)), side - away, height)
    if rng.random() < 0.12:
        position = (
            float(rng.choice([-1, 1])) * (rink.length_m / 2 + rng.uniform(3, 12)),
            float(rng.uniform(side * 1.3, 0)),
            height,
        )
    wide = rng.random() < 0.3
    aim_x = (
        float(rng.normal(0, 3))
        if wide
        else float(np.clip(puck[0] + rng.normal(0, 4), *(np.array([-0.45, 0.45]) * rink.length_m)))
    )
    aim_y = (
        float(rng.normal(0.0, 2.0)) if wide else float(np.clip(puck[1] * 0.6 + rng.normal(0, 3), side + 2, -side - 2))
    )
    distance = math.dist(position, (aim_x, aim_y, 0.8))
    tall = float(np.exp(rng.uniform(math.log(0.055), math.log(0.24))))
    focal = float(np.clip(tall * size[1] * distance / 1.6, focal_for(95, size[0]), focal_for(9, size[0])))
    return look_at(position, (aim_x, aim_y, 0.8), focal, size, roll=float(rng.normal(0, 0.02)))


def random_rink(rng: np.random.Generator) -> Rink:
    """Any rink, from a small inline court to the Olympic sheet."""
    kind = rng.random()
    if kind < 0.25:
        return Rink.named("nhl")
    if kind < 0.45:
        return Rink.named("iihf")
    if kind < 0.6:
        return Rink.sized(float(rng.uniform(36, 60)), float(rng.uniform(18, 30)), surface="inline")
    return Rink.sized(float(rng.uniform(40, 60)), float(rng.uniform(20, 30)))


def at_the_stands(rng: np.random.Generator, camera: Camera, rink: Rink, size: tuple[int, int]) -> Camera:
    """The same place, looking at the spectators on the far side, near enough to tell a scarf from a hat."""
    aim = (
        float(rng.normal(0, rink.length_m / 5)),
        rink.width_m / 2 + float(rng.uniform(2, 8)),
        float(rng.uniform(1, 5)),
    )
    distance = math.dist(camera.position, aim)
    tall = float(np.exp(rng.uniform(math.log(0.05), math.log(0.3))))
    focal = float(np.clip(tall * size[1] * distance / 1.2, focal_for(95, size[0]), focal_for(6, size[0])))
    return look_at(camera.position, aim, focal, size, roll=float(rng.normal(0, 0.02)))


def scenes(seed: int, size: tuple[int, int], *, nobody: bool = False) -> Iterator[Rendered]:
    """Frames of random matches, without end; the same for the same seed.

    Args:
        seed: of all chance.
        size: width and height of a frame, pixels.
        nobody: the ice is empty, and every other frame shows the stands.
    """
    number = 0
    while True:
        rng = np.random.default_rng([seed, 31, number])
        rink = random_rink(rng)
        colours = random_colours(rng)
        roster = make_roster(rng, ("home", "away"), colours, skaters=10, officials=int(rng.choice([1, 2, 2, 3, 4])))
        venue = random_venue(rng, rink, colours)
        plan = MatchPlan(seed=int(rng.integers(1 << 31)), skaters=int(rng.choice([4, 5, 5, 5])), step_s=1 / 30)
        lens = random_lens(rng)
        sensor = Sensor(lens, size, int(rng.integers(1 << 31)))
        every = 15
        moments: list[Moment] = list(islice(Match(roster, rink, plan).moments(10), 0, SCENE * every, every))
        for index, moment in enumerate(moments):
            camera = random_camera(rng, rink, size, moment.puck)
            if nobody:
                moment = replace(moment, people=(), crossing=())
                camera = at_the_stands(rng, camera, rink, size) if index % 2 else camera
            yield render(Stage(venue, camera), moment, camera, sensor)
        number += 1


def club_scenes(seed: int, size: tuple[int, int]) -> Iterator[Rendered]:
    """Frames of club matches as `videos.render` films them, without end: the whole rink from a balcony."""
    number = 0
    while True:
        rng = np.random.default_rng([seed, 41, number])
        first, second = ("white", "yellow") if rng.random() < 0.4 else rng.choice(list(JERSEYS), 2, False)
        match, length = int(rng.integers(1 << 31)), CLUB_SCENE / 1.2
        what = Film(match, size, fps=1.2, seconds=length, colours=(str(first), str(second)), any_hall=number % 2 == 1)
        yield from (frame for frame, _ in film(what, what.roster()))
        number += 1


def yolo_lines(frame: Rendered) -> list[str]:
    """The frame's truth as YOLO label lines; boxes end where boards hide the body."""
    width, height = frame.camera.size
    lines = []
    for seen in frame.seen:
        x1, y1, x2, y2 = seen.uncovered
        if seen.visible < 0.2 or y2 - y1 < 8:
            continue
        values = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        lines.append(f"{CLASSES[seen.person.role]} " + " ".join(f"{v:.6f}" for v in values))
    return lines


def write_frames(
    folder: Path,
    count: int,
    seed: int,
    size: tuple[int, int],
    quality: int = 92,
    *,
    club: bool = False,
    nobody: bool = False,
) -> None:
    """`count` pictures into `folder/images`, their labels into `folder/labels`."""
    if club and nobody:
        raise BadInput("--club and --nobody: choose one of them")
    if count < 1:
        raise BadInput(f"--count {count}: expected at least 1")
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    frames = club_scenes(seed, size) if club else scenes(seed, size, nobody=nobody)
    for i, frame in enumerate(islice(frames, count)):
        stem = f"synthetic-{seed:04d}-{i:05d}"
        cv2.imwrite(str(folder / "images" / f"{stem}.jpg"), frame.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        (folder / "labels" / f"{stem}.txt").write_text("".join(f"{line}\n" for line in yolo_lines(frame)))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--count", default=100, show_default=True, help="How many frames.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same frames.")
@click.option("--quality", default=92, show_default=True, help="JPEG quality.")
@click.option("--club", is_flag=True, help="Club matches from one balcony, as the demo; else any hall and camera.")
@click.option("--nobody", is_flag=True, help="Empty rinks and full stands: what is not to be found.")
@size_option
@refusing
def main(folder: Path, count: int, seed: int, quality: int, club: bool, nobody: bool, size: str) -> None:
    """Render single frames of random matches with YOLO labels into FOLDER.

    Example: python -m videos.frames /tmp/frames --count 500 --seed 1
    """
    write_frames(folder, count, seed, parse_size(size), quality, club=club, nobody=nobody)


if __name__ == "__main__":
    main()
