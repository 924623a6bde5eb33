"""A pinhole camera on a balcony: where a point of the rink lands in the picture, fixed or following the play.

World: rink metres (origin at centre ice, x along the length, y away from the camera, z up). Camera: x right, y down,
z forward. A camera that pans, tilts and zooms does not move its centre, so any two views are related by a homography.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion; square pixels, principal point in the middle of the picture."""

    position: FloatArray
    """(3,) rink metres."""
    rotation: FloatArray
    """(3, 3) world to camera; its rows are the camera's right, down and forward directions."""
    focal: float
    """Pixels."""
    size: tuple[int, int]
    """(width, height) pixels."""

    @property
    def intrinsics(self) -> FloatArray:
        """(3, 3) camera metres to homogeneous pixels."""
        width, height = self.size
        return np.array([[self.focal, 0, width / 2], [0, self.focal, height / 2], [0, 0, 1.0]])

    @property
    def projection(self) -> FloatArray:
        """(3, 4) homogeneous world to homogeneous pixels."""
        return self.intrinsics @ np.column_stack([self.rotation, -self.rotation @ self.position])

    @property
    def homography(self) -> FloatArray:
        """(3, 3) rink metres (x, y, 1) on the ice to homogeneous pixels, scaled so that H[2, 2] = 1."""
        h = self.projection[:, [0, 1, 3]]
        return h / h[2, 2]

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """World points (N, 3) to pixels (N, 2) and their depths (N,) in metres along the optical axis."""
        in_camera = (points - self.position) @ self.rotation.T
        depth = in_camera[:, 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        centre = np.array([self.size[0] / 2, self.size[1] / 2])
        return in_camera[:, :2] * (self.focal / safe)[:, None] + centre, depth

    def on_ice(self, u: float, v: float) -> tuple[float, float]:
        """The point of the ice (x, y in metres) that is seen at pixel (u, v)."""
        x, y, w = np.linalg.solve(self.homography, np.array([u, v, 1.0]))
        return float(x / w), float(y / w)

    def distance(self, x: float, y: float) -> float:
        """Metres from the camera to a point on the ice; the painter's depth."""
        px, py, pz = self.position
        return math.sqrt((x - px) ** 2 + (y - py) ** 2 + pz * pz)

    def warp_from(self, other: Camera) -> FloatArray:
        """(3, 3) pixels of `other` to pixels of this camera; both must stand at the same place."""
        return self.intrinsics @ self.rotation @ other.rotation.T @ np.linalg.inv(other.intrinsics)

    def scaled(self, factor: float) -> Camera:
        """The same view with `factor` times as many pixels on each side."""
        width, height = self.size
        return replace(self, focal=self.focal * factor, size=(round(width * factor), round(height * factor)))


def look_at(
    position: tuple[float, float, float],
    target: tuple[float, float, float],
    focal: float,
    size: tuple[int, int],
    roll: float = 0.0,
) -> Camera:
    """A camera at `position` whose optical axis goes through `target`; `roll` in radians, clockwise in the picture."""
    eye = np.array(position, dtype=np.float64)
    forward = np.array(target, dtype=np.float64) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, np.array([0.0, 0.0, 1.0]))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = math.cos(roll), math.sin(roll)
    rotation = np.stack([c * right + s * down, -s * right + c * down, forward])
    return Camera(eye, rotation, float(focal), size)


def focal_for(fov_degrees: float, width: int) -> float:
    """Focal length in pixels for a horizontal field of view."""
    return width / 2 / math.tan(math.radians(fov_degrees) / 2)


@dataclass(frozen=True)
class Operator:
    """Someone on the balcony who turns and zooms a camera after the play; `follow` gives the next second hand."""

    pan_x: float
    """Metres: where along the rink the camera looks."""
    pan_y: float
    fov: float
    """Horizontal field of view, degrees."""
    speed_x: float = 0.0
    speed_y: float = 0.0
    speed_fov: float = 0.0

    def follow(self, x: float, y: float, fov: float, dt: float) -> Operator:
        """One step of a critically damped spring towards the wished view; smooth, a little late, as people are."""

        def step(value: float, speed: float, wish: float, stiffness: float) -> tuple[float, float]:
            acceleration = stiffness * stiffness * (wish - value) - 2 * stiffness * speed
            speed += acceleration * dt
            return value + speed * dt, speed

        pan_x, speed_x = step(self.pan_x, self.speed_x, x, 2.2)
        pan_y, speed_y = step(self.pan_y, self.speed_y, y, 1.4)
        new_fov, speed_fov = step(self.fov, self.speed_fov, fov, 0.9)
        return Operator(pan_x, pan_y, new_fov, speed_x, speed_y, speed_fov)

    def camera(self, position: tuple[float, float, float], size: tuple[int, int], shake: tuple[float, float]) -> Camera:
        """The view; `shake` displaces the point looked at, in metres on the ice."""
        target = (self.pan_x + shake[0], self.pan_y + shake[1], 0.8)
        return look_at(position, target, focal_for(self.fov, size[0]), size)
