"""Text and panels on a picture, in OpenCV's own outline font (no font files, any script that it knows)."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Image = NDArray[np.uint8]

REGULAR, BOLD = 400, 650
_SHIFT = 4
_TURN = np.radians(np.concatenate([np.arange(start, start + 91, 15) for start in (0, 90, 180, 270)]))
_ROUND = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_CORNERS = np.repeat([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]], 7, axis=0)
"""A rectangle's round corners: direction from each corner's centre, and which corner it is."""


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def text_width(text: str, size: int, weight: int = REGULAR) -> int:
    """Width in pixels of a line of text, `size` pixels high."""
    _, _, width, _ = cv2.getTextSize((100_000, 1000), text, (0, 0), _font(), size, weight)
    return int(width)


def write(
    image: Image,
    text: str,
    at: tuple[float, float],
    colour: Colour,
    size: int,
    weight: int = REGULAR,
    align: Literal["left", "middle", "right"] = "left",
) -> None:
    """Write one line into the picture; `at` is the left end, middle or right end of its base line, in pixels."""
    width = 0 if align == "left" else text_width(text, size, weight)
    x = at[0] - {"left": 0.0, "middle": width / 2, "right": float(width)}[align]
    cv2.putText(image, text, (round(x), round(at[1])), colour, _font(), size, weight)


def pill(image: Image, box: tuple[float, float, float, float], colour: Colour, radius: float) -> None:
    """Fill a rectangle x1, y1, x2, y2 with round corners."""
    x1, y1, x2, y2 = box
    radius = min(radius, (x2 - x1) / 2, (y2 - y1) / 2)
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    straight = np.array([(x2 - x1) / 2 - radius, (y2 - y1) / 2 - radius])
    outline = middle + _CORNERS * straight + _ROUND * radius
    points = np.round(outline * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)
    cv2.fillPoly(image, [points], colour, cv2.LINE_AA, _SHIFT)


@dataclass(frozen=True)
class Panel:
    """A picture to lay over another."""

    picture: Image
    """(H, W, 3)"""
    weight: NDArray[np.float32]
    """(H, W), 1 where it covers fully, 0 where it is not there."""
    rest: NDArray[np.float32]
    """(H, W), 1 - weight."""

    @staticmethod
    def rounded(picture: Image, radius: float, opacity: float) -> "Panel":
        """A panel with round corners; `opacity` 0 to 1."""
        height, width = picture.shape[:2]
        shape = np.zeros((height, width, 3), np.uint8)
        pill(shape, (0, 0, width - 1, height - 1), (255, 255, 255), radius)
        weight = np.asarray(shape[:, :, 0] * np.float32(opacity / 255), np.float32)
        return Panel(picture, weight, np.asarray(1 - weight, np.float32))

    def lay(self, image: Image, at: tuple[int, int]) -> None:
        """Lay it over the picture, its left upper corner at `at`; what does not fit is cut off."""
        x, y = at
        left, top = max(0, -x), max(0, -y)
        bottom = min(self.picture.shape[0], image.shape[0] - y)
        right = min(self.picture.shape[1], image.shape[1] - x)
        if bottom <= top or right <= left:
            return
        cut = np.s_[top:bottom, left:right]
        under = image[y + top : y + bottom, x + left : x + right]
        under[:] = cv2.blendLinear(self.picture[cut], under, self.weight[cut], self.rest[cut])
