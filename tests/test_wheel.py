"""The wheel is whole: installed anywhere, run from anywhere, it has its weights and its demo."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout; the builder is among the test dependencies, so no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("cleansheet-*.whl"))


def test_the_wheel_holds_two_packages_the_weights_and_the_demo(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"tracker", "classifier"}
    for asset in ("weights/cleansheet-n.safetensors", "weights/cleansheet-n.int8.json", "demo/match.mp4",
                  "demo/match.truth/gt.txt"):  # fmt: skip
        assert f"tracker/assets/{asset}" in names
    for page in ("report/templates/report.html.jinja", "report/templates/report.css",
                 "pages/static/calibrate/index.html", "pages/static/calibrate/calibrate.js"):  # fmt: skip
        assert f"tracker/{page}" in names
    assert wheel.stat().st_size < 40 * 2**20


def test_the_installed_command_works_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    code = "import sys, tracker; assert tracker.__file__.startswith(sys.argv.pop(1)), tracker.__file__; " \
           "from tracker.assets import asset; from tracker.cli import main; " \
           "main(['process', str(asset('demo/match.mp4')), '--end', '0.2', '--json'])"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, str(site)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"][0]["frames"] == 6
    run = tmp_path / "workspace" / "runs" / "match"
    assert (run / "teams.csv").exists()
    assert "match" in (run / "report.html").read_text()
