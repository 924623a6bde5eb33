"""The hall around the ice: walls, banners, stands with spectators, the benches; all of it background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videos.brush import dimmed, quad
from videos.camera import Camera
from videos.people import seated
from videos.venue import Venue


def hall(image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator) -> None:
    """The back wall with pillars and, at times, a band of windows; the ceiling above it."""
    rink = venue.rink
    back = rink.width_m / 2 + 3.5 + 0.85 * venue.rows
    wide = rink.length_m / 2 + 40
    quad(image, camera, [(-wide, back, 0), (wide, back, 0), (wide, back, 9.0), (-wide, back, 9.0)], venue.hall)
    top = 0.6 + 0.42 * venue.rows
    if rng.random() < 0.4:
        for x in np.arange(-wide, wide, 3.2):
            tone = float(rng.uniform(1.2, 2.6))
            quad(
                image,
                camera,
                [(x, back, top + 3.2), (x + 2.7, back, top + 3.2), (x + 2.7, back, top + 5.0), (x, back, top + 5.0)],
                (min(255, 90 * tone), min(255, 84 * tone), min(255, 78 * tone)),
            )
    for x in np.arange(-wide, wide, 8.0):
        quad(
            image,
            camera,
            [(x, back - 0.1, 0), (x + 0.6, back - 0.1, 0), (x + 0.6, back - 0.1, 9), (x, back - 0.1, 9)],
            dimmed(venue.hall, 0.75),
        )
    _decorations(image, camera, venue, rng, back - 0.2, top)
    for sign in (-1.0, 1.0):
        end = sign * (rink.length_m / 2 + 9.0)
        if sign * float(camera.position[0]) > rink.length_m / 2 - 1:
            continue
        near, edge = float(camera.position[1]) + 3.0, sign * rink.length_m / 2
        quad(
            image,
            camera,
            [(end, near, 0), (end, back, 0), (end, back, 9.0), (end, near, 9.0)],
            dimmed(venue.hall, 0.8),
        )
        quad(image, camera, [(end, near, 0), (end, back, 0), (edge, back, 0), (edge, near, 0)], dimmed(venue.hall, 0.6))
        for y in np.arange(-rink.width_m / 2, back, 6.0):
            quad(
                image,
                camera,
                [(end, y, 0), (end, y + 0.5, 0), (end, y + 0.5, 9.0), (end, y, 9.0)],
                dimmed(venue.hall, 0.6),
            )
            quad(
                image,
                camera,
                [(end, y + 1.2, 2.4), (end, y + 5.2, 2.4), (end, y + 5.2, 3.5), (end, y + 1.2, 3.5)],
                dimmed(venue.board, float(rng.uniform(0.35, 0.5))),
            )


def _decorations(
    image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator, y: float, top: float
) -> None:
    """On the back wall: banners in the clubs' colours, a scoreboard, a row of lamps."""
    for x in np.arange(-venue.rink.length_m / 2, venue.rink.length_m / 2, 5.5):
        if rng.random() < 0.45:
            colour = dimmed(venue.fans[int(rng.integers(2))], 0.45 * venue.brightness)
            wide, tall = float(rng.uniform(0.9, 2.6)), float(rng.uniform(1.0, 1.8))
            quad(
                image,
                camera,
                [
                    (x, y, top + 0.9),
                    (x + wide, y, top + 0.9),
                    (x + wide, y, top + 0.9 + tall),
                    (x, y, top + 0.9 + tall),
                ],
                colour,
            )
            quad(
                image,
                camera,
                [
                    (x, y - 0.01, top + 1.2),
                    (x + wide, y - 0.01, top + 1.2),
                    (x + wide, y - 0.01, top + 1.45),
                    (x, y - 0.01, top + 1.45),
                ],
                dimmed(venue.fans[int(rng.integers(2))], 0.3),
            )
    if rng.random() < 0.6:
        x = float(rng.uniform(-0.3, 0.3)) * venue.rink.length_m
        quad(
            image,
            camera,
            [(x, y, top + 1.0), (x + 4.4, y, top + 1.0), (x + 4.4, y, top + 3.2), (x, y, top + 3.2)],
            (14, 14, 14),
        )
        for k in range(6):
            at = x + 0.45 + 0.62 * k
            quad(
                image,
                camera,
                [(at, y, top + 1.5), (at + 0.34, y, top + 1.5), (at + 0.34, y, top + 2.2), (at, y, top + 2.2)],
                (30, 60 + 120 * (k % 2), 225),
            )


