"""Small pictures of limbs: shaded tapered capsules and quads, drawn several times too large and averaged down."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from videos.camera import Camera
from videos.roster import Colour

FloatArray = NDArray[np.float64]

SHIFT = 4
"""Fractional bits of the drawing calls."""
_STEPS = 5
_BACK = np.linspace(np.pi / 2, 3 * np.pi / 2, _STEPS)
_FRONT = np.linspace(-np.pi / 2, np.pi / 2, _STEPS)
LIGHT = np.array([-0.30, -0.80])
"""Where the light comes from in the picture: above, a little from the left."""
SHADES: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.66), (0.78, 0.16, 0.86), (0.50, 0.36, 1.02))
"""Nested layers of a limb, outermost first: share of the radius, displacement towards the light, brightness."""


def capsules(
    a: FloatArray, ra: FloatArray, b: FloatArray, rb: FloatArray, cap_a: FloatArray, cap_b: FloatArray
) -> FloatArray:
    """Outlines (K, 10, 2) of K tapered capsules from `a` (K, 2) with radius `ra` (K,) to `b`; cap 0 is cut flat."""
    along = b - a
    length = np.hypot(along[:, 0], along[:, 1])
    along = np.where(length[:, None] < 1e-6, (1.0, 0.0), along / np.maximum(length, 1e-6)[:, None])
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)

    def half(centre: FloatArray, radius: FloatArray, cap: FloatArray, angles: FloatArray) -> FloatArray:
        forward = np.cos(angles)[None, :, None] * along[:, None] * cap[:, None, None]
        side = np.sin(angles)[None, :, None] * across[:, None]
        return centre[:, None] + radius[:, None, None] * (forward + side)

    return np.concatenate([half(a, ra, cap_a, _BACK), half(b, rb, cap_b, _FRONT)], axis=1)


@dataclass
class Patch:
    """A picture with premultiplied alpha of one figure, `scale` times finer than the frame."""

    image: NDArray[np.uint8]
    """(h, w, 4) blue, green, red, alpha."""
    left: int
    top: int
    """Frame pixel of the patch's first column and row."""
    scale: int

    @staticmethod
    def around(low: FloatArray, high: FloatArray, scale: int, margin: int) -> Patch:
        """An empty patch over the frame pixels from `low` (2,) to `high` (2,) and `margin` pixels more."""
        left, top = (int(v) for v in np.floor(low) - margin)
        right, bottom = (int(v) for v in np.ceil(high) + margin)
        shape = ((bottom - top) * scale, (right - left) * scale, 4)
        return Patch(np.zeros(shape, np.uint8), left, top, scale)

    def fixed(self, points: FloatArray) -> NDArray[np.int32]:
        """Frame pixels (..., 2) as fixed-point coordinates of this patch."""
        local = (points - (self.left, self.top)) * self.scale - 0.5
        return np.round(local * (1 << SHIFT)).astype(np.int32)

    def polygon(self, points: NDArray[np.int32], colour: tuple[float, float, float]) -> None:
        """Fill a convex polygon given in fixed-point coordinates."""
        cv2.fillConvexPoly(self.image, points, (*colour, 255.0), cv2.LINE_8, SHIFT)

    def stroke(self, points: NDArray[np.int32], colour: tuple[float, float, float], width_px: float) -> None:
        """A polyline `width_px` frame pixels wide."""
        width = max(1, round(width_px * self.scale))
        cv2.polylines(self.image, [points], False, (*colour, 255.0), width, cv2.LINE_8, SHIFT)

    def averaged(self) -> NDArray[np.uint8]:
        """The patch at the frame's own resolution, (h, w, 4), premultiplied."""
        if self.scale == 1:
            return self.image
        height, width = self.image.shape[:2]
        size = (width // self.scale, height // self.scale)
        return np.asarray(cv2.resize(self.image, size, interpolation=cv2.INTER_AREA), np.uint8)


def fixed(points: FloatArray) -> NDArray[np.int32]:
    """Pixels (..., 2) as OpenCV's fixed-point coordinates."""
    return np.round(np.clip(points, -30000, 30000) * (1 << SHIFT)).astype(np.int32)


def quad(image: NDArray[np.uint8], camera: Camera, corners: list[tuple[float, float, float]], colour: Colour) -> None:
    """Fill a quad of world points on a BGR or BGRA picture, unless a corner lies behind the camera."""
    pixels, depth = camera.project(np.array(corners))
    if depth.min() > 0.5:
        ink = colour if image.shape[2] == 3 else (*colour, 255.0)
        cv2.fillConvexPoly(image, fixed(pixels), ink, cv2.LINE_AA, SHIFT)


def dimmed(colour: Colour, k: float) -> Colour:
    """A colour under `k` times the light."""
    return colour[0] * k, colour[1] * k, colour[2] * k
