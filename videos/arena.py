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
from videos.brush import Patch, dimmed, fixed, quad
from videos.camera import Camera
from videos.hall import benches, hall, stands
from videos.people import seated
from videos.rinkdraw import ice_texture, texture_homography
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


def background(camera: Camera, venue: Venue, sway: int = 0) -> NDArray[np.uint8]:
    """The view (H, W, 3) without anything that moves and without what stands before the near boards.

    `sway` other than 0 gives the same people in other attitudes.
    """
    width, height = camera.size
    rng = np.random.default_rng([venue.seed, 3])
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.clip(dimmed(venue.hall, 0.45), 0, 255)
    hall(image, camera, venue, rng)
    stands(image, camera, venue, rng, sway)
    benches(image, camera, venue, rng, sway)
    _ice(image, camera, venue)
    far_boards(image, camera, venue)
    return image


def _ice(image: NDArray[np.uint8], camera: Camera, venue: Venue) -> None:
    """The ice in perspective, with lamps mirrored in it and light that falls off towards the corners."""
    rink = venue.rink
    width, height = camera.size
    wanted = 1.1 * camera.focal / camera.distance(0.0, 0.0)
    k = next((step for step in (18.0, 27.0, 40.0) if step >= wanted), 56.0 if rink.length_m < 45 else 40.0)
    texture = ice_texture(venue, k)
    matrix = camera.homography @ np.linalg.inv(texture_homography(rink, k))
    warped = cv2.warpPerspective(
        texture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    light = cv2.resize(
        _light_map(camera, venue, (width // 8, height // 8)), (width, height), interpolation=cv2.INTER_LINEAR
    )
    lit = cv2.multiply(warped, cv2.merge([light] * 3), dtype=cv2.CV_8U)
    mask = np.zeros((height, width), np.uint8)
    edge, _ = outline(rink)
    pixels, _ = camera.project(np.column_stack([edge, np.zeros(len(edge))]))
    cv2.fillPoly(mask, [fixed(pixels)], 255, cv2.LINE_AA, _SHIFT)
    np.copyto(image, lit, where=(mask > 127)[..., None])


def _light_map(camera: Camera, venue: Venue, size: tuple[int, int]) -> NDArray[np.float32]:
    """Brightness (h, w) of the ice: uneven lamps, and their soft mirror images."""
    rng = np.random.default_rng([venue.seed, 4])
    width, height = size
    u, v = np.meshgrid(
        (np.arange(width) + 0.5) * camera.size[0] / width, (np.arange(height) + 0.5) * camera.size[1] / height
    )
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
            quad(
                veil,
                camera,
                [(*a, BOARD_M), (*b, BOARD_M), (*b, BOARD_M + GLASS_M), (*a, BOARD_M + GLASS_M)],
                (215, 208, 200),
            )
        image = (veil * 0.07).astype(np.uint8)
        for i in hidden:
            a, b = points[i], points[i + 1]
            rail, depth = camera.project(
                np.array([(*a, BOARD_M + GLASS_M), (*b, BOARD_M + GLASS_M), (*a, BOARD_M), (*b, BOARD_M)])
            )
            if depth.min() < 1:
                continue
            thick = max(1, round(0.05 * camera.focal / float(depth.mean())))
            cv2.polylines(image, [fixed(rail[:2])], False, (165, 160, 152, 235), 1, cv2.LINE_AA, _SHIFT)
            if i % 2 == 0:
                cv2.polylines(image, [fixed(rail[[0, 2]])], False, (120, 118, 115, 255), thick, cv2.LINE_AA, _SHIFT)
    low = -rink.width_m / 2
    for i in hidden:
        a, b = points[i], points[i + 1]
        quad(image, camera, [(*a, 0), (*b, 0), (*b, BOARD_M), (*a, BOARD_M)], dimmed(venue.hall, 0.75))
        away = 0.12
        out_a, out_b = a * (1 + away / np.linalg.norm(a)), b * (1 + away / np.linalg.norm(b))
        quad(
            image,
            camera,
            [(*a, BOARD_M), (*b, BOARD_M), (*out_b, BOARD_M), (*out_a, BOARD_M)],
            dimmed(venue.rail, 0.9),
        )
        quad(
            image,
            camera,
            [(*out_a, -0.2), (*out_b, -0.2), (*out_b, BOARD_M), (*out_a, BOARD_M)],
            dimmed(venue.hall, 0.8),
        )
        outward = np.array([b[1] - a[1], a[0] - b[0]]) / np.linalg.norm(b - a)
        deep = outward * 12.0
        quad(image, camera, [(*a, -0.3), (*b, -0.3), (*(b + deep), -0.3), (*(a + deep), -0.3)], dimmed(venue.hall, 0.5))
    for row in range(3):
        count = max(0, round(venue.foreground / 2))
        xs = rng.uniform(-rink.length_m / 2, rink.length_m / 2, count)
        seats = np.stack([xs, np.full(count, low - 0.9 - 0.9 * row), np.full(count, 0.15 + 0.3 * row)], 1)
        seated(image, camera, seats, rng, venue.fans, 0.34, standing=0.15)
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
        upper = np.array(
            [
                (x, -half, GOAL_HEIGHT_M),
                (top, -half * 0.8, GOAL_HEIGHT_M),
                (top, half * 0.8, GOAL_HEIGHT_M),
                (x, half, GOAL_HEIGHT_M),
            ],
            float,
        )
        corners, depth = camera.project(np.concatenate([frame, base, upper]))
        outside = (corners.max(0) < 0).any() or (corners.min(0) > camera.size).any()
        if depth.min() < 1 or outside or np.ptp(corners, 0).max() > 4 * max(camera.size):  # beside the camera: no goal
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
        side = patch.fixed(camera.project(np.array([base[i], base[i + 1], upper[i + 1], upper[i]]))[0])
        cv2.fillConvexPoly(patch.image, side, (88, 88, 86, 92), cv2.LINE_8, _SHIFT)
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
    cv2.polylines(
        patch.image, [patch.fixed(camera.project(line)[0])], False, (205, 205, 203, 208), 1, cv2.LINE_8, _SHIFT
    )
