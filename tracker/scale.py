"""Metres without a calibration: how large people look tells how far away they are. An estimate, and marked as one.

Model: a pinhole camera without roll at height `Hc` over the ice, tilted so that its horizon lies in row `v0`. Somebody
of height S whose feet are seen in row v has his head where the cross-ratio with the horizon and the vertical vanishing
point says (Criminisi, Reid and Zisserman, *Single View Metrology*, 2000), nearly `h = S/Hc · (v - v0)`. Over many
people that fits `v0` and `Hc`; a place on the ice is then

    right  = Hc · (u - cx) / (cos θ · (v - v0))        away = Hc · (f · cos θ - (v - cy) · sin θ) / (cos θ · (v - v0))

What it cannot see: the focal length `f`, which only stretches the depth. It is assumed, and corrected only so far that
people spread over no more than a rink's width. Expect distances within a quarter of the truth, not better.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from tracker.camera_motion import CameraPath
from tracker.positions import Tracks, feet
from tracker.tables import Metres

Array = NDArray[np.float64]

SKATER_M = 1.72
"""Height of a skater's box: 1.80 m with skates and helmet, less for a skater's bent knees and back."""
FOCAL_OF_WIDTH = 1.0
"""Assumed focal length, in widths of the picture: a horizontal view of 53 degrees."""
CAMERA_HEIGHT_M = 8.0
"""Where a stand's camera is expected when people's sizes say little."""
DEPTH_M = (14.0, 28.0)
"""People spread over at least and at most this depth, from the 2nd to the 98th percentile."""
FEWEST_BOXES = 40
SPREAD = 0.10
"""Standard deviation of box heights about the model, as a share: builds, postures, occlusions."""
_MOST_BOXES = 4000
_PRIOR_WEIGHT = 3.0
_SLOW_FRAMES = 300


@dataclass(frozen=True)
class Scale:
    """An estimated view of the ice; origin where people are on average, x to the right, y away from the camera."""

    frame_size: tuple[int, int]
    """Width and height in pixels."""
    horizon_v: float
    """Row of the horizon, pixels from the top; mostly negative, as cameras look down."""
    camera_height_m: float
    focal_px: float
    origin_m: tuple[float, float] = (0.0, 0.0)
    """What is taken off right and away."""
    camera: CameraPath | None = None
    """How the camera moves; None where it stands still."""

    metres: Metres = "estimated"

    def to_rink(self, points_px: Array, frames: NDArray[np.int64] | None = None) -> Array:
        """Pixels `(N, 2)` on the ice, seen in `frames` `(N,)`, to estimated metres `(N, 2)`; NaN above the horizon.

        With a moving camera, its pan turns the view about the camera, its tilt moves the horizon, its zoom lengthens
        the focal length; slow drift of the latter two is not trusted.
        """
        points = np.asarray(points_px, np.float64).reshape(-1, 2)
        pan, tilt, zoom = self._view(frames, len(points))
        cx, cy = self.frame_size[0] / 2, self.frame_size[1] / 2
        focal = self.focal_px * zoom
        across = (points[:, 0] - cx) / focal
        down = (points[:, 1] - cy) / focal
        horizon = (self.horizon_v + tilt - cy) / focal
        cos = 1 / np.sqrt(1 + horizon**2)
        sin = -horizon * cos
        below = cos * (down - horizon)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(below > 1e-6, self.camera_height_m / below, np.nan)
        right, away = reach * across, reach * (cos - down * sin)
        turned_right = np.cos(pan) * right + np.sin(pan) * away
        turned_away = np.cos(pan) * away - np.sin(pan) * right
        return np.stack([turned_right, turned_away], axis=1) - self.origin_m

    def _view(self, frames: NDArray[np.int64] | None, count: int) -> tuple[Array, Array, Array]:
        """Pan in radians to the right, the horizon's shift in pixels downwards, zoom; each `(N,)`."""
        if self.camera is None or frames is None:
            return np.zeros(count), np.zeros(count), np.ones(count)
        path = self.camera
        shift = np.stack([path.shift[:, 0], path.shift[:, 1] - _slowly(path.shift[:, 1])], axis=1)
        scale = np.exp(np.log(path.scale) - _slowly(np.log(path.scale)))
        now, zoom = replace(path, shift=shift, scale=scale).at(frames)
        return -now[:, 0] / self.focal_px, now[:, 1], zoom


