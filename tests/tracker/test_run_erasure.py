"""Taking people out of finished runs: a real run with teams, metres, labels and a video; real kills."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from classifier.crash_points import KILL_AT
from classifier.discovery import discover
from classifier.errors import BadInput, CleansheetError
from tests.conftest import ROOT, cleansheet_json
from tests.tracker.conftest import DEMO_COMMAND
from tracker.assets import asset
from tracker.crops import crops_of_tracks
from tracker.pictures import write_pictures
from tracker.rink import Rink
from tracker.run import Run, locked
from tracker.run_erasure import (
    JOURNAL,
    TOTALS_KEPT,
    VIDEO_KEPT,
    RunErasure,
    RunTrack,
    erase_tracks,
    tracks_of_players,
    tracks_of_sources,
)  # fmt: skip
from tracker.statistics import Statistics, compute
from tracker.tables import PLAYERS, POSITIONS, TEAMS, TIMELINE, TRACKS, WRITTEN, read_csv, write_csv
from tracker.video import frames, probe


@pytest.fixture
def workspace(demo_workspace: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(demo_workspace, tmp_path / "workspace"))


def run_of(workspace: Path) -> Path:
    return workspace / "runs" / "match"


def busiest_team(workspace: Path) -> str:
    """The team with the most tracks."""
    return str(read_csv(TEAMS, run_of(workspace) / "teams.csv").sort("tracks", descending=True)["team"][0])


def skater(workspace: Path) -> int:
    """The one of that team who was seen longest."""
    players = read_csv(PLAYERS, run_of(workspace) / "players.csv")
    skaters = players.filter(pl.col("team") == busiest_team(workspace), pl.col("role") == "player")
    return int(skaters.sort("frames", "track_id", descending=[True, False])["track_id"][0])


def goalkeeper(workspace: Path) -> int:
    players = read_csv(PLAYERS, run_of(workspace) / "players.csv").filter(pl.col("role") == "goalkeeper")
    return int(players.sort("frames", descending=True)["track_id"][0])


def erase(workspace: Path, *tracks: int, totals: str = "recompute", redact: bool = False) -> RunErasure:
    (done,) = erase_tracks(workspace, [RunTrack("match", track) for track in tracks], totals=totals, redact=redact)
    return done


def said(workspace: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads((run_of(workspace) / "run.json").read_text())
    return value


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def lines_without(text: bytes, column: int, tracks: Iterable[int]) -> bytes:
    gone = {str(track).encode() for track in tracks}
    return b"".join(line for line in text.splitlines(keepends=True) if line.split(b",")[column].strip() not in gone)


def computed_without(run: Path, tracks: Sequence[int]) -> tuple[Statistics, pl.DataFrame, Rink]:
    summary = json.loads((run / "run.json").read_text())
    rows = read_csv(TRACKS, run / "tracks.csv").filter(~pl.col("track_id").is_in(tracks)).select(POSITIONS.names)
    rink = Rink.named(summary["calibration"]["rink"])
    return compute(rows, rink, summary["attacks"], summary["metres"]), rows, rink


def test_tracks_are_found_by_the_places_that_their_crops_were_imported_from(workspace: Path) -> None:
    crops = run_of(workspace) / "crops"
    locations = {picture.location for picture in discover(crops).pictures}
    assert tracks_of_sources(workspace, locations) == tuple(
        RunTrack("match", t) for t in sorted(crops_of_tracks(crops))
    )
    some = sorted(location for location in locations if "track-0002" in location)
    foreign = ["crops/white/white-7_001.jpg", "sunday/track-0001/000001.jpg", "../track-0001/000001.jpg", "match", ""]
    assert tracks_of_sources(workspace, [*some, *foreign]) == (RunTrack("match", 2),)


def test_a_crop_that_was_put_elsewhere_is_found_by_its_label(workspace: Path) -> None:
    crops = run_of(workspace) / "crops"
    (crops / "mine").mkdir()
    moved = crops_of_tracks(crops)[3][0].rename(crops / "mine" / "ann.jpg")
    with (crops / "labels.csv").open("a") as file:
        file.write("mine/ann.jpg,3,white,Ann\n")
    assert moved.exists()
    assert tracks_of_sources(workspace, ["match/mine/ann.jpg", "match/mine/bob.jpg"]) == (RunTrack("match", 3),)


def test_tracks_are_found_by_the_player_that_labels_name(workspace: Path) -> None:
    labels = run_of(workspace) / "crops" / "labels.csv"
    rows = list(csv.reader(labels.open()))
    named = [[*row[:3], {"1": "Ann", "2": "Bob; Ann", "3": "Anna"}.get(row[1], row[3])] for row in rows]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(named)
    labels.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    assert tracks_of_players(workspace, ["Ann"]) == (RunTrack("match", 1), RunTrack("match", 2))
    assert tracks_of_players(workspace / "nowhere", ["Ann"]) == ()


def test_nothing_of_the_track_is_left_in_any_file_and_all_else_is_as_it_was(workspace: Path) -> None:
    run, gone, team = run_of(workspace), skater(workspace), busiest_team(workspace)
    before = contents(run)
    rows = read_csv(TRACKS, run / "tracks.csv").filter(pl.col("track_id") == gone).height
    pictures = {data for name, data in before.items() if name.startswith(f"crops/track-{gone:04d}/")}
    assert pictures

    done = erase(workspace, gone)

    assert done == RunErasure("match", (gone,), rows, len(pictures), False, ("annotated.mp4",), "recomputed")
    after = contents(run)
    assert not pictures & set(after.values())
    vanished = {
        "detections.bin",
        f"heatmaps/track-{gone}.png",
        *(n for n in before if n.startswith(f"crops/track-{gone:04d}/")),
    }
    assert vanished <= set(before)
    assert set(after) == set(before) - vanished
    for name, column in (("tracks.csv", 2), ("players.csv", 0), ("tracks.mot.txt", 1), ("crops/labels.csv", 1)):
        assert after[name] == lines_without(before[name], column, [gone]), name
        assert after[name] != before[name]
    changed = {name for name in after if after[name] != before[name]}
    tables = {f"{name}.{form}" for name in ("tracks", "players", "teams", "timeline")
              for form in ("csv", "json", "parquet")}  # fmt: skip
    assert changed - {"bursts.csv", "bursts.json", "bursts.parquet"} == {
        *tables, "tracks.mot.txt", "run.json", "timeline.png", f"heatmap-{team}.png", "crops/labels.csv",
        "crops/contact-sheet.jpg", "report.html",
    }  # fmt: skip
    assert f'"players.{gone}.' in before["report.html"].decode()
    assert f"track {gone}<" not in after["report.html"].decode()
    assert f'"players.{gone}.' not in after["report.html"].decode()
    for table in WRITTEN:
        rest = read_csv(table, run / f"{table.name}.csv")
        assert pl.read_parquet(run / f"{table.name}.parquet").equals(rest), table.name
        assert pl.read_json(run / f"{table.name}.json", schema=table.schema).equals(rest), table.name
    assert said(workspace)["tracks"] == read_csv(PLAYERS, run / "players.csv").height
    assert said(workspace)["detections"] is None
    assert VIDEO_KEPT in said(workspace)["warnings"]  # type: ignore[operator]
    assert TOTALS_KEPT not in said(workspace)["warnings"]  # type: ignore[operator]


def test_the_contact_sheet_shows_everybody_but_them(workspace: Path) -> None:
    run, gone = run_of(workspace), skater(workspace)
    sheet = run / "crops" / "contact-sheet.jpg"
    faces = {track: _as_on_the_sheet(paths[0]) for track, paths in crops_of_tracks(run / "crops").items()}
    earlier = cv2.imread(str(sheet))
    assert all(_likeness(earlier, face) > 0.9 for face in faces.values())
    erase(workspace, gone)
    now = cv2.imread(str(sheet))
    assert all((_likeness(now, face) > 0.9) == (track != gone) for track, face in faces.items())


def _as_on_the_sheet(crop: Path) -> NDArray[np.uint8]:
    from tracker.contact_sheet import Card, contact_sheet
    from tracker.crops import read_crop

    whole = contact_sheet({"": [Card("", [read_crop(crop)])]}, cards_a_row=1, pictures_a_card=1)
    return whole[6 + 40 + 18 + 12 : -6 - 12, 6 + 18 : -6 - 18]


def _likeness(sheet: NDArray[np.uint8], picture: NDArray[np.uint8]) -> float:
    return float(cv2.matchTemplate(sheet, picture, cv2.TM_CCOEFF_NORMED).max())


def test_totals_are_those_of_a_match_without_them(workspace: Path, tmp_path: Path) -> None:
    gone = [skater(workspace), goalkeeper(workspace)]
    wanted, rows, rink = computed_without(run_of(workspace), gone)
    write_csv(wanted.teams, TEAMS, tmp_path / "teams.csv")
    write_csv(wanted.timeline, TIMELINE, tmp_path / "timeline.csv")
    drawn = write_pictures(wanted, rows, rink, tmp_path)
    assert {"heatmap-white.png", "heatmap-yellow.png", "timeline.png"} == {n for n in drawn if "track-" not in n}
    attacks = said(workspace)["attacks"]

    erase(workspace, *gone)

    for name in ("teams.csv", "timeline.csv", *drawn):
        assert (run_of(workspace) / name).read_bytes() == (tmp_path / name).read_bytes(), name
    assert said(workspace)["attacks"] == attacks, "that a team attacks to the right is known, whoever showed it"


def test_a_team_that_nobody_is_left_of_has_no_totals_and_no_picture(workspace: Path) -> None:
    run = run_of(workspace)
    team, players = busiest_team(workspace), read_csv(PLAYERS, run / "players.csv")
    erase(workspace, *players.filter(pl.col("team") == team)["track_id"].to_list())
    assert team not in read_csv(TEAMS, run / "teams.csv")["team"].to_list()
    assert team not in read_csv(TIMELINE, run / "timeline.csv")["team"].to_list()
    assert not (run / f"heatmap-{team}.png").exists()
    assert len(list(run.glob("heatmap-*.png"))) == 1
    assert team not in said(workspace)["attacks"]  # type: ignore[operator]


def test_everybody_can_go(workspace: Path) -> None:
    run = run_of(workspace)
    erase(workspace, *read_csv(PLAYERS, run / "players.csv")["track_id"].to_list(), redact=True)
    for table in WRITTEN:
        assert read_csv(table, run / f"{table.name}.csv").is_empty()
    tables = {f"{table.name}.{form}" for table in WRITTEN for form in ("csv", "json", "parquet")}
    left = {"tracks.mot.txt", "annotated.mp4", "run.json", "key.json", "report.html"}
    assert set(contents(run)) == tables | left


def test_warnings_that_count_are_counted_anew(workspace: Path) -> None:
    """What statistics say of a table is replaced, whatever it was; what others said stays."""
    run = run_of(workspace)
    summary = said(workspace)
    everywhere = pl.DataFrame({
        "frame": range(60), "time_s": np.arange(60) / 30, "track_id": [1] * 60, "team": ["white"] * 60,
        "role": ["player"] * 60, "x_m": [0.0, 9.0] * 30, "y_m": [0.0] * 30 + [99.0] * 30, "observed": [True] * 60,
        "at_border": [False] * 60,
    })  # fmt: skip
    counted = [*compute(everywhere, Rink.named("nhl")).warnings, *compute(everywhere, None).warnings]
    assert len({warning.lstrip("0123456789") for warning in counted}) == 4, "all that statistics can say"
    (run / "run.json").write_text(json.dumps({**summary, "warnings": ["the camera moves", *counted]}))
    erase(workspace, skater(workspace), redact=True)
    wanted, _, _ = computed_without(run, [])
    assert said(workspace)["warnings"] == ["the camera moves", *wanted.warnings]
    assert said(workspace)["dropped_speed_samples"] == wanted.dropped


def test_keep_leaves_the_totals_and_says_so_without_saying_who(workspace: Path) -> None:
    run, gone = run_of(workspace), skater(workspace)
    before = contents(run)
    assert erase(workspace, gone, totals="keep").totals == "marked"
    after = contents(run)
    for name in ("teams.csv", "timeline.csv", "timeline.png", "heatmap-white.png", "heatmap-yellow.png"):
        assert after[name] == before[name]
    assert gone not in read_csv(TRACKS, run / "tracks.csv")["track_id"]
    warnings = said(workspace)["warnings"]
    assert isinstance(warnings, list)
    assert warnings.count(TOTALS_KEPT) == 1
    assert not any(character.isdigit() for character in TOTALS_KEPT + VIDEO_KEPT)

    erase(workspace, skater(workspace), totals="keep")
    assert said(workspace)["warnings"] == warnings
    assert erase(workspace, gone).totals == "recomputed", "asked for again, now with totals"
    assert TOTALS_KEPT not in said(workspace)["warnings"]  # type: ignore[operator]
    wanted, _, _ = computed_without(run, [])
    assert read_csv(TEAMS, run / "teams.csv")["tracks"].to_list() == wanted.teams["tracks"].to_list()


@pytest.mark.parametrize(("totals", "redact"), [("recompute", True), ("keep", False)])
def test_a_second_time_nothing_is_touched(workspace: Path, totals: str, redact: bool) -> None:
    gone = skater(workspace)
    first = erase(workspace, gone, totals=totals, redact=redact)
    before = {path: path.stat().st_mtime_ns for path in run_of(workspace).rglob("*")}
    again = erase(workspace, gone, totals=totals, redact=redact)
    assert {path: path.stat().st_mtime_ns for path in run_of(workspace).rglob("*")} == before
    assert (again.rows, again.crops, again.totals, again.videos_kept) == (0, 0, first.totals, first.videos_kept)


def killed_at(point: int, workspace: Path, tracks: Sequence[int], redact: bool) -> bool:
    """Erase in a process that dies at its n-th crash point; False where it ended before."""
    script = (
        "import sys; from pathlib import Path; from tracker.run_erasure import *\n"
        "tracks = [RunTrack('match', int(track)) for track in sys.argv[3:]]\n"
        "erase_tracks(Path(sys.argv[1]), tracks, redact=sys.argv[2] == 'True')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(workspace), str(redact), *map(str, tracks)], cwd=ROOT, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), KILL_AT: str(point)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


@pytest.mark.parametrize(
    ("redact", "points"),
    [pytest.param(True, (1, 2, 3, 20), marks=pytest.mark.slow), (False, (3, 11, 17))],
)
def test_killed_anywhere_and_called_again_it_ends_in_the_same_bytes(
    workspace: Path, tmp_path: Path, redact: bool, points: tuple[int, ...]
) -> None:
    """With the video: beside its name, just renamed, and all but the journal done. Without: among crops and tables."""
    gone = [skater(workspace), goalkeeper(workspace)]
    whole = Path(shutil.copytree(workspace, tmp_path / "whole"))
    wanted = erase(whole, *gone, redact=redact)
    for point in points:
        torn = Path(shutil.copytree(workspace, tmp_path / f"torn-{point}"))
        assert killed_at(point, torn, gone, redact=redact)
        assert (run_of(torn) / JOURNAL).exists()
        assert contents(run_of(torn)) != contents(run_of(whole))
        assert erase(torn, *gone, redact=redact) == wanted, point
        assert contents(run_of(torn)) == contents(run_of(whole)), point


def test_what_was_interrupted_is_finished_before_something_else_begins(workspace: Path, tmp_path: Path) -> None:
    first, second = skater(workspace), goalkeeper(workspace)
    whole = Path(shutil.copytree(workspace, tmp_path / "whole"))
    erase(whole, first)
    erase(whole, second)
    assert killed_at(8, workspace, [first], redact=False)
    erase(workspace, second)
    assert contents(run_of(workspace)) == contents(run_of(whole))


def test_redaction_changes_the_person_and_nearly_nothing_else(workspace: Path) -> None:
    run, gone = run_of(workspace), skater(workspace)
    rows = read_csv(TRACKS, run / "tracks.csv").filter(pl.col("track_id") == gone)
    times = probe(asset("demo/match.mp4")).times_s
    boxes = {row["frame"]: [row[side] for side in ("x1", "y1", "x2", "y2")] for row in rows.iter_rows(named=True)}
    first = int(np.searchsorted(times, 0.5))
    before = [frame.image for frame in frames(probe(run / "annotated.mp4"))]

    done = erase(workspace, gone, redact=True)

    assert done.video_redacted
    assert done.videos_kept == ()
    assert VIDEO_KEPT not in said(workspace)["warnings"]  # type: ignore[operator]
    info = probe(run / "annotated.mp4")
    after = [frame.image for frame in frames(info)]
    assert len(after) == len(before)
    assert info.times_s == pytest.approx(times[first : first + len(after)] - times[first], abs=1e-4)
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        change = np.abs(old.astype(int) - new.astype(int)).max(axis=2)
        outside = np.ones(change.shape, bool)
        if index + first in boxes:
            x1, y1, x2, y2 = (round(value) for value in boxes[index + first])
            inside = new[y1:y2, x1:x2]
            assert change[y1:y2, x1:x2].mean() > 8, index
            assert _detail(inside) < 0.2 * _detail(old[y1:y2, x1:x2]), index
            w, h = x2 - x1, y2 - y1
            outside[max(0, y1 - h // 4) : y2 + h // 4 + 40, max(0, x1 - w // 4 - 40) : x2 + w // 4 + 40] = False
        assert change[outside].mean() < 4, "no more than encoding it once again does"


def _detail(picture: NDArray[np.uint8]) -> float:
    """Energy of the edges: what letters, numbers and faces are made of."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[4:-4, 4:-4]
    return float(np.abs(cv2.Laplacian(grey, cv2.CV_64F)).mean())


