"""`forget-player`, `rectify` and `verify` through the front door: real processes, real disks that fail."""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.crash_points import KILL_AT
from tests.classifier.figures import ROSTER, write_tree
from tests.conftest import ROOT, assert_refused, cleansheet, cleansheet_json


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("front")
    cleansheet_json("import", write_tree(folder / "tree", ROSTER, crops=3), "-w", folder / "w")
    cleansheet_json("train", "--epochs", "1", "--shards", "2", "-w", folder / "w")
    return folder / "w"


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "w")
    return tmp_path / "w"


def files(workspace: Path) -> dict[str, bytes]:
    return {p.relative_to(workspace).as_posix(): p.read_bytes() for p in workspace.rglob("*") if p.is_file()}


def test_look_forget_verify(workspace: Path) -> None:
    dry = cleansheet("forget-player", "Ann", "--dry-run", "-w", workspace)
    assert dry.returncode == 0, dry.stderr
    for words in ("3 crops", "shard", "of a full training", "forget-preview.jpg", "not covered"):
        assert words in dry.stdout
    assert_refused(cleansheet("forget-player", "Ann", "-w", workspace), "--yes")
    done = cleansheet("forget-player", "Ann", "--yes", "-w", workspace)
    assert done.returncode == 0, done.stderr
    assert "8/8" in done.stdout
    assert "bit for bit" in done.stdout
    assert not (workspace / "forget-preview.jpg").exists()
    certificate = workspace / "certificates" / "certificate-0001.json"
    checked = cleansheet("verify", certificate, "--retrain")
    assert checked.returncode == 0, checked.stderr
    assert "retraining" in checked.stdout
    assert "Ann" not in cleansheet("players", "-w", workspace).stdout
    assert_refused(cleansheet("forget-player", "Ann", "--yes", "-w", workspace), "already", "certificate 1")


def test_correcting(workspace: Path) -> None:
    done = cleansheet_json("rectify", "Cid", "--team", "yellow", "-w", workspace)
    assert done["kind"] == "rectification"
    rows = cleansheet_json("players", "-w", workspace)["players"]
    assert {row["player"]: row["team"] for row in rows}["Cid"] == "yellow"
    assert_refused(cleansheet("rectify", "Cid", "-w", workspace), "--team")
    assert_refused(cleansheet("rectify", "Nobody", "--team", "white", "-w", workspace), "Nobody")


def test_likeness_finds_the_person(workspace: Path) -> None:
    picture = next((workspace.parent / "w" / "crops").glob("*/*.png"))
    alike = cleansheet_json("forget-player", "--like", picture, "-w", workspace)["alike"]
    assert alike[0]["crop"] == picture.stem
    assert alike[0]["difference"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("forget-player", "--yes"), "nobody is named"),
        (("forget-player", "", "--yes"), "empty"),
        (("forget-player", "../Ann", "--yes"), "path"),
        (("forget-player", "Anne", "--yes"), "did you mean Ann"),
        (("verify", "nowhere.json"), "no such certificate"),
        (("verify", str(ROOT / "pyproject.toml")), "not a certificate"),
    ],
)
def test_wrong_use_is_one_line_and_changes_nothing(trained: Path, arguments: tuple[str, ...], words: str) -> None:
    before = {name: data for name, data in files(trained).items() if not name.startswith("keys/")}
    more = () if arguments[0] == "verify" else ("-w", str(trained))
    assert_refused(cleansheet(*arguments, *more), words)
    assert {name: data for name, data in files(trained).items() if not name.startswith("keys/")} == before


def test_a_workspace_of_a_newer_program_is_left_alone(workspace: Path) -> None:
    import sqlite3

    with sqlite3.connect(workspace / "catalog.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    assert_refused(cleansheet("forget-player", "Ann", "--yes", "-w", workspace), "newer")


def test_killed_in_the_middle_any_next_command_completes_it(workspace: Path) -> None:
    killed = cleansheet("forget-player", "Ann", "--yes", "-w", workspace, **{KILL_AT: "12"})
    assert killed.returncode == -9
    assert (workspace / "journal.json").exists()
    then = cleansheet("players", "-w", workspace)
    assert then.returncode == 0, then.stderr
    assert "finishing it first" in then.stderr
    assert "Ann" not in then.stdout
    assert not (workspace / "journal.json").exists()
    assert cleansheet_json("verify", workspace / "certificates" / "certificate-0001.json")["holds"] is True


def test_a_disk_that_fills_is_one_line_and_the_next_command_completes_it(workspace: Path) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = subprocess.run(
        [sys.executable, "-m", "tracker.cli", "forget-player", "Ann", "--yes", "-w", workspace],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, capture_output=True, check=False,
        preexec_fn=little_room,
    )  # fmt: skip
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert cleansheet("players", "-w", workspace).returncode == 0
    left = cleansheet("forget-player", "Ann", "--yes", "-w", workspace)
    assert left.returncode in (0, 2), left.stderr
    certificates = sorted((workspace / "certificates").glob("*.json"))
    assert [json.loads(path.read_bytes())["counts"]["crops"] for path in certificates] == [3]
    assert not (workspace / "journal.json").exists()


def test_a_read_only_disk_is_one_line_and_nothing_changes(workspace: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a disk here")
    try:
        there = shutil.copytree(workspace, disk / "w")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        refused = cleansheet("forget-player", "Ann", "--yes", "-w", there)
        assert refused.returncode == 2
        assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
        assert "read-only" in refused.stderr
        assert files(there) == files(workspace)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_two_at_once_one_waits(workspace: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "tracker.cli", "forget-player", name, "--json", "-w", workspace],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for name in ("Ann", "Dov")
    ]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(json.loads(out)["number"] for out, _ in said) == [1, 2]
    assert cleansheet_json("verify", workspace / "certificates" / "certificate-0001.json", "--retrain")["holds"] is True


def test_somebody_of_a_run_leaves_it_too(tmp_path: Path) -> None:
    """The way of one's own video: process, label, train; then somebody whom nobody named asks to be erased."""
    workspace = tmp_path / "w"
    run = cleansheet_json("process", ROOT / "videos/demo/match.mp4", "-w", workspace, "--end", "2.5")["runs"][0]
    labels = cleansheet_json("crops", "match", "-w", workspace)["labels"]
    cleansheet_json("import", Path(labels).parent, "-w", workspace)
    cleansheet_json("train", "--epochs", "1", "-w", workspace)
    rows = cleansheet_json("players", "-w", workspace)["players"]
    name = next(row["player"] for row in rows if row["trained_crops"] and row["team"] != "referee")
    track = name.rpartition("-")[2]
    folder = Path(run["folder"])

    def tracked() -> set[str]:
        return {line.split(",")[2] for line in (folder / "tracks.csv").read_text().splitlines()[1:]}

    def header(file: str) -> list[str]:
        return (folder / file).read_text().splitlines()[0].split(",")

    assert header("tracks.csv")[2] == "track_id"
    assert track in tracked()
    done = cleansheet_json("forget-player", name, "--redact", "-w", workspace)
    assert done["leftover_files"] == []
    assert done["runs"]["tracks"] == 1
    assert done["runs"]["rows"] > 0
    assert done["runs"]["videos_redacted"] == 1
    assert track not in tracked()
    assert name not in (folder / "run.json").read_text()
    assert cleansheet_json("verify", done["certificate_file"], "--retrain")["holds"] is True
