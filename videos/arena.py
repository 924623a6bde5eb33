"""Everything that does not skate: the hall, the stands, the ice, the goals, and what stands before the near boards.

`background` lies behind the players, `foreground` before them; both are painted once for a view, since a camera on a
balcony turns and zooms but does not move.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from videos.boards import far_boards, outline
from videos.brush import Patch
from videos.camera import Camera
from videos.people import seated
from videos.rinkdraw import ice_texture, texture_homography
from videos.roster import Colour
from videos.venue import BOARD_M, GLASS_M, Venue

FloatArray = NDArray[np.float64]
_SHIFT = 4
GOAL_HEIGHT_M = 1.22


@dataclass(frozen=True)
class Sprite:
    """A thing on the ice that players can stand behind, painted once for a view."""

    image: NDArray[np.uint8]
    """(h, w, 4) premultiplied BGRA."""
    left: int
    top: int
    x: float
    y: float
    """Where it stands, rink metres."""


def _fixed(points: FloatArray) -> NDArray[np.int32]:
    return np.round(np.clip(points, -30000, 30000) * (1 << _SHIFT)).astype(np.int32)


def _quad(image: NDArray[np.uint8], camera: Camera, corners: list[tuple[float, float, float]], colour: Colour) -> None:
    pixels, depth = camera.project(np.array(corners))
    if depth.min() > 0.5:
        ink = colour if image.shape[2] == 3 else (*colour, 255.0)
        cv2.fillConvexPoly(image, _fixed(pixels), ink, cv2.LINE_AA, _SHIFT)


def _dimmed(colour: Colour, k: float) -> Colour:
    return colour[0] * k, colour[1] * k, colour[2] * k


def background(camera: Camera, venue: Venue, sway: int = 0) -> NDArray[np.uint8]:
    """The view (H, W, 3) without anything that moves and without what stands before the near boards.

    `sway` other than 0 gives the same people in other attitudes.
    """
    width, height = camera.size
    rng = np.random.default_rng([venue.seed, 3])
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.clip(_dimmed(venue.hall, 0.45), 0, 255)
    _hall(image, camera, venue, rng)
    _stands(image, camera, venue, rng, sway)
    _bench_people(image, camera, venue, rng, sway)
    _ice(image, camera, venue)
    far_boards(image, camera, venue)
    return image


def _hall(image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator) -> None:
    """The back wall with pillars and, at times, a band of windows; the ceiling above it."""
    rink = venue.rink
    back = rink.width_m / 2 + 3.5 + 0.85 * venue.rows
    wide = rink.length_m / 2 + 40
    _quad(image, camera, [(-wide, back, 0), (wide, back, 0), (wide, back, 9.0), (-wide, back, 9.0)], venue.hall)
    top = 0.6 + 0.42 * venue.rows
    if rng.random() < 0.4:
        for x in np.arange(-wide, wide, 3.2):
            tone = float(rng.uniform(1.2, 2.6))
            _quad(image, camera, [(x, back, top + 3.2), (x + 2.7, back, top + 3.2), (x + 2.7, back, top + 5.0), (x, back, top + 5.0)],
                  (min(255, 90 * tone), min(255, 84 * tone), min(255, 78 * tone)))  # fmt: skip
    for x in np.arange(-wide, wide, 8.0):
        _quad(image, camera, [(x, back - 0.1, 0), (x + 0.6, back - 0.1, 0), (x + 0.6, back - 0.1, 9), (x, back - 0.1, 9)],
              _dimmed(venue.hall, 0.75))  # fmt: skip
    _decorations(image, camera, venue, rng, back - 0.2, top)
    for sign in (-1.0, 1.0):
        end = sign * (rink.length_m / 2 + 9.0)
        if sign * float(camera.position[0]) > rink.length_m / 2 - 1:
            continue
        _quad(image, camera, [(end, -40, 0), (end, back, 0), (end, back, 9.0), (end, -40, 9.0)], _dimmed(venue.hall, 0.8))
        _quad(image, camera, [(end, -40, 0), (end, back, 0), (sign * rink.length_m / 2, back, 0), (sign * rink.length_m / 2, -40, 0)],
              _dimmed(venue.hall, 0.6))  # fmt: skip


def _decorations(
    image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator, y: float, top: float
) -> None:
    """On the back wall: banners in the clubs' colours, a scoreboard, a row of lamps."""
    for x in np.arange(-venue.rink.length_m / 2, venue.rink.length_m / 2, 5.5):
        if rng.random() < 0.45:
            colour = _dimmed(venue.fans[int(rng.integers(2))], 0.45 * venue.brightness)
            wide, tall = float(rng.uniform(0.9, 2.6)), float(rng.uniform(1.0, 1.8))
            _quad(image, camera, [(x, y, top + 0.9), (x + wide, y, top + 0.9), (x + wide, y, top + 0.9 + tall), (x, y, top + 0.9 + tall)],
                  colour)  # fmt: skip
            _quad(image, camera, [(x, y - 0.01, top + 1.2), (x + wide, y - 0.01, top + 1.2), (x + wide, y - 0.01, top + 1.45),
                                  (x, y - 0.01, top + 1.45)], _dimmed(venue.fans[int(rng.integers(2))], 0.3))  # fmt: skip
    if rng.random() < 0.6:
        x = float(rng.uniform(-0.3, 0.3)) * venue.rink.length_m
        _quad(image, camera, [(x, y, top + 1.0), (x + 4.4, y, top + 1.0), (x + 4.4, y, top + 3.2), (x, y, top + 3.2)], (14, 14, 14))
        for k in range(6):
            at = x + 0.45 + 0.62 * k
            _quad(image, camera, [(at, y, top + 1.5), (at + 0.34, y, top + 1.5), (at + 0.34, y, top + 2.2), (at, y, top + 2.2)],
                  (30, 60 + 120 * (k % 2), 225))  # fmt: skip


