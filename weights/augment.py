"""One training picture from a sample: a random window at a random zoom, in another light, through a worse camera.

Pictures are `(H, W, 3)` uint8 BGR; boxes `(N, 5)` are class, x1, y1, x2, y2 in pixels of the picture they go with.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]
Draw = Callable[[], tuple[Image, Boxes]]

FULL_WIDTH = 960
"""Zoom 1 shows players as large as they are in a frame that is 960 pixels wide, the detector's default size."""
ON_A_PERSON = 0.6
"""The chance that a window is laid over somebody; else it may show ice, boards and crowd alone."""
EMPTY, EMPTY_OF_NOBODY = 0.1, 0.6
"""The chance of a window that shows nobody: a wall, a face in the stands, letters, at any size and any way up; of
pictures with people, and of pictures without."""
EMPTY_ZOOM = (0.6, 6.0)
EMPTY_TRIES = 6
NETTED = 0.12
"""The chance that the picture is taken through the net that hangs behind the goals."""
VISIBLE_SHARE = 0.4
SMALLEST_BOX = 4.0
GREY = 114


def training_example(
    rng: np.random.Generator, draw: Draw, size: tuple[int, int], mosaic: float, zoom: tuple[float, float]
) -> tuple[Image, Boxes]:
    """A picture of `size` (height, width): one sample, or four side by side with probability `mosaic`.

    Args:
        rng: the only source of chance, but for `draw`.
        draw: hands out a picture and its boxes.
        size: height and width of the result.
        mosaic: the chance that it is made of four.
        zoom: least and greatest; log-uniform in between.
    """
    height, width = size
    if rng.random() < mosaic:
        centre_y = int(height * rng.uniform(0.3, 0.7))
        centre_x = int(width * rng.uniform(0.3, 0.7))
        canvas = np.full((height, width, 3), GREY, np.uint8)
        found = []
        for y1, y2 in ((0, centre_y), (centre_y, height)):
            for x1, x2 in ((0, centre_x), (centre_x, width)):
                tile, boxes = window(rng, *draw(), (y2 - y1, x2 - x1), (zoom[0] * 0.7, zoom[1] * 0.8))
                canvas[y1:y2, x1:x2] = light(rng, tile)
                found.append(boxes + np.array([0, x1, y1, x1, y1], np.float32))
        image, boxes = canvas, np.concatenate(found)
    else:
        picture, people = draw()
        chance = EMPTY if len(people) else EMPTY_OF_NOBODY
        nothing = empty_window(rng, picture, people, size) if rng.random() < chance else None
        image, boxes = window(rng, picture, people, size, zoom) if nothing is None else (nothing, people[:0])
        image = light(rng, image)
    if rng.random() < NETTED:
        image = netting(rng, image)
    image = camera(rng, image)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        boxes = boxes.copy()
        boxes[:, [1, 3]] = width - boxes[:, [3, 1]]
    return image, boxes


def window(
    rng: np.random.Generator, image: Image, boxes: Boxes, size: tuple[int, int], zoom: tuple[float, float]
) -> tuple[Image, Boxes]:
    """A window of `size` somewhere in the picture, at a random zoom, slightly turned and stretched."""
    height, width = image.shape[:2]
    out_height, out_width = size
    scale = FULL_WIDTH / width * math.exp(rng.uniform(math.log(zoom[0]), math.log(zoom[1])))
    stretch = math.exp(rng.uniform(-0.1, 0.1))
    angle = math.radians(rng.uniform(-4, 4)) if rng.random() < 0.5 else 0.0
    linear = scale * np.array(
        [[stretch * math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle) / stretch]]
    )
    spare_x, spare_y = width * linear[0, 0] - out_width, height * linear[1, 1] - out_height
    centre = np.array([width / 2, height / 2])
    slack = np.array([0.5 * abs(spare_x) + 0.05 * out_width, 0.5 * abs(spare_y) + 0.05 * out_height])
    middle = np.array([out_width / 2, out_height / 2])
    shift = middle + rng.uniform(-1, 1, 2) * slack
    if len(boxes) and rng.random() < ON_A_PERSON:
        present = np.unique(boxes[:, 0])  # a role first, then somebody of it: goalkeepers are few
        of_role = boxes[boxes[:, 0] == present[int(rng.integers(len(present)))]]
        person = of_role[int(rng.integers(len(of_role)))]
        wanted = middle * rng.uniform(0.4, 1.6, 2) - linear @ ((person[1:3] + person[3:5]) / 2 - centre)
        shift = wanted.clip(middle - slack, middle + slack)
    matrix = np.column_stack([linear, shift - linear @ centre])
    how = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
    if scale < 0.6:  # warpAffine knows no area averaging: shrink first
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=how).astype(np.uint8)
        matrix[:, :2] /= scale
    warped = cv2.warpAffine(
        image, matrix, (out_width, out_height), flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY)
    ).astype(np.uint8)
    if scale < 0.6:
        matrix[:, :2] *= scale
    return warped, _move(boxes, matrix, out_width, out_height)


