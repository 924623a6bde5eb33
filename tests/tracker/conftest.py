"""Runs that several tests look at."""

from pathlib import Path

import pytest

from tests.conftest import cleansheet_json
from tracker.assets import asset

DEMO_COMMAND = (
    "--image-size", "640", "--start", "0.5", "--end", "3", "--format", "parquet,json",
    "--calibration", asset("demo/match.truth/calibration.toml"),
)  # fmt: skip


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two and a half seconds of the demo match: teams, metres, labelled crops and the video."""
    workspace = tmp_path_factory.mktemp("made")
    cleansheet_json("import", asset("demo/crops"), "-w", workspace)
    cleansheet_json("train", "-w", workspace)
    cleansheet_json("process", asset("demo/match.mp4"), "-w", workspace, *DEMO_COMMAND)
    cleansheet_json("crops", "match", "-w", workspace)
    return workspace
