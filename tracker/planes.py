"""Drawing on a picture as its codec keeps it: only what is drawn on is turned into colours and back.

A video's picture is its brightness and, at half the width and height, two differences of colour (4:2:0). Whoever turns
all of it into blue, green and red and back spends about as long as drawing takes, and everything comes out a little
different. Here what is not drawn on stays as it was, bit for bit, and the video written keeps its source's colours.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Box = tuple[float, float, float, float]

FORMATS = ("yuv420p", "yuvj420p")
"""FFmpeg's names for 4:2:0 of 8 bits; the second one is of full range."""
_LIMITED, _FULL = 1, 2
_UNSPECIFIED = 2
_OF_RED_AND_BLUE = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""Their shares of the brightness, by FFmpeg's number of the matrix; ITU-T H.273. Others are as BT.601 has them."""
_BT601 = (0.299, 0.114)


@dataclass(frozen=True)
class Coding:
    """What the numbers of a video's pictures mean."""

    full: bool = False
    """Brightness goes from 0 to 255; else from 16 to 235."""
    matrix: int = _UNSPECIFIED
    """FFmpeg's number of how brightness comes of red, green and blue."""
    primaries: int = _UNSPECIFIED
    transfer: int = _UNSPECIFIED

    @staticmethod
    def of(codec: VideoCodecContext, picture: VideoFrame) -> "Coding | None":
        """That of a decoded picture; None where it is not 4:2:0 of 8 bits, has an odd side or is shown turned."""
        known = picture.format.name in FORMATS
        if not known or picture.width % 2 or picture.height % 2 or round(picture.rotation / 90) % 4:
            return None
        full = picture.format.name == FORMATS[1] or picture.color_range == _FULL
        return Coding(full, codec.colorspace, codec.color_primaries, codec.color_trc)

    def announce(self, codec: VideoCodecContext) -> None:
        """Have an encoder write down what the numbers mean."""
        codec.colorspace, codec.color_primaries, codec.color_trc = self.matrix, self.primaries, self.transfer
        codec.color_range = _FULL if self.full else _LIMITED

    @cached_property
    def to_bgr(self) -> NDArray[np.float64]:
        """(3, 4) from brightness and the differences of blue and red to blue, green and red, 0 to 255 each."""
        red, blue = _OF_RED_AND_BLUE.get(self.matrix, _BT601)
        green = 1 - red - blue
        ways = np.array([
            [1, 2 * (1 - blue), 0],
            [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
            [1, 0, 2 * (1 - red)],
        ])  # fmt: skip
        luma, chroma, black = (255, 255, 0) if self.full else (219, 224, 16)
        scaled = ways * 255 / np.array([luma, chroma, chroma])
        return np.column_stack([scaled, -scaled @ (black, 128, 128)])

    @cached_property
    def from_bgr(self) -> NDArray[np.float64]:
        """(3, 4) the other way round."""
        back = np.linalg.inv(self.to_bgr[:, :3])
        return np.column_stack([back, -back @ self.to_bgr[:, 3]])


class Planes:
    """One picture; `values` `(H·3/2, W)` uint8 hold its brightness and then the differences of blue and of red."""

    def __init__(self, values: NDArray[np.uint8], coding: Coding) -> None:
        self.values, self._coding = values, coding
        rows, width = values.shape
        height = rows * 2 // 3
        flat, size = values.reshape(-1), height * width
        self._luma = flat[:size].reshape(height, width)
        self._blue, self._red = flat[size:].reshape(2, height // 2, width // 2)

    @staticmethod
    def of(picture: VideoFrame, coding: Coding) -> "Planes":
        """A copy of a decoded picture's; the decoder still needs its own."""
        if picture.format.name not in FORMATS:  # changed on the way
            picture = picture.reformat(format=FORMATS[coding.full])
        return Planes(np.asarray(picture.to_ndarray(), np.uint8), coding)

    @contextmanager
    def open(self, boxes: Iterable[Box], picture: Image) -> Iterator[Image]:
        """`picture` `(H, W, 3)` with these boxes in blue, green and red, which are taken over at the end; what else is
        in it is of no account.

        Args:
            boxes: x1, y1, x2, y2 in pixels, on the picture or not.
            picture: Is drawn on, and can be used again.
        """
        parts = [part for part in map(self._even, boxes) if part is not None]
        for part in parts:
            self._to_bgr(part, picture)
        yield picture
        for part in parts:
            self._from_bgr(part, picture)

    def _even(self, box: Box) -> tuple[slice, slice] | None:
        """The rows and columns that a box lies in, of whole pixels of colour; None where it is off the picture."""
        height, width = self._luma.shape
        left, right = (min(max(edge, 0), width) / 2 for edge in (box[0], box[2]))
        top, bottom = (min(max(edge, 0), height) / 2 for edge in (box[1], box[3]))
        left, top = 2 * math.floor(left), 2 * math.floor(top)
        right, bottom = 2 * math.ceil(right), 2 * math.ceil(bottom)
        return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None

    def _to_bgr(self, part: tuple[slice, slice], picture: Image) -> None:
        luma, half = self._luma[part], _half(part)
        size = luma.shape[::-1]
        chroma = (cv2.resize(of[half], size, interpolation=cv2.INTER_NEAREST) for of in (self._blue, self._red))
        picture[part] = cv2.transform(cv2.merge([luma, *chroma]), self._coding.to_bgr)

    def _from_bgr(self, part: tuple[slice, slice], picture: Image) -> None:
        luma, *chroma = cv2.split(cv2.transform(picture[part], self._coding.from_bgr))
        self._luma[part] = luma
        half = _half(part)
        for of, seen in zip((self._blue, self._red), chroma, strict=True):
            of[half] = cv2.resize(seen, of[half].shape[::-1], interpolation=cv2.INTER_AREA)


def _half(part: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (slice(each.start // 2, each.stop // 2) for each in part)
    return rows, columns
