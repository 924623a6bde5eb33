"""`cleansheet process` as a user meets it: real processes, real files, real signals."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT, assert_refused, cleansheet, cleansheet_json
from tests.tracker.made_videos import write_steady_video
from tracker.assets import asset
from tracker.detector import Detector
from tracker.settings import DetectorSettings, ProcessSettings
from tracker.tables import PLAYERS, TEAMS, TIMELINE, TRACKS, read_csv
from tracker.video import frames, probe
from tracker.video_writer import VideoWriter

TABLES = ("teams.csv", "players.csv", "timeline.csv", "bursts.csv", "tracks.csv", "tracks.mot.txt")
QUICK = ("--image-size", "640", "--end", "2")


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the demo match, without a classifier."""
    workspace = tmp_path_factory.mktemp("quick")
    cleansheet_json("process", asset("demo/match.mp4"), "-w", workspace, *QUICK)
    return workspace / "runs" / "match"


def test_all_files_are_there_and_nothing_else(quick_run: Path) -> None:
    assert {path.name for path in quick_run.parent.iterdir() if not path.name.startswith(".")} == {"match"}
    present = {path.name for path in quick_run.iterdir()}
    assert {*TABLES, "annotated.mp4", "run.json", "report.html", "crops"} <= present
    assert not [name for name in present if name.endswith(".part")]


def test_tables_have_the_documented_columns_and_agree_with_each_other(quick_run: Path) -> None:
    documented = (ROOT / "docs" / "tables.md").read_text()
    for table in (TEAMS, PLAYERS, TIMELINE, TRACKS):
        with (quick_run / f"{table.name}.csv").open() as file:
            header = next(csv.reader(file))
        assert header == table.names
        assert all(f"`{name}`" in documented for name in header)
    tracks, players = read_csv(TRACKS, quick_run / "tracks.csv"), read_csv(PLAYERS, quick_run / "players.csv")
    assert sorted(tracks["track_id"].unique().to_list()) == players["track_id"].to_list()
    assert tracks["track_id"].min() == 1
    mot = [line.split(",") for line in (quick_run / "tracks.mot.txt").read_text().split()]
    assert len(mot) == len(tracks)
    assert {int(row[0]) - 1 for row in mot} == set(tracks["frame"].to_list()), "MOTChallenge counts frames from 1"


def test_times_are_the_streams_own(quick_run: Path) -> None:
    times = probe(asset("demo/match.mp4")).times_s
    tracks = read_csv(TRACKS, quick_run / "tracks.csv")
    assert tracks["time_s"].to_numpy() == pytest.approx(times[tracks["frame"].to_numpy()], abs=1e-6)


def test_the_annotated_video_is_h264_with_every_frame(quick_run: Path) -> None:
    video = probe(quick_run / "annotated.mp4")
    assert (video.codec, video.width, video.height, video.frame_count) == ("h264", 1280, 720, 60)


def test_run_json_says_what_made_it(quick_run: Path) -> None:
    said = json.loads((quick_run / "run.json").read_text())
    assert said["complete"] is True
    assert said["frames"] == 60
    assert len(said["video"]["sha256"]) == len(said["weights"]["sha256"]) == 64
    assert said["settings"]["end_s"] == 2
    assert {"decode", "detect", "associate", "draw", "encode", "total"} <= set(said["seconds"])
    assert {"cleansheet", "torch", "ultralytics"} <= set(said["versions"])


def test_without_a_classifier_there_are_tracks_and_crops_and_the_way_on(quick_run: Path) -> None:
    said = json.loads((quick_run / "run.json").read_text())
    way_on = next(warning for warning in said["warnings"] if "no classifier yet" in warning)
    assert "cleansheet label match" in way_on
    assert "process again" in way_on
    assert read_csv(TRACKS, quick_run / "tracks.csv")["team"].null_count() > 0
    assert list(quick_run.glob("crops/track-*/*.jpg"))


