"""Video files in: streamed frames, numbered and timed by the stream's own timestamps."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from classifier.errors import BadInput
from tracker.planes import Coding, Planes

PICTURE_FORMATS = ("image2", "_pipe")  # FFmpeg's names for single pictures: image2, png_pipe, jpeg_pipe, webp_pipe, …

REORDERED = 16
"""Frames by which decoding may be ahead of showing, at most, in H.264 and H.265. Containers are searched by the time of
decoding, so a key frame that is decoded before the frame wanted is shown may itself be shown after it."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file is, read from its packets without decoding them."""

    path: Path
    width: int
    """Pixels, as shown (a phone's rotation is applied)."""
    height: int
    """Pixels, as shown."""
    codec: str
    """FFmpeg's name of the codec, such as h264."""
    pts: NDArray[np.int64]
    """(frames,) presentation timestamp of each frame in ticks of `time_base`, strictly ascending."""
    time_base: Fraction
    """Seconds a tick."""
    timestamped: bool
    """Whether the timestamps are the file's own; otherwise (a raw stream) they follow from its nominal rate."""
    coding: Coding | None
    """What the decoded pictures' numbers mean, where they can be written again as they are."""

    @property
    def frame_count(self) -> int:
        return len(self.pts)

    @cached_property
    def times_s(self) -> NDArray[np.float64]:
        """(frames,) presentation time of each frame, seconds since the first one."""
        return (self.pts - self.pts[0]) * float(self.time_base)

    @property
    def fps(self) -> float:
        """Mean frames a second, first frame to last. For show: no time is ever computed from it."""
        return (self.frame_count - 1) / float(self.times_s[-1]) if self.frame_count > 1 else 1.0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the end of the last one."""
        return float(self.times_s[-1]) + 1 / self.fps

    @property
    def variable_rate(self) -> bool:
        """Whether frames are unevenly spaced, by more than the rounding of the container's clock."""
        return self.frame_count > 2 and int(np.ptp(np.diff(self.pts))) > 2


@dataclass(frozen=True)
class Frame:
    """One decoded picture."""

    index: int
    """0-based index in the source video, whatever the start, end or stride."""
    time_s: float
    """Presentation time, seconds since the first frame of the video."""
    decoded: VideoFrame = field(repr=False, compare=False)
    """The picture as the codec gives it, colours as differences from its brightness."""

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """(height, width, 3) BGR as shown, made when it is first asked for: most pictures are passed over."""
        return _as_shown(self.decoded)

    def planes(self, coding: Coding) -> Planes:
        """The picture to be drawn on and written with `coding`, its video's."""
        return Planes.of(self.decoded, coding)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def probe(path: Path, *, end_s: float | None = None) -> VideoInfo:
    """Read what a video is, by walking through its packets.

    Args:
        path: The video file.
        end_s: Where the caller will stop, seconds; that a file is cut off after it is then no error.

    Raises:
        BadInput: No such file, a folder, a picture, no video in it, or a file that is empty or cut off.
    """
    if not path.exists():
        raise BadInput(f"{path}: no such file")
    if path.is_dir():
        raise BadInput(f"{path}: is a folder; name the video file in it")
    if path.stat().st_size == 0:
        raise BadInput(f"{path}: the file is empty")
    try:
        with _open(path) as container:
            return _probe(path, container, end_s)
    except (FFmpegError, ValueError, IndexError) as error:
        raise BadInput(f"{path}: cannot be read as a video ({_reason(error)}); is the file whole?") from error


