"""A camera that turns and zooms about a fixed centre: its geometry, and its turn found from what a frame shows.

Pinhole with square pixels and the principal point in the middle, as `videos/camera.py`, seen through a lens that may
bend straight lines (the division model, Fitzgibbon 2001); world axes are the rink's (x, y, z up, metres), camera axes
right, down, forward. A view has four unknowns: three of rotation and the focal
length; they are refined by Gauss-Newton steps on the left of the rotation, R ← exp(w) R, on the logarithm of the
focal length, and weighted by Huber's function (Triggs et al., *Bundle Adjustment*, 2000).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

_HUBER = 2.0
_FOCALS_OF_WIDTH = (0.5, 0.8, 1.2, 1.8, 2.8, 4.5)
"""Where the search for a focal length begins."""


@dataclass(frozen=True)
class Views:
    """Views of one camera, in pixels about the middle of the picture."""

    rotation: Array
    """(F, 3, 3) world to camera."""
    focal: Array
    """(F,) pixels."""

    def rays(self, view: NDArray[np.int64], points: Array) -> Array:
        """World directions `(N, 3)` of the points `(N, 2)` of the views `(N,)`."""
        in_camera = np.concatenate([points / self.focal[view][:, None], np.ones((len(points), 1))], axis=1)
        return np.einsum("nji,nj->ni", self.rotation[view], in_camera)

    def homographies(self, centre: Array) -> Array:
        """(F, 3, 3) ice (x, y, 1) in metres to pixels about the middle, third coordinate positive before the camera."""
        plane = np.array([[1.0, 0, -centre[0]], [0, 1.0, -centre[1]], [0, 0, -centre[2]]])
        lens = np.zeros((len(self.focal), 3, 3))
        lens[:, 0, 0] = lens[:, 1, 1] = self.focal
        lens[:, 2, 2] = 1.0
        return np.asarray(lens @ self.rotation @ plane, np.float64)

    def turned(self, by: Array) -> "Views":
        """These views changed by `(F, 4)`: a rotation vector, and the logarithm of a zoom."""
        rotation = Rotation.from_rotvec(by[:, :3]).as_matrix() @ self.rotation
        return Views(rotation, self.focal * np.exp(np.clip(by[:, 3], -0.5, 0.5)))


@dataclass(frozen=True)
class Lens:
    """How straight lines are bent: a point at `p` about the middle would be at `p / (1 + bend |p|² / half²)` if not."""

    bend: float
    """Negative where lines bulge outwards (barrel), 0 for none."""
    half: float
    """Half the picture's width in pixels."""

    def straightened(self, points: Array) -> Array:
        """Pixels `(..., 2)` about the middle as a lens without distortion would show them."""
        return points / (1 + self.bend * self._reach(points))

    def by_bend(self, points: Array) -> Array:
        """The derivative `(..., 2)` of `straightened` by `bend`."""
        reach = self._reach(points)
        return -points * reach / (1 + self.bend * reach) ** 2

    def bent(self, points: Array) -> Array:
        """The inverse of `straightened`; NaN where the lens shows nothing."""
        with np.errstate(invalid="ignore"):
            return points * 2 / (1 + np.sqrt(1 - 4 * self.bend * self._reach(points)))

    def _reach(self, points: Array) -> Array:
        return np.asarray((points**2).sum(axis=-1, keepdims=True) / self.half**2, np.float64)


def projected(in_camera: Array, focal: Array) -> tuple[Array, Array]:
    """Pixels `(..., 2)` about the middle of camera points `(..., 3)`, and their derivatives `(..., 2, 3)`."""
    x, y, z = in_camera[..., 0], in_camera[..., 1], np.maximum(in_camera[..., 2], 1e-6)
    points = focal[..., None] * np.stack([x / z, y / z], axis=-1)
    zero = np.zeros_like(x)
    by = focal / z
    rows = [np.stack([by, zero, -points[..., 0] / z], axis=-1), np.stack([zero, by, -points[..., 1] / z], axis=-1)]
    return points, np.stack(rows, axis=-2)