def test_other_videos_in_the_folder_are_named_as_kept(workspace: Path) -> None:
    run = run_of(workspace)
    shutil.copyfile(run / "annotated.mp4", run / "for-the-coach.mp4")
    assert erase(workspace, skater(workspace), redact=True).videos_kept == ("for-the-coach.mp4",)


def test_a_video_that_cannot_be_read_stops_the_erasure_before_it_begins(workspace: Path) -> None:
    run, gone = run_of(workspace), skater(workspace)
    (run / "annotated.mp4").write_bytes(b"no video at all")
    before = contents(run)
    with pytest.raises(BadInput, match=r"annotated\.mp4"):
        erase(workspace, gone, redact=True)
    assert contents(run) == before
    (run / "annotated.mp4").unlink()
    assert not erase(workspace, gone, redact=True).video_redacted
    assert gone not in read_csv(TRACKS, run / "tracks.csv")["track_id"]


def test_unfinished_and_replaced_folders_of_the_run_go(workspace: Path) -> None:
    runs = workspace / "runs"
    for name in ("match.partial", "match.replaced", "other.partial"):
        shutil.copytree(runs / "match", runs / name)
    erase(workspace, skater(workspace))
    assert sorted(path.name for path in runs.iterdir() if not path.name.startswith(".")) == ["match", "other.partial"]
    shutil.rmtree(runs / "match")
    erase_tracks(workspace, [RunTrack("other", 1), RunTrack("never", 1)])
    assert not [path for path in runs.iterdir() if not path.name.startswith(".")]


