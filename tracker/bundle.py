"""All key frames of a turning camera at once: bundle adjustment over its place, its lens, its turns and its zooms.

Three kinds of evidence count together (Triggs et al., *Bundle Adjustment: A Modern Synthesis*, 2000): points that a
person placed in calibrated frames, background that two key frames share, and the rink's own painted lines, which are
looked for anew after each round, nearer and nearer to where they are expected.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tracker import homography
from tracker.key_frames import KeyFrame, outside
from tracker.painted_lines import LineModel, LinePoints, find_lines
from tracker.turning_camera import Array, Lens, Views, crossed, projected

CLICK_PX = 1.0
MATCH_PX = 0.8
LINE_PX = 0.8
"""Standard deviations in pixels of the small pictures: of a placed point, of a corner seen in two key frames (followed
to half of that; the rest is the lens, and a camera that does not quite turn about one place), of a line's middle."""
MATCHES_SAY = 16
"""As many corners that two key frames share count as being of their own: they are off together, by what the lens bends
and by how far the camera's place is from the one about which it turns."""
BEND = 0.03
"""Standard deviation of a lens's bend (`Lens`), where nothing tells it."""
_LINE_WINDOWS_PX = (9.0, 6.0, 4.0, 4.0)
_LINES_SAY = 80
"""As many line points of one picture count as being of their own: what paint is off by, it is off by for metres."""
_HUBER = 2.0
_ROUNDS = 18
_COMMON = 4


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
    trust: Array
    """(M,) how much each counts, 1 for a corner of its own."""


@dataclass(frozen=True)
class Adjusted:
    """A camera and its key frames' views."""

    centre: Array
    """(3,) the camera's place, rink metres."""
    lens: Lens
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
    lens = Lens(0.0, float(middle[0]) + 0.5)
    centre, lens, views, covariance = _solve(centre, lens, views, placed, shared, [])
    masks = [outside(key.people, key.picture.shape) for key in keys]
    about: list[LinePoints] = []
    for window in _LINE_WINDOWS_PX:
        about = []
        for matrix, key, mask in zip(views.homographies(centre), keys, masks, strict=True):
            seen = find_lines(lines, partial(_shown, matrix, lens, middle), key.picture, mask, window)
            about.append(LinePoints(seen.rink_xy, seen.seen - middle, seen.normal))
        centre, lens, views, covariance = _solve(centre, lens, views, placed, shared, about)
    off = [_off_line(centre, lens, views, index, seen) for index, seen in enumerate(about)]
    median = np.array([np.median(np.abs(row)) if len(row) else np.nan for row in off])
    return Adjusted(centre, lens, views, covariance, median, np.array([len(row) for row in off], np.int64))


def _shown(matrix: Array, lens: Lens, middle: Array, xy: Array) -> Array:
    """Pixels (N, 2) of rink points (N, 2) as the lens shows them."""
    return lens.bent(homography.apply(matrix, xy)) + middle


def _off_line(centre: Array, lens: Lens, views: Views, index: int, seen: LinePoints) -> Array:
    if len(seen.rink_xy) == 0:
        return np.empty(0)
    pixels, *_ = _ice(centre, views, np.full(len(seen.rink_xy), index), seen.rink_xy)
    return np.einsum("ni,ni->n", lens.straightened(seen.seen) - pixels, seen.normal)


def _ice(centre: Array, views: Views, key: NDArray[np.int64], xy: Array) -> tuple[Array, Array, Array]:
    """Pixels (N, 2) of rink points, their derivatives by the view (N, 2, 4) and by the centre (N, 2, 3)."""
    world = np.concatenate([xy, np.zeros((len(xy), 1))], axis=1) - centre
    rotation = views.rotation[key]
    in_camera = np.einsum("nij,nj->ni", rotation, world)
    pixels, by_place = projected(in_camera, views.focal[key])
    by_view = np.concatenate([by_place @ crossed(in_camera), pixels[..., None]], axis=-1)
    return pixels, by_view, -by_place @ rotation


