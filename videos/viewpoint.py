"""Where the camera of a match stands and looks: still, or turned and zoomed after the play."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tracker.rink import Rink
from videos.camera import Camera, Operator, focal_for, look_at
from videos.match import Moment

CLUB = Rink.named("36x18")
"""The small rink of the demo match, on which players are large enough for a still camera."""
UP_M, AWAY_M = 14.0, 13.0
"""The balcony: height, and distance behind the near boards, on a rink 20 m wide; both grow with the width."""


def balcony(rink: Rink) -> tuple[float, float, float]:
    """The camera's place, above the middle of the near side."""
    grow = 0.5 + rink.width_m / 40
    return 0.0, -rink.width_m / 2 - AWAY_M * grow, UP_M * grow


def still(rink: Rink, size: tuple[int, int], fov_degrees: float | None = None) -> Camera:
    """A fixed view of nearly the whole rink: the far corners whole, the near boards low in the picture.

    Args:
        rink: what is seen.
        size: (width, height) pixels.
        fov_degrees: horizontal field of view; by default as wide as the far goals and circles need.
    """
    place = balcony(rink)
    if fov_degrees is None:
        reach = math.dist((place[1], place[2]), (-rink.width_m * 0.12, 0.0))
        fov_degrees = 2 * math.degrees(math.atan2(rink.goal_line_x + 1.2, reach))
    focal = focal_for(fov_degrees, size[0])
    near = np.array([[0.0, -rink.width_m / 2, 0.0]])
    low, high = -rink.width_m, rink.width_m
    for _ in range(40):
        aim = (low + high) / 2
        camera = look_at(place, (0.0, aim, 0.0), focal, size)
        if camera.project(near)[0][0, 1] > 0.925 * size[1]:
            low, high = low, aim
        else:
            low, high = aim, high
    return look_at(place, (0.0, (low + high) / 2, 0.0), focal, size)


def panorama(rink: Rink, size: tuple[int, int]) -> Camera:
    """One wide view that holds every view of `panning`, to be warped from."""
    place = balcony(rink)
    focal = 0.85 * focal_for(_fov(rink, 1.0), size[0])
    span = math.atan2(rink.length_m / 2 + 1, -place[1]) + math.radians(_fov(rink, 1.0)) / 2
    pitch = math.atan2(place[2] - 1.0, -place[1])
    width = 2 * round(focal * math.tan(min(span, 1.12)))
    height = 2 * round(focal * 0.62)
    aim = (0.0, place[1] + 10 * math.cos(pitch), place[2] - 10 * math.sin(pitch))
    return look_at(place, aim, focal, (width, height))


def _fov(rink: Rink, zoom: float) -> float:
    """Degrees that show about 24 m of the rink's length at its middle, less when zoomed in."""
    place = balcony(rink)
    return 2 * math.degrees(math.atan2(12.0, math.hypot(place[1], place[2]))) / zoom


def panning(
    moments: Iterator[Moment], rink: Rink, size: tuple[int, int], fps: float, seed: int
) -> Iterator[tuple[Moment, Camera]]:
    """Each moment with the view of someone who follows the puck and the players around it."""
    rng = np.random.default_rng([seed, 41])
    place = balcony(rink)
    operator: Operator | None = None
    shake = np.zeros(2)
    for moment in moments:
        skaters = np.array([(s.x, s.y) for p, s in moment.people if p.role == "player"]).reshape(-1, 2)
        middle = np.median(skaters, axis=0) if len(skaters) else np.zeros(2)
        limit = rink.length_m / 2 - 7
        x = float(np.clip(0.65 * moment.puck[0] + 0.35 * middle[0], -limit, limit))
        y = float(np.clip(0.35 * moment.puck[1] + 0.15 * middle[1] - 1.0, -rink.width_m / 4, rink.width_m / 4))
        spread = float(np.abs(skaters[:, 0] - x).mean()) if len(skaters) else 6.0
        fov = _fov(rink, float(np.clip(1.25 - 0.05 * spread, 0.85, 1.15)))
        if operator is None:
            operator = Operator(x, y, fov)
        operator = operator.follow(x, y, fov, 1 / fps)
        shake += -shake * min(1.0, 2.5 / fps) + rng.normal(0, 0.06 * math.sqrt(1 / fps), 2)
        yield moment, operator.camera(place, size, (float(shake[0]), float(shake[1])))
