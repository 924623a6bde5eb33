"""The demo match's true boxes, disturbed as a detector would, against its true places: figures of docs/metres.md."""

import json

import numpy as np
import polars as pl
import pytest

from benchmarks.metres import disturbed
from tests.conftest import ROOT
from tracker import calibration, scale
from tracker.positions import at_border, positions
from tracker.rink import Rink
from tracker.statistics import compute

TRUTH = ROOT / "videos" / "demo" / "match.truth"


@pytest.fixture(scope="module")
def demo():
    about = json.loads((TRUTH / "match.json").read_text())
    truth = pl.read_parquet(TRUTH / "positions.parquet")
    rink = Rink.named(about["rink"]["name"])
    near = at_border(truth.select("x1", "y1", "x2", "y2").to_numpy(), tuple(about["size"]))
    rows = truth.rename({"player_id": "track_id"}).with_columns(observed=pl.lit(True), at_border=pl.Series(near))
    teams = dict(truth.select("player_id", "team").unique().iter_rows())
    tracks = disturbed(truth, about["fps"], np.random.default_rng(4))
    return compute(rows, rink, about["attacks"]), rows, tracks, teams, tuple(about["size"])


def test_a_calibrated_camera_measures(demo):
    real, rows, tracks, teams, size = demo
    (view,) = calibration.load(TRUTH / "calibration.toml")
    view.refuse_other_size(size)
    table = positions(tracks, teams, view, frame_size=size)
    found = compute(table, view.rink)
    assert found.attacks == real.attacks  # told by the goalkeepers
    placed = table.join(rows, on=["frame", "track_id"], suffix="_true")
    off = np.hypot(placed["x_m"] - placed["x_m_true"], placed["y_m"] - placed["y_m_true"])
    assert np.median(off) < 0.30
    assert found.teams["distance_m"].to_list() == pytest.approx(real.teams["distance_m"].to_list(), rel=0.03)
    for share in ("offensive_time_share", "neutral_time_share", "offensive_pressure_distance_share"):
        assert found.teams[share].to_list() == pytest.approx(real.teams[share].to_list(), abs=0.02), share
    players = real.players.join(found.players, on="track_id", suffix="_found")
    skaters = players.filter(pl.col("role") == "player", pl.col("tracked_s") > 5)
    ratio = skaters["top_speed_mps_found"] / skaters["top_speed_mps"]
    assert (ratio - 1).abs().mean() < 0.05
    assert found.dropped == 0


def test_an_uncalibrated_camera_estimates(demo):
    real, _, tracks, teams, size = demo
    found = compute(positions(tracks, teams, scale.estimate(tracks, size), frame_size=size), None, metres="estimated")
    assert found.teams["distance_m"].to_list() == pytest.approx(real.teams["distance_m"].to_list(), rel=0.25)
    assert found.teams["metres"].unique().to_list() == ["estimated"]