def estimate(tracks: Tracks, frame_size: tuple[int, int], camera: CameraPath | None = None) -> Scale | None:
    """Fit the view to the heights of the boxes; None where there are too few of them.

    Args:
        tracks: boxes with their detector's class; goalkeepers crouch and are left out.
        frame_size: width and height in pixels.
        camera: how the camera moves, where that was looked at.
    """
    width, height = frame_size
    boxes = np.asarray(tracks.xyxy, np.float64).reshape(-1, 4)
    box_w, box_h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    edge = 3.0
    whole = (boxes[:, 0] > edge) & (boxes[:, 1] > edge) & (boxes[:, 2] < width - edge) & (boxes[:, 3] < height - edge)
    upright = (box_h > 1.1 * box_w) & (box_h < 4.5 * box_w) & (box_h > 12)
    used = np.flatnonzero(whole & upright & np.asarray(tracks.observed, np.bool_) & (tracks.class_id != 1))
    if len(used) < FEWEST_BOXES:
        return None
    sample = used[np.linspace(0, len(used) - 1, min(len(used), _MOST_BOXES)).astype(np.int64)]
    scale = Scale(frame_size, 0.0, CAMERA_HEIGHT_M, FOCAL_OF_WIDTH * width, camera=camera)
    places = feet(tracks.xyxy[sample])
    for _ in range(3):
        scale = _fitted(scale, boxes[sample, 3], box_h[sample])
        away = scale.to_rink(places, tracks.frame[sample])[:, 1]
        low, high = np.nanpercentile(away, [2, 98])
        depth = float(high - low)
        stretch = float(np.clip(depth, *DEPTH_M)) / depth if depth > 0 else 1.0
        if abs(stretch - 1) < 0.01:
            break
        focal = float(np.clip(scale.focal_px * stretch, 0.45 * width, 3.0 * width))
        scale = replace(scale, focal_px=focal)
    middle = np.nanmedian(scale.to_rink(places, tracks.frame[sample]), axis=0)
    return replace(scale, origin_m=(float(middle[0]), float(middle[1])))


def head_row(feet_v: Array, horizon_v: float, ratio: float, focal_px: float, middle_v: float) -> Array:
    """The row in which the head is seen of somebody whose feet are in row `feet_v` `(N,)`.

    `ratio` is the person's height over the camera's; the rest is the camera, in pixels.
    """
    below = ratio * (feet_v - horizon_v)
    tilt = (middle_v - horizon_v) / focal_px
    if abs(tilt) < 1e-3:
        return feet_v - below
    vanishing = middle_v + focal_px / tilt
    reach = vanishing - horizon_v
    return (reach * feet_v - below * vanishing) / (reach - below)


def _fitted(scale: Scale, feet_v: Array, heights: Array) -> Scale:
    """Horizon and camera height by robust least squares on the boxes' heights, the focal length as it is."""
    height = scale.frame_size[1]
    middle = height / 2
    typical = float(np.median(heights))
    precision = 1 / (SPREAD * np.maximum(heights, 0.3 * typical))
    expected = np.log(SKATER_M / CAMERA_HEIGHT_M)
    strength = np.sqrt(len(heights) / _MOST_BOXES) * _PRIOR_WEIGHT

    def misses(parameters: Array) -> Array:
        horizon, log_ratio = parameters[0] * height, parameters[1]
        modelled = feet_v - head_row(feet_v, horizon, float(np.exp(log_ratio)), scale.focal_px, middle)
        return np.append((heights - modelled) * precision, strength * (log_ratio - expected) / 0.5)

    best = None
    for ratio in (0.1, 0.2, 0.4):
        horizon = (np.median(feet_v) - typical / ratio) / height
        start = np.array([min(horizon, feet_v.min() / height - 0.05), np.log(ratio)])
        bounds = ([-20.0, np.log(SKATER_M / 60)], [float(feet_v.min()) / height - 0.01, np.log(SKATER_M / 2)])
        found = least_squares(misses, start, bounds=bounds, loss="soft_l1")
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    return replace(scale, horizon_v=float(best.x[0] * height), camera_height_m=float(SKATER_M / np.exp(best.x[1])))


def _slowly(values: Array) -> Array:
    """The moving mean over some 600 frames."""
    if len(values) == 0:
        return values
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = (index - _SLOW_FRAMES).clip(0), (index + _SLOW_FRAMES + 1).clip(max=len(values))
    return (sums[high] - sums[low]) / (high - low)
