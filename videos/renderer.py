"""Puts a moment of a match on a frame: shadows, goals and players from far to near, what is before them, the lens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from videos.arena import Sprite, background, foreground, goals
from videos.camera import Camera
from videos.figure import Painted, paint
from videos.match import Moment
from videos.optics import Lens, Sensor
from videos.pose import Stance
from videos.roster import Person
from videos.venue import BOARD_M, Venue

MIN_VISIBLE = 0.05
"""People of whom less is seen are not in the truth."""


@dataclass(frozen=True)
class Seen:
    """One person on one frame."""

    person: Person
    stance: Stance
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 pixels: the body without its stick, hidden parts included, clipped to the frame."""
    visible: float
    """Share of the figure that is neither hidden nor outside the frame, 0–1."""
    uncovered: tuple[float, float, float, float]
    """The part of the box that boards and foreground leave free."""


@dataclass(frozen=True)
class Rendered:
    """A frame with its truth."""

    frame: int
    time_s: float
    image: NDArray[np.uint8]
    camera: Camera
    seen: tuple[Seen, ...]
    puck: tuple[float, float]


class Stage:
    """A hall seen by a camera that may turn and zoom: painted once, warped to each frame's view.

    Args:
        venue: the hall.
        camera: the view that is painted; every frame's camera must stand at the same place.
        finer: how many times larger the still parts are painted than they are used.
        stirring: in how many other attitudes the spectators are painted, for `stir`.
    """

    def __init__(self, venue: Venue, camera: Camera, finer: float = 1.0, stirring: int = 0) -> None:
        self.venue, self.master = venue, camera
        large = camera.scaled(finer)
        pictures = [background(large, venue, sway) for sway in range(1 + stirring)] + [foreground(large, venue)]
        if finer != 1:
            pictures = [
                np.asarray(cv2.resize(p, camera.size, interpolation=cv2.INTER_AREA), np.uint8) for p in pictures
            ]
        self.behind, self.before, self.stirred = pictures[0], pictures[-1], pictures[1:-1]
        self._goals = goals(camera, venue)

    def stir(self, frame: int) -> None:
        """Let some of the spectators move, before this frame is rendered."""
        if not self.stirred or frame % 4:
            return
        rng = np.random.default_rng([self.venue.seed, 71, frame])
        height, width = self.behind.shape[:2]
        for _ in range(max(6, width // 90)):
            other = self.stirred[int(rng.integers(len(self.stirred)))]
            x, y = int(rng.integers(width)), int(rng.integers(round(height * 0.6)))
            w, h = round(width * 0.03), round(height * 0.06)
            self.behind[y : y + h, x : x + w] = other[y : y + h, x : x + w]

    def view(self, camera: Camera) -> tuple[NDArray[np.uint8], NDArray[np.uint8], list[Sprite]]:
        """Background, foreground and goals of this view; not to be changed."""
        if camera is self.master:
            return self.behind, self.before, self._goals
        matrix = camera.warp_from(self.master)
        behind = cv2.warpPerspective(
            self.behind, matrix, camera.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        before = cv2.warpPerspective(
            self.before, matrix, camera.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(behind, np.uint8), np.asarray(before, np.uint8), goals(camera, self.venue)


def render(
    stage: Stage, moment: Moment, camera: Camera, sensor: Sensor, previous: Camera | None = None, fps: float = 30.0
) -> Rendered:
    """One frame.

    Args:
        stage: the hall.
        moment: who is where.
        camera: the view; the stage's own camera object is the fastest.
        sensor: the lens and its noise.
        previous: the view of the frame before, for the blur of a moving camera.
        fps: frames a second, to scale that blur.
    """
    behind, before, nets = stage.view(camera)
    venue, lens = stage.venue, sensor.lens
    image = _panned(behind, camera, previous, lens, fps).copy()
    for person, stance in moment.crossing:
        _lay_crossing(image, camera, person, stance, venue)
    figures: list[tuple[float, Painted, Person, Stance, tuple[float, float]]] = []
    for person, stance in moment.people:
        painted = paint(person, stance, camera, _light(venue, stance))
        if painted is None or not _touches(painted, camera.size):
            continue
        shift = _drift(camera, previous, stance, lens, fps)
        figures.append((camera.distance(stance.x, stance.y), painted, person, stance, shift))
    figures.sort(key=lambda f: -f[0])
    for _, painted, _, stance, _ in figures:
        _shade_ice(image, camera, painted, stance, venue)
    _draw_puck(image, camera, moment.puck)
    numbers = np.zeros(image.shape[:2], np.uint8)
    totals = np.zeros(len(figures) + 1)
    waiting = sorted(nets, key=lambda n: camera.distance(n.x, n.y))
    for i, (far, painted, _, _, shift) in enumerate(figures, start=1):
        while waiting and camera.distance(waiting[-1].x, waiting[-1].y) > far:
            _lay(image, waiting[-1].image, waiting[-1].left, waiting[-1].top)
            waiting.pop()
        solid = painted.image[..., 3] > 127
        totals[i] = max(1, int(solid.sum()))
        _mark(numbers, solid, painted.left, painted.top, i)
        picture, left, top = _smeared(painted, shift)
        _lay(image, picture, left, top)
    for net in reversed(waiting):
        _lay(image, net.image, net.left, net.top)
    hidden = before[..., 3]
    rows = np.flatnonzero(hidden.any(1))
    if len(rows):
        band = slice(int(rows[0]), int(rows[-1]) + 1)
        _blend(image[band], before[band])
        numbers[band][hidden[band] > 127] = 0
    counts = np.bincount(numbers.ravel(), minlength=len(figures) + 1)
    width, height = camera.size
    seen = []
    for i, (_, painted, person, stance, _) in enumerate(figures, start=1):
        visible = float(counts[i] / totals[i])
        x1, y1, x2, y2 = painted.box
        box = (max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))
        if visible >= MIN_VISIBLE and box[2] - box[0] > 1 and box[3] - box[1] > 1:
            seen.append(Seen(person, stance, box, min(1.0, visible), _uncovered(painted, box, hidden)))
    seen.sort(key=lambda s: s.person.player_id)
    return Rendered(moment.frame, moment.time_s, sensor.expose(image, moment.frame), camera, tuple(seen), moment.puck)


def _lay_crossing(image: NDArray[np.uint8], camera: Camera, person: Person, stance: Stance, venue: Venue) -> None:
    """Somebody climbing over the far boards, who hide what is behind them."""
    painted = paint(person, stance, camera, _light(venue, stance) * 0.95)
    if painted is None:
        return
    picture = painted.image
    edge = venue.rink.width_m / 2
    if stance.y > edge:
        (rail,), _ = camera.project(np.array([[stance.x, edge, BOARD_M]]))
        picture = picture[: max(0, round(float(rail[1])) - painted.top)]
    if len(picture):
        _lay(image, picture, painted.left, painted.top)


def _uncovered(
    painted: Painted, box: tuple[float, float, float, float], hidden: NDArray[np.uint8]
) -> tuple[float, float, float, float]:
    """The box shrunk to the figure's pixels that the foreground does not cover."""
    place = _overlap(hidden.shape, painted.left, painted.top, painted.image.shape[:2])  # type: ignore[arg-type]
    if place is None or not (covered := hidden[place[0], place[1]] > 127).any():
        return box
    free = (painted.image[place[2], place[3], 3] > 127) & ~covered
    rows, columns = np.flatnonzero(free.any(1)), np.flatnonzero(free.any(0))
    if not len(rows):
        return box
    left, top = place[1].start, place[0].start
    return (
        max(box[0], float(left + columns[0])), max(box[1], float(top + rows[0])),
        min(box[2], float(left + columns[-1] + 1)), min(box[3], float(top + rows[-1] + 1)),
    )  # fmt: skip


def _light(venue: Venue, stance: Stance) -> float:
    fall = (2 * stance.x / venue.rink.length_m) ** 2 + (2 * stance.y / venue.rink.width_m) ** 2
    return venue.brightness * (1.0 - 0.06 * fall)


def _touches(painted: Painted, size: tuple[int, int]) -> bool:
    height, width = painted.image.shape[:2]
    return painted.left < size[0] and painted.top < size[1] and painted.left + width > 0 and painted.top + height > 0


def _panned(
    behind: NDArray[np.uint8], camera: Camera, previous: Camera | None, lens: Lens, fps: float
) -> NDArray[np.uint8]:
    """The background blurred by the camera's own movement."""
    if previous is None or previous is camera:
        return behind
    width, height = camera.size
    warp = camera.warp_from(previous)
    moved = warp @ (width / 2, height / 2, 1.0)
    shift = (moved[:2] / moved[2] - (width / 2, height / 2)) * lens.shutter_s * fps
    kernel = _line((float(shift[0]), float(shift[1])))
    return behind if kernel is None else np.asarray(cv2.filter2D(behind, -1, kernel), np.uint8)


def _drift(camera: Camera, previous: Camera | None, stance: Stance, lens: Lens, fps: float) -> tuple[float, float]:
    """How many pixels a person moves while the shutter is open."""
    now = np.array([[stance.x, stance.y, 0.9]])
    before = now - np.array([[stance.vx, stance.vy, 0.0]]) / fps
    a = (previous or camera).project(before)[0][0]
    b = camera.project(now)[0][0]
    delta = (b - a) * lens.shutter_s * fps
    return float(delta[0]), float(delta[1])


def _line(shift: tuple[float, float]) -> NDArray[np.float32] | None:
    """The kernel of a straight blur; None when it is shorter than a pixel and a half."""
    length = math.hypot(*shift)
    if length < 1.5:
        return None
    half = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    ends = [(round((half + k * shift[0]) * 16), round((half + k * shift[1]) * 16)) for k in (-0.5, 0.5)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return kernel / max(1e-6, float(kernel.sum()))


def _smeared(painted: Painted, shift: tuple[float, float]) -> tuple[NDArray[np.uint8], int, int]:
    """The figure blurred along its movement, with room for the blur."""
    kernel = _line(shift)
    if kernel is None:
        return painted.image, painted.left, painted.top
    pad = kernel.shape[0] // 2
    wider = cv2.copyMakeBorder(painted.image, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    return np.asarray(cv2.filter2D(wider, -1, kernel), np.uint8), painted.left - pad, painted.top - pad


def _overlap(
    shape: tuple[int, ...], left: int, top: int, size: tuple[int, int]
) -> tuple[slice, slice, slice, slice] | None:
    """Slices (rows, columns) of the frame and of a picture laid at (left, top); None without overlap."""
    height, width = size
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(shape[1], left + width), min(shape[0], top + height)
    if x1 <= x0 or y1 <= y0:
        return None
    return slice(y0, y1), slice(x0, x1), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def _blend(region: NDArray[np.uint8], over: NDArray[np.uint8]) -> None:
    """Lay a premultiplied picture over a region of the frame, in place."""
    keep = cv2.merge([cv2.bitwise_not(np.ascontiguousarray(over[..., 3]))] * 3)
    under = cv2.multiply(region, keep, scale=1 / 255)
    region[:] = cv2.add(under, np.ascontiguousarray(over[..., :3]))


def _lay(image: NDArray[np.uint8], picture: NDArray[np.uint8], left: int, top: int) -> None:
    place = _overlap(image.shape, left, top, picture.shape[:2])  # type: ignore[arg-type]
    if place is not None:
        _blend(image[place[0], place[1]], picture[place[2], place[3]])


def _mark(numbers: NDArray[np.uint8], solid: NDArray[np.bool_], left: int, top: int, value: int) -> None:
    place = _overlap(numbers.shape, left, top, solid.shape)  # type: ignore[arg-type]
    if place is not None:
        numbers[place[0], place[1]][solid[place[2], place[3]]] = value


def _blob() -> NDArray[np.float32]:
    u, v = np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 48))
    return np.clip(np.exp(-2.6 * (u * u + v * v)) - 0.08, 0, 1).astype(np.float32)


_BLOB = _blob()


def _shade_ice(image: NDArray[np.uint8], camera: Camera, painted: Painted, stance: Stance, venue: Venue) -> None:
    """The soft shadows that several lamps throw, and the mirror image in the ice."""
    ground = np.array([[stance.x, stance.y, 0.0], [stance.x + 0.9, stance.y, 0.0], [stance.x, stance.y + 0.75, 0.0]])
    (centre, right, back), depth = camera.project(ground)
    if depth.min() < 1:
        return
    half_x, half_y = max(2, round(abs(right[0] - centre[0]))), max(2, round(abs(back[1] - centre[1])))
    for dx, dy, strength in ((0.15, 0.25, 0.40), (-0.9, 0.5, 0.14), (0.9, -0.2, 0.12)):
        blob = cv2.resize(_BLOB, (2 * half_x, 2 * half_y), interpolation=cv2.INTER_LINEAR) * strength
        left, top = round(centre[0] + dx * half_x) - half_x, round(centre[1] + dy * half_y * -0.5) - half_y
        place = _overlap(image.shape, left, top, blob.shape)  # type: ignore[arg-type]
        if place is not None:
            region = image[place[0], place[1]]
            shade = np.round(255 * (1 - blob[place[2], place[3]])).astype(np.uint8)
            region[:] = cv2.multiply(region, cv2.merge([shade] * 3), scale=1 / 255)
    foot = painted.box[3]
    height = max(1, round((foot - painted.top) * 0.5))
    width = painted.image.shape[1]
    upper = painted.image[: max(1, round(foot - painted.top))]
    mirror = cv2.resize(upper, (width, height), interpolation=cv2.INTER_AREA)[::-1]
    mirror = cv2.convertScaleAbs(cv2.blur(mirror, (5, 9)), alpha=0.04 + 0.10 * venue.shine)
    _lay(image, mirror, painted.left, round(foot) - 2)


def _draw_puck(image: NDArray[np.uint8], camera: Camera, puck: tuple[float, float]) -> None:
    (point,), depth = camera.project(np.array([[*puck, 0.02]]))
    if depth[0] < 1:
        return
    radius = max(1.0, 0.05 * camera.focal / float(depth[0]))
    centre = (round(point[0] * 16), round(point[1] * 16))
    axes = (round(radius * 16), round(radius * 9))
    cv2.ellipse(image, centre, axes, 0, 0, 360, (24, 22, 22), -1, cv2.LINE_AA, 4)