def crossed(vectors: Array) -> Array:
    """The matrices `(..., 3, 3)` with `crossed(v) @ w = w × v`: how `v` moves as it is turned by `w`."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    zero = np.zeros_like(x)
    return np.stack([
        np.stack([zero, z, -y], axis=-1), np.stack([-z, zero, x], axis=-1), np.stack([y, -x, zero], axis=-1)
    ], axis=-2)  # fmt: skip


def orient(
    rays: Array, points: Array, known: NDArray[np.bool_], start: Views, sigma_px: float, rounds: int = 6
) -> tuple[Views, Array, Array]:
    """Turn each view so that the rays' pictures come to lie on the points.

    Args:
        rays: (F, K, 3) directions in the world.
        points: (F, K, 2) where they are seen, pixels about the middle.
        known: (F, K) which of them count.
        start: F views to begin with.
        sigma_px: Standard deviation of a point's place.
        rounds: Gauss-Newton steps.

    Returns:
        The views, the covariance `(F, 4, 4)` of their turn and log zoom, and the median distance `(F,)` in pixels.
    """
    views = start
    for step in range(rounds + 1):
        in_camera = np.einsum("fij,fkj->fki", views.rotation, rays)
        seen, derivative = projected(in_camera, np.broadcast_to(views.focal[:, None], known.shape))
        off = points - seen
        size = np.where(known, np.linalg.norm(off, axis=-1), np.nan)
        weight = np.where(known, np.minimum(1.0, _HUBER * sigma_px / np.maximum(np.nan_to_num(size), 1e-9)), 0.0)
        jacobian = np.concatenate([derivative @ crossed(in_camera), seen[..., None]], axis=-1)
        normal = np.einsum("fkai,fk,fkaj->fij", jacobian, weight, jacobian) / sigma_px**2
        normal = normal + np.eye(4) * 1e-6 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + np.eye(4) * 1e-9
        if step < rounds:
            toward = np.einsum("fkai,fk,fka->fi", jacobian, weight, off) / sigma_px**2
            views = views.turned(np.linalg.solve(normal, toward[..., None])[..., 0])
    count = known.sum(axis=1)
    median = np.array([np.nanmedian(row) if n else np.nan for row, n in zip(size, count, strict=True)])
    return views, np.linalg.inv(normal), median


def resected(rink_xy: Array, points: Array, width: float) -> tuple[Views, Array] | None:
    """The view, and the camera's place `(3,)`, that shows the rink points `(N, 2)` at the pixels `(N, 2)`.

    Points are about the middle of a picture `width` pixels wide; N ≥ 4. None where no camera above the ice does.
    """
    best: tuple[float, Array] | None = None
    world = np.concatenate([rink_xy, np.zeros((len(rink_xy), 1))], axis=1)
    middle = world.mean(axis=0)

    def misses(p: Array) -> Array:
        rotation = Rotation.from_rotvec(p[:3]).as_matrix()
        in_camera = (world - p[4:]) @ rotation.T
        behind = np.minimum(in_camera[:, 2] - 0.5, 0)
        seen, _ = projected(np.column_stack([in_camera[:, :2], np.maximum(in_camera[:, 2], 0.5)]),
                            np.full(len(world), np.exp(p[3])))  # fmt: skip
        # A stand's camera is some 9 m up and hardly rolled; next to points this says nothing unless they do not.
        roll = rotation[0, 2]
        return np.concatenate([(seen - points).ravel(), 100 * behind, [0.02 * np.log(max(p[6], 0.1) / 9.0), 2 * roll]])

    for share in _FOCALS_OF_WIDTH:
        focal = share * width
        spread_px = max(float(np.ptp(points[:, 0])), 1.0)
        away = max(focal * float(np.ptp(world[:, 0]) + np.ptp(world[:, 1])) / 2 / spread_px, 6.0)
        for side in ((0.0, -1.0), (-1.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
            place = middle + np.array([side[0] * away, side[1] * away, 0.45 * away])
            rotation = _looking(place, middle)
            start = np.concatenate([Rotation.from_matrix(rotation).as_rotvec(), [np.log(focal)], place])
            found = least_squares(misses, start, x_scale=np.array([0.1, 0.1, 0.1, 0.1, 3, 3, 3]), max_nfev=80)
            if found.x[6] > 0.5 and (best is None or found.cost < best[0] * 0.98):
                best = float(found.cost), found.x
    if best is None:
        return None
    p = best[1]
    return Views(Rotation.from_rotvec(p[:3]).as_matrix()[None], np.exp(p[3:4])), np.asarray(p[4:], np.float64)


def _looking(place: Array, target: Array) -> Array:
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])