def _stands(image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator, sway: int) -> None:
    """Rows of seats along the far side, with spectators."""
    rink = venue.rink
    reach = rink.length_m / 2 + 6.0
    start = rink.width_m / 2 + 3.2
    for row in reversed(range(venue.rows)):
        y, z = start + 0.85 * row, 0.6 + 0.42 * row
        _quad(image, camera, [(-reach, y, z - 0.45), (reach, y, z - 0.45), (reach, y, z), (-reach, y, z)], _dimmed(venue.hall, 0.85))
        _quad(image, camera, [(-reach, y, z), (reach, y, z), (reach, y + 0.85, z), (-reach, y + 0.85, z)], _dimmed(venue.hall, 1.05))
        xs = np.arange(-reach + 0.3, reach, 0.56)
        aisle = np.abs((xs + 4.0) % 8.0 - 4.0) < 0.5
        xs = xs[~aisle]
        for x in xs:
            _quad(image, camera, [(x - 0.21, y + 0.45, z + 0.1), (x + 0.21, y + 0.45, z + 0.1), (x + 0.21, y + 0.5, z + 0.5),
                                  (x - 0.21, y + 0.5, z + 0.5)], _dimmed(venue.seat, float(rng.uniform(0.5, 0.62))))  # fmt: skip
        fill = venue.crowd * (0.75 + 0.5 * np.sin(xs * 0.23 + row) * rng.random())
        taken = xs[rng.random(len(xs)) < fill]
        seats = np.stack([taken + rng.normal(0, 0.05, len(taken)), np.full(len(taken), y + 0.3), np.full(len(taken), z + 0.3)], 1)
        seated(image, camera, seats, rng, venue.fans, 0.62 * venue.brightness, sway=sway)