def test_pytorch_is_not_needed_to_learn_the_teams_nor_to_process_a_match(quick_run: Path, tmp_path: Path) -> None:
    # The detector's export for this picture size is kept since `quick_run`.
    assert quick_run.exists()
    cleansheet_json("import", asset("demo/crops"), "-w", tmp_path)
    for command in (("train",), ("process", asset("demo/match.mp4"), *QUICK[:2], "--end", "0.2", "--no-video")):
        done = cleansheet(*command, "-w", tmp_path, PYTHONPROFILEIMPORTTIME="1")
        assert done.returncode == 0, done.stderr
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "import time:" in line}
        assert {"classifier.ensemble", "numpy"} <= imported
        assert not {"torch", "torchvision", "ultralytics"} & imported, command
    tracks = read_csv(TRACKS, tmp_path / "runs" / "match" / "tracks.csv")
    assert tracks["team"].drop_nulls().len() > 0, "the ensemble was asked"


def test_what_takes_long_to_import_is_not_waited_for_before_the_network_is_made_ready() -> None:
    code = "import sys, tracker.process; print(sorted({'scipy', 'supervision', 'polars', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_same_command_again_does_nothing_and_says_so(quick_run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in quick_run.iterdir()}
    again = cleansheet_json("process", asset("demo/match.mp4"), "-w", quick_run.parents[1], *QUICK)
    assert again["runs"][0]["reused"] is True
    assert {path: path.stat().st_mtime_ns for path in quick_run.iterdir()} == before


def test_another_video_of_the_same_name_does_not_replace_a_run(quick_run: Path, tmp_path: Path) -> None:
    write_steady_video(tmp_path / "match.mp4", 30, Fraction(25))
    refused = cleansheet("process", tmp_path / "match.mp4", "-w", quick_run.parents[1])
    assert_refused(refused, "'match'", "another video", "--name", "--force")


def test_labels_are_not_lost_to_other_tracks_and_what_would_make_others_is_named(
    quick_run: Path, tmp_path: Path
) -> None:  # fmt: skip
    shutil.copytree(quick_run.parents[1], tmp_path / "workspace")
    run = tmp_path / "workspace" / "runs" / "match"
    (run / "crops" / "labels.csv").write_text("crop,track,team,player\n")
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    with_others = ("process", asset("demo/match.mp4"), "-w", tmp_path / "workspace", *QUICK, "--detect-every", "1")
    assert_refused(cleansheet(*with_others), "labels of match", "--detect-every (2 then, 1 now)", "--name", "--force")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    assert not run.with_name("match.partial").exists()


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tracker.cli", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for_detections(process: subprocess.Popen[str], workspace: Path, least: int) -> None:
    log = workspace / "runs" / "match.partial" / "detections.bin"
    limit = time.monotonic() + 300
    while time.monotonic() < limit:
        if log.exists() and log.stat().st_size > least:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("the run never came so far")


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_stopped_run_goes_on_and_ends_the_same(
    quick_run: Path, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    command = ("process", asset("demo/match.mp4"), "-w", tmp_path, *QUICK)
    process = start(*command)
    wait_for_detections(process, tmp_path, 5_000)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    if code == 130:
        assert len(said.strip().splitlines()) == 1
        assert "the same command again goes on" in said
    assert not (tmp_path / "runs" / "match").exists()
    marked = json.loads((tmp_path / "runs" / "match.partial" / "run.json").read_text())
    assert marked["complete"] is False
    assert_refused(cleansheet("crops", "match", "-w", tmp_path), "not finished")
    kept = (tmp_path / "runs" / "match.partial" / "detections.bin").stat().st_size

    if how == signal.SIGKILL:
        assert_refused(cleansheet(*command, "--resume", "--detect-every", "3"), "--resume", "detector")
    cleansheet_json(*command, "--resume")
    run = tmp_path / "runs" / "match"
    assert (run / "detections.bin").stat().st_size > kept
    for name in TABLES:
        assert (run / name).read_bytes() == (quick_run / name).read_bytes(), name
    assert sorted(p.relative_to(run) for p in run.glob("crops/*/*")) == sorted(
        p.relative_to(quick_run) for p in quick_run.glob("crops/*/*")
    )


def test_resume_is_refused_where_nothing_was_stopped(tmp_path: Path) -> None:
    command = ("process", asset("demo/match.mp4"), "-w", tmp_path, *QUICK, "--resume")
    assert_refused(cleansheet(*command), "--resume", "match", "leave --resume out")
    assert_refused(cleansheet(*command, "--fresh"), "--resume", "--fresh")
    assert not (tmp_path / "runs" / "match.partial").exists()


def test_every_stage_says_what_it_took(quick_run: Path) -> None:
    said = json.loads((quick_run / "run.json").read_text())
    assert {"decode", "detect", "camera", "associate", "crops", "draw", "encode"} <= set(said["shares"])
    assert sum(said["shares"].values()) == pytest.approx(1, abs=0.02)
    assert said["runtime"]["precision"].split()[0] in ("float32", "bfloat16", "float16", "int8")
    shown = cleansheet("process", asset("demo/match.mp4"), "-w", quick_run.parents[1], *QUICK, "--profile").stdout
    assert "ms a frame" in shown
    assert "encode" in shown


def test_every_second_of_30_frames_is_looked_at_and_tracks_are_in_all_of_them(quick_run: Path, tmp_path: Path) -> None:
    cleansheet_json("process", asset("demo/match.mp4"), "-w", tmp_path, *QUICK, "--detect-every", "1", "--no-video")
    everywhere = tmp_path / "runs" / "match"
    told = [json.loads((run / "run.json").read_text()) for run in (quick_run, everywhere)]
    assert [each["settings"]["detector"]["every"] for each in told] == [2, 1]
    assert told[0]["detections"] == pytest.approx(told[1]["detections"] / 2, rel=0.1)
    mine, every = (read_csv(TRACKS, run / "tracks.csv") for run in (quick_run, everywhere))
    assert set(mine["frame"].to_list()) == set(range(60))
    assert len(mine) == pytest.approx(len(every), rel=0.1)
    odd = mine.filter(mine["frame"] % 2 == 1)
    assert odd["observed"].mean() > 0.9


@pytest.mark.parametrize(
    ("frames_per_s", "stride", "every"),
    [(10, 1, 1), (15, 1, 1), (23.976, 1, 2), (25, 1, 2), (29.97, 1, 2), (50, 1, 3), (59.94, 1, 4), (60, 2, 2)],
)
def test_people_are_looked_for_some_15_times_a_second(frames_per_s: float, stride: int, every: int) -> None:
    assert ProcessSettings(stride=stride).for_frames(frames_per_s).detector.every == every
    chosen = ProcessSettings(stride=stride, detector=DetectorSettings(every=7))
    assert chosen.for_frames(frames_per_s) == chosen


def test_start_end_and_stride_pick_frames_by_time(tmp_path: Path) -> None:
    video = asset("demo/match.mp4")
    said = cleansheet_json(
        "process", video, "-w", tmp_path, "--start", "0:03", "--end", "4.5", "--stride", "3", "--image-size", "640"
    )
    times = probe(video).times_s
    wanted = [index for index, t in enumerate(times) if 3 <= t < 4.5 and index % 3 == 0]
    assert said["runs"][0]["frames"] == len(wanted)
    tracks = read_csv(TRACKS, tmp_path / "runs" / "match" / "tracks.csv")
    assert set(tracks["frame"].to_list()) <= set(wanted)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60000, 1001)], ids=["23.976", "59.94"])
