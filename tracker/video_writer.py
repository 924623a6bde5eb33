"""Video files out: H.264 in MP4 with each frame's own time, which every browser plays."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tracker.planes import Coding, Planes

TIME_BASE = Fraction(1, 90_000)  # the MPEG clock: every frame rate in use fits without rounding drift


class VideoWriter:
    """Writes frames with their times; use as a context manager.

    Args:
        path: The file to make; its name ends in `.mp4`.
        size: (width, height) in pixels; an odd last row or column is dropped, as 4:2:0 colour demands.
        fps: Nominal frames a second, a hint for rate control only.
        preset: x264's speed preset.
        crf: x264's constant rate factor; smaller is better and larger on disk.
        coding: That of the planes that will be written; None where pictures will.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], fps: float, *, preset: str = "veryfast", crf: int = 23,
        coding: Coding | None = None,
    ) -> None:  # fmt: skip
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        rate = Fraction(fps).limit_denominator(1001)
        self._stream = self._container.add_stream("libx264", rate=rate, options={"preset": preset, "crf": str(crf)})
        self._stream.width, self._stream.height = size[0] // 2 * 2, size[1] // 2 * 2
        self._stream.pix_fmt = "yuv420p"
        if coding is not None:
            coding.announce(self._stream.codec_context)
        self._stream.codec_context.time_base = TIME_BASE
        # Used again for every frame, since x264 takes a copy: 2.8 MB less to find and to give back each time.
        self._converted = np.empty((self._stream.height * 3 // 2, self._stream.width), np.uint8)
        self._picture = VideoFrame(self._stream.width, self._stream.height, "yuv420p")
        self._picture.time_base = TIME_BASE
        self._first_time_s: float | None = None

    def write(self, picture: NDArray[np.uint8] | Planes, time_s: float) -> None:
        """Append one picture, (height, width, 3) BGR or planes of the `coding` that was announced, shown at `time_s`;
        the first one's time becomes 0."""
        if self._first_time_s is None:
            self._first_time_s = time_s
        _fill(self._picture, (picture if isinstance(picture, Planes) else self._planes_of(picture)).values.reshape(-1))
        self._picture.pts = round((time_s - self._first_time_s) / TIME_BASE)
        self._container.mux(self._stream.encode(self._picture))

    def _planes_of(self, image: NDArray[np.uint8]) -> Planes:
        cv2.cvtColor(
            np.ascontiguousarray(image[: self._stream.height, : self._stream.width]), cv2.COLOR_BGR2YUV_I420,
            dst=self._converted,
        )  # fmt: skip
        return Planes(self._converted, Coding())

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _fill(picture: VideoFrame, planes: NDArray[np.uint8]) -> None:
    """Copy planes that follow each other `(N,)` into a picture, whose rows may be padded."""
    begin = 0
    for plane in picture.planes:
        end = begin + plane.width * plane.height
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]  # it is a buffer
        rows[: plane.height, : plane.width] = planes[begin:end].reshape(plane.height, plane.width)
        begin = end