def _bench_people(image: NDArray[np.uint8], camera: Camera, venue: Venue, rng: np.random.Generator, sway: int) -> None:
    """Substitutes behind the far boards: jerseys and helmets above the rail."""
    rink = venue.rink
    y = rink.width_m / 2
    low, high = venue.bench_x
    _quad(image, camera, [(-high - 1, y + 2.4, 0.2), (high + 1, y + 2.4, 0.2), (high + 1, y + 2.4, 2.0), (-high - 1, y + 2.4, 2.0)],
          _dimmed(venue.hall, 0.7))  # fmt: skip
    if not venue.benches:
        return
    for sign, colour in ((-1.0, venue.fans[0]), (1.0, venue.fans[1])):
        _quad(image, camera, [(sign * low, y + 1.5, 0.5), (sign * high, y + 1.5, 0.5), (sign * high, y + 1.9, 0.5), (sign * low, y + 1.9, 0.5)],
              _dimmed(venue.hall, 0.9))  # fmt: skip
        count = int(rng.integers(7, 11))
        xs = sign * np.linspace(low + 0.5, high - 0.4, count) + rng.normal(0, 0.1, count)
        seats = np.stack([xs, np.full(count, y + 1.3), rng.choice([0.62, 0.62, 0.95], count)], 1)
        seated(image, camera, seats, rng, (colour,), 0.85 * venue.brightness, standing=0.35, sway=sway, loyal=1.0)
        coach = np.array([[sign * (low + high) / 2, y + 2.1, 1.0], [sign * (low + 1.5), y + 2.1, 1.0]])
        seated(image, camera, coach, rng, (), 0.7 * venue.brightness, standing=1.0, sway=sway)


