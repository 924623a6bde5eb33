"""The renderer's programs refuse bad input with one line and exit code 2."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from videos.crops import main as crops
from videos.frames import main as frames
from videos.render import main as render

BAD = [
    (render, ["out.avi"], "expected a name ending in .mp4"),
    (render, ["out.mp4", "--camera", "drone"], "expected fixed or pan"),
    (render, ["out.mp4", "--colors", "white"], "expected two"),
    (render, ["out.mp4", "--colors", "white,mauve-ish"], "expected #rrggbb or one of"),
    (render, ["out.mp4", "--colors", "red,red"], "two different names"),
    (render, ["out.mp4", "--size", "1280"], "WIDTHxHEIGHT"),
    (render, ["out.mp4", "--size", "1281x720"], "even numbers"),
    (render, ["out.mp4", "--rink", "moon"], "rink 'moon'"),
    (render, ["out.mp4", "--fps", "0"], "--fps 0: expected 1 to 240"),
    (render, ["out.mp4", "--seconds", "-3"], "--seconds -3"),
    (crops, ["out", "--each", "0"], "--each 0"),
    (crops, ["out", "--goalkeepers", "10"], "--goalkeepers 10: expected 0 to 9"),
    (frames, ["out", "--count", "0"], "--count 0"),
    (frames, ["out", "--size", "x"], "WIDTHxHEIGHT"),
    (frames, ["out", "--club", "--nobody"], "choose one"),
]


@pytest.mark.parametrize(("command", "arguments", "message"), BAD)
def test_bad_input_is_refused_in_one_line(command: object, arguments: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path / arguments[0]), *arguments[1:]])  # type: ignore[arg-type]
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [render, crops, frames])
def test_help_shows_an_example(command: object) -> None:
    result = CliRunner().invoke(command, ["--help"])  # type: ignore[arg-type]
    assert result.exit_code == 0
    assert "Example: python -m videos." in result.output


def test_frames_of_nobody_come_with_empty_labels(tmp_path: Path) -> None:
    arguments = [str(tmp_path), "--count", "2", "--size", "320x180", "--nobody"]
    assert CliRunner().invoke(frames, arguments).exit_code == 0  # type: ignore[arg-type]
    assert [file.read_text() for file in sorted((tmp_path / "labels").iterdir())] == ["", ""]
    assert len(list((tmp_path / "images").iterdir())) == 2
