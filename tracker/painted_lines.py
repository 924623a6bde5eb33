"""Painted lines in a picture, looked for near where they are expected: along the normals of the projected rink.

Each point of a line (every half metre) is searched for along the normal of its projection, as Harris's RAPiD does
(Harris and Stennett 1990): a line is a dark ridge, as wide as it is painted, between lighter ice on both sides.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.key_frames import Picture
from tracker.rink import Rink

Array = NDArray[np.float64]

SPACING_M = 0.5
CONTRAST = 5.0
"""Grey levels by which a line must be darker than the ice on both of its sides."""
_STEP_PX = 0.5
_LEFT_OUT = ("goal", "boards", "officials' crease", "crease")
"""What is no ridge on ice: things that stand on it, filled areas' edges."""


@dataclass(frozen=True)
class LinePoints:
    """Points of the rink's lines that were found in a picture."""

    rink_xy: Array
    """(N, 2) metres."""
    seen: Array
    """(N, 2) pixels, where the line was found."""
    normal: Array
    """(N, 2) unit vectors across the line, in which alone `seen` is meant."""


@dataclass(frozen=True)
class LineModel:
    """A rink's lines as points with directions and widths."""

    xy: Array
    """(N, 2) metres."""
    along: Array
    """(N, 2) unit vectors."""
    width_m: Array
    """(N,)"""

    @staticmethod
    def of(rink: Rink) -> "LineModel":
        """Points every half metre of all lines that are ridges on the ice."""
        xy, along, width = [], [], []
        for line in rink.lines():
            if line.name.split(" ", 1)[-1] in _LEFT_OUT or line.name in _LEFT_OUT:
                continue
            steps = np.linalg.norm(np.diff(line.points, axis=0), axis=1)
            reach = np.concatenate([[0.0], np.cumsum(steps)])
            count = max(1, round(reach[-1] / SPACING_M))
            at = (np.arange(count) + 0.5) / count * reach[-1]
            points = np.stack([np.interp(at, reach, line.points[:, axis]) for axis in (0, 1)], axis=1)
            piece = np.searchsorted(reach, at, side="right").clip(1, len(steps)) - 1
            xy.append(points)
            along.append(np.diff(line.points, axis=0)[piece] / steps[piece][:, None])
            width.append(np.full(count, line.width_m))
        return LineModel(np.concatenate(xy), np.concatenate(along), np.concatenate(width))


def find_lines(
    model: LineModel,
    project: Callable[[Array], Array],
    picture: Picture,
    mask: NDArray[np.uint8],
    window_px: float,
) -> LinePoints:
    """Look for the lines in a picture.

    Args:
        model: The rink's lines.
        project: Rink metres `(N, 2)` to pixels `(N, 2)`, as expected; NaN behind the camera.
        picture: (h, w) uint8, lines darker than ice.
        mask: (h, w) uint8, 0 where people are.
        window_px: How far off, along the normal, a line may lie.
    """
    height, width = picture.shape
    middle = project(model.xy)
    ahead = project(model.xy + 0.05 * model.along)
    across = np.stack([-model.along[:, 1], model.along[:, 0]], axis=1)
    edge = project(model.xy + across * model.width_m[:, None] / 2)
    tangent = ahead - middle
    length = np.linalg.norm(tangent, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        tangent = tangent / length[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    half = np.abs(np.einsum("ni,ni->n", edge - middle, normal))
    margin = window_px + 4
    usable = (
        np.isfinite(middle).all(axis=1) & np.isfinite(half) & (length > 0.05) & (half < 12)
        & (middle > margin).all(axis=1) & (middle < (width - margin, height - margin)).all(axis=1)
    )  # fmt: skip
    index = np.flatnonzero(usable)
    empty = LinePoints(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2)))
    if len(index) == 0:
        return empty
    half = np.maximum(half[index], 0.6)
    reach = window_px + float(half.max()) + 3.0
    offsets = np.arange(-reach, reach + _STEP_PX / 2, _STEP_PX)
    places = middle[index][:, None] + normal[index][:, None] * offsets[None, :, None]
    sampled = [np.asarray(places[..., axis], np.float32) for axis in (0, 1)]
    # Averaged a little along the line, so that a crack in the ice or a grain is no line.
    profile = np.mean([
        cv2.remap(picture, sampled[0] + np.float32(s) * tangent[index, 0, None].astype(np.float32),
                  sampled[1] + np.float32(s) * tangent[index, 1, None].astype(np.float32), cv2.INTER_LINEAR)
        for s in (-1.0, 0.0, 1.0)
    ], axis=0)  # fmt: skip
    free = cv2.remap(mask, sampled[0], sampled[1], cv2.INTER_NEAREST) > 0
    response = _ridge(profile, half)
    near = np.abs(offsets) <= window_px
    response = np.where(near[None], response, -np.inf)
    best = response.argmax(axis=1)
    rows = np.arange(len(index))
    strength = response[rows, best]
    inner = (best > 0) & (best < len(offsets) - 1)
    left, right = response[rows, (best - 1).clip(0)], response[rows, (best + 1).clip(max=len(offsets) - 1)]
    bend = left - 2 * strength + right
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(np.isfinite(bend) & (bend < 0), 0.5 * (left - right) / bend, 0.0)
    # Another ridge nearly as strong in the same window leaves open which one it is.
    apart = np.abs(offsets[None] - offsets[best][:, None]) > 2 * half[:, None] + 2
    rival = np.where(apart, response, -np.inf).max(axis=1)
    clear = (strength > CONTRAST) & inner & np.isfinite(shift) & (rival < 0.7 * strength)
    clear &= free[rows, best] & free[rows, np.flatnonzero(near)[0]] & free[rows, np.flatnonzero(near)[-1]]
    found = offsets[best] + np.clip(shift, -1, 1) * _STEP_PX
    kept = index[clear]
    return LinePoints(model.xy[kept], middle[kept] + normal[kept] * found[clear][:, None], normal[kept])


def _ridge(profile: Array, half: Array) -> Array:
    """How much darker `(N, M)` each place is, over a line's half width `(N,)`, than the lighter of its two flanks."""
    sums = np.concatenate([np.zeros((len(profile), 1)), np.cumsum(profile, axis=1)], axis=1)
    count = profile.shape[1]
    at = np.arange(count)[None]
    steps = np.maximum(1, np.round(half / _STEP_PX)).astype(np.int64)[:, None]
    gap, flank = steps + 2, 4
    rows = np.arange(len(profile))[:, None]

    def mean(low: NDArray[np.int64], high: NDArray[np.int64]) -> Array:
        low, high = low.clip(0, count), high.clip(0, count)
        return (sums[rows, high] - sums[rows, low]) / np.maximum(high - low, 1)

    inside = mean(at - steps, at + steps + 1)
    before, after = mean(at - gap - flank, at - gap), mean(at + gap + 1, at + gap + flank + 1)
    response = np.minimum(before, after) - inside
    whole = (at - gap - flank >= 0) & (at + gap + flank < count)
    return np.where(whole, response, -np.inf)
