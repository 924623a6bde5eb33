"""Fixed colour features of a crop, in whole numbers: the same on every machine, learnt from nobody.

How much of each colour shows on the jersey and on the legs, as the square roots of soft histograms' shares (the
Hellinger map; Vedaldi and Zisserman, *Efficient Additive Kernels via Explicit Feature Maps*, 2012). Sums and products
run in float64 for speed and stay below 2^53, where float64 counts whole numbers exactly, in any order.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.pixels import Image

HEIGHT, WIDTH = 24, 16
"""Pixels that a crop is shrunk to."""
LUMA, CHROMA = (0, 85, 170, 255), (88, 128, 168)
"""Centres of the soft bins, evenly spaced; what lies outside counts for the outermost."""
CONSTANT = 64
"""The last feature, which lets a linear score have an offset."""
FEATURES = 2 * len(LUMA) * len(CHROMA) ** 2 + 1


def shrink(image: Image) -> Image:
    """`(h, w, 3)` of any size → `(24, 16, 3)`: means over boxes of whole pixels, rounded; exact, unlike a resize."""
    small = image.shape[0] * image.shape[1] < 2**23  # 255 times that is below 2^31
    table = cv2.integral(np.ascontiguousarray(image), sdepth=cv2.CV_32S if small else cv2.CV_64F)
    (top, bottom), (left, right) = _edges(image.shape[0], HEIGHT), _edges(image.shape[1], WIDTH)
    upper, lower = table[top].astype(np.int64), table[bottom].astype(np.int64)
    total = lower[:, right] - upper[:, right] - lower[:, left] + upper[:, left]
    area = ((bottom - top)[:, None] * (right - left))[..., None]
    return ((total + area // 2) // area).astype(np.uint8)


def colour_features(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Crops `(N, 24, 16, 3)` BGR → `(N, 73)`: whole numbers from 0 to 255."""
    crops, area, tones = len(pixels), HEIGHT * WIDTH, len(CHROMA) ** 2  # said in full: there may be no crop at all
    blue, green, red = np.moveaxis(pixels.reshape(crops, area, 3).astype(np.int32), -1, 0)
    luma = (299 * red + 587 * green + 114 * blue + 500) // 1000  # ITU-R BT.601, as are the two below
    blueness, redness = 128 + 564 * (blue - luma) // 1000, 128 + 713 * (red - luma) // 1000
    placed = (_soft(luma, LUMA)[..., None, :] * ZONES[..., None]).reshape(crops, area, len(ZONES.T) * len(LUMA))
    chroma = _soft(blueness, CHROMA)[..., :, None] * _soft(redness, CHROMA)[..., None, :]
    sums = placed.transpose(0, 2, 1) @ chroma.reshape(crops, area, tones)  # (N, zones · luma, chroma)
    sums = sums.reshape(crops, len(ZONES.T), len(LUMA) * tones).astype(np.int64)
    shares = 65535 * sums // np.maximum(sums.sum(axis=2, keepdims=True), 1)
    roots = np.floor(np.sqrt(shares.astype(np.float64))).astype(np.int64).reshape(crops, FEATURES - 1)
    return np.hstack([roots, np.full((crops, 1), CONSTANT, np.int64)])


def _soft(values: NDArray[np.int32], centres: tuple[int, ...]) -> NDArray[np.float64]:
    """How near each value is to each centre: the bins' spacing at the centre, 0 at the next one."""
    step = centres[1] - centres[0]
    inside = np.clip(values, centres[0], centres[-1])
    return np.maximum(0, step - np.abs(inside[..., None] - np.array(centres, np.int32))).astype(np.float64)


def _edges(size: int, parts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each part of a side begins and ends, none empty; parts overlap where there are fewer pixels than parts."""
    begin = np.arange(parts) * size // parts
    return begin, np.maximum(-(-(np.arange(parts) + 1) * size // parts), begin + 1)


def _zone(middle: int, half_height: int, half_width: int) -> NDArray[np.float64]:
    """Weights `(24 · 16,)`, 0 to 255, that fall off with the square of the distance; in half pixels from the middle."""
    down = (2 * np.arange(HEIGHT) - HEIGHT + 1 - middle)[:, None] ** 2 * half_width**2
    across = (2 * np.arange(WIDTH) - WIDTH + 1) ** 2 * half_height**2
    most = half_height**2 * half_width**2
    return (255 * np.maximum(0, most - down - across) // most).astype(np.float64).ravel()


ZONES = np.stack([_zone(-6, 13, 12), _zone(10, 14, 15)], axis=1)
"""Where a detector's box holds the jersey, and where the legs."""
