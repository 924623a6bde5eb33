"""The recipe's command fine-tunes on a club's labelled frames, and goes on where it was stopped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from safetensors.torch import load_file

from tests.conftest import ROOT
from tracker.detector import Detector
from videos.frames import main as frames


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rinks, two labelled frames each."""
    folder = tmp_path_factory.mktemp("club")
    for seed, rink in enumerate(("home", "away")):
        arguments = [str(folder / rink), "--count", "2", "--seed", str(seed), "--size", "320x180"]
        assert CliRunner().invoke(frames, arguments).exit_code == 0  # type: ignore[arg-type]
    return folder


def train(club: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "weights.train", "--data", str(club / "home"), "--data", str(club / "away"),
        "--val-group", "away", "--init", "weights/cleansheet-n.safetensors", "--size", "128x96", "--batch", "1",
        "--epochs", "2", "--every", "1", "--image-size", "320", "--threads", "1", "--work", str(club / "work"),
        "--out", str(club / "ours.safetensors"), *more,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_fine_tuning_gives_a_file_that_detects_and_resuming_a_finished_run_the_same_one(club: Path) -> None:
    done = train(club)
    assert done.returncode == 0, done.stderr
    assert "2 pictures to train on, 2 to measure on, 4 iterations" in done.stderr  # 2 epochs of 2 pictures, one a batch
    file = club / "ours.safetensors"
    Detector.load(file)
    with safe_open(file, "pt") as opened:
        assert json.loads(opened.metadata()["players_for_one"])[0] == 1
    tensors = load_file(file)  # not the bytes: safetensors writes metadata in any order
    again = train(club, "--resume")
    assert again.returncode == 0, again.stderr
    assert all(torch.equal(value, tensors[name]) for name, value in load_file(file).items())


def test_a_group_that_is_not_there_is_refused_in_one_line(club: Path) -> None:
    done = train(club, "--val-group", "nowhere")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere" in done.stderr
