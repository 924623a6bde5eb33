"""The detector finds people with the project's own weights, refuses what is not a detector, and repeats itself."""

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from classifier.errors import BadInput, CleansheetError
from tracker import detector_weights
from tracker.assets import asset
from tracker.detector import Detector, Letterbox
from tracker.detector_weights import DEFAULT_SHA256, DEFAULT_WEIGHTS, LoadedWeights, file_sha256, roles_of_names


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load(threads=1)


def a_picture(height: int = 360, width: int = 640) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def test_the_default_weights_are_the_ones_that_the_code_names(detector: Detector) -> None:
    assert detector.weights_sha256 == DEFAULT_SHA256 == file_sha256(asset(DEFAULT_WEIGHTS))
    assert detector.weights_name == "cleansheet-n.safetensors"
    assert asset(DEFAULT_WEIGHTS).stat().st_size < 15 * 2**20


def test_default_weights_that_were_changed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "cleansheet-n.safetensors"
    data = bytearray(asset(DEFAULT_WEIGHTS).read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    monkeypatch.setattr(detector_weights, "asset", lambda _: changed)
    with pytest.raises(CleansheetError, match="SHA-256"):
        Detector.load()


def test_an_asset_that_does_not_ship_is_an_error() -> None:
    with pytest.raises(CleansheetError, match="nothing-of-the-kind"):
        asset("weights/nothing-of-the-kind.safetensors")


def test_two_processes_find_the_same_boxes() -> None:
    code = (
        "import json, numpy as np; from tracker.detector import Detector\n"
        "image = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)\n"
        "found = Detector.load(threads=1, image_size=320, confidence=0.0, company=0)(image)\n"
        "print(json.dumps([found.xyxy.tolist(), found.confidence.tolist(), found.class_id.tolist()]))"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert json.loads(runs[0].stdout) == json.loads(runs[1].stdout)
    assert len(json.loads(runs[0].stdout)[0]) > 0


def test_boxes_are_sorted_typed_and_inside_the_picture() -> None:
    found = Detector.load(confidence=0.0, company=0, image_size=320)(a_picture(200, 333))
    assert found.xyxy.dtype == np.float32
    assert np.issubdtype(found.class_id.dtype, np.integer)
    assert (np.diff(found.confidence) <= 0).all()
    assert found.xyxy.min() >= 0
    assert (found.xyxy.max(0) <= [333, 200, 333, 200]).all()
    assert set(found.class_id) <= {0, 1, 2}


@pytest.mark.parametrize("level", [0, 255])
def test_a_picture_without_anything_has_no_people(detector: Detector, level: int) -> None:
    assert len(detector(np.full((360, 640, 3), level, np.uint8))) == 0


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 3), np.float32),
    ],
    ids=["empty", "grey", "float"],
)
def test_what_is_no_picture_is_refused(detector: Detector, image: np.ndarray) -> None:
    with pytest.raises(BadInput, match="expected"):
        detector(image)


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (3, 2000)])
def test_extreme_shapes_are_survived(detector: Detector, size: tuple[int, int]) -> None:
    assert len(detector(np.zeros((*size, 3), np.uint8))) == 0


def test_the_process_keeps_its_threads() -> None:
    before = torch.get_num_threads()
    Detector.load(threads=before + 1, image_size=320)(a_picture())
    assert torch.get_num_threads() == before


def test_a_letterboxed_720p_frame_is_960_by_544_and_comes_back() -> None:
    # 1280 × 720 scaled by 0.75 is 960 × 540; 544 is the next multiple of 32: 2 rows above, 2 below.
    letterbox, padded = Letterbox.fit(np.zeros((720, 1280, 3), np.uint8), 960)
    assert padded.shape == (544, 960, 3)
    assert letterbox == Letterbox(0.75, 0, 2)
    back = letterbox.undo(np.array([[75, 77, 150, 152]], np.float32), 1280, 720)
    assert back.tolist() == [[100, 100, 200, 200]]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({0: "person", 1: "sports ball"}, {0: 0}),
        ({0: "Goalie", 1: "hockey_player", 2: "Ref", 3: "puck"}, {0: 1, 1: 0, 2: 2}),
        ({0: "goal-tender", 1: "Skater", 2: "linesman", 3: "refrigerator", 4: "goal"}, {0: 1, 1: 0, 2: 2}),
        ({0: "car"}, {}),
    ],
)
def test_roles_are_read_from_class_names(names: dict[int, str], expected: dict[int, int]) -> None:
    assert roles_of_names(names) == expected


@pytest.mark.parametrize("name", ["model.pt", "nowhere/model.safetensors", "model.onnx", "model"])
def test_unknown_weights_are_bad_input(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="model"):
        Detector.load(tmp_path / name)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights at all" * 100], ids=["empty", "text"])
def test_a_file_of_something_else_is_bad_input(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"other{suffix}"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="other") as caught:
        Detector.load(path)
    assert "\n" not in str(caught.value)


