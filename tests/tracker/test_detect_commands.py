"""`detect` and `evaluate-detector` as a user types them, and the scores that they print against known answers."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision as sv
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import assert_refused, cleansheet, cleansheet_json
from tracker.assets import asset
from tracker.detection_pictures import Mistakes
from tracker.detection_scores import match_up, report
from tracker.labelled_pictures import Truth, match_frames


def detections(boxes: list[tuple[float, ...]], confidence: list[float] | None = None) -> sv.Detections:
    sure = confidence or [0.9 - 0.01 * i for i in range(len(boxes))]
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return sv.Detections(xyxy=xyxy, confidence=np.array(sure, np.float32), class_id=np.zeros(len(boxes), np.int64))


def truth(boxes: list[tuple[float, ...]]) -> Truth:
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return Truth(xyxy, np.zeros(len(xyxy), np.int64))


SMALL, TALL = (0.0, 0.0, 10.0, 30.0), (100.0, 0.0, 150.0, 120.0)


def test_average_precision_of_a_known_ranking() -> None:
    pairs = [(detections([SMALL, (300, 0, 320, 50), TALL], [0.9, 0.8, 0.7]), truth([SMALL, TALL]))]
    score = report(pairs, 0.75)["all as one"]
    assert score.ap50 == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)  # COCO: recall 0 .. .5 at precision 1, then 2/3
    assert (score.precision, score.recall) == (0.5, 0.5)


def test_people_of_another_size_count_neither_way() -> None:
    scores = report([(detections([SMALL, TALL]), truth([SMALL, TALL]))], 0.5, [1.0])
    assert scores["small people"].people == scores["large people"].people == 1
    assert scores["small people"].precision == scores["large people"].precision == 1
    assert "medium people" not in scores
    shrunk = report([(detections([SMALL, TALL]), truth([SMALL, TALL]))], 0.5, [0.5])
    assert shrunk["medium people"].people == 1


def test_a_weak_box_without_company_counts_in_average_precision_alone() -> None:
    score = report([(detections([SMALL, TALL], [0.8, 0.4]), truth([SMALL, TALL]))], 0.25)["all as one"]
    assert (score.ap50, score.precision, score.recall) == (1, 1, 0.5)


def test_a_second_box_on_one_person_is_a_mistake() -> None:
    mistakes = Mistakes.of(detections([TALL, (102, 0, 150, 118)]), truth([TALL, SMALL]))
    assert (len(mistakes.found), len(mistakes.made_up), len(mistakes.missed)) == (1, 1, 1)


@given(st.lists(st.tuples(*[st.integers(0, 300)] * 2, *[st.integers(5, 90)] * 2), max_size=8, unique=True))
def test_the_truth_itself_scores_full_marks(corners: list[tuple[int, int, int, int]]) -> None:
    boxes = [(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in corners]
    matched = match_up([(detections(boxes), truth(boxes))])
    assert matched.correct[:, 0].sum() == len(boxes)
    assert len(Mistakes.of(detections(boxes), truth(boxes))) == 0


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames of the demo match as labelled pictures."""
    folder = tmp_path_factory.mktemp("labelled")
    for part in ("images", "labels"):
        (folder / part / "home").mkdir(parents=True)
    for frame in match_frames(asset("demo/match.mp4").parent, 300):
        height, width = frame.image.shape[:2]
        cv2.imwrite(str(folder / "images" / "home" / f"{frame.name}.png"), frame.image)
        x1, y1, x2, y2 = (frame.truth.xyxy / [width, height, width, height]).T.clip(0, 1)
        rows = np.column_stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
        text = "".join("0 " + " ".join(f"{value:.6f}" for value in row) + "\n" for row in rows)
        (folder / "labels" / "home" / f"{frame.name}.txt").write_text(text)
    return folder