def stands(image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator, sway: int) -> None:
    """Rows of seats along the far side, with spectators."""
    rink = venue.rink
    reach = rink.length_m / 2 + 6.0
    start = rink.width_m / 2 + 3.2
    for row in reversed(range(venue.rows)):
        y, z = start + 0.85 * row, 0.6 + 0.42 * row
        quad(
            image,
            camera,
            [(-reach, y, z - 0.45), (reach, y, z - 0.45), (reach, y, z), (-reach, y, z)],
            dimmed(venue.hall, 0.85),
        )
        quad(
            image,
            camera,
            [(-reach, y, z), (reach, y, z), (reach, y + 0.85, z), (-reach, y + 0.85, z)],
            dimmed(venue.hall, 1.05),
        )
        xs = np.arange(-reach + 0.3, reach, 0.56)
        aisle = np.abs((xs + 4.0) % 8.0 - 4.0) < 0.5
        xs = xs[~aisle]
        for x in xs:
            quad(
                image,
                camera,
                [
                    (x - 0.21, y + 0.45, z + 0.1),
                    (x + 0.21, y + 0.45, z + 0.1),
                    (x + 0.21, y + 0.5, z + 0.5),
                    (x - 0.21, y + 0.5, z + 0.5),
                ],
                dimmed(venue.seat, float(rng.uniform(0.5, 0.62))),
            )
        fill = venue.crowd * (0.75 + 0.5 * np.sin(xs * 0.23 + row) * rng.random())
        taken = xs[rng.random(len(xs)) < fill]
        seats = np.stack(
            [taken + rng.normal(0, 0.05, len(taken)), np.full(len(taken), y + 0.3), np.full(len(taken), z + 0.3)], 1
        )
        seated(image, camera, seats, rng, venue.fans, 0.62 * venue.brightness, sway=sway)


def benches(image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator, sway: int) -> None:
    """Substitutes behind the far boards: jerseys and helmets above the rail."""
    rink = venue.rink
    y = rink.width_m / 2
    low, high = venue.bench_x
    quad(
        image,
        camera,
        [(-high - 1, y + 2.4, 0.2), (high + 1, y + 2.4, 0.2), (high + 1, y + 2.4, 2.0), (-high - 1, y + 2.4, 2.0)],
        dimmed(venue.hall, 0.7),
    )
    if not venue.benches:
        return
    for sign, colour in ((-1.0, venue.fans[0]), (1.0, venue.fans[1])):
        quad(
            image,
            camera,
            [
                (sign * low, y + 1.5, 0.5),
                (sign * high, y + 1.5, 0.5),
                (sign * high, y + 1.9, 0.5),
                (sign * low, y + 1.9, 0.5),
            ],
            dimmed(venue.hall, 0.9),
        )
        count = int(rng.integers(7, 11))
        xs = sign * np.linspace(low + 0.5, high - 0.4, count) + rng.normal(0, 0.1, count)
        seats = np.stack([xs, np.full(count, y + 1.3), rng.choice([0.62, 0.62, 0.95], count)], 1)
        seated(image, camera, seats, rng, (colour,), 0.85 * venue.brightness, standing=0.35, sway=sway, loyal=1.0)
        coach = np.array([[sign * (low + high) / 2, y + 2.1, 1.0], [sign * (low + 1.5), y + 2.1, 1.0]])
        seated(image, camera, coach, rng, (), 0.7 * venue.brightness, standing=1.0, sway=sway)
