"""Drawing on a picture as its codec keeps it: what is drawn has its colour, and all else stays as it was."""

from pathlib import Path

import av
import numpy as np
import polars as pl
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from tracker.annotated_video import draw_video
from tracker.planes import Coding, Planes
from tracker.progress import silent
from tracker.settings import ProcessSettings
from tracker.stage_times import StageTimes
from tracker.tables import TIMELINE, TRACKS
from tracker.video import frames, probe
from tracker.video_writer import VideoWriter

CODINGS = [
    Coding(full, matrix, matrix, matrix if matrix != 5 else 6) for full in (False, True) for matrix in (1, 5)
]  # fmt: skip
"""Limited and full range; BT.709 and BT.601."""
IDS = ["limited 709", "limited 601", "full 709", "full 601"]
WIDTH, HEIGHT = 96, 64


def values() -> np.ndarray:
    """Planes of a picture of all kinds of colours that exist."""
    rng = np.random.default_rng(3)
    luma = rng.integers(60, 190, (HEIGHT, WIDTH), dtype=np.uint8)
    return np.concatenate([luma, rng.integers(108, 148, (HEIGHT // 2, WIDTH), dtype=np.uint8)])


def boxes() -> st.SearchStrategy[tuple[float, float, float, float]]:
    at, size = st.floats(-40, 130), st.floats(0, 60)
    return st.tuples(at, at, size, size).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


@given(st.lists(boxes(), max_size=4), st.sampled_from(CODINGS))
def test_what_is_opened_and_not_drawn_on_comes_back_and_all_else_is_not_touched(parts, coding):
    before = values()
    planes = Planes(before.copy(), coding)
    with planes.open(parts, np.zeros((HEIGHT, WIDTH, 3), np.uint8)):
        pass
    off = np.abs(planes.values.astype(int) - before)
    assert off.max() <= 1
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for x1, y1, x2, y2 in parts:
        inside[max(0, int(y1) - 2) : max(0, int(y2) + 3), max(0, int(x1) - 2) : max(0, int(x2) + 3)] = True
    assert not off[:HEIGHT][~inside].any()


def write(path: Path, coding: Coding, count: int = 3) -> None:
    with VideoWriter(path, (WIDTH, HEIGHT), 25, crf=4, coding=coding) as writer:
        for number in range(count):
            still = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            still[:HEIGHT] = np.linspace(0, 255, WIDTH)[None]  # darker and lighter than limited range allows
            still[HEIGHT:] = 118 + number
            writer.write(Planes(still, coding), number / 25)


def decoded(path: Path) -> tuple[list[VideoFrame], tuple[int, ...]]:
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        tags = codec.color_range, codec.colorspace, codec.color_primaries, codec.color_trc
        return list(container.decode(video=0)), tags


@pytest.mark.parametrize("coding", CODINGS, ids=IDS)
def test_an_annotated_video_has_its_source_s_brightness_and_says_so(tmp_path: Path, coding: Coding) -> None:
    source, target = tmp_path / "source.mp4", tmp_path / "annotated.mp4"
    write(source, coding)
    info = probe(source)
    assert info.coding == coding
    person = {
        "frame": 1, "time_s": 0.04, "track_id": 1, "team": "red", "role": "player", "observed": True,
        "x1": 30.0, "y1": 10.0, "x2": 60.0, "y2": 50.0,
    }  # fmt: skip
    rows = pl.DataFrame([person], schema=TRACKS.schema)
    draw_video(
        info, target, ProcessSettings(), [rows], ["red"], TIMELINE.empty(), None, 3, StageTimes(), silent
    )  # fmt: skip
    (before, tags), (after, tags_after) = decoded(source), decoded(target)
    assert tags_after == tags == (2 if coding.full else 1, coding.matrix, coding.primaries, coding.transfer)
    for index, (was, now) in enumerate(zip(before, after, strict=True)):
        off = np.abs(was.to_ndarray().astype(int) - now.to_ndarray())[:HEIGHT]
        assert np.median(off) <= 1, "x264 changes little, and nothing is a level darker"
        assert off[:8].max() < 12
        assert (off[40:60, 25:65].max() > 60) == (index == 1), "somebody is drawn in the second frame"


@pytest.mark.parametrize("coding", CODINGS, ids=IDS)
def test_what_is_drawn_has_its_colour(tmp_path: Path, coding: Coding) -> None:
    path, red = tmp_path / "drawn.mp4", (40, 30, 210)
    planes = Planes(values(), coding)
    with planes.open([(16, 16, 80, 48)], np.zeros((HEIGHT, WIDTH, 3), np.uint8)) as picture:
        picture[16:48, 16:80] = red
    with VideoWriter(path, (WIDTH, HEIGHT), 25, crf=4, coding=coding) as writer:
        writer.write(planes, 0.0)
        writer.write(planes, 0.04)
    shown = next(frames(probe(path))).image[24:40, 24:72].reshape(-1, 3).astype(int)
    assert np.abs(np.median(shown, axis=0) - red).max() <= 6


@pytest.mark.parametrize(("size", "pixel_format"), [((95, 64), "yuv444p"), ((96, 64), "yuv422p")])
def test_other_pictures_are_converted(tmp_path: Path, size: tuple[int, int], pixel_format: str) -> None:
    path = tmp_path / "other.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        for _ in range(3):
            picture = np.full((size[1], size[0], 3), (60, 120, 180), np.uint8)
            container.mux(stream.encode(VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    info, target = probe(path), tmp_path / "annotated.mp4"
    assert info.coding is None
    draw_video(
        info, target, ProcessSettings(), [], ["red"], TIMELINE.empty(), None, 3, StageTimes(), silent
    )  # fmt: skip
    shown = [frame.image for frame in frames(probe(target))]
    assert len(shown) == 3
    assert np.abs(np.median(shown[0].reshape(-1, 3), axis=0) - (60, 120, 180)).max() <= 6
