"""Crops and single frames: what is written fits what is said about it, and a seed gives the same again."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from videos.crops import HEIGHTS_PX, Session, session_roster, write_crops
from videos.frames import write_frames
from videos.roster import make_roster

SESSION = Session(seed=3, skaters=1, goalkeepers=0, referees=1)


@pytest.fixture(scope="module")
def cropped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crops")
    write_crops(folder, SESSION, each=2)
    return folder


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "players.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_crop_is_listed_with_its_team_and_players(cropped: Path) -> None:
    table = rows(cropped)
    assert sorted(r["file"] for r in table) == sorted(
        p.relative_to(cropped).as_posix() for p in cropped.glob("*/*.jpg")
    )
    assert len(table) == 2 * 3
    for row in table:
        assert row["file"].startswith(f"{row['team']}/{row['players'].split(';')[0]}_")


def test_crops_have_the_size_of_people_on_match_frames(cropped: Path) -> None:
    for row in rows(cropped):
        height = cv2.imread(str(cropped / row["file"])).shape[0]
        assert HEIGHTS_PX[0] * 0.7 <= height <= HEIGHTS_PX[1] * 1.5


def test_the_same_seed_gives_the_same_crops(cropped: Path, tmp_path: Path) -> None:
    write_crops(tmp_path, SESSION, each=2)
    for row in rows(cropped):
        assert (tmp_path / row["file"]).read_bytes() == (cropped / row["file"]).read_bytes()


def test_a_session_has_the_people_of_the_match_with_its_roster_seed() -> None:
    match = make_roster(np.random.default_rng([8, 51]))
    people = session_roster(Session(seed=1, roster_seed=8, skaters=4)).people
    same = {p.name: p.clothes for p in match.people}
    assert {p.name: p.clothes for p in people}.items() <= same.items()


def test_more_players_leave_the_first_ones_as_they_are() -> None:
    few, many = (make_roster(np.random.default_rng(2), skaters=n) for n in (5, 20))
    assert [p.clothes for p in few.of("white")] == [p.clothes for p in many.of("white")[:6]]


def test_frames_come_with_yolo_labels_inside_the_picture(tmp_path: Path) -> None:
    write_frames(tmp_path, 2, seed=1, size=(320, 180))
    pictures = sorted((tmp_path / "images").glob("*.jpg"))
    assert len(pictures) == 2
    for picture in pictures:
        assert cv2.imread(str(picture)).shape == (180, 320, 3)
        labels = (tmp_path / "labels" / f"{picture.stem}.txt").read_text().split("\n")[:-1]
        for line in labels:
            kind, x, y, w, h = (float(v) for v in line.split())
            assert kind in (0, 1, 2)
            assert x - w / 2 >= -1e-5
            assert x + w / 2 <= 1 + 1e-5
            assert y - h / 2 >= -1e-5
            assert y + h / 2 <= 1 + 1e-5


def test_no_two_people_share_a_name() -> None:
    for seed in range(40):
        names = [p.name for p in make_roster(np.random.default_rng(seed), skaters=20, goalkeepers=3).people]
        assert len(names) == len(set(names))