def test_own_weights_cut_off_are_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(asset(DEFAULT_WEIGHTS).read_bytes()[:100_000])
    with pytest.raises(BadInput, match="cut off"):
        Detector.load(path)


@pytest.mark.parametrize("classes", ['["ball", "dog", "net"]', '{"a": 1, "b": 2, "c": 3}', "7"])
def test_own_weights_that_know_no_people_are_bad_input(tmp_path: Path, classes: str) -> None:
    with safe_open(asset(DEFAULT_WEIGHTS), "pt") as file:
        metadata = file.metadata() | {"classes": classes}
    save_file(load_file(asset(DEFAULT_WEIGHTS)), tmp_path / "other.safetensors", metadata)
    with pytest.raises(BadInput, match="finds no people"):
        Detector.load(tmp_path / "other.safetensors")


class Told(torch.nn.Module):
    """A network that always finds the same person: a player at .5, or a goalkeeper at .3."""

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[100.0, 100, 40, 80, 0.5, 0.3, 0.01]]).T[None]


@pytest.mark.parametrize(("players_for_one", "role"), [((), 0), ((1, 2, 2), 0), ((1, 3, 3), 1)])
def test_a_rare_role_needs_less_to_be_told(players_for_one: tuple[float, ...], role: int) -> None:
    # odds of .5 are 1, those of .3 are 3/7: a goalkeeper where more than 7/3 players are labelled for one
    weights = LoadedWeights(Told(), {0: 0, 1: 1, 2: 2}, "told", "", players_for_one)
    found = Detector(weights, image_size=320)(a_picture())
    assert found.class_id.tolist() == [role]
    assert found.confidence.tolist() == [0.5]


class Seen(torch.nn.Module):
    """A network that always sees players side by side, of these confidences."""

    def __init__(self, *confidences: float) -> None:
        super().__init__()
        self.boxes = torch.tensor([[50.0 * (i + 1), 100, 40, 80, sure] for i, sure in enumerate(confidences)])

    def forward(self, _: torch.Tensor) -> torch.Tensor:
        return self.boxes.T[None]


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ((0.4,), []),
        ((0.6,), [0.6]),
        ((0.45, 0.4, 0.4, 0.3, 0.3), []),
        ((0.6, 0.45, 0.3), [0.6]),
        ((0.6, 0.5, 0.45, 0.3, 0.2), [0.6, 0.5, 0.45, 0.3]),
    ],
)
def test_a_weak_box_counts_beside_two_sure_ones(seen: tuple[float, ...], found: list[float]) -> None:
    people = Detector(LoadedWeights(Seen(*seen), {0: 0}, "seen", ""), image_size=320)(a_picture())
    assert people.confidence.tolist() == pytest.approx(found)


def test_without_the_demand_for_company_weak_boxes_count_alone() -> None:
    people = Detector(LoadedWeights(Seen(0.3), {0: 0}, "seen", ""), image_size=320, company=0)(a_picture())
    assert people.confidence.tolist() == pytest.approx([0.3])


def saved_pt(path: Path, names: dict[int, str]) -> Path:
    model = detector_weights.build_network(0.25, 0.33, len(names))
    model.names = names
    torch.save({"model": model, "ema": None}, path)
    return path


def test_a_pt_of_the_user_works_and_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved_pt(tmp_path / "mine.pt", {0: "ball", 1: "goalie", 2: "player"})
    with caplog.at_level(logging.WARNING, "cleansheet"):
        found = Detector.load(path, confidence=0.0, company=0, image_size=320)(a_picture())
    assert [record.message.endswith("whose maker you trust") for record in caplog.records] == [True]
    assert set(found.class_id) <= {0, 1}


def test_a_pt_that_knows_no_people_is_bad_input(tmp_path: Path) -> None:
    path = saved_pt(tmp_path / "cars.pt", {0: "car", 1: "dog"})
    with pytest.raises(BadInput, match="car, dog"):
        Detector.load(path)


def test_a_pt_cut_off_is_bad_input(tmp_path: Path) -> None:
    path = saved_pt(tmp_path / "cut.pt", {0: "player"})
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(BadInput, match="cut off"):
        Detector.load(path)


def test_nothing_in_a_pt_is_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return shutil.copy, (__file__, str(tmp_path / "ran"))

    torch.save({"model": Bomb()}, tmp_path / "bomb.pt")
    with pytest.raises(BadInput, match="bomb"):
        Detector.load(tmp_path / "bomb.pt")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("arguments", [{"image_size": 100}, {"confidence": 1.5}])
def test_numbers_out_of_range_are_bad_input(arguments: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="expected"):
        Detector.load(**arguments)


def test_the_people_of_the_demo_match_are_found(detector: Detector) -> None:
    from tracker.detection_scores import detect_all, match_up
    from tracker.labelled_pictures import match_frames

    folder = asset("demo/match.mp4").parent
    scored = match_up(detect_all(detector, match_frames(folder, every=150))).score(0.3)
    assert scored.people > 30
    assert scored.recall > 0.9
    assert scored.precision > 0.9