def _across(shared: Shared, lens: Lens, views: Views) -> tuple[Array, Array, Array, Array]:
    """What the second key frames miss (M, 2), and the derivatives of what they show by first view, second view, bend.

    All in pixels of a lens that bends nothing; what is seen moves with the bend too, which is counted as its negative.
    """
    a, b = shared.first, shared.second
    first = lens.straightened(shared.first_points)
    in_first = np.concatenate([first / views.focal[a][:, None], np.ones((len(a), 1))], axis=1)
    turn = views.rotation[b] @ np.swapaxes(views.rotation[a], 1, 2)
    in_second = np.einsum("nij,nj->ni", turn, in_first)
    pixels, by_place = projected(in_second, views.focal[b])
    by_second = np.concatenate([by_place @ crossed(in_second), pixels[..., None]], axis=-1)
    by_first_place = by_place @ turn
    zoomed = np.einsum("nij,nj->ni", by_first_place[..., :2], -in_first[:, :2])
    by_first = np.concatenate([-by_first_place @ crossed(in_first), zoomed[..., None]], axis=-1)
    moved = lens.by_bend(shared.first_points) / views.focal[a][:, None]
    by_bend = np.einsum("nij,nj->ni", by_first_place[..., :2], moved) - lens.by_bend(shared.second_points)
    return lens.straightened(shared.second_points) - pixels, by_first, by_second, by_bend


def _solve(
    centre: Array, lens: Lens, views: Views, placed: Placed, shared: Shared, lines: list[LinePoints]
) -> tuple[Array, Lens, Views, Array]:
    """Levenberg-Marquardt with Huber's weights on one dense system.

    Its unknowns are the centre's three and the lens's bend, then four for each view.
    """
    count = len(views.focal)
    size = _COMMON + 4 * count
    key = [np.full(len(seen.rink_xy), index, np.int64) for index, seen in enumerate(lines)]
    line_key = np.concatenate([np.empty(0, np.int64), *key])
    share = np.concatenate([np.empty(0), *(np.full(len(k), min(1.0, _LINES_SAY / max(len(k), 1))) for k in key)])
    line_xy, line_seen, line_normal = (
        np.concatenate([np.empty((0, 2)), *(getattr(seen, name) for seen in lines)])
        for name in ("rink_xy", "seen", "normal")
    )

    def system(centre: Array, lens: Lens, views: Views) -> tuple[Array, Array, float]:
        normal, toward = np.zeros((size, size)), np.zeros(size)
        normal[3, 3], toward[3], cost = 1 / BEND**2, -lens.bend / BEND**2, (lens.bend / BEND) ** 2

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
        common = np.concatenate([by_centre, -lens.by_bend(placed.points)[..., None]], axis=-1)
        off = lens.straightened(placed.points) - pixels
        add(off, [(placed.key, by_view), (None, common)], CLICK_PX, np.ones(len(pixels)))
        if len(shared.first):
            off, by_first, by_second, by_bend = _across(shared, lens, views)
            common = np.concatenate([np.zeros((len(off), 2, 3)), by_bend[..., None]], axis=-1)
            blocks = [(shared.first, by_first), (shared.second, by_second), (None, common)]
            add(off, blocks, MATCH_PX, shared.trust)
        if len(line_key):
            pixels, by_view, by_centre = _ice(centre, views, line_key, line_xy)
            flat = line_normal[:, None]
            off = np.einsum("nai,ni->na", flat, lens.straightened(line_seen) - pixels)
            common = flat @ np.concatenate([by_centre, -lens.by_bend(line_seen)[..., None]], axis=-1)
            add(off, [(line_key, flat @ by_view), (None, common)], LINE_PX, share)
        return normal, toward, cost

    damping = 1e-4
    normal, toward, cost = system(centre, lens, views)
    for _ in range(_ROUNDS):
        scale = np.diag(normal) + 1e-9
        step = np.linalg.solve(normal + np.diag(damping * scale), toward)
        moved = (
            centre + step[:3],
            Lens(lens.bend + float(np.clip(step[3], -0.05, 0.05)), lens.half),
            views.turned(np.asarray(step[_COMMON:].reshape(-1, 4), np.float64)),
        )
        new = system(*moved)
        if new[2] < cost:
            done = cost - new[2] < 1e-4 * cost
            (centre, lens, views), (normal, toward, cost) = moved, new
            damping = max(damping / 5, 1e-7)
            if done:
                break
        else:
            damping *= 10
            if damping > 1e3:
                break
    inverse = np.linalg.inv(normal + np.diag(1e-9 * (np.diag(normal) + 1e-9)))
    own = [slice(_COMMON + 4 * k, _COMMON + 4 * k + 4) for k in range(count)]
    return centre, lens, views, np.array([inverse[part, part] for part in own]).reshape(-1, 4, 4)


def _unknowns(at: NDArray[np.int64] | None, rows: int) -> NDArray[np.int64]:
    """Indices (N, 4) of the unknowns common to all views (None) or of each row's view."""
    if at is None:
        return np.broadcast_to(np.arange(_COMMON), (rows, _COMMON))
    return np.asarray(_COMMON + 4 * at[:, None] + np.arange(4), np.int64)
