"""The detector in other runtimes: the same boxes, an export made once, nothing left in the home directory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from classifier.errors import BadInput
from tests.conftest import ROOT
from tracker.assets import asset
from tracker.detector import Detector
from tracker.detector_weights import DEFAULT_WEIGHTS
from tracker.video import frames, probe

FIND = (
    "import sys, numpy as np\nfrom pathlib import Path\nfrom tracker.detector import Detector\n"
    "d = Detector.load({weights!r}, runtime='openvino-f32', image_size=320, cache=Path({cache!r}))\n"
    "print(len(d(np.zeros((180, 320, 3), np.uint8))), 'torch' in sys.modules)"
)


def find_elsewhere(home: Path, weights: Path | None = None, cache: Path | None = None) -> subprocess.Popen[str]:
    """A detector in a fresh process with a home directory of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "XDG_CACHE_HOME"}
    return subprocess.Popen(
        [sys.executable, "-c", FIND.format(weights=weights and str(weights), cache=str(cache or home / "kept"))],
        env={**environment, "PYTHONPATH": str(ROOT), "HOME": str(home)}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def said(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.strip()


@pytest.mark.parametrize(("runtime", "pixels", "confidence"), [("openvino-f32", 0.1, 0.001), ("openvino", 4.0, 0.1)])
def test_the_boxes_are_pytorchs_within_the_stated_tolerance(runtime: str, pixels: float, confidence: float) -> None:
    reference, other = (
        Detector.load(confidence=0.3, image_size=640, runtime=name) for name in ("pytorch", runtime)
    )
    compared = 0
    for frame in frames(probe(asset("demo/match.mp4")), stride=300):
        mine, theirs = reference(frame.image), other(frame.image)
        assert mine.confidence is not None
        for box, sure in zip(mine.xyxy, mine.confidence, strict=True):
            if sure < 0.3 + confidence:
                continue  # so near the threshold that the other may have left it out
            apart = np.abs(theirs.xyxy - box).max(axis=1)
            assert apart.min() <= pixels
            assert theirs.confidence is not None
            assert abs(theirs.confidence[apart.argmin()] - sure) <= confidence
            compared += 1
    assert compared >= 20


def test_two_processes_export_at_once_and_the_next_one_needs_no_pytorch(tmp_path: Path) -> None:
    both = [find_elsewhere(tmp_path), find_elsewhere(tmp_path)]
    assert [said(process).split()[0] for process in both] == ["0", "0"]
    folder = tmp_path / ".cache" / "cleansheet" / "detectors"
    kept = list(folder.iterdir())
    assert len(kept) == 1, "one export, and nothing half-written beside it"
    assert said(find_elsewhere(tmp_path)) == "0 False"
    assert list(folder.iterdir()) == kept
    assert not (tmp_path / "intel").exists(), "OpenVINO's reporter left an id"
    (kept[0] / "network.xml").write_text("torn")
    assert said(find_elsewhere(tmp_path)) == "0 True", "a damaged export is made again"
    assert said(find_elsewhere(tmp_path)) == "0 False"


def test_weights_of_ones_own_are_exported_into_the_workspace_alone(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    shutil.copyfile(asset(DEFAULT_WEIGHTS), own)
    said(find_elsewhere(tmp_path, own, tmp_path / "workspace" / "cache"))
    assert len(list((tmp_path / "workspace" / "cache").iterdir())) == 1
    assert not (tmp_path / ".cache").exists()


def test_a_runtime_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="openvino"):
        Detector.load(runtime="abacus")
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(BadInput, match="no GPU"):
            Detector.load(runtime="cuda")
