"""Whether two pictures look alike: a 64-bit perceptual hash and the distance between hashes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.pixels import Image, fit

ALIKE_BITS = 6
"""Near-copies differ in at most so many of the 64 bits."""
THUMB = 16
ALIKE_GREY = 6.0
"""Pictures whose hashes are alike are copies where their thumbnails differ by less, of 255, on average."""


def look(image: Image) -> str:
    """The picture's difference hash (N. Krawetz, *Kind of Like That*, 2013), 16 hexadecimal digits.

    Bit (r, c) says whether the grey picture, shrunk to 9×8, gets brighter from column c to c + 1 in row r.
    """
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


def alike_pairs(looks: list[str], first: int, bits: int = ALIKE_BITS) -> list[tuple[int, int]]:
    """Index pairs i < j with i < `first` whose hashes differ in at most `bits` bits. Linear in memory."""
    codes: NDArray[np.uint64] = np.array([int(code, 16) for code in looks], dtype=np.uint64)
    pairs: list[tuple[int, int]] = []
    for i in range(min(first, len(codes) - 1)):
        distance = np.bitwise_count(codes[i + 1 :] ^ codes[i])
        pairs += [(i, i + 1 + int(j)) for j in np.flatnonzero(distance <= bits)]
    return pairs


def thumb(image: Image) -> NDArray[np.int16]:
    """`(16, 16, 3)`: a picture small enough to be the same after another encoding."""
    return fit(image, THUMB, THUMB).astype(np.int16)


def same_picture(one: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    """Whether two thumbnails are of one picture."""
    return float(np.abs(one - other).mean()) < ALIKE_GREY
