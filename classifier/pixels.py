"""Crops as a network sees them: decoded, at one size, as bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.errors import CleansheetError

Image = NDArray[np.uint8]
"""A BGR picture, `(H, W, 3)`."""


def read_crop(path: Path) -> Image:
    """Decode a picture that import has already found readable.

    Raises:
        CleansheetError: it cannot be read (any more).
    """
    data = np.frombuffer(path.read_bytes(), np.uint8) if path.exists() else np.empty(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise CleansheetError(f"{path} cannot be read: it is missing or damaged; restore it or import it again.")
    return image.astype(np.uint8, copy=False)


def fit(image: Image, height: int, width: int) -> Image:
    """Squash a crop to `(height, width, 3)`: area averaging when it shrinks, bilinear when it grows."""
    shrinks = image.shape[0] >= height and image.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=how).astype(np.uint8, copy=False)


@contextmanager
def single_thread() -> Iterator[None]:
    """Run a block with one thread in OpenCV: other numbers give other bits."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
