"""All key frames of a turning camera at once: bundle adjustment over its place, its turns and its zooms.

Three kinds of evidence count together (Triggs et al., *Bundle Adjustment: A Modern Synthesis*, 2000): points that a
person placed in calibrated frames, background that two key frames share, and the rink's own painted lines, which are
looked for anew after each round, nearer and nearer to where they are expected.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.key_frames import KeyFrame, outside
from tracker.painted_lines import LineModel, LinePoints, find_lines
from tracker.turning_camera import Array, Views, crossed, projected

CLICK_PX = 1.0
MATCH_PX = 0.4
LINE_PX = 0.8
"""Standard deviations in pixels of the small pictures: of a placed point, a followed corner, a line's middle."""
_LINE_WINDOWS_PX = (9.0, 6.0, 4.0, 4.0)
_LINES_SAY = 80
"""As many line points of one picture count as being of their own: what paint is off by, it is off by for metres."""
_HUBER = 2.0
_ROUNDS = 6


@dataclass(frozen=True)
class Placed:
    """Points of the rink seen in key frames."""

    key: NDArray[np.int64]
    """(N,)"""
    rink_xy: Array
    """(N, 2) metres."""
    points: Array
    """(N, 2) pixels about the middle."""


@dataclass(frozen=True)
class Shared:
    """Background seen in two key frames."""

    first: NDArray[np.int64]
    """(M,)"""
    second: NDArray[np.int64]
    """(M,)"""
    first_points: Array
    """(M, 2) pixels about the middle."""
    second_points: Array
    """(M, 2)"""


@dataclass(frozen=True)
class Adjusted:
    """A camera and its key frames' views."""

    centre: Array
    """(3,) the camera's place, rink metres."""
    views: Views
    covariance: Array
    """(K, 4, 4) of each view's turn and log zoom, the centre's doubt not included."""
    line_px: Array
    """(K,) median distance of the lines found from where they are projected, small pixels; NaN where none was found."""
    line_points: NDArray[np.int64]
    """(K,) how many points of lines were found."""


def adjust(
    centre: Array, views: Views, placed: Placed, shared: Shared, keys: tuple[KeyFrame, ...], lines: LineModel,
    middle: Array,
) -> Adjusted:  # fmt: skip
    """Adjust all views and the camera's place.

    Args:
        centre: (3,) where the camera is thought to be, metres.
        views: One for each key frame, to begin with.
        placed: Points that a person placed.
        shared: Background that key frames share.
        keys: The key frames, for their pictures.
        lines: The rink's lines.
        middle: (2,) the middle of a small picture, pixels.
    """
    centre, views, covariance = _solve(centre, views, placed, shared, [])
    masks = [outside(key.people, key.picture.shape) for key in keys]
    found: list[LinePoints] = []
    for window in _LINE_WINDOWS_PX:
        matrices = _to_pixels(views.homographies(centre), middle)
        found = [
            find_lines(lines, matrix, key.picture, mask, window)
            for matrix, key, mask in zip(matrices, keys, masks, strict=True)
        ]
        about = [LinePoints(seen.rink_xy, seen.seen - middle, seen.normal) for seen in found]
        centre, views, covariance = _solve(centre, views, placed, shared, about)
    off = [_off_line(centre, views, index, seen) for index, seen in enumerate(about)]
    median = np.array([np.median(np.abs(row)) if len(row) else np.nan for row in off])
    return Adjusted(centre, views, covariance, median, np.array([len(row) for row in off], np.int64))


def _to_pixels(matrices: Array, middle: Array) -> Array:
    shift = np.array([[1, 0, middle[0]], [0, 1, middle[1]], [0, 0, 1.0]])
    return np.asarray(shift @ matrices, np.float64)


def _off_line(centre: Array, views: Views, index: int, seen: LinePoints) -> Array:
    if len(seen.rink_xy) == 0:
        return np.empty(0)
    pixels, *_ = _ice(centre, views, np.full(len(seen.rink_xy), index), seen.rink_xy)
    return np.einsum("ni,ni->n", seen.seen - pixels, seen.normal)


def _ice(centre: Array, views: Views, key: NDArray[np.int64], xy: Array) -> tuple[Array, Array, Array]:
    """Pixels (N, 2) of rink points, their derivatives by the view (N, 2, 4) and by the centre (N, 2, 3)."""
    world = np.concatenate([xy, np.zeros((len(xy), 1))], axis=1) - centre
    rotation = views.rotation[key]
    in_camera = np.einsum("nij,nj->ni", rotation, world)
    pixels, by_place = projected(in_camera, views.focal[key])
    by_view = np.concatenate([by_place @ crossed(in_camera), pixels[..., None]], axis=-1)
    return pixels, by_view, -by_place @ rotation


