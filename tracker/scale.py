"""Metres without a calibration: how large people look tells how far away they are. An estimate, and marked as one.

Model: a pinhole camera without roll at height `Hc` over the ice, tilted so that its horizon lies in row `v0`. Somebody
of height S whose feet are seen in row v has his head where the cross-ratio with the horizon and the vertical vanishing
point says (Criminisi, Reid and Zisserman, *Single View Metrology*, 2000), nearly `h = S/Hc · (v - v0)`. Over many
people that fits `v0` and `Hc`; a place on the ice is then

    right  = Hc · (u - cx) / (cos θ · (v - v0))        away = Hc · (f · cos θ - (v - cy) · sin θ) / (cos θ · (v - v0))

The focal length `f` mostly stretches the depth; heights say it only by how they bend with the row under a steep view,
and a still camera by people spreading over no more and no less than a rink's width. Expect distances within a quarter
of the truth, not better.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from tracker.camera_motion import CameraPath
from tracker.positions import NEARER_SKATE_M, Tracks, feet
from tracker.words import Metres

Array = NDArray[np.float64]

SKATER_M = 1.60
"""How high a skater's head is: 1.85 m on skates and with a helmet, less for bent knees and a bent back."""
FOCAL_OF_WIDTH = {"still": 0.7, "moving": 1.2}
"""Expected focal length, in widths of the picture: one that must see all of the play is wide (a view of 71 degrees)."""
CAMERA_HEIGHT_M = 8.0
"""Where a stand's camera is expected when people's sizes say little."""
DEPTH_M = (12.0, 27.0)
"""Before a still camera people spread over this much depth, from the 2nd to the 98th percentile."""
FEWEST_BOXES = 40
SPREAD = 0.10
"""Standard deviation of box heights about the model, as a share: builds, postures, occlusions."""
_MOST_BOXES = 4000
_MOST_LOOKED_AT = 200_000
_INDEPENDENT = 300
"""As many boxes are believed to say something of their own: postures last, and differ by place."""
_HEIGHT_DOUBT = 0.6
"""Standard deviation of the logarithm of the expected camera height."""
_FOCAL_LIMITS = (0.45, 4.0)
_SLOW_FRAMES = 1800


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
        zoom = np.exp(np.log(path.scale) - _slowly(np.log(path.scale)))
        # The steeper a camera looks, the less its picture moves as it turns about the vertical.
        steepness = np.hypot(1.0, (self.frame_size[1] / 2 - self.horizon_v) / self.focal_px)
        turned = np.cumsum(-np.diff(path.shift[:, 0], prepend=0.0) / (self.focal_px * zoom)) * steepness
        tilt = path.shift[:, 1] - _slowly(path.shift[:, 1])
        turned = turned - np.median(turned)  # the middle of the pan is taken to look straight across the rink
        index = path.index(frames)
        return turned[index], tilt[index], zoom[index]


