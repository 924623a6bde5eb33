"""A student with a cheaper activation learns from its teacher alone, and its file says which activation it has."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from torch import nn

from tests.conftest import ROOT
from tracker.detector import Detector
from tracker.detector_weights import activation_of, build_network, read_safetensors
from videos.frames import main as frames
from weights.distil import stretch

OLD = "weights/cleansheet-n.safetensors"


def distil(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "weights.distil", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_a_student_comes_nearer_to_its_teacher_and_its_file_detects(tmp_path: Path) -> None:
    written = CliRunner().invoke(frames, [str(tmp_path / "home"), "--count", "2", "--size", "320x180"])  # type: ignore[arg-type]
    assert written.exit_code == 0
    out = tmp_path / "student.safetensors"
    other = "silu" if activation_of(read_safetensors(ROOT / OLD)[0]) == "hardswish" else "hardswish"
    done = distil(
        OLD, "--data", str(tmp_path / "home"), "--activation", other, "--size", "128x96", "--batch", "2",
        "--iterations", "40", "--every", "10", "--threads", "1", "--out", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    layers = [float(value) for value in re.findall(r"layers ([\d.]+)", done.stderr)]
    assert len(layers) == 4
    assert layers[-1] < layers[0]
    with safe_open(out, "pt") as opened:
        assert opened.metadata()["activation"] == other
    assert activation_of(read_safetensors(out)[0]) == other
    Detector.load(out)


def test_an_activation_that_there_is_not_is_refused_in_one_line(tmp_path: Path) -> None:
    done = distil(OLD, "--data", str(tmp_path), "--activation", "tanh", "--out", str(tmp_path / "x.safetensors"))
    assert done.returncode == 2
    assert "'tanh'" in done.stderr


@pytest.mark.parametrize(
    ("option", "wrong"), [("--size", "big"), ("--zoom", "2"), ("--zoom", "2:1"), ("--threads", "0")]
)
def test_what_cannot_be_shown_is_refused_in_one_line(option: str, wrong: str, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    done = distil(OLD, "--data", str(tmp_path), option, wrong, "--out", str(out))
    assert done.returncode == 2
    assert option in done.stderr.splitlines()[-1]
    assert not out.exists()


@pytest.mark.parametrize("factor", [0.5, 1.15])
def test_larger_activations_say_the_same_where_an_activation_does_not_care_for_size(factor: float) -> None:
    torch.manual_seed(0)
    model = build_network(0.25, 0.33, 3).eval()
    for module in model.modules():
        if hasattr(module, "act"):
            module.act = nn.ReLU()
    picture = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        before = model(picture)[0]
        stretch(model, factor)
        after = model(picture)[0]
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
