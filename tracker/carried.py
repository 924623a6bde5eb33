"""A calibration carried along by a camera that pans, tilts and zooms: a homography for every frame that can have one.

The calibrated frames tell where the camera stands and how it looks; key frames that are linked to them, directly or
through others, are adjusted together (`tracker/bundle.py`), and every frame is turned to fit its key frame. Frames
that belong to no calibrated scene (another camera, a close-up, a replay) or fit too badly have no metres.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tracker.background import Sightings
from tracker.bundle import MATCH_PX, MATCHES_SAY, Placed, Shared, adjust
from tracker.calibration import Calibration
from tracker.key_frames import KEPT
from tracker.painted_lines import LineModel
from tracker.rink import Rink
from tracker.turning_camera import Array, Lens, Views, orient, resected
from tracker.words import Metres

Why = Literal["another scene", "not recognised", "uncertain"]

UNCERTAIN_M = 0.75
"""A frame whose places are less certain than this, one standard deviation in the middle of the ice seen, has none."""
MISFIT_PX = 1.5
"""Nor has one whose background lies, in the median, further from where it should: pixels of the small picture."""
_CHUNK = 2048


@dataclass(frozen=True)
class Stretch:
    """Frames without metres."""

    first: int
    last: int
    why: Why


@dataclass(frozen=True)
class Carried:
    """Where every frame looks; a `Ground`."""

    rink: Rink
    frame: NDArray[np.int64]
    """(F,) frames looked at, increasing."""
    homography: Array = field(repr=False)
    """(F, 3, 3) rink metres to pixels about the picture's middle, the lens's bend left out; NaN where it is lost."""
    uncertainty_m: Array = field(repr=False)
    """(F,) one standard deviation of a place in the middle of the ice that is seen; NaN where it is lost."""
    middle: tuple[float, float]
    """The middle of the picture, pixels."""
    lens: Lens
    lost: tuple[Stretch, ...]
    centre: tuple[float, float, float]
    """Where the camera stands, metres; z is its height."""
    line_px: float
    """Median distance of the painted lines found from where they are projected, pixels of the video; NaN if none."""
    line_points: int
    key_frames: tuple[int, ...]
    """Frames that the others were registered to."""

    metres: Metres = "measured"

    def to_rink(self, points_px: Array, frames: NDArray[np.int64] | None = None) -> Array:
        """Pixels `(N, 2)` seen in `frames` `(N,)` to rink metres; NaN where the frame is lost and above the horizon.

        Without `frames` nothing is known.
        """
        points = np.asarray(points_px, np.float64).reshape(-1, 2)
        if frames is None or len(self.frame) == 0:
            return np.full(points.shape, np.nan)
        matrices = np.linalg.inv(np.where(np.isfinite(self.homography), self.homography, np.eye(3)))
        return self._mapped(matrices, self.lens.straightened(points - self.middle), frames)

    def to_image(self, xy: Array, frames: NDArray[np.int64] | None = None) -> Array:
        """Rink metres `(N, 2)` to pixels in `frames` `(N,)`; NaN where the frame is lost or they lie behind."""
        points = np.asarray(xy, np.float64).reshape(-1, 2)
        if frames is None or len(self.frame) == 0:
            return np.full(points.shape, np.nan)
        return self.lens.bent(self._mapped(self.homography, points, frames)) + self.middle

    def known(self, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the frames `(N,)` have a place on the rink."""
        index, looked_at = self._index(frames)
        return np.asarray(looked_at & np.isfinite(self.uncertainty_m[index]), np.bool_)

    def _mapped(self, matrices: Array, points: Array, frames: NDArray[np.int64]) -> Array:
        frames = np.broadcast_to(np.asarray(frames, np.int64), len(points))
        index, _ = self._index(frames)
        homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        mapped = np.einsum("nij,nj->ni", matrices[index], homogeneous)
        with np.errstate(divide="ignore", invalid="ignore"):
            there = np.where(mapped[:, 2:] > 1e-12, mapped[:, :2] / mapped[:, 2:], np.nan)
        return np.where(self.known(frames)[:, None], there, np.nan)

    def _index(self, frames: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        wanted = np.asarray(frames, np.int64)
        index = np.searchsorted(self.frame, wanted).clip(0, len(self.frame) - 1)
        return index, np.asarray(self.frame[index] == wanted, np.bool_)


def carry(views: Sequence[Calibration], seen: Sightings) -> Carried | None:
    """Carry calibrated frames to all others; None where no calibrated frame could be understood as a camera's view.

    Args:
        views: Calibrated frames; each is one of the key frames of `seen`.
        seen: The background of the video.
    """
    rink = views[0].rink
    middle = np.array(seen.keys[0].picture.shape[::-1], np.float64) / 2 - 0.5
    by_frame = {view.frame: view for view in views}
    anchors = {k: by_frame[key.frame] for k, key in enumerate(seen.keys) if key.frame in by_frame}
    placed = _placed(anchors, seen, middle)
    started = _started(anchors, placed, seen, middle)
    if started is None:
        return None
    centre, start = started
    linked = sorted(start)
    position = {k: i for i, k in enumerate(linked)}
    edges = [e for e in seen.edges if e.first in position and e.second in position]
    keep = np.isin(placed.key, linked)
    adjusted = adjust(
        centre,
        Views(np.array([start[k][0] for k in linked]), np.array([start[k][1] for k in linked])),
        Placed(np.array([position[k] for k in placed.key[keep]], np.int64), placed.rink_xy[keep], placed.points[keep]),
        _shared([(position[e.first], position[e.second], e.first_points, e.second_points) for e in edges], middle),
        tuple(seen.keys[k] for k in linked), LineModel.of(rink), middle,
    )  # fmt: skip
    sightings = seen.sightings.read()
    matrices, doubt, why = _frames(
        sightings, position, adjusted.centre, adjusted.lens, adjusted.views, adjusted.covariance, middle
    )
    with np.errstate(all="ignore"):
        off_px = float(np.nanmedian(adjusted.line_px)) if np.isfinite(adjusted.line_px).any() else float("nan")
    about = (middle + 0.5) / seen.factor - 0.5
    x, y, z = (float(v) for v in adjusted.centre)
    frames = sightings["frame"].astype(np.int64)
    return Carried(
        rink=rink,
        frame=frames,
        homography=np.diag([1 / seen.factor, 1 / seen.factor, 1.0]) @ matrices,
        uncertainty_m=doubt,
        middle=(float(about[0]), float(about[1])),
        lens=Lens(adjusted.lens.bend, adjusted.lens.half / seen.factor),
        lost=_stretches(frames, why),
        centre=(x, y, z),
        line_px=off_px / seen.factor,
        line_points=int(adjusted.line_points.sum()),
        key_frames=tuple(seen.keys[k].frame for k in linked),
    )


def _small(points: Array, factor: float) -> Array:
    """Pixels of the video to pixels of the small pictures; a pixel's middle is a whole number in both."""
    return (points + 0.5) * factor - 0.5


def _placed(anchors: dict[int, Calibration], seen: Sightings, middle: Array) -> Placed:
    key = [k for k, view in anchors.items() for _ in view.points]
    xy = np.array([pair.rink for view in anchors.values() for pair in view.points], np.float64).reshape(-1, 2)
    uv = np.array([pair.image for view in anchors.values() for pair in view.points], np.float64).reshape(-1, 2)
    return Placed(np.array(key, np.int64), xy, _small(uv, seen.factor) - middle)


def _shared(edges: list[tuple[int, int, NDArray[np.float32], NDArray[np.float32]]], middle: Array) -> Shared:
    counts = [len(points) for _, _, points, _ in edges]
    none = np.empty((0, 2))
    return Shared(
        np.repeat(np.array([a for a, *_ in edges], np.int64), counts),
        np.repeat(np.array([b for _, b, *_ in edges], np.int64), counts),
        np.concatenate([none, *(p for _, _, p, _ in edges)]).astype(np.float64) - middle,
        np.concatenate([none, *(q for _, _, _, q in edges)]).astype(np.float64) - middle,
        np.repeat(np.array([min(1.0, MATCHES_SAY / max(count, 1)) for count in counts], np.float64), counts),
    )


def _started(
    anchors: dict[int, Calibration], placed: Placed, seen: Sightings, middle: Array
) -> tuple[Array, dict[int, tuple[Array, float]]] | None:
    """A first guess: the camera's place, rotation and focal length of each key frame linked to a calibrated one."""
    width = 2 * float(middle[0]) + 1
    found: dict[int, tuple[Array, float]] = {}
    best: tuple[int, Array] | None = None
    for k in anchors:
        here = placed.key == k
        one = resected(placed.rink_xy[here], placed.points[here], width)
        if one is not None:
            found[k] = one[0].rotation[0], float(one[0].focal[0])
            if best is None or here.sum() > best[0]:
                best = int(here.sum()), one[1]
    if best is None:
        return None
    near: dict[int, list[tuple[int, NDArray[np.float32], NDArray[np.float32]]]] = {}
    for edge in seen.edges:
        near.setdefault(edge.first, []).append((edge.second, edge.first_points, edge.second_points))
        near.setdefault(edge.second, []).append((edge.first, edge.second_points, edge.first_points))
    queue = deque(found)
    while queue:
        k = queue.popleft()
        for other, mine, theirs in near.get(k, []):
            if other in found:
                continue
            view = Views(found[k][0][None], np.array([found[k][1]]))
            rays = view.rays(np.zeros(len(mine), np.int64), mine - middle)
            turned, _, _ = orient(rays[None], (theirs - middle)[None], np.ones((1, len(mine)), np.bool_), view,
                                  MATCH_PX, rounds=15)  # fmt: skip
            found[other] = turned.rotation[0], float(turned.focal[0])
            queue.append(other)
    return best[1], found


def _frames(
    sightings: NDArray[np.void], position: dict[int, int], centre: Array, lens: Lens, views: Views, covariance: Array,
    middle: Array,
) -> tuple[Array, Array, list[Why | None]]:
    """Homographies (F, 3, 3) to small pixels about the middle, uncertainties (F,), and why a frame has none."""
    total = len(sightings)
    matrices, doubt = np.full((total, 3, 3), np.nan), np.full(total, np.nan)
    why: list[Why | None] = [
        "not recognised" if key < 0 else "another scene" if key not in position else None
        for key in sightings["key"].tolist()
    ]
    usable = np.array([i for i, reason in enumerate(why) if reason is None], np.int64)
    for part in np.split(usable, range(_CHUNK, len(usable), _CHUNK)):
        chunk = sightings[part]
        if not len(chunk):
            continue
        mine, points = chunk["key_points"].astype(np.float64), chunk["points"].astype(np.float64)
        known = np.arange(KEPT) < chunk["count"][:, None]
        key = np.array([position[k] for k in chunk["key"].tolist()], np.int64)
        rays = views.rays(np.repeat(key, KEPT), lens.straightened((mine - middle).reshape(-1, 2))).reshape(
            len(chunk), KEPT, 3
        )
        start = Views(views.rotation[key], views.focal[key])
        turned, spread, off_px = orient(rays, lens.straightened(points - middle), known, start, MATCH_PX)
        matrices[part] = turned.homographies(centre)
        doubt[part] = _doubt_m(turned, spread + covariance[key], centre, middle)
        for row, frame in enumerate(part):
            if not (off_px[row] <= MISFIT_PX and doubt[frame] <= UNCERTAIN_M):
                why[frame] = "uncertain"
                matrices[frame], doubt[frame] = np.nan, np.nan
    return matrices, doubt, why


def _doubt_m(views: Views, covariance: Array, centre: Array, middle: Array) -> Array:
    """Metres (F,): how far a place in the middle of the picture, a little below, moves on the ice by one σ."""
    there = np.array([0.0, 0.2 * middle[1]])

    def place(by: Array) -> Array:
        matrices = np.linalg.inv(views.turned(by).homographies(centre))
        mapped = matrices @ np.append(there, 1.0)
        return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)

    count, step = len(views.focal), 1e-4
    here = place(np.zeros((count, 4)))
    jacobian = np.stack([(place(np.tile(np.eye(4)[i] * step, (count, 1))) - here) / step for i in range(4)], axis=-1)
    return np.asarray(np.sqrt(np.trace(jacobian @ covariance @ np.swapaxes(jacobian, 1, 2), axis1=1, axis2=2)))


def _stretches(frames: NDArray[np.int64], why: list[Why | None]) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    before: Why | None = None
    for frame, reason in zip(frames.tolist(), why, strict=True):
        if reason is not None and reason == before:
            found[-1] = Stretch(found[-1].first, frame, reason)
        elif reason is not None:
            found.append(Stretch(frame, frame, reason))
        before = reason
    return tuple(found)
