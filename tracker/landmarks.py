"""The places of a rink that can be found in a picture and have a name: where to click when a camera is calibrated."""

from typing import NamedTuple

import numpy as np

from tracker.rink import Points, Rink

NAMED_WITHIN_M = 0.3
"""A point this near to a landmark is taken to be it."""


class Landmark(NamedTuple):
    """One place on the ice, in rink metres."""

    name: str
    x_m: float
    y_m: float


def landmarks(rink: Rink) -> list[Landmark]:
    """All landmarks, left to right: where lines meet boards and circles, spots, circles' edges, goal posts, creases."""
    found: list[Landmark] = []

    def put(name: str, x: float, y: float) -> None:
        found.append(Landmark(name, round(x, 3) + 0.0, round(y, 3) + 0.0))

    def put_line(name: str, x: float) -> None:
        half = float(rink.half_width_at(x))
        put(f"{name}, far boards", x, half)
        put(f"{name}, near boards", x, -half)

    def put_circle(name: str, x: float, y: float) -> None:
        radius = rink.circle_radius_m
        for side, dx, dy in (("left", -radius, 0), ("right", radius, 0), ("far", 0, radius), ("near", 0, -radius)):
            put(f"{name}, {side} edge", x + dx, y + dy)

    put("centre spot", 0.0, 0.0)
    put_line("centre line", 0.0)
    put_circle("centre circle", 0.0, 0.0)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        if rink.blue_line_x is not None:
            put_line(f"{side} blue line", sign * rink.blue_line_x)
        goal_x, post = sign * rink.goal_line_x, rink.goal_width_m / 2
        put_line(f"{side} goal line", goal_x)
        put(f"{side} goal line, far post", goal_x, post)
        put(f"{side} goal line, near post", goal_x, -post)
        put(f"{side} crease, tip", goal_x - sign * rink.crease_radius_m, 0.0)
        put(f"{side} end boards, middle", sign * rink.length_m / 2, 0.0)
        for arm, direction in (("near", -1.0), ("far", 1.0)):
            x, y = rink.end_spot
            put(f"{side} {arm} end spot", sign * x, direction * y)
            put_circle(f"{side} {arm} circle", sign * x, direction * y)
            if rink.neutral_spot is not None:
                x, y = rink.neutral_spot
                put(f"{side} {arm} neutral spot", sign * x, direction * y)
            if rink.trapezoid is not None:
                inner, outer = rink.trapezoid
                put(f"{side} {arm} trapezoid, goal line", goal_x, direction * inner)
                put(f"{side} {arm} trapezoid, boards", sign * float(rink.half_length_at(outer)), direction * outer)
    return sorted(found, key=lambda place: (place.x_m, -place.y_m))


def name_of(rink: Rink, xy: tuple[float, float]) -> str:
    """The name of the landmark that a place in rink metres is, or nothing."""
    places = landmarks(rink)
    distances: Points = np.hypot(*(np.array([(p.x_m, p.y_m) for p in places]) - xy).T)
    nearest = int(distances.argmin())
    return places[nearest].name if distances[nearest] <= NAMED_WITHIN_M else ""
