"""Spectators: a few brush strokes each, many at once. They are background and never part of the truth."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videos.camera import Camera
from videos.roster import SKIN, Colour, colour_of

FloatArray = NDArray[np.float64]
_SHIFT = 4
_COATS = ("#26262b", "#1f2430", "#3a3f4a", "#5a2f2f", "#2d4a3a", "#6b6f76", "#8a7a5c", "#20304f", "#7b2230", "#b9bcc2",
          "#3f5d8a", "#57503f", "#c9b28a", "#444", "#12151c")  # fmt: skip
_HAIR = ("#1b1512", "#3a281c", "#6a4a2a", "#a88450", "#8d8d8d", "#16161a", "#c2b49a", "#20304f", "#b81f26")


def _bgr(text: str) -> Colour:
    return colour_of(text if len(text) == 7 else "#" + "".join(2 * c for c in text[1:]))


def seated(
    image: NDArray[np.uint8],
    camera: Camera,
    seats: FloatArray,
    rng: np.random.Generator,
    fans: tuple[Colour, ...],
    light: float,
    standing: float = 0.1,
    sway: int = 0,
    loyal: float = 0.28,
) -> None:
    """Paint one spectator on each seat (N, 3), farthest first, onto a BGR or BGRA picture (alpha becomes 255).

    The same `rng` gives the same people; `sway` other than 0 moves them a little; a share of `loyal` wears one of the
    colours in `fans`.
    """
    if not len(seats):
        return
    channels = image.shape[2]
    count = len(seats)
    up = np.where(rng.random(count) < standing, 0.30, 0.0) + rng.normal(0, 0.04, count)
    hips = seats.copy()
    shoulders = seats + np.stack([rng.normal(0, 0.05, count), np.zeros(count), 0.52 + up], 1)
    heads = shoulders + np.stack([rng.normal(0, 0.04, count), np.full(count, -0.02), np.full(count, 0.24)], 1)
    if sway:
        moved = np.random.default_rng([sway, count]).normal(0, 1, (count, 3)) * (0.07, 0.0, 0.05)
        shoulders, heads = shoulders + moved, heads + moved * 1.3
    points, depth = camera.project(np.concatenate([hips, shoulders, heads]))
    size = camera.focal / depth[:count]
    hips2, shoulders2, heads2 = (points[i * count : (i + 1) * count] for i in range(3))
    width, height = camera.size
    coats = [_bgr(c) for c in _COATS]
    hair = [_bgr(c) for c in _HAIR]
    skin = [_bgr(c) for c in SKIN]
    picks = rng.integers(0, 1 << 30, (count, 4))
    luck = rng.random(count)
    shade = light * rng.uniform(0.75, 1.1, count)

    def ink(colour: Colour, k: float) -> tuple[float, ...]:
        lit = tuple(min(255.0, c * k) for c in colour)
        return lit if channels == 3 else (*lit, 255.0)

    for i in np.argsort(-depth[:count]):
        x, y = heads2[i]
        if depth[i] < 1 or not (-60 < x < width + 60 and -60 < y < height + 90):
            continue
        s = float(size[i])
        coat = fans[int(picks[i, 0]) % len(fans)] if luck[i] < loyal and fans else coats[int(picks[i, 0]) % len(coats)]
        (sx, sy), (hx, hy) = shoulders2[i], hips2[i]
        wide, broad = 0.17 * s, 0.23 * s
        body = np.array([(hx - wide, hy), (sx - broad, sy + 0.08 * s), (sx - broad * 0.5, sy - 0.04 * s),
                         (sx + broad * 0.5, sy - 0.04 * s), (sx + broad, sy + 0.08 * s), (hx + wide, hy)])  # fmt: skip
        fixed = np.round(body * (1 << _SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(image, fixed, ink(coat, float(shade[i])), cv2.LINE_AA, _SHIFT)
        radius = max(1, round(0.115 * s * (1 << _SHIFT)))
        centre = (round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT)))
        face = skin[int(picks[i, 1]) % len(skin)]
        cv2.circle(image, centre, radius, ink(face, float(shade[i]) * 0.9), -1, cv2.LINE_AA, _SHIFT)
        cap = (centre[0], centre[1] - radius // 2)
        cv2.circle(
            image,
            cap,
            round(radius * 0.95),
            ink(hair[int(picks[i, 2]) % len(hair)], float(shade[i])),
            -1,
            cv2.LINE_AA,
            _SHIFT,
        )
