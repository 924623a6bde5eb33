"""Pictures of nothing in particular, so that a detector learns what is no player: `python -m weights.textures DIR`.

Clouds, craters, cells, stripes, strokes, lettering, logos on ice: frames with empty label files, for `--data DIR`.
"""

import math
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789&"
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX, cv2.FONT_HERSHEY_DUPLEX)


def texture(rng: np.random.Generator, height: int = 576, width: int = 1024) -> Image:
    """A picture `(height, width, 3)` of one kind, sometimes with shapes of another laid over it."""
    picture = _coloured(rng, _field(rng, height, width))
    for _ in range(int(rng.integers(0, 3))):
        OVERLAYS[int(rng.integers(len(OVERLAYS)))](rng, picture)
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 3)).astype(np.uint8)
    return picture


def _field(rng: np.random.Generator, height: int, width: int) -> Field:
    """A grey picture in [0, 1]: ice, clouds, cells, stripes or tiles."""
    kind = rng.integers(5)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if kind == 0:  # ice: bright, even, a little uneven light
        return (rng.uniform(0.7, 0.95) + 0.08 * _clouds(rng, height, width)).clip(0, 1).astype(np.float32)
    if kind == 1:
        return _clouds(rng, height, width)
    if kind == 2:  # cells: distance to the nearest of some points
        points = np.full((height, width), 255, np.uint8)
        count = int(rng.integers(20, 900))
        points[rng.integers(0, height, count), rng.integers(0, width, count)] = 0
        distance = cv2.distanceTransform(points, cv2.DIST_L2, 5).astype(np.float32)
        cells: Field = (distance / distance.max()) ** rng.uniform(0.3, 2)
        return 1 - cells if rng.random() < 0.5 else cells
    if kind == 3:  # stripes, bent
        angle, pitch = rng.uniform(0, math.pi), rng.uniform(6, 120)
        bend = rng.uniform(0, 60) * _clouds(rng, height, width)
        wave = np.sin(2 * math.pi * (x * math.cos(angle) + y * math.sin(angle) + bend) / pitch)
        return (0.5 + 0.5 * np.tanh(wave * rng.uniform(0.5, 6))).astype(np.float32)
    tall, wide = rng.uniform(8, 90), rng.uniform(8, 140)  # tiles: windows, seats, bricks
    row = np.floor(y / tall)
    column = np.floor(x / wide + 0.5 * (row % 2) * (rng.random() < 0.5))
    shades = rng.random((int(height / tall) + 2, int(width / wide) + 3)).astype(np.float32)
    gap = ((y % tall) < 2) | ((x % wide) < 2)
    tiles: Field = shades[row.astype(int), column.astype(int)] * np.float32(rng.uniform(0.2, 1))
    tiles[gap] = rng.random()
    return tiles