def test_tracks_that_the_run_does_not_have_change_nothing(workspace: Path) -> None:
    before = contents(run_of(workspace))
    assert erase(workspace, 9999, redact=True) == RunErasure("match", (9999,), 0, 0, False, (), "recomputed")
    assert contents(run_of(workspace)) == before


def test_labels_from_a_spreadsheet_keep_their_form(workspace: Path) -> None:
    labels = run_of(workspace) / "crops" / "labels.csv"
    header, *rows = list(csv.reader(labels.open()))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([*header, "note"])
    writer.writerows([*row, "two\nlines; Å"] for row in rows)
    labels.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode("latin-1"))
    gone = skater(workspace)
    wanted = io.StringIO(newline="")
    writer = csv.writer(wanted, delimiter=";", lineterminator="\r\n")
    writer.writerow([*header, "note"])
    writer.writerows([*row, "two\nlines; Å"] for row in rows if row[1] != str(gone))
    erase(workspace, gone)
    assert labels.read_bytes() == b"\xef\xbb\xbf" + wanted.getvalue().encode("latin-1")


def test_a_run_that_is_being_processed_or_is_damaged_is_left_alone(workspace: Path) -> None:
    gone = skater(workspace)
    with locked(Run(workspace, "match")), pytest.raises(CleansheetError, match="another command"):
        erase(workspace, gone)
    with pytest.raises(BadInput, match="'some'"):
        erase(workspace, gone, totals="some")
    with pytest.raises(BadInput, match="folder name"):
        erase_tracks(workspace, [RunTrack("../runs/match", gone)])
    (run_of(workspace) / "tracks.csv").unlink()
    before = contents(run_of(workspace))
    with pytest.raises(CleansheetError, match=r"tracks\.csv is missing"):
        erase(workspace, gone)
    assert contents(run_of(workspace)) == before


def test_the_video_can_be_processed_again(workspace: Path) -> None:
    """The same command finds a finished run; another one detects again and keeps the labels."""
    video, gone = asset("demo/match.mp4"), skater(workspace)
    erase(workspace, gone)
    before = contents(run_of(workspace))
    same = cleansheet_json("process", video, "-w", workspace, *DEMO_COMMAND)
    assert same["runs"][0]["reused"] is True
    assert contents(run_of(workspace)) == before
    cleansheet_json("process", video, "-w", workspace, *DEMO_COMMAND, "--no-video")
    after = contents(run_of(workspace))
    assert len(after["detections.bin"]) > 0
    assert after["crops/labels.csv"] == before["crops/labels.csv"]
    assert gone in read_csv(TRACKS, run_of(workspace) / "tracks.csv")["track_id"], "the source video still shows them"
