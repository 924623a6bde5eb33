"""Proposals are learned beside a network that stays as it is, go with its file, and are left behind by training."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open

from tests.conftest import ROOT
from tracker.assets import asset
from tracker.detector import Detector
from tracker.detector_weights import DEFAULT_WEIGHTS, find_weights, read_safetensors
from tracker.video import frames as frames_of
from tracker.video import probe
from videos.frames import main as frames


def recipe(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"weights.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def proposing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The default weights with proposals of four channels, hardly trained; two rendered pictures; what was said."""
    folder = tmp_path_factory.mktemp("propose")
    written = CliRunner().invoke(frames, [str(folder / "home"), "--count", "2", "--size", "320x180"])  # type: ignore[arg-type]
    assert written.exit_code == 0
    out = folder / "proposing.safetensors"
    done = recipe(
        "propose", DEFAULT_WEIGHTS, "--data", str(folder / "home"), "--channels", "4", "--size", "128x96", "--batch",
        "2", "--iterations", "40", "--every", "10", "--threads", "1", "--out", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out, folder / "home", done.stderr


def test_they_come_nearer_and_the_network_stays_as_it_is(proposing: tuple[Path, Path, str]) -> None:
    out, _, said = proposing
    apart = [float(value) for value in re.findall(r"apart ([\d.]+)", said)]
    assert len(apart) == 4
    assert apart[-1] < apart[0]
    with safe_open(out, "pt") as opened:
        assert opened.metadata()["proposal_channels"] == "4"
    before, after = (read_safetensors(path)[0].state_dict() for path in (ROOT / DEFAULT_WEIGHTS, out))
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    with_them = read_safetensors(out, proposals=True)[0].state_dict()
    assert len(with_them) == len(after) + 3 * 3 * 2


def test_the_network_itself_does_not_ask_them(proposing: tuple[Path, Path, str]) -> None:
    picture = next(iter(frames_of(probe(asset("demo/match.mp4"))))).image
    given, plain = (Detector.load(path, runtime="pytorch", threads=1)(picture) for path in (proposing[0], None))
    assert len(plain.xyxy) > 5
    assert np.array_equal(given.xyxy, plain.xyxy)
    assert find_weights(proposing[0]).sha256 != find_weights(None).sha256


def test_training_and_averaging_leave_them_behind(proposing: tuple[Path, Path, str], tmp_path: Path) -> None:
    out, home, _ = proposing
    done = recipe(
        "train", "--data", str(home), "--init", str(out), "--epochs", "1", "--batch", "2", "--size", "128x96",
        "--threads", "1", "--work", str(tmp_path / "work"), "--out", str(tmp_path / "ours.safetensors"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = recipe("average", str(out), str(out), "--out", str(tmp_path / "mean.safetensors"))
    assert done.returncode == 0, done.stderr
    for name in ("ours", "mean"):
        with safe_open(tmp_path / f"{name}.safetensors", "pt") as opened:
            assert "proposal_channels" not in opened.metadata()
            assert not [key for key in opened.keys() if "proposals" in key]  # noqa: SIM118
        Detector.load(tmp_path / f"{name}.safetensors")
