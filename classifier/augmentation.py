"""What a detector does to a crop, done on purpose: boxes that sit a little off, light, blur, sticks and neighbours.

The hue is left alone: colour is what tells teams apart.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Augmentation:
    """How far a crop may be bent; each number is the largest deviation, drawn uniformly."""

    shift: float = 0.10
    """Of the box, as a share of its side."""
    scale: float = 0.20
    """Of the box: 0.2 is from 0.8 to 1.2 times."""
    brightness: float = 0.12
    """Gain of the light: 0.12 is from 0.88 to 1.12 times."""
    tint: float = 0.03
    """Gain of each colour channel on its own (white balance)."""
    saturation: float = 0.15
    offset: float = 0.02
    """Added to all channels (haze, black level), as a share of the range."""
    blur: float = 0.4
    """Probability of a blur, which halves the resolution or quarters it."""
    erase: float = 0.15
    """Probability that one border band is covered by a flat colour (a neighbour, the boards)."""


def augment(pixels: NDArray[np.uint8], random: np.random.Generator, how: Augmentation) -> NDArray[np.uint8]:
    """Bend each of `(N, H, W, 3)` in its own way; a new array of the same shape and type."""
    n, height, width, _ = pixels.shape
    out = np.empty_like(pixels)
    scale = 1 / (1 + random.uniform(-how.scale, how.scale, (n, 2)))
    shift = random.uniform(-how.shift, how.shift, (n, 2))
    flip = random.random((n,)) < 0.5
    light = 1 + random.uniform(-how.brightness, how.brightness, (n, 1))
    light = light * (1 + random.uniform(-how.tint, how.tint, (n, 3)))
    saturation = 1 + random.uniform(-how.saturation, how.saturation, (n,))
    offset = random.uniform(-how.offset, how.offset, (n,)) * 255
    blur = random.random((n,))
    erase = random.random((n, 4))
    fill = random.integers(0, 256, (n, 3))
    for i in range(n):
        sx, sy = scale[i]
        dx, dy = (0.5 + shift[i] - scale[i] / 2) * (width, height)
        if flip[i]:
            sx, dx = -sx, width - 1 - dx
        warp = np.array([[sx, 0.0, dx], [0.0, sy, dy]])
        how_sampled = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(pixels[i], warp, (width, height), flags=how_sampled, borderMode=cv2.BORDER_REPLICATE)
        if blur[i] < how.blur:
            step = 2 if blur[i] < how.blur * 0.67 else 3
            small = cv2.resize(image, (max(width // step, 2), max(height // step, 2)), interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        out[i] = cv2.transform(image, _colour(light[i], saturation[i], offset[i]))
        if erase[i, 0] < how.erase:
            _cover(out[i], erase[i], fill[i])
    return out


def _colour(light: NDArray[np.float64], saturation: float, offset: float) -> NDArray[np.float64]:
    """The `(3, 4)` matrix of a gain per channel, a saturation around the luma (ITU-R BT.601) and an offset, on BGR."""
    luma = np.array([0.114, 0.587, 0.299])
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(luma, (3, 1))
    return np.hstack([mix * light[None, :], np.full((3, 1), offset)])


def _cover(image: NDArray[np.uint8], draw: NDArray[np.float64], colour: NDArray[np.int64]) -> None:
    """Paint one border band, at most a third of the picture, in place."""
    height, width, _ = image.shape
    side, share = int(draw[1] * 4), 0.05 + 0.25 * draw[2]
    rows, columns = max(int(height * share), 1), max(int(width * share), 1)
    band = (image[:rows], image[-rows:], image[:, :columns], image[:, -columns:])[side]
    band[:] = colour