def _ice(image: NDArray[np.uint8], camera: Camera, venue: Venue) -> None:
    """The ice in perspective, with lamps mirrored in it and light that falls off towards the corners."""
    rink = venue.rink
    width, height = camera.size
    wanted = 1.1 * camera.focal / camera.distance(0.0, 0.0)
    k = next((step for step in (18.0, 27.0, 40.0) if step >= wanted), 56.0 if rink.length_m < 45 else 40.0)
    texture = ice_texture(venue, k)
    matrix = camera.homography @ np.linalg.inv(texture_homography(rink, k))
    warped = cv2.warpPerspective(texture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = cv2.resize(_light_map(camera, venue, (width // 8, height // 8)), (width, height), interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(warped, cv2.merge([light] * 3), dtype=cv2.CV_8U)
    mask = np.zeros((height, width), np.uint8)
    edge, _ = outline(rink)
    pixels, _ = camera.project(np.column_stack([edge, np.zeros(len(edge))]))
    cv2.fillPoly(mask, [_fixed(pixels)], 255, cv2.LINE_AA, _SHIFT)
    np.copyto(image, lit, where=(mask > 127)[..., None])


def _light_map(camera: Camera, venue: Venue, size: tuple[int, int]) -> NDArray[np.float32]:
    """Brightness (h, w) of the ice: uneven lamps, and their soft mirror images."""
    rng = np.random.default_rng([venue.seed, 4])
    width, height = size
    u, v = np.meshgrid((np.arange(width) + 0.5) * camera.size[0] / width, (np.arange(height) + 0.5) * camera.size[1] / height)
    inverse = np.linalg.inv(camera.homography)
    ground = np.stack([u, v, np.ones_like(u)], -1) @ inverse.T
    x, y = ground[..., 0] / ground[..., 2], ground[..., 1] / ground[..., 2]
    rink = venue.rink
    x, y = np.clip(x, -rink.length_m / 2, rink.length_m / 2), np.clip(y, -rink.width_m / 2, rink.width_m / 2)
    waves = sum(
        rng.uniform(0.01, 0.03) * np.sin(x * rng.uniform(0.1, 0.5) + y * rng.uniform(0.1, 0.5) + rng.uniform(0, 6.28))
        for _ in range(4)
    )
    fall = 1.0 - 0.10 * ((2 * x / rink.length_m) ** 2 + (2 * y / rink.width_m) ** 2) / 2
    light = venue.brightness * (fall + waves)
    lamps = np.zeros((height, width), np.float32)
    for lx in np.arange(-rink.length_m / 2 + 4, rink.length_m / 2, 8.0):
        for ly in (-rink.width_m / 4, rink.width_m / 4, rink.width_m / 2 + 4):
            (point,), depth = camera.project(np.array([[lx + rng.normal(0, 0.2), ly, -11.0]]))
            if depth[0] > 1:
                sx = 1.3 * camera.focal / depth[0]
                d = ((u - point[0]) / sx) ** 2 + ((v - point[1]) / (sx * 1.6)) ** 2
                lamps += np.exp(-d).astype(np.float32)
    light = light + 0.14 * venue.shine * lamps
    return np.asarray(light, np.float32)


def foreground(camera: Camera, venue: Venue) -> NDArray[np.uint8]:
    """What lies before the players (H, W, 4), premultiplied: near boards and glass, the near stand, a safety net."""
    width, height = camera.size
    rng = np.random.default_rng([venue.seed, 5])
    image = np.zeros((height, width, 4), np.uint8)
    rink = venue.rink
    points, _ = outline(rink)
    hidden = []
    for i in range(len(points) - 1):
        a, b = points[i], points[i + 1]
        inward = np.array([-(b[1] - a[1]), b[0] - a[0]])
        if inward @ (camera.position[:2] - (a + b) / 2) < 0:
            hidden.append(i)
    hidden.sort(key=lambda i: -camera.distance(*((points[i] + points[i + 1]) / 2)))
    if venue.glass:
        veil = np.zeros_like(image)
        for i in hidden:
            a, b = points[i], points[i + 1]
            _quad(veil, camera, [(*a, BOARD_M), (*b, BOARD_M), (*b, BOARD_M + GLASS_M), (*a, BOARD_M + GLASS_M)], (215, 208, 200))
        image = (veil * 0.07).astype(np.uint8)
        for i in hidden:
            a, b = points[i], points[i + 1]
            rail, depth = camera.project(np.array([(*a, BOARD_M + GLASS_M), (*b, BOARD_M + GLASS_M), (*a, BOARD_M), (*b, BOARD_M)]))
            if depth.min() < 1:
                continue
            thick = max(1, round(0.05 * camera.focal / float(depth.mean())))
            cv2.polylines(image, [_fixed(rail[:2])], False, (165, 160, 152, 235), 1, cv2.LINE_AA, _SHIFT)
            if i % 2 == 0:
                cv2.polylines(image, [_fixed(rail[[0, 2]])], False, (120, 118, 115, 255), thick, cv2.LINE_AA, _SHIFT)
    low = -rink.width_m / 2
    for i in hidden:
        a, b = points[i], points[i + 1]
        _quad(image, camera, [(*a, 0), (*b, 0), (*b, BOARD_M), (*a, BOARD_M)], _dimmed(venue.hall, 0.75))
        away = 0.12
        out_a, out_b = a * (1 + away / np.linalg.norm(a)), b * (1 + away / np.linalg.norm(b))
        _quad(image, camera, [(*a, BOARD_M), (*b, BOARD_M), (*out_b, BOARD_M), (*out_a, BOARD_M)], _dimmed(venue.rail, 0.9))
        _quad(image, camera, [(*out_a, -0.2), (*out_b, -0.2), (*out_b, BOARD_M), (*out_a, BOARD_M)], _dimmed(venue.hall, 0.8))
        outward = np.array([b[1] - a[1], a[0] - b[0]]) / np.linalg.norm(b - a)
        deep = outward * 12.0
        _quad(image, camera, [(*a, -0.3), (*b, -0.3), (*(b + deep), -0.3), (*(a + deep), -0.3)], _dimmed(venue.hall, 0.5))
    for row in range(3):
        count = max(0, round(venue.foreground / 2))
        xs = rng.uniform(-rink.length_m / 2, rink.length_m / 2, count)
        seats = np.stack([xs, np.full(count, low - 2.2 - 1.1 * row), np.full(count, 0.3 + 0.35 * row)], 1)
        seated(image, camera, seats, rng, venue.fans, 0.42, standing=0.25)
    if venue.netting > 0:
        _net(image, rng, venue.netting)
    return image


def _net(image: NDArray[np.uint8], rng: np.random.Generator, strength: float) -> None:
    """A safety net close to the lens, dark and fine."""
    height, width = image.shape[:2]
    pitch = float(rng.uniform(7, 14))
    mesh = np.zeros((height, width), np.uint8)
    bow = float(rng.uniform(-0.05, 0.05))
    for x in np.arange(-height * 0.3, width + height * 0.3, pitch):
        cv2.line(mesh, (round(x), 0), (round(x + bow * height), height), 255, 1, cv2.LINE_AA)
    for y in np.arange(0, height, pitch):
        cv2.line(mesh, (0, round(y)), (width, round(y - bow * width)), 255, 1, cv2.LINE_AA)
    alpha = (mesh.astype(np.float32) * strength * 0.6).astype(np.uint8)
    keep = 1 - alpha.astype(np.float32) / 255
    under = image.astype(np.float32) * keep[..., None]
    under[..., 3] += alpha
    under[..., :3] += (alpha.astype(np.float32) * 0.1)[..., None]
    image[:] = np.clip(under, 0, 255).astype(np.uint8)


def goals(camera: Camera, venue: Venue) -> list[Sprite]:
    """Both goals: red posts, white net."""
    rink = venue.rink
    half, deep = rink.goal_width_m / 2, rink.goal_depth_m
    sprites = []
    for sign in (-1.0, 1.0):
        x, back = sign * rink.goal_line_x, sign * (rink.goal_line_x + deep)
        frame = np.array([(x, -half, 0), (x, -half, GOAL_HEIGHT_M), (x, half, GOAL_HEIGHT_M), (x, half, 0)], float)
        top = sign * (rink.goal_line_x + 0.45)
        base = np.array([(x, -half, 0), (back, -half * 0.62, 0), (back, half * 0.62, 0), (x, half, 0)], float)
        upper = np.array([(x, -half, GOAL_HEIGHT_M), (top, -half * 0.8, GOAL_HEIGHT_M), (top, half * 0.8, GOAL_HEIGHT_M),
                          (x, half, GOAL_HEIGHT_M)], float)  # fmt: skip
        corners, depth = camera.project(np.concatenate([frame, base, upper]))
        if depth.min() < 1:
            continue
        patch = Patch.around(corners.min(0), corners.max(0), 3, 3)
        if not (-400 < patch.left < camera.size[0] + 50 and -400 < patch.top < camera.size[1] + 50):
            continue
        _goal_net(patch, camera, base, upper)
        per_metre = camera.focal / float(depth.mean())
        posts = patch.fixed(camera.project(frame)[0])
        for line, colour, wide in ((base, (225, 225, 225), 0.05), (upper, (215, 215, 215), 0.04)):
            patch.stroke(patch.fixed(camera.project(line)[0]), colour, wide * per_metre)
        patch.stroke(posts, (40, 35, 195), 0.075 * per_metre)
        sprites.append(Sprite(patch.averaged(), patch.left, patch.top, x + sign * 0.3, 0.0))
    return sprites


def _goal_net(patch: Patch, camera: Camera, base: FloatArray, upper: FloatArray) -> None:
    """Half transparent cloth between the base and the upper bar, with its mesh."""
    for i in range(3):
        quad = patch.fixed(camera.project(np.array([base[i], base[i + 1], upper[i + 1], upper[i]]))[0])
        cv2.fillConvexPoly(patch.image, quad, (88, 88, 86, 92), cv2.LINE_8, _SHIFT)
    roof = patch.fixed(camera.project(upper)[0])
    cv2.fillConvexPoly(patch.image, roof, (92, 92, 90, 96), cv2.LINE_8, _SHIFT)
    for i in range(3):
        for t in np.linspace(0, 1, 7):
            line = np.array([base[i] + (base[i + 1] - base[i]) * t, upper[i] + (upper[i + 1] - upper[i]) * t])
            _mesh(patch, camera, line)
        for t in np.linspace(0.15, 0.9, 5):
            line = np.array([base[i] + (upper[i] - base[i]) * t, base[i + 1] + (upper[i + 1] - base[i + 1]) * t])
            _mesh(patch, camera, line)


def _mesh(patch: Patch, camera: Camera, line: FloatArray) -> None:
    cv2.polylines(patch.image, [patch.fixed(camera.project(line)[0])], False, (205, 205, 203, 208), 1, cv2.LINE_8, _SHIFT)