def _clouds(rng: np.random.Generator, height: int, width: int) -> Field:
    """Noise of several sizes laid over each other, in [0, 1]."""
    total = np.zeros((height, width), np.float32)
    roughness = rng.uniform(0.35, 0.95)
    for octave in range(2, 9):
        rows = max(2, min(height, 2**octave * height // width))
        noise = rng.random((rows, min(width, 2**octave)), np.float32)
        total += roughness**octave * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = np.percentile(total, [1, 99])
    return ((total - low) / max(high - low, 1e-6)).clip(0, 1).astype(np.float32)


def _coloured(rng: np.random.Generator, field: Field) -> Image:
    """From grey to two or three colours; every third picture stays grey."""
    if rng.random() < 0.35:
        return np.repeat((field * 255).astype(np.uint8)[..., None], 3, axis=2)
    stops = np.linspace(0, 1, int(rng.integers(2, 5)))
    colours = rng.uniform(0, 255, (len(stops), 3))
    return np.stack([np.interp(field, stops, colours[:, c]) for c in range(3)], axis=2).astype(np.uint8)


def _craters(rng: np.random.Generator, picture: Image) -> None:
    """Round things lit from one side: craters, coins, stones, fruit."""
    height, width = picture.shape[:2]
    light = rng.uniform(0, 2 * math.pi)
    largest = rng.uniform(8, 90)
    for _ in range(int(rng.integers(3, 80))):
        radius = max(3, int(largest * rng.beta(1, 3)))
        cx, cy = int(rng.integers(width)), int(rng.integers(height))
        x1, x2, y1, y2 = max(0, cx - radius), min(width, cx + radius), max(0, cy - radius), min(height, cy + radius)
        if x2 <= x1 or y2 <= y1:
            continue
        y, x = np.mgrid[y1:y2, x1:x2].astype(np.float32)
        u, v = (x - cx) / radius, (y - cy) / (radius * rng.uniform(0.4, 1))
        inside = (u * u + v * v < 1).astype(np.float32)
        shade = inside * (u * math.cos(light) + v * math.sin(light)) * rng.uniform(20, 120)
        part = picture[y1:y2, x1:x2].astype(np.float32) + shade[..., None]
        picture[y1:y2, x1:x2] = part.clip(0, 255).astype(np.uint8)


def _strokes(rng: np.random.Generator, picture: Image) -> None:
    """Branches, cables, hair, letters of no alphabet: thin things that bend."""
    height, width = picture.shape[:2]
    shade = rng.uniform(0, 255, 3)
    thickest = int(rng.integers(2, 16))
    for _ in range(int(rng.integers(3, 60))):
        turns = np.cumsum(rng.normal(0, rng.uniform(0.05, 0.6), 30)) + rng.uniform(0, 2 * math.pi)
        steps = rng.uniform(2, 14) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        points = np.cumsum(steps, axis=0) + rng.uniform(0, 1, 2) * [width, height]
        colour = (shade + rng.normal(0, 25, 3)).clip(0, 255)
        cv2.polylines(picture, [points.astype(np.int32)], False, colour, int(rng.integers(1, thickest)), cv2.LINE_AA)


def _lettering(rng: np.random.Generator, picture: Image) -> None:
    """Words on boards and ice, upright or foreshortened."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(1, 14))):
        word = "".join(LETTERS[i] for i in rng.integers(0, len(LETTERS), int(rng.integers(1, 9))))
        font, thickness = FONTS[int(rng.integers(len(FONTS)))], int(rng.integers(1, 14))
        at = (int(rng.integers(-100, width)), int(rng.integers(0, height)))
        colour = rng.uniform(0, 255, 3)
        cv2.putText(picture, word, at, font, rng.uniform(0.4, 5), colour.tolist(), thickness, cv2.LINE_AA)


def _logos(rng: np.random.Generator, picture: Image) -> None:
    """Polygons, rings and crosses in flat colours, as they are painted on ice and boards."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(1, 10))):
        radius, squash = rng.uniform(8, 120), rng.uniform(0.25, 1.2)
        centre = rng.uniform(0, 1, 2) * [width, height]
        palette = rng.uniform(0, 255, (3, 3))
        for layer in range(int(rng.integers(1, 4))):
            corners = int(rng.integers(3, 14))
            angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
            reach = radius * rng.uniform(0.3, 1, corners) if rng.random() < 0.6 else np.full(corners, radius)
            shape = np.stack([np.cos(angles) * reach, np.sin(angles) * reach * squash], axis=1) * 0.75**layer
            points = (centre + shape).astype(np.int32)
            if rng.random() < 0.7:
                cv2.fillPoly(picture, [points], palette[layer].tolist(), cv2.LINE_AA)
            else:
                cv2.polylines(picture, [points], True, palette[layer].tolist(), int(rng.integers(2, 9)), cv2.LINE_AA)


def _net(rng: np.random.Generator, picture: Image) -> None:
    """A goal without its keeper: posts, and a mesh that hangs between them."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(1, 3))):
        across, tall = rng.uniform(30, 260), rng.uniform(0.5, 0.8)
        x, y = rng.uniform(0, width - across / 2), rng.uniform(0, height - across * tall / 2)
        pitch = rng.uniform(3, 12)
        post = (rng.uniform(0, 90), rng.uniform(0, 60), rng.uniform(140, 255))
        mesh = rng.uniform(120, 255)
        lean = rng.uniform(-0.4, 0.4) * across
        frame = np.array([[0, across * tall], [lean * 0.2, 0], [across + lean * 0.2, 0], [across, across * tall]])
        frame += [x, y]
        for share in np.arange(0, 1, pitch / across):
            left, right = frame[0] + share * (frame[1] - frame[0]), frame[3] + share * (frame[2] - frame[3])
            top, bottom = frame[1] + share * (frame[2] - frame[1]), frame[0] + share * (frame[3] - frame[0])
            for begin, end in ((left, right), (top, bottom)):
                points = np.stack([begin, (begin + end) / 2 + rng.normal(0, pitch / 3, 2), end])
                cv2.polylines(picture, [points.astype(np.int32)], False, (mesh, mesh, mesh), 1, cv2.LINE_AA)
        cv2.polylines(picture, [frame.astype(np.int32)], False, post, int(rng.integers(2, 8)), cv2.LINE_AA)


Overlay = Callable[[np.random.Generator, Image], None]
OVERLAYS: tuple[Overlay, ...] = (_craters, _strokes, _lettering, _logos, _net)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--count", type=click.IntRange(1), default=200, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def main(folder: Path, count: int, seed: int) -> None:
    """Write COUNT textures as JPEG with empty label files into FOLDER/images/textures and FOLDER/labels/textures."""
    images, labels = folder / "images" / "textures", folder / "labels" / "textures"
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = texture(np.random.default_rng([seed, number]))
        cv2.imwrite(str(images / f"{seed}-{number:05d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
        (labels / f"{seed}-{number:05d}.txt").write_text("")
    click.echo(f"{count} pictures in {images}")


if __name__ == "__main__":
    main()
