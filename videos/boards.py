"""Boards with advertisements, the glass above them, and their mirror image in the ice."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.rink import Rink
from videos.camera import Camera
from videos.roster import colour_of, luminance
from videos.venue import BOARD_M, GLASS_M, Venue

FloatArray = NDArray[np.float64]
_SHIFT = 4
_WORDS = (
    *("NORDKUFE", "EISWERK", "FJORD", "MATTSON", "PUCKLINE", "KUFENECK", "GLETSCHER", "ALTMANN", "BLAUTAL"),
    *("KUFE+SOHN", "ISBANE", "TORWART.TV", "LINDQVIST", "STADTWERKE", "BRODERNA", "FROSTIG", "OST-WEST"),
    *("HOLZ HUBER", "BANDE 4", "HALLE 7", "POLAR BAU", "SISU TEE", "RADIO 88", "DRUCK 24"),
)
_FONTS = (cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX)


def outline(rink: Rink, step_m: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """The boards' inner edge as points (N, 2), counter-clockwise, closed, and each point's way along it in metres."""
    corners = rink.boards()
    pieces = [corners[:1]]
    for a, b in pairwise(corners):
        count = max(1, round(float(np.hypot(*(b - a))) / step_m))
        pieces.append(a + (b - a) * (np.arange(1, count + 1) / count)[:, None])
    points = np.concatenate(pieces)
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    return points, way


def strip(venue: Venue, length_m: float, pixels_per_metre: float) -> NDArray[np.uint8]:
    """The boards unrolled, as read from the ice, top row first: rail, white board with advertisements, kick plate.

    Whoever stands on the ice sees the way along the boards (counter-clockwise) run to the left: it is counted from the
    picture's right edge.
    """
    rng = np.random.default_rng([venue.seed, 2])
    k = pixels_per_metre
    height, width = round(BOARD_M * k), round(length_m * k)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = venue.board
    at = float(rng.uniform(0, 2))
    while at < length_m - 3:
        wide = float(rng.uniform(1.8, 4.2))
        if rng.random() < venue.adverts:
            _advert(
                image,
                rng,
                round(at * k),
                round(min(at + wide, length_m) * k),
                round(0.10 * k),
                round((BOARD_M - 0.22) * k),
            )
        at += wide + float(rng.choice([0.04, 0.04, 0.5]))
    image[: max(1, round(0.07 * k))] = venue.rail
    image[height - max(1, round(0.20 * k)) :] = venue.kick
    for seam in range(0, width, max(2, round(2.4 * k))):
        image[:, seam : seam + max(1, round(0.02 * k))] //= 2
    smears = cv2.resize(rng.normal(0, 5, (3, max(2, width // 12))).astype(np.float32), (width, height))
    return np.asarray(cv2.add(image, cv2.merge([smears] * 3), dtype=cv2.CV_8U), np.uint8)


def _advert(image: NDArray[np.uint8], rng: np.random.Generator, x0: int, x1: int, y0: int, y1: int) -> None:
    """A rectangle with an invented firm's name."""
    names = ("white", "red", "blue", "navy", "yellow", "green", "black", "orange", "sky", "teal")
    ground = colour_of(names[int(rng.integers(len(names)))])
    ink = colour_of(names[int(rng.integers(len(names)))])
    if abs(luminance(ground) - luminance(ink)) < 70:
        ink = colour_of("white" if luminance(ground) < 128 else "navy")
    cv2.rectangle(image, (x0, y0), (x1, y1), ground, -1)
    word = _WORDS[int(rng.integers(len(_WORDS)))]
    font = _FONTS[int(rng.integers(len(_FONTS)))]
    tall, room = y1 - y0, x1 - x0
    (w, h), _ = cv2.getTextSize(word, font, 1.0, 1)
    size = min(room * 0.84 / max(1, w), tall * 0.55 / max(1, h))
    thick = max(1, round(size * 2.4))
    (w, h), _ = cv2.getTextSize(word, font, size, thick)
    cv2.putText(image, word, (x0 + (room - w) // 2, y0 + (tall + h) // 2), font, size, ink, thick, cv2.LINE_AA)
    if rng.random() < 0.4:
        cv2.circle(image, (x0 + tall // 2, (y0 + y1) // 2), tall // 3, ink, max(1, tall // 12), cv2.LINE_AA)


def _faces_camera(a: FloatArray, b: FloatArray, camera: Camera) -> bool:
    """Whether the ice side of the boards from `a` to `b` (counter-clockwise) is seen."""
    inward = np.array([-(b[1] - a[1]), b[0] - a[0]])
    return bool(inward @ (camera.position[:2] - (a + b) / 2) > 0)


def _fixed(points: FloatArray) -> NDArray[np.int32]:
    return np.round(np.clip(points, -30000, 30000) * (1 << _SHIFT)).astype(np.int32)


def _wall(camera: Camera, a: FloatArray, b: FloatArray, low: float, high: float) -> FloatArray | None:
    """The quad (4, 2) of a wall between two points of the ice, bottom a, bottom b, top b, top a."""
    quad = np.array([(*a, low), (*b, low), (*b, high), (*a, high)])
    pixels, depth = camera.project(quad)
    return pixels if depth.min() > 1.0 else None


def far_boards(image: NDArray[np.uint8], camera: Camera, venue: Venue) -> None:
    """Paint the boards whose ice side is seen, their reflection, and the glass on them."""
    points, way = outline(venue.rink)
    k = 36.0
    unrolled = strip(venue, float(way[-1]), k)
    visible = [i for i in range(len(points) - 1) if _faces_camera(points[i], points[i + 1], camera)]
    visible.sort(key=lambda i: -camera.distance(*((points[i] + points[i + 1]) / 2)))
    mirror = image.copy()
    for i in visible:
        end = unrolled.shape[1] - round(way[i] * k)
        column = unrolled[:, max(0, end - max(1, round((way[i + 1] - way[i]) * k))) : max(1, end)].mean((0, 1))
        quad = _wall(camera, points[i], points[i + 1], -0.75 * BOARD_M, 0.0)
        if quad is not None:
            cv2.fillConvexPoly(mirror, _fixed(quad), tuple(column * 0.8), cv2.LINE_AA, _SHIFT)
    blur = max(3, round(camera.focal / 220) * 2 + 1)
    mirror = cv2.GaussianBlur(mirror, (blur, blur * 2 + 1), 0)
    image[:] = cv2.addWeighted(image, 1 - 0.30 * venue.shine, mirror, 0.30 * venue.shine, 0)
    _paste_strip(image, camera, points, way, visible, unrolled, k, venue)
    if venue.glass:
        glass(image, camera, points, visible, venue, 0.10)


def _paste_strip(
    image: NDArray[np.uint8], camera: Camera, points: FloatArray, way: FloatArray, visible: list[int],
    unrolled: NDArray[np.uint8], k: float, venue: Venue,
) -> None:  # fmt: skip
    """Each piece of the unrolled boards onto its place, straight runs in one warp."""
    runs: list[list[int]] = []
    for i in sorted(visible):
        direction = points[i + 1] - points[i]
        if runs and i == runs[-1][-1] + 1:
            first = runs[-1][0]
            before = points[first + 1] - points[first]
            if abs(before[0] * direction[1] - before[1] * direction[0]) < 1e-9:
                runs[-1].append(i)
                continue
        runs.append([i])
    width, height = image.shape[1], image.shape[0]
    for run in runs:
        a, b = points[run[0]], points[run[-1] + 1]
        quad = _wall(camera, a, b, 0.0, BOARD_M)
        if quad is None:
            continue
        low = np.maximum(np.floor(quad.min(0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(quad.max(0)).astype(int) + 2, (width, height))
        if (high <= low).any():
            continue
        total = unrolled.shape[1]
        x0, x1 = total - way[run[0]] * k, total - way[run[-1] + 1] * k
        offset = int(max(0, x1 - 2))
        piece = np.ascontiguousarray(unrolled[:, offset : int(x0 + 3)])
        source = np.array([(x0, total), (x1, total), (x1, 0), (x0, 0)], np.float32)
        source[:, 0] -= offset
        source[:2, 1] = unrolled.shape[0]
        matrix = cv2.getPerspectiveTransform(source, (quad - low).astype(np.float32))
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        warped = cv2.warpPerspective(piece, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros(size[::-1], np.uint8)
        cv2.fillConvexPoly(mask, _fixed(quad - low), 255, cv2.LINE_AA, _SHIFT)
        inward = np.array([-(b[1] - a[1]), b[0] - a[0]])
        inward /= np.linalg.norm(inward)
        shade = 0.82 + 0.16 * max(0.0, float(-inward[1]))
        region = image[low[1] : high[1], low[0] : high[0]].astype(np.float32)
        alpha = mask[..., None].astype(np.float32) / 255
        lit = warped.astype(np.float32) * (shade * venue.brightness)
        image[low[1] : high[1], low[0] : high[0]] = np.clip(region * (1 - alpha) + lit * alpha, 0, 255).astype(np.uint8)


def glass(
    image: NDArray[np.uint8], camera: Camera, points: FloatArray, segments: list[int], venue: Venue, strength: float
) -> None:
    """A light veil, posts and the upper edge of the glass over the boards, on a BGR picture."""
    veil = image.copy()
    bench_low, bench_high = venue.bench_x
    for i in segments:
        a, b = points[i], points[i + 1]
        middle = (a + b) / 2
        far_side = middle[1] > venue.rink.width_m / 2 - 0.3
        if venue.benches and far_side and bench_low < abs(middle[0]) < bench_high:
            continue
        quad = _wall(camera, a, b, BOARD_M, BOARD_M + GLASS_M)
        if quad is None:
            continue
        cv2.fillConvexPoly(veil, _fixed(quad), (222, 216, 206), cv2.LINE_AA, _SHIFT)
    image[:] = cv2.addWeighted(image, 1 - strength, veil, strength, 0)
    for i in segments:
        a, b = points[i], points[i + 1]
        middle = (a + b) / 2
        if venue.benches and middle[1] > venue.rink.width_m / 2 - 0.3 and bench_low < abs(middle[0]) < bench_high:
            continue
        quad = _wall(camera, a, b, BOARD_M, BOARD_M + GLASS_M)
        if quad is None:
            continue
        thick = max(1, round(0.035 * camera.focal / camera.distance(*middle)))
        cv2.polylines(image, [_fixed(quad[2:4])], False, (196, 192, 186), 1, cv2.LINE_AA, _SHIFT)
        if i % 2 == 0:
            cv2.polylines(image, [_fixed(quad[[0, 3]])], False, (150, 150, 150), thick, cv2.LINE_AA, _SHIFT)
