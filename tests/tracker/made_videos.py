"""Small videos whose pictures show their own frame number, so that a test can tell which frame it was given."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

SIZE = (160, 96)  # width, height
BITS = 10


def numbered_picture(number: int) -> NDArray[np.uint8]:
    """(96, 160, 3) BGR with the number as ten black or white bars."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for bit in range(BITS):
        image[:, bit * 16 : bit * 16 + 16] = 255 * (number >> bit & 1)
    return image


def number_on(image: NDArray[np.uint8]) -> int:
    """The number that `numbered_picture` drew."""
    return sum(1 << bit for bit in range(BITS) if image[:, bit * 16 + 4 : bit * 16 + 12].mean() > 127)


def write_numbered_video(path: Path, times: Sequence[Fraction], rate: Fraction, time_base: Fraction) -> None:
    """An H.264 file (MP4 or MKV by its name) of frames 0, 1, … at the given times in seconds, with B-frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "20", "g": "12", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = time_base
        for number, time in enumerate(times):
            picture = VideoFrame.from_ndarray(numbered_picture(number), format="bgr24")
            picture.time_base, picture.pts = time_base, round(time / time_base)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def write_steady_video(path: Path, frames: int, rate: Fraction) -> None:
    """Frames evenly spaced at exactly `rate`."""
    write_numbered_video(path, [Fraction(n) / rate for n in range(frames)], rate, 1 / rate)
