"""Boxes at single places are those that the whole head draws, at borders and corners, too."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.detector_weights import find_weights
from tracker.environment import quiet_libraries
from tracker.runtimes import open_runtime
from tracker.runtimes.box_head import BoxHead

quiet_libraries()

import torch  # noqa: E402
from ultralytics.nn.modules.head import Detect  # noqa: E402
from ultralytics.utils.tal import make_anchors  # noqa: E402

CHANNELS = (8, 12)
STRIDES = (8.0, 16.0)


def a_head(seed: int, activation: str = "SiLU", **changes: Any) -> Detect:
    """A head of two levels with random weights, fused as when it is run."""
    torch.manual_seed(seed)
    head = Detect(nc=3, ch=CHANNELS, **changes)
    head.stride = torch.tensor(STRIDES)
    for branch in head.cv2:
        for layer in branch[:2]:
            layer.conv = torch.nn.Conv2d(layer.conv.in_channels, layer.conv.out_channels, 3, padding=1)
            layer.bn, layer.act = torch.nn.Identity(), getattr(torch.nn, activation)()
    return head.eval()


def whole(head: Detect, maps: list[torch.Tensor]) -> np.ndarray:
    """(4, N): the boxes of all places, drawn by PyTorch."""
    with torch.no_grad():
        bins = torch.cat([branch(each).flatten(2) for branch, each in zip(head.cv2, maps, strict=True)], 2)
        anchors, strides = (each.transpose(0, 1) for each in make_anchors(maps, head.stride, 0.5))
        return (head.decode_bboxes(head.dfl(bins), anchors[None]) * strides)[0].numpy()


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**16),
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    activation=st.sampled_from(["SiLU", "Hardswish", "ReLU"]),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_boxes_at_places_are_those_of_the_whole_head(
    seed: int, size: tuple[int, int], activation: str, share: float
) -> None:
    head = a_head(seed, activation)
    rows, columns = size
    maps = [torch.randn(1, CHANNELS[0], 2 * rows, 2 * columns), torch.randn(1, CHANNELS[1], rows, columns)]
    expected = whole(head, maps)
    chosen = np.flatnonzero(np.random.default_rng(seed).random(expected.shape[1]) < share)
    boxes = BoxHead.of(head)
    assert boxes is not None
    found = boxes([each[0].permute(1, 2, 0).contiguous().numpy() for each in maps], chosen)
    assert found.shape == (4, len(chosen))
    assert np.allclose(found, expected[:, chosen], atol=2e-3)


def test_it_is_kept_and_read_again(tmp_path: Path) -> None:
    boxes = BoxHead.of(a_head(1, "Hardswish"))
    assert boxes is not None
    boxes.write(tmp_path / "boxes.npz")
    again = BoxHead.read(tmp_path / "boxes.npz")
    maps = [np.ones((4, 6, CHANNELS[0]), np.float32), np.ones((2, 3, CHANNELS[1]), np.float32)]
    places = np.array([0, 5, 23, 24, 29])
    assert np.array_equal(again(maps, places), boxes(maps, places))
    (tmp_path / "boxes.npz").write_bytes(b"torn")
    with pytest.raises(ValueError, match="pickle"):
        BoxHead.read(tmp_path / "boxes.npz")


def test_heads_of_other_kinds_are_left_whole() -> None:
    assert BoxHead.of(a_head(1, "Tanh")) is None
    assert BoxHead.of(a_head(1, reg_max=1)) is None
    assert BoxHead.of(a_head(1, end2end=True)) is not None, "which asks for another head, but is not used here"
    head = a_head(1)
    head.cv2[0][0].conv = torch.nn.Conv2d(CHANNELS[0], head.cv2[0][0].conv.out_channels, 5, padding=2)
    assert BoxHead.of(head) is None
    assert BoxHead.of(torch.nn.Identity()) is None


@pytest.mark.parametrize(("make", "apart"), [("yolo11n", True), ("yolo26n", False)])
def test_other_networks_give_in_openvino_what_they_give_in_pytorch(tmp_path: Path, make: str, apart: bool) -> None:
    from ultralytics import YOLO

    torch.manual_seed(0)
    network = YOLO(f"{make}.yaml")
    network.model.names = {index: "person" if index == 0 else f"class {index}" for index in range(80)}
    network.save(tmp_path / f"{make}.pt")
    picture = np.random.default_rng(0).integers(0, 256, (1, 192, 320, 3), np.uint8)
    weights = find_weights(tmp_path / f"{make}.pt")
    expected, found = (
        open_runtime(name, weights, cache=tmp_path / "kept")(picture, 0.0)[0] for name in ("pytorch", "openvino-f32")
    )
    assert np.allclose(found, expected, atol=1e-3)
    assert bool(list((tmp_path / "kept").glob("*/boxes.npz"))) is apart
