"""A rendered match: the same seed gives the same pictures, and the truth beside it is true."""

import json
from pathlib import Path

import av
import numpy as np
import polars as pl
import pytest

from tracker.calibration import load
from videos.figure import paint
from videos.pose import Stance
from videos.render import Film, film, write_film
from videos.roster import make_roster
from videos.viewpoint import still

SIZE = (480, 270)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]


@pytest.fixture(scope="module", params=["fixed", "pan"])
def match(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Film]:
    what = Film(seed=5, size=SIZE, fps=10, seconds=1.2, camera=request.param)
    out = tmp_path_factory.mktemp(request.param) / "match.mp4"
    return out, write_film(what, out, "test"), what


def test_the_same_seed_gives_the_same_decoded_frames(match: tuple[Path, Path, Film], tmp_path: Path) -> None:
    out, folder, what = match
    again = write_film(what, tmp_path / "again.mp4", "test")
    first, second = decoded(out), decoded(tmp_path / "again.mp4")
    assert len(first) == len(second) == 12
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (folder / "gt.txt").read_bytes() == (again / "gt.txt").read_bytes()


def test_another_seed_gives_another_match() -> None:
    one, other = (next(film(w, w.roster()))[0].image for w in (Film(seed=s, size=(160, 90)) for s in (1, 2)))
    assert (one != other).any()


def test_gt_and_positions_tell_the_same_boxes_inside_the_frame(match: tuple[Path, Path, Film]) -> None:
    _, folder, _ = match
    gt = np.loadtxt(folder / "gt.txt", delimiter=",", ndmin=2)
    rows = pl.read_parquet(folder / "positions.parquet").sort("frame", "player_id")
    gt = gt[np.lexsort((gt[:, 1], gt[:, 0]))]
    assert (gt[:, 0] - 1 == rows["frame"].to_numpy()).all()
    assert (gt[:, 1] == rows["player_id"].to_numpy()).all()
    boxes = rows.select("x1", "y1", "x2", "y2").to_numpy()
    assert np.allclose(gt[:, 2:4], boxes[:, :2], atol=0.02)
    assert np.allclose(gt[:, 2:4] + gt[:, 4:6], boxes[:, 2:], atol=0.03)
    assert (boxes >= 0).all()
    assert (boxes[:, [0, 2]] <= SIZE[0]).all()
    assert (boxes[:, [1, 3]] <= SIZE[1]).all()
    assert rows["visible"].is_between(0.05, 1.0).all()


def test_the_homography_takes_rink_metres_to_the_feet(match: tuple[Path, Path, Film]) -> None:
    _, folder, _ = match
    homography = np.load(folder / "camera.npz")["homography"]
    rows = pl.read_parquet(folder / "positions.parquet").filter(pl.col("visible") > 0.95)
    height = (rows["y2"] - rows["y1"]).to_numpy()
    ground = np.column_stack([rows["x_m"], rows["y_m"], np.ones(len(rows))])
    seen = np.einsum("nij,nj->ni", homography[rows["frame"].to_numpy()], ground)
    feet = np.column_stack([(rows["x1"] + rows["x2"]) / 2, rows["y2"]])
    miss = np.abs(seen[:, :2] / seen[:, 2:] - feet) / height[:, None]
    # a striding skater's feet lie up to half a metre about the place on which they stand: a quarter of their height
    assert np.median(miss[:, 0]) < 0.15
    assert np.median(miss[:, 1]) < 0.12


def test_an_official_who_stands_still_stands_on_the_lower_edge_of_the_box() -> None:
    roster = make_roster(np.random.default_rng(1))
    camera = still(Film().rink, (1280, 720))
    for x, y in ((0.0, 0.0), (-9.0, 4.0), (10.0, -4.0)):
        painted = paint(roster.of("referee")[0], Stance(x, y, facing=0.0, crouch=0.1), camera)
        assert painted is not None
        x1, _, x2, y2 = painted.box
        (foot,), depth = camera.project(np.array([[x, y, 0.0]]))
        quarter_metre = 0.25 * camera.focal / depth[0]  # feet stand that far apart, and skates are as long
        assert (x1 + x2) / 2 == pytest.approx(foot[0], abs=1.5 * quarter_metre)  # off the middle, bodies seem to tilt
        assert y2 == pytest.approx(foot[1], abs=quarter_metre)


def test_the_truth_names_everybody_once_and_keeps_ids(match: tuple[Path, Path, Film]) -> None:
    _, folder, what = match
    rows = pl.read_parquet(folder / "positions.parquet")
    assert rows.select("frame", "player_id").is_unique().all()
    names = rows.select("player_id", "name", "team", "role").unique()
    assert len(names) == names["player_id"].n_unique()
    about = json.loads((folder / "match.json").read_text())
    assert about["frames"] == 12
    assert {p["name"] for p in about["roster"]} == {p.name for p in what.roster().people}


def test_statistics_are_computed_from_the_truth(match: tuple[Path, Path, Film]) -> None:
    _, folder, _ = match
    for name in ("stats", "stats-whole-ice"):
        teams = pl.read_csv(folder / name / "teams.csv")
        assert set(teams["team"]) == {"white", "yellow"}
        assert (folder / name / "players.csv").exists()
        assert (folder / name / "timeline.csv").exists()


def test_the_calibration_of_a_still_camera_is_the_camera(match: tuple[Path, Path, Film]) -> None:
    _, folder, what = match
    if what.camera == "pan":
        assert not (folder / "calibration.toml").exists()
        return
    (found,) = load(folder / "calibration.toml")
    assert found.frame_size == SIZE
    assert found.reprojection_error_m < 0.02
    camera = np.load(folder / "camera.npz")["homography"][0]
    for point in ((0.0, 0.0, 1.0), (-12.0, 5.0, 1.0), (10.0, -4.0, 1.0)):
        a, b = found.homography @ point, camera @ point
        assert a[:2] / a[2] == pytest.approx(b[:2] / b[2], abs=0.3)