def test_odd_rates_and_uneven_times_are_kept(tmp_path: Path, rate: Fraction) -> None:
    """The demo's first frames, shown at another rate, with a pause in the middle: a variable frame rate."""
    info = probe(asset("demo/match.mp4"))
    times = [float(index / rate) + (0.7 if index >= 20 else 0.0) for index in range(40)]
    with VideoWriter(tmp_path / "uneven.mp4", (info.width, info.height), float(rate)) as writer:
        for frame, shown_at in zip(frames(info, end_s=1.4), times, strict=False):
            writer.write(frame.image, shown_at)
    cleansheet_json("process", tmp_path / "uneven.mp4", "-w", tmp_path, "--image-size", "640")
    tracks = read_csv(TRACKS, tmp_path / "runs" / "uneven" / "tracks.csv")
    assert tracks["time_s"].to_numpy() == pytest.approx(np.array(times)[tracks["frame"].to_numpy()], abs=1e-4)
    annotated = probe(tmp_path / "runs" / "uneven" / "annotated.mp4")
    assert annotated.times_s == pytest.approx(times, abs=1e-3)


def test_a_video_with_no_one_in_it_gives_empty_tables(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "ice.mp4", (640, 360), 25) as writer:
        for index in range(25):
            writer.write(np.full((360, 640, 3), 235, np.uint8), index / 25)
    said = cleansheet_json("process", tmp_path / "ice.mp4", "-w", tmp_path)["runs"][0]
    assert said["tracks"] == 0
    assert any("nobody was found" in warning for warning in said["warnings"])
    for table in (TEAMS, PLAYERS, TIMELINE, TRACKS):
        assert read_csv(table, tmp_path / "runs" / "ice" / f"{table.name}.csv").is_empty()
    assert probe(tmp_path / "runs" / "ice" / "annotated.mp4").frame_count == 25