def empty_window(rng: np.random.Generator, image: Image, boxes: Boxes, size: tuple[int, int]) -> Image | None:
    """A window on which nobody shows, turned by any angle, its colours exchanged; None where none was found."""
    height, width = image.shape[:2]
    out_height, out_width = size
    for _ in range(EMPTY_TRIES):
        scale = FULL_WIDTH / width * math.exp(rng.uniform(*np.log(EMPTY_ZOOM)))
        centre = rng.uniform(0, 1, 2) * [width, height]
        matrix = cv2.getRotationMatrix2D(centre.tolist(), rng.uniform(0, 360), scale)
        matrix[:, 2] += np.array([out_width / 2, out_height / 2]) - centre
        corners = boxes[:, [1, 2, 3, 2, 3, 4, 1, 4]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
        low, high = corners.min(1), corners.max(1)
        if not ((high > 0) & (low < [out_width, out_height])).all(1).any():
            part = cv2.warpAffine(image, matrix, (out_width, out_height), borderValue=(GREY, GREY, GREY))
            if rng.random() < 0.5:
                part = part[..., rng.permutation(3)]
            return np.ascontiguousarray(part, np.uint8)
    return None


def light(rng: np.random.Generator, image: Image) -> Image:
    """Other jersey colours, another white balance, exposure and contrast."""
    if rng.random() < 0.7:
        hue = rng.uniform(-90, 90) if rng.random() < 0.2 else rng.uniform(-4, 4)
        if rng.random() < 0.08:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + hue) % 180
        hsv[..., 1] = (hsv[..., 1] * rng.uniform(0.4, 1.6)).clip(0, 255)
        image = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR).astype(np.uint8)
    if rng.random() < 0.8:
        levels = np.linspace(0, 1, 256)[:, None] ** math.exp(rng.uniform(-0.5, 0.5))
        levels = (levels - 0.5) * rng.uniform(0.65, 1.3) + 0.5 + rng.uniform(-0.12, 0.12)
        levels = levels * (1 + rng.uniform(-0.1, 0.1, 3))
        table = (levels * 255).clip(0, 255).astype(np.uint8)
        image = cv2.LUT(image, table[None]).astype(np.uint8)
    return image


def netting(rng: np.random.Generator, image: Image) -> Image:
    """The safety net between the stand and the ice: two families of thin lines, sagging, dark or bright."""
    height, width = image.shape[:2]
    mesh = np.zeros((height, width), np.uint8)
    angle, pitch = rng.uniform(0, math.pi), rng.uniform(7, 30)
    sag, waves = rng.uniform(0, 4), rng.uniform(0.5, 2.0) * math.pi
    along = np.linspace(-1.0, 1.0, 24)
    reach = math.hypot(width, height) / 2
    for turn in (angle, angle + math.pi / 2 + rng.uniform(-0.15, 0.15)):
        direction, normal = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
        for number in range(-int(reach / pitch) - 1, int(reach / pitch) + 2):
            bend = sag * np.sin(waves * along + 0.2 * number)
            points = np.outer(along * reach, direction) + np.outer(number * pitch + bend, normal)
            points += np.array([width / 2, height / 2])
            cv2.polylines(mesh, [np.round(points * 16).astype(np.int32)], False, 255, 1, cv2.LINE_AA, 4)
    opacity = mesh[..., None].astype(np.float32) / 255 * rng.uniform(0.25, 0.8)
    shade = rng.uniform(0, 70) if rng.random() < 0.7 else rng.uniform(150, 230)
    return (image * (1 - opacity) + shade * opacity).astype(np.uint8)


def camera(rng: np.random.Generator, image: Image) -> Image:
    """Blur, motion, noise, too few pixels, too much compression."""
    height, width = image.shape[:2]
    chance = rng.random(5)
    if chance[0] < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.6)).astype(np.uint8)
    if chance[1] < 0.1:
        length = int(rng.integers(3, 9))
        kernel = np.full((1, length), 1 / length, np.float32)
        image = cv2.filter2D(image, -1, kernel if rng.random() < 0.7 else kernel.T).astype(np.uint8)
    if chance[2] < 0.15:
        factor = rng.uniform(0.4, 0.8)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    if chance[3] < 0.15:
        noise = rng.normal(0, rng.uniform(2, 12), image.shape).astype(np.float32)
        image = (image + noise).clip(0, 255).astype(np.uint8)
    if chance[4] < 0.3:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 85))])
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return image


def _move(boxes: Boxes, matrix: npt.NDArray[np.float64], width: int, height: int) -> Boxes:
    """Boxes after an affine map `(2, 3)`, cut at the borders; those that hardly show are dropped."""
    if not len(boxes):
        return boxes
    corners = boxes[:, [1, 2, 3, 2, 3, 4, 1, 4]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    # A turned box grows; the mean of its sides' ends keeps the person's extent for the small angles used here.
    xs, ys = np.sort(corners[..., 0], 1), np.sort(corners[..., 1], 1)
    moved = np.column_stack([xs[:, :2].mean(1), ys[:, :2].mean(1), xs[:, 2:].mean(1), ys[:, 2:].mean(1)])
    cut = np.column_stack([moved[:, 0::2].clip(0, width), moved[:, 1::2].clip(0, height)])[:, [0, 2, 1, 3]]
    size, visible = moved[:, 2:] - moved[:, :2], (cut[:, 2:] - cut[:, :2]).clip(0)
    kept = (visible.prod(1) > VISIBLE_SHARE * size.prod(1)) & (visible.min(1) >= SMALLEST_BOX)
    return np.column_stack([boxes[:, 0], cut])[kept].astype(np.float32)
