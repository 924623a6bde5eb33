"""Averages of weights: tensor by tensor, of one kind only."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file


def average(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "weights.average", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_weights_are_averaged_by_share_and_keep_what_describes_them(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(3, dtype=torch.float16)}, tmp_path / "a.safetensors", {"width": "0.25"})
    described = {"width": "0.5", "players_for_one": "[1, 7, 8]"}
    save_file({"w": torch.full((3,), 4.0, dtype=torch.float16)}, tmp_path / "b.safetensors", described)
    out = tmp_path / "out.safetensors"
    done = average(tmp_path / "a.safetensors", tmp_path / "b.safetensors", "--share", 1, "--share", 3, "--out", out)
    assert done.returncode == 0, done.stderr
    mean = load_file(out)["w"]
    assert mean.tolist() == [3.0, 3.0, 3.0]
    assert mean.dtype == torch.float16
    with safe_open(out, "pt") as file:
        assert file.metadata() == {"width": "0.25", "players_for_one": "[1, 7, 8]"}


@pytest.mark.parametrize(("name", "activation"), [("v", "silu"), ("w", "hardswish")])
def test_networks_of_different_kinds_are_refused(name: str, activation: str, tmp_path: Path) -> None:
    save_file({"w": torch.zeros(3)}, tmp_path / "a.safetensors")
    save_file({name: torch.zeros(3)}, tmp_path / "b.safetensors", {"activation": activation})
    out = tmp_path / "out.safetensors"
    done = average(tmp_path / "a.safetensors", tmp_path / "b.safetensors", "--out", out)
    assert done.returncode == 2
    assert "different kinds" in done.stderr
    assert not out.exists()