def _no_such_file(folder: Path) -> list[str | Path]:
    return [folder / "nothing.mp4"]


def _a_folder(folder: Path) -> list[str | Path]:
    return [folder]


def _empty(folder: Path) -> list[str | Path]:
    (folder / "empty.mp4").touch()
    return [folder / "empty.mp4"]


def _truncated(folder: Path) -> list[str | Path]:
    whole = asset("demo/match.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    return [folder / "cut.mp4"]


def _picture(folder: Path) -> list[str | Path]:
    cv2.imwrite(str(folder / "still.jpg"), np.zeros((90, 160, 3), np.uint8))
    return [folder / "still.jpg"]


def _unknown_weights(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--weights", "no-such-weights.pt"]


def _end_before_start(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--start", "5", "--end", "3"]


def _start_behind_the_end(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--start", "1:00:00"]


def _bad_time(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--start", "soon"]


def _unknown_part(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--hide", "speed,tails"]


def _unknown_format(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--format", "xlsx"]


def _bad_name(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--name", "../elsewhere"]


def _one_good_one_bad(folder: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), folder / "nothing.mp4"]


def _periods_in_one_another(_: Path) -> list[str | Path]:
    return [asset("demo/match.mp4"), "--period", "0:00-0:20", "--period", "0:10-0:25"]


def _bad_calibration(folder: Path) -> list[str | Path]:
    (folder / "points.toml").write_text("rink = 'nhl'\nframe_size = [1280, 720]\npoints = []\n")
    return [asset("demo/match.mp4"), "--calibration", folder / "points.toml"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_no_such_file, ["nothing.mp4", "no such file"]),
        (_a_folder, ["is a folder"]),
        (_empty, ["empty.mp4", "is empty"]),
        (_truncated, ["cut.mp4", "cut off after"]),
        (_picture, ["still.jpg", "picture"]),
        (_unknown_weights, ["no-such-weights.pt"]),
        (_end_before_start, ["must lie after"]),
        (_start_behind_the_end, ["--start 3600"]),
        (_bad_time, ["'soon' is no time", "0:01:35.5"]),
        (_unknown_part, ["'tails'", "ellipses, ids, speed, minimap, scoreboard"]),
        (_unknown_format, ["'xlsx'", "parquet"]),
        (_periods_in_one_another, ["--period 10-25", "follow the period before"]),
        (_bad_name, ["--name", "elsewhere"]),
        (_one_good_one_bad, ["nothing.mp4"]),
        (_bad_calibration, ["points.toml", "4"]),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(tmp_path: Path, make, words: list[str]) -> None:  # type: ignore[no-untyped-def]
    workspace = tmp_path / "workspace"
    assert_refused(cleansheet("process", *make(tmp_path), "-w", workspace), *words)
    assert not list(workspace.rglob("*.csv"))
    assert not [path for path in workspace.glob("runs/*") if not path.name.startswith(".")]


def test_a_full_disk_is_one_line_and_no_run(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        refused = cleansheet("process", asset("demo/match.mp4"), "-w", disk, *QUICK)
        assert_refused(refused, "disk is full", "-w")
        assert not (disk / "runs" / "match").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_weights_of_ones_own_are_used_and_warned_about(tmp_path: Path) -> None:
    """A .pt with a class called person, made by ultralytics itself."""
    from ultralytics import YOLO

    model = YOLO("yolo11n.yaml", verbose=False)
    model.model.names = {0: "person", **{index: f"thing-{index}" for index in range(1, 80)}}
    model.save(tmp_path / "own.pt")
    done = cleansheet(
        "process", asset("demo/match.mp4"), "-w", tmp_path, "--weights", tmp_path / "own.pt", "--end", "0.3", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert "program" in done.stderr
    assert json.loads(done.stdout)["runs"][0]["weights"]["sha256"] != Detector.load().weights_sha256


def test_help_names_every_option_of_every_command() -> None:
    said = cleansheet("--help").stdout
    for command in ("demo", "process", "crops", "import", "train", "evaluate", "players", "track"):
        assert command in said
        assert "Example" in cleansheet(command, "--help").stdout, f"{command} --help shows no example"