def estimate(tracks: Tracks, frame_size: tuple[int, int], camera: CameraPath | None = None) -> Scale | None:
    """Fit the view to the heights of the boxes; None where there are too few of them.

    Args:
        tracks: boxes with their detector's class; goalkeepers and officials stand otherwise and are left out.
        frame_size: width and height in pixels.
        camera: how the camera moves, where that was looked at.
    """
    width, height = frame_size
    every = slice(None, None, max(1, len(tracks.frame) // _MOST_LOOKED_AT))
    boxes, frames = np.asarray(tracks.xyxy[every], np.float64).reshape(-1, 4), tracks.frame[every]
    box_w, box_h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    edge = 3.0
    whole = (boxes[:, 0] > edge) & (boxes[:, 1] > edge) & (boxes[:, 2] < width - edge) & (boxes[:, 3] < height - edge)
    upright = (box_h > 1.1 * box_w) & (box_h < 4.5 * box_w) & (box_h > 12)
    used = np.flatnonzero(whole & upright & tracks.observed[every] & (tracks.class_id[every] == 0))
    if len(used) < FEWEST_BOXES:
        return None
    sample = used[np.linspace(0, len(used) - 1, min(len(used), _MOST_BOXES)).astype(np.int64)]
    moving = camera is not None
    start = Scale(
        frame_size, 0.0, CAMERA_HEIGHT_M, FOCAL_OF_WIDTH["moving" if moving else "still"] * width, camera=camera
    )
    places = feet(boxes[sample])
    scale = _fitted(start, boxes[sample, 3], box_h[sample])
    if not moving:
        for _ in range(4):
            low, high = np.nanpercentile(scale.to_rink(places)[:, 1], [2, 98])
            stretch = float(np.clip(high - low, *DEPTH_M) / max(high - low, 0.1))
            if abs(stretch - 1) < 0.02:
                break
            focal = min(max(scale.focal_px * stretch, _FOCAL_LIMITS[0] * width), _FOCAL_LIMITS[1] * width)
            scale = _fitted(replace(scale, focal_px=focal), boxes[sample, 3], box_h[sample])
    middle = np.nanmedian(scale.to_rink(places, frames[sample]), axis=0)
    return replace(scale, origin_m=(float(middle[0]), float(middle[1])))


def head_row(bottom_v: Array, horizon_v: float, camera_height_m: float, focal_px: float, middle_v: float) -> Array:
    """The row in which the head is seen of a skater whose box ends in row `bottom_v` `(N,)`.

    The box ends at the nearer skate, `NEARER_SKATE_M` before the body; under a steep view that makes boxes taller.
    """
    tilt = np.arctan2(middle_v - horizon_v, focal_px)
    sin, cos = np.sin(tilt), np.cos(tilt)
    down = (bottom_v - middle_v) / focal_px
    away = camera_height_m * (cos - down * sin) / np.maximum(sin + down * cos, 1e-6) + NEARER_SKATE_M
    over = camera_height_m - SKATER_M
    return np.asarray(middle_v + focal_px * (over * cos - away * sin) / (away * cos + over * sin), np.float64)


def _fitted(scale: Scale, feet_v: Array, heights: Array) -> Scale:
    """Horizon and camera height by robust least squares on the boxes' heights, the focal length as it is.

    The camera height is drawn to the expected one where the heights say little.
    """
    height = scale.frame_size[1]
    middle = height / 2
    typical = float(np.median(heights))
    precision = np.sqrt(min(1.0, _INDEPENDENT / len(heights))) / SPREAD
    seen = np.log(heights)
    expected = float(np.log(CAMERA_HEIGHT_M))

    def misses(parameters: Array) -> Array:
        horizon, log_height = float(parameters[0]) * height, float(parameters[1])
        modelled = feet_v - head_row(feet_v, horizon, float(np.exp(log_height)), scale.focal_px, middle)
        misfit = (seen - np.log(np.maximum(modelled, 1.0))) * precision
        return np.append(misfit, (log_height - expected) / _HEIGHT_DOUBT)

    highest = float(feet_v.min()) / height
    best = None
    for camera_height in (4.0, 8.0, 16.0):
        horizon = min(float(np.median(feet_v) - typical * camera_height / SKATER_M) / height, highest - 0.05)
        bounds = ([-20.0, np.log(2.0)], [highest - 0.01, np.log(60.0)])
        found = least_squares(misses, [horizon, np.log(camera_height)], bounds=bounds, loss="soft_l1", x_scale="jac")
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    return replace(scale, horizon_v=float(best.x[0] * height), camera_height_m=float(np.exp(best.x[1])))


def _slowly(values: Array) -> Array:
    """The moving mean over 3600 frames."""
    if len(values) == 0:
        return values
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = (index - _SLOW_FRAMES).clip(0), (index + _SLOW_FRAMES + 1).clip(max=len(values))
    return (sums[high] - sums[low]) / (high - low)
