"""The detector in other runtimes: the same boxes, an export made once, nothing left in the home directory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
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


@pytest.mark.parametrize(
    ("runtime", "pixels", "confidence"),
    [("openvino-f32", 0.1, 0.001), ("openvino", 8.0, 0.2), ("openvino-int8", 8.0, 0.2)],
)
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
    boxes = kept[0] / "head.npz"
    boxes.write_bytes(boxes.read_bytes()[:-100])
    assert said(find_elsewhere(tmp_path)) == "0 True", "and so it is where its boxes are damaged"
    assert said(find_elsewhere(tmp_path)) == "0 False"


def test_weights_of_ones_own_are_exported_into_the_workspace_alone(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    shutil.copyfile(asset(DEFAULT_WEIGHTS), own)
    said(find_elsewhere(tmp_path, own, tmp_path / "workspace" / "cache"))
    assert len(list((tmp_path / "workspace" / "cache").iterdir())) == 1
    assert not (tmp_path / ".cache").exists()


def test_int8_needs_the_ranges_of_these_very_weights(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = tmp_path / "own.safetensors"
    shutil.copyfile(asset(DEFAULT_WEIGHTS), own)
    with pytest.raises(BadInput, match=r"own\.safetensors are not known.*weights\.quantise"):
        Detector.load(own, runtime="openvino-int8")
    ranges = tmp_path / "own.int8.json"
    shutil.copyfile(asset("weights/cleansheet-n.int8.json"), ranges)
    assert Detector.load(own, runtime="openvino-int8", image_size=320).runtime["precision"].startswith("int8 ")
    ranges.write_text(ranges.read_text().replace('"weights_sha256": "', '"weights_sha256": "00'))
    with pytest.raises(BadInput, match="not known"):
        Detector.load(own, runtime="openvino-int8")
    assert "belongs to other weights" in caplog.text
    ranges.write_text("{}")
    with pytest.raises(BadInput, match="no ranges of a detector"):
        Detector.load(own)


def test_a_cpu_gets_bfloat16_where_it_has_it_and_int8_where_that_can_be_had() -> None:
    from tracker.runtimes.openvino import suited

    assert suited({"FP32"}, ranges=True) == "float32"
    assert suited({"FP32", "INT8"}, ranges=True) == "int8"
    assert suited({"FP32", "INT8"}, ranges=False) == "float32"
    assert suited({"FP32", "INT8", "BF16"}, ranges=True) == "bfloat16"


def test_ranges_are_measured_on_pictures_and_lie_beside_the_weights(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    shutil.copyfile(asset(DEFAULT_WEIGHTS), own)
    for frame in frames(probe(asset("demo/match.mp4")), stride=450):
        cv2.imwrite(str(tmp_path / f"{frame.index}.png"), frame.image)
    done = subprocess.run(
        [sys.executable, "-m", "weights.quantise", str(tmp_path), "--weights", str(own), "--image-size", "320"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    picture = np.ascontiguousarray(next(frames(probe(asset("demo/match.mp4")))).image)
    detector = Detector.load(own, runtime="openvino-int8", image_size=320, confidence=0.4, cache=tmp_path / "kept")
    assert len(detector(picture)) >= 3


def test_a_runtime_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match="openvino"):
        Detector.load(runtime="abacus")
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(BadInput, match="no GPU"):
            Detector.load(runtime="cuda")