def frames(info: VideoInfo, *, start_s: float = 0.0, end_s: float | None = None, stride: int = 1) -> Iterator[Frame]:
    """Decode a video as a stream; only pictures that are asked for are converted to BGR.

    Args:
        info: What `probe` said of the file.
        start_s: First time wanted, seconds since the first frame.
        end_s: Time from which on nothing is wanted any more, seconds; None for the whole video.
        stride: Yield frames 0, stride, 2·stride, … of the source video.

    Raises:
        BadInput: The stream breaks off in the middle.
    """
    first, last = wanted_range(info, start_s, end_s)
    if first >= last:
        return
    try:
        with _open(info.path) as container:
            stream = _video_stream(info.path, container)
            stream.thread_type = "AUTO"
            if first > 0 and info.timestamped:
                container.seek(int(info.pts[max(0, first - REORDERED)]), stream=stream, backward=True)
            index = -1
            for picture in container.decode(stream):
                index = _index_of(picture, info, after=index)
                if index >= last:
                    return
                if index >= first and index % stride == 0:
                    yield Frame(index, float(info.times_s[index]), picture)
    except FFmpegError as error:
        raise BadInput(f"{info.path}: the video breaks off after frame {index} ({_reason(error)})") from error


def wanted_range(info: VideoInfo, start_s: float, end_s: float | None) -> tuple[int, int]:
    """Frame indices [first, last) whose times lie in [start_s, end_s)."""
    first = int(np.searchsorted(info.times_s, start_s, side="left"))
    last = info.frame_count if end_s is None else int(np.searchsorted(info.times_s, end_s, side="left"))
    return first, last


def _open(path: Path) -> InputContainer:
    return av.open(str(path), metadata_errors="ignore")


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    """The file's first moving picture; an album cover in an audio file is none."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    kind = "sound only" if container.streams.audio else "no video stream"
    raise BadInput(f"{path}: there is {kind} in it; a video file was expected")


def _probe(path: Path, container: InputContainer, end_s: float | None) -> VideoInfo:
    if any(name in container.format.name for name in PICTURE_FORMATS):
        raise BadInput(f"{path}: is a single picture; a video file was expected")
    stream = _video_stream(path, container)
    announced, broken = stream.frames, False
    stamps: list[int | None] = []
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                broken |= packet.is_corrupt
                stamps.append(packet.pts)
    except FFmpegError:
        broken = True
    if stream.time_base is None or not stamps:
        raise BadInput(f"{path}: there is no frame in it; is the file whole?")
    pts, timestamped = _timestamps(stamps, stream)
    times_s = (pts - pts[0]) * float(stream.time_base)
    if (broken or len(stamps) < announced) and (end_s is None or end_s > times_s[-1]):
        raise BadInput(
            f"{path}: the file is cut off after {times_s[-1]:.1f} s ({len(stamps)} of {announced or '?'} frames); "
            f"copy it again, or process what is there with --end {max(times_s[-1] - 0.1, 0):.1f}"
        )
    (height, width), coding = _first_picture(path)
    return VideoInfo(path, width, height, stream.codec_context.name, pts, stream.time_base, timestamped, coding)


def _timestamps(stamps: list[int | None], stream: VideoStream) -> tuple[NDArray[np.int64], bool]:
    """Ascending timestamps of all frames, and whether they are the file's own."""
    known = [stamp for stamp in stamps if stamp is not None]
    if len(set(known)) == len(stamps):
        return np.sort(np.array(known, dtype=np.int64)), True
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    assert stream.time_base is not None
    ticks = [round(index / rate / stream.time_base) for index in range(len(stamps))]
    return np.array(ticks, dtype=np.int64), False


def _first_picture(path: Path) -> tuple[tuple[int, int], Coding | None]:
    """Height, width and coding of the first frame as shown: proof that the codec works, and the only sure word on
    rotation."""
    with _open(path) as container:
        stream = _video_stream(path, container)
        picture = next(iter(container.decode(stream)))
        height, width = _as_shown(picture).shape[:2]
        return (height, width), Coding.of(stream.codec_context, picture)


def _index_of(picture: VideoFrame, info: VideoInfo, *, after: int) -> int:
    if picture.pts is None or not info.timestamped:
        return after + 1
    return int(np.searchsorted(info.pts, picture.pts))


def _as_shown(picture: VideoFrame) -> NDArray[np.uint8]:
    image: NDArray[np.uint8] = picture.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
    turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _reason(error: Exception) -> str:
    if isinstance(error, FFmpegError) and error.strerror:
        return error.strerror.lower()
    return str(error) or "nothing could be decoded"
