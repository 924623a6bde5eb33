"""Runs that several tests look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import cleansheet_json
from tests.tracker.made_desks import opened
from tests.tracker.made_runs import write_run
from tracker.assets import asset
from tracker.label_desk import LabelDesk

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


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a made run, saturday."""
    write_run(tmp_path / "w")
    return tmp_path / "w"


@pytest.fixture
def desk(workspace: Path) -> Iterator[LabelDesk]:
    """That run on a desk, its first guess made."""
    yield from opened(workspace)