def _across(shared: Shared, views: Views) -> tuple[Array, Array, Array]:
    """What the second key frames miss (M, 2), and the derivatives of what they show by the first and second view."""
    a, b = shared.first, shared.second
    in_first = np.concatenate([shared.first_points / views.focal[a][:, None], np.ones((len(a), 1))], axis=1)
    turn = views.rotation[b] @ np.swapaxes(views.rotation[a], 1, 2)
    in_second = np.einsum("nij,nj->ni", turn, in_first)
    pixels, by_place = projected(in_second, views.focal[b])
    by_second = np.concatenate([by_place @ crossed(in_second), pixels[..., None]], axis=-1)
    zoomed = np.einsum("nij,nj->ni", turn, np.concatenate([-in_first[:, :2], np.zeros((len(a), 1))], axis=1))
    by_first = np.concatenate(
        [-by_place @ turn @ crossed(in_first), np.einsum("nij,nj->ni", by_place, zoomed)[..., None]], axis=-1
    )
    return shared.second_points - pixels, by_first, by_second


def _solve(
    centre: Array, views: Views, placed: Placed, shared: Shared, lines: list[LinePoints]
) -> tuple[Array, Views, Array]:
    """Levenberg-Marquardt with Huber's weights on one dense system: the centre's 3 unknowns, then 4 for each view."""
    count = len(views.focal)
    size = 3 + 4 * count
    key = [np.full(len(seen.rink_xy), index, np.int64) for index, seen in enumerate(lines)]
    line_key = np.concatenate(key) if key else np.empty(0, np.int64)
    share = (
        np.concatenate([np.full(len(k), min(1.0, _LINES_SAY / max(len(k), 1))) for k in key]) if key else np.empty(0)
    )
    line_xy, line_seen, line_normal = (
        np.concatenate([getattr(seen, name) for seen in lines]) if lines else np.empty((0, 2))
        for name in ("rink_xy", "seen", "normal")
    )

    def system(centre: Array, views: Views) -> tuple[Array, Array, float]:
        normal, toward, cost = np.zeros((size, size)), np.zeros(size), 0.0

        def add(off: Array, blocks: list[tuple[NDArray[np.int64] | None, Array]], sigma: float, trust: Array) -> None:
            nonlocal cost
            length = np.linalg.norm(off, axis=1) / sigma
            weight = trust * np.minimum(1.0, _HUBER / np.maximum(length, 1e-9)) / sigma**2
            inside = length <= _HUBER
            cost += float((trust * np.where(inside, length**2, 2 * _HUBER * length - _HUBER**2)).sum())
            for at, block in blocks:
                rows = _unknowns(at, len(off))
                np.add.at(toward, rows, np.einsum("nai,n,na->ni", block, weight, off))
                for other_at, other in blocks:
                    columns = _unknowns(other_at, len(off))
                    product = np.einsum("nai,n,naj->nij", block, weight, other)
                    np.add.at(normal, (rows[:, :, None], columns[:, None, :]), product)

        pixels, by_view, by_centre = _ice(centre, views, placed.key, placed.rink_xy)
        add(placed.points - pixels, [(placed.key, by_view), (None, by_centre)], CLICK_PX, np.ones(len(pixels)))
        if len(shared.first):
            off, by_first, by_second = _across(shared, views)
            add(off, [(shared.first, by_first), (shared.second, by_second)], MATCH_PX, np.ones(len(off)))
        if len(line_key):
            pixels, by_view, by_centre = _ice(centre, views, line_key, line_xy)
            flat = line_normal[:, None]
            off = np.einsum("nai,ni->na", flat, line_seen - pixels)
            add(off, [(line_key, flat @ by_view), (None, flat @ by_centre)], LINE_PX, share)
        return normal, toward, cost

    damping = 1e-4
    normal, toward, cost = system(centre, views)
    for _ in range(_ROUNDS * 3):
        scale = np.diag(normal) + 1e-9
        step = np.linalg.solve(normal + np.diag(damping * scale), toward)
        new_centre, new_views = centre + step[:3], views.turned(np.asarray(step[3:].reshape(-1, 4), np.float64))
        new = system(new_centre, new_views)
        if new[2] < cost:
            done = cost - new[2] < 1e-4 * cost
            centre, views, (normal, toward, cost) = new_centre, new_views, new
            damping = max(damping / 5, 1e-7)
            if done:
                break
        else:
            damping *= 10
            if damping > 1e3:
                break
    inverse = np.linalg.inv(normal + np.diag(1e-9 * (np.diag(normal) + 1e-9)))
    blocks = np.array([inverse[3 + 4 * k : 7 + 4 * k, 3 + 4 * k : 7 + 4 * k] for k in range(count)]).reshape(-1, 4, 4)
    return centre, views, blocks


def _unknowns(at: NDArray[np.int64] | None, rows: int) -> NDArray[np.int64]:
    """Indices (N, 3 or 4) of the unknowns of the centre (None) or of each row's view."""
    if at is None:
        return np.broadcast_to(np.arange(3), (rows, 3))
    return np.asarray(3 + 4 * at[:, None] + np.arange(4), np.int64)