def test_detect_writes_yolo_lines_and_pictures(frames: Path, tmp_path: Path) -> None:
    said = cleansheet_json("detect", frames / "images" / "home", "-o", tmp_path / "found")
    assert len(said["images"]) == 3
    for image in said["images"]:
        stem = Path(image["image"]).stem
        rows = np.loadtxt(tmp_path / "found" / f"{stem}.txt", ndmin=2)
        assert len(rows) == len(image["people"]) > 8
        assert rows[:, 1:5].min() >= 0
        assert rows[:, 1:5].max() <= 1
        assert cv2.imread(str(tmp_path / "found" / f"{stem}.jpg")).shape == (720, 1280, 3)


def test_detect_writes_one_mot_file_that_track_reads(frames: Path, tmp_path: Path) -> None:
    found = tmp_path / "found"
    done = cleansheet("detect", frames / "images" / "home", "-o", found, "--format", "mot", "--no-pictures")
    assert done.returncode == 0, done.stderr
    rows = np.loadtxt(found / "detections.mot.txt", delimiter=",")
    assert set(rows[:, 0]) == {1, 2, 3}
    assert not list(found.glob("*.jpg"))
    tracked = cleansheet(
        "track", found / "detections.mot.txt", "-o", tmp_path / "tracks.txt", "--fps", "25", "--size", "1280x720"
    )
    assert tracked.returncode == 0, tracked.stderr


def test_a_picture_that_does_not_open_leaves_nothing_behind(frames: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    good = next((frames / "images" / "home").iterdir())
    assert_refused(cleansheet("detect", good, broken, "-o", tmp_path / "found"), "broken.jpg")
    assert not (tmp_path / "found").exists()
    assert_refused(cleansheet("detect", tmp_path / "none.jpg"), "no such picture")
    assert_refused(cleansheet("detect", broken, "-o", tmp_path), "another folder")


def test_evaluate_detector_scores_labelled_pictures(frames: Path, tmp_path: Path) -> None:
    said = cleansheet_json("evaluate-detector", frames, "-o", tmp_path / "out", "--worst", "2")
    home = said["groups"]["home"]
    assert home["frames"] == 3
    assert home["scores"]["all as one"]["ap50"] > 0.9
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == said
    assert len(list((tmp_path / "out").glob("worst-*.jpg"))) <= 2


def test_groups_count_alike_in_the_mean(frames: Path, tmp_path: Path) -> None:
    for part in ("images", "labels"):  # "home" as it is; on "away" the one frame's only person is drawn where nobody is
        shutil.copytree(frames / part, tmp_path / "data" / part)
        (tmp_path / "data" / part / "away").mkdir()
    cv2.imwrite(str(tmp_path / "data" / "images" / "away" / "ice.png"), np.full((90, 160, 3), 230, np.uint8))
    (tmp_path / "data" / "labels" / "away" / "ice.txt").write_text("0 0.5 0.5 0.1 0.3\n")
    said = cleansheet_json("evaluate-detector", tmp_path / "data", "-o", tmp_path / "out", "--worst", "0")
    home, away = (said["groups"][group]["scores"]["all as one"]["ap50"] for group in ("home", "away"))
    assert away == 0
    assert said["mean_over_groups"]["ap50"] == pytest.approx((home + away) / 2)


def test_evaluate_detector_scores_a_rendered_match(tmp_path: Path) -> None:
    folder = asset("demo/match.mp4").parent
    done = cleansheet("evaluate-detector", folder, "--every", "450", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "all as one" in done.stdout
    assert "2 frames" in done.stdout


def test_evaluate_detector_refuses_what_it_cannot_measure(frames: Path, tmp_path: Path) -> None:
    assert_refused(cleansheet("evaluate-detector", tmp_path / "none"), "no such folder")
    assert_refused(cleansheet("evaluate-detector", tmp_path), "no pictures")
    assert_refused(cleansheet("evaluate-detector", frames, "--group", "away"), "no group away", "home")
    assert_refused(cleansheet("evaluate-detector", frames, "--role", "Normal"), "CLASS=ROLE")
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "ice.png"), np.full((90, 160, 3), 230, np.uint8))
    assert_refused(cleansheet("evaluate-detector", tmp_path), "no labels")
