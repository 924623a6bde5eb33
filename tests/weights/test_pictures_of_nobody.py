"""Pictures of nobody: windows between the people, and photographs cut into parts."""

from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from weights.augment import empty_window
from weights.photographs import main as photographs

RED = (0, 0, 255)


def test_an_empty_window_never_shows_a_person() -> None:
    image = np.full((360, 640, 3), 200, np.uint8)
    boxes = np.array([[0, 100, 100, 140, 180], [1, 400, 200, 440, 280]], np.float32)
    for _, x1, y1, x2, y2 in boxes.astype(int):
        image[y1:y2, x1:x2] = RED
    rng = np.random.default_rng(0)
    windows = [empty_window(rng, image, boxes, (160, 256)) for _ in range(60)]
    found = [window for window in windows if window is not None]
    assert len(found) > 30
    # Ice is 200 and what lies outside 114; red, or red with its channels exchanged, would bring a 255 in.
    assert max(int(window.max()) for window in found) <= 200


def test_no_window_where_people_are_everywhere() -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    boxes = np.array([[0, 0, 0, 640, 360]], np.float32)
    assert empty_window(np.random.default_rng(0), image, boxes, (320, 512)) is None


def test_photographs_come_whole_and_in_three_parts(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    cv2.imwrite(str(tmp_path / "from" / "wide.png"), np.zeros((900, 1600, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "from" / "icon.png"), np.zeros((64, 64, 3), np.uint8))
    done = CliRunner().invoke(photographs, [str(tmp_path / "out"), str(tmp_path / "from")])
    assert done.exit_code == 0, done.output
    shapes = [cv2.imread(str(path)).shape for path in sorted((tmp_path / "out/images/photos").iterdir())]
    assert len(shapes) == 4
    assert shapes[0] == (720, 1280, 3)
