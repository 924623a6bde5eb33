"""At single places a head says what the whole head does, at borders and corners, too."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.assets import asset
from tracker.detector import Letterbox
from tracker.detector_weights import find_weights
from tracker.environment import quiet_libraries
from tracker.runtimes import open_runtime
from tracker.runtimes.head import SHY, Head
from tracker.video import frames, probe

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


def with_proposals(head: Detect, activation: str) -> Detect:
    """The same with branches for scores that are as plain as those for boxes, and proposals."""
    act = getattr(torch.nn, activation)
    for index, channels in enumerate(CHANNELS):
        head.cv3[index] = torch.nn.Sequential(
            torch.nn.Sequential(), torch.nn.Sequential(), torch.nn.Conv2d(10, 3, 1)
        )
        for layer, read in zip(head.cv3[index][:2], (channels, 10), strict=True):
            layer.conv, layer.act = torch.nn.Conv2d(read, 10, 3, padding=1), act()
    head.proposals = torch.nn.ModuleList()
    return head.eval()


def whole(head: Detect, maps: list[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """(4, N) and (3, N): boxes and scores of all places, by PyTorch."""
    with torch.no_grad():
        bins = torch.cat([branch(each).flatten(2) for branch, each in zip(head.cv2, maps, strict=True)], 2)
        scores = torch.cat([branch(each).flatten(2) for branch, each in zip(head.cv3, maps, strict=True)], 2).sigmoid()
        anchors, strides = (each.transpose(0, 1) for each in make_anchors(maps, head.stride, 0.5))
        return (head.decode_bboxes(head.dfl(bins), anchors[None]) * strides)[0].numpy(), scores[0].numpy()


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    activation=st.sampled_from(["SiLU", "Hardswish", "ReLU"]),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    proposes=st.booleans(),
)
def test_at_places_it_says_what_the_whole_head_says(
    seed: int, size: tuple[int, int], activation: str, share: float, proposes: bool
) -> None:
    plain = with_proposals(a_head(seed, activation), activation)
    if not proposes:
        del plain.proposals
    rows, columns = size
    maps = [torch.randn(1, CHANNELS[0], 2 * rows, 2 * columns), torch.randn(1, CHANNELS[1], rows, columns)]
    boxes, scores = whole(plain, maps)
    proposed = np.random.default_rng(seed).random(scores.shape[1]) < share
    least = float(np.median(scores.max(axis=0)))
    if proposes:
        chances = np.where(proposed, SHY * least, 0.9 * SHY * least)[None].astype(np.float32)
        chosen = np.flatnonzero(proposed & (scores.max(axis=0) >= least))
    else:
        chances = np.where(proposed, scores, np.float32(0))
        chosen = np.flatnonzero(chances.max(axis=0) >= least)
    head = Head.of(plain)
    assert head is not None
    found = head(chances, [each[0].permute(1, 2, 0).contiguous().numpy() for each in maps], least)
    if proposes:  # one score lies on the limit, and sums differ in their last bit
        near = np.abs(scores.max(axis=0) - least) < 1e-5
        kept = ~near[chosen]
        chosen, found = chosen[kept], found[:, np.abs(found[4:].max(axis=0) - least) >= 1e-5]
    assert found.shape == (7, len(chosen))
    assert np.allclose(found[:4], boxes[:, chosen], atol=2e-3)
    assert np.allclose(found[4:], scores[:, chosen], atol=1e-5)


@pytest.mark.parametrize("proposes", [False, True])
def test_it_is_kept_and_read_again(proposes: bool, tmp_path: Path) -> None:
    plain = a_head(1, "Hardswish")
    head = Head.of(with_proposals(plain, "Hardswish") if proposes else plain)
    assert head is not None
    assert (head.levels[0].scores is not None) is proposes
    head.write(tmp_path / "head.npz")
    again = Head.read(tmp_path / "head.npz")
    maps = [np.ones((4, 6, CHANNELS[0]), np.float32), np.ones((2, 3, CHANNELS[1]), np.float32)]
    chances = np.zeros((1 if proposes else 3, 30), np.float32)
    chances[0, [0, 5, 23, 24, 29]] = 0.5
    given = head(chances, maps, 0.01)
    assert given.shape == (7, 5)
    assert np.array_equal(again(chances, maps, 0.01), given)
    (tmp_path / "head.npz").write_bytes(b"torn")
    with pytest.raises(ValueError, match="pickle"):
        Head.read(tmp_path / "head.npz")


def test_the_default_weights_miss_nobody_of_the_demo_by_asking_at_few_places() -> None:
    weights = find_weights(None)
    asked = open_runtime("openvino-f32", weights)
    whole_network = open_runtime("pytorch", weights, threads=1)
    wanted = 0
    for frame in frames(probe(asset("demo/match.mp4")), stride=225):
        picture = Letterbox.fit(frame.image, 960)[1][None]
        expected = whole_network(picture, 0.25)[0]
        expected = expected[:, expected[4:].max(axis=0) >= 0.2501]  # sums differ in their last bits
        found = asked(picture, 0.25)[0]
        for each in expected.T:
            assert np.abs(found - each[:, None]).max(axis=0).min() < 0.01
        wanted += expected.shape[1]
        assert found.shape[1] <= expected.shape[1] + 2
    assert wanted > 200


def test_heads_of_other_kinds_are_left_whole() -> None:
    assert Head.of(a_head(1, "Tanh")) is None
    assert Head.of(a_head(1, reg_max=1)) is None
    assert Head.of(a_head(1, end2end=True)) is not None, "which asks for another head, but is not used here"
    head = a_head(1)
    head.cv2[0][0].conv = torch.nn.Conv2d(CHANNELS[0], head.cv2[0][0].conv.out_channels, 5, padding=2)
    assert Head.of(head) is None
    assert Head.of(torch.nn.Identity()) is None


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
    assert bool(list((tmp_path / "kept").glob("*/head.npz"))) is apart
