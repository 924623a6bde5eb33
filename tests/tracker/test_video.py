"""Frames come with their own number and time, whatever the rate; what is no video is refused."""

import wave
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from classifier.errors import BadInput
from tests.tracker.made_videos import number_on, write_numbered_video, write_steady_video
from tracker.video import frames, probe
from tracker.video_writer import VideoWriter

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60000, 1001)]


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{float(rate):.3f}")
def test_frames_have_their_number_and_the_streams_time(tmp_path: Path, rate: Fraction, container: str) -> None:
    write_steady_video(tmp_path / f"a.{container}", 130, rate)
    info = probe(tmp_path / f"a.{container}")
    tick = 0.0005 if container == "mkv" else 1e-9  # Matroska's clock ticks in milliseconds
    seen = list(frames(info))
    assert [frame.index for frame in seen] == [number_on(frame.image) for frame in seen] == list(range(130))
    assert np.abs([frame.time_s - float(frame.index / rate) for frame in seen]).max() <= 2 * tick
    assert info.fps == pytest.approx(float(rate), rel=1e-3)
    assert not info.variable_rate


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.lists(st.integers(1, 40), min_size=5, max_size=60), start=st.floats(0, 2), stride=st.integers(1, 5))
@example(gaps=[1, 1, 1, 1, 1, 35, 40, 40, 40, 40, 40, 1], start=1.0, stride=1)  # wanted right before a key frame
def test_variable_frame_rates_keep_their_times(tmp_path: Path, gaps: list[int], start: float, stride: int) -> None:
    ticks = np.cumsum([0, *gaps])
    write_numbered_video(tmp_path / "v.mp4", [Fraction(int(t), 240) for t in ticks], Fraction(30), Fraction(1, 240))
    info = probe(tmp_path / "v.mp4")
    assert info.times_s == pytest.approx(ticks / 240)
    seen = list(frames(info, start_s=start, stride=stride))
    wanted = [n for n, tick in enumerate(ticks) if tick / 240 >= start and n % stride == 0]
    assert [frame.index for frame in seen] == wanted
    assert [number_on(frame.image) for frame in seen] == wanted


@pytest.mark.parametrize(("start", "end", "stride"), [(0, None, 1), (1.03, 3.2, 1), (2.0, None, 7), (0.5, 0.5, 1)])
def test_start_end_and_stride_keep_the_source_numbers(
    tmp_path: Path, start: float, end: float | None, stride: int
) -> None:
    rate = Fraction(30000, 1001)
    write_steady_video(tmp_path / "a.mp4", 130, rate)
    seen = list(frames(probe(tmp_path / "a.mp4"), start_s=start, end_s=end, stride=stride))
    wanted = [n for n in range(130) if start <= n / rate < (1e9 if end is None else end) and n % stride == 0]
    assert [frame.index for frame in seen] == [number_on(frame.image) for frame in seen] == wanted


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{float(rate):.3f}")
def test_written_videos_play_at_the_source_times(tmp_path: Path, rate: Fraction) -> None:
    write_steady_video(tmp_path / "a.mp4", 60, rate)
    info = probe(tmp_path / "a.mp4")
    with VideoWriter(tmp_path / "b.mp4", (info.width, info.height), info.fps) as writer:
        for frame in frames(info, start_s=0.5):
            writer.write(frame.image, frame.time_s)
    copy = probe(tmp_path / "b.mp4")
    first = int(np.ceil(0.5 * rate))
    assert copy.codec == "h264"
    assert copy.times_s == pytest.approx(info.times_s[first:] - info.times_s[first], abs=1e-4)
    assert [number_on(frame.image) for frame in frames(copy)] == list(range(first, 60))


def _sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))


def _picture(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((90, 160, 3), np.uint8))


def _cut_off_at_the_end(path: Path) -> None:
    whole = path.with_name("whole.mp4")
    with VideoWriter(whole, (160, 96), 30) as writer:  # the index comes first, so the beginning still reads
        for number in range(90):
            writer.write(np.random.default_rng(number).integers(0, 255, (96, 160, 3), dtype=np.uint8), number / 30)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])


def _cut_off_with_its_index(path: Path) -> None:
    write_steady_video(path, 60, Fraction(25))  # the index comes last
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.mark.parametrize("size", [(1280, 720), (322, 182), (101, 67)])
def test_written_pictures_come_back(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    pictures = [np.dstack([across, down, np.full_like(down, 40 * n)]).astype(np.uint8) for n in range(6)]
    path = tmp_path / "made.mp4"
    with VideoWriter(path, size, 25, crf=10) as writer:
        for n, picture in enumerate(pictures):
            writer.write(picture, n / 25)
    back = [frame.image.astype(int) for frame in frames(probe(path))]
    assert len(back) == len(pictures)
    for seen, picture in zip(back, pictures, strict=True):
        assert seen.shape == (height // 2 * 2, width // 2 * 2, 3)
        assert np.abs(seen - picture[: seen.shape[0], : seen.shape[1]]).mean() < 3


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("nothing.mp4", lambda _: None, "no such file"),
        ("folder", lambda path: path.mkdir(), "is a folder"),
        ("empty.mp4", lambda path: path.touch(), "is empty"),
        ("text.mp4", lambda path: path.write_text("not a video\n" * 99), "cannot be read as a video"),
        ("sound.wav", _sound, "sound only"),
        ("still.png", _picture, "single picture"),
        ("still.jpg", _picture, "single picture"),
        ("cut.mp4", _cut_off_at_the_end, "cut off after"),
        ("cut-index.mp4", _cut_off_with_its_index, "is the file whole?"),
    ],
)
def test_what_is_no_whole_video_is_refused(tmp_path: Path, name: str, make, words: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / name)
    with pytest.raises(BadInput, match=words.replace("?", r"\?")) as refusal:
        probe(tmp_path / name)
    assert "\n" not in str(refusal.value)


def test_the_beginning_of_a_cut_off_video_can_be_processed(tmp_path: Path) -> None:
    _cut_off_at_the_end(tmp_path / "cut.mp4")
    info = probe(tmp_path / "cut.mp4", end_s=0.5)
    assert len(list(frames(info, end_s=0.5))) == 15
