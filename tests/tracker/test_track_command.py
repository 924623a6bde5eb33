"""`cleansheet track`: a file of boxes in, a file of tracks out."""

import numpy as np
import pytest

from tests.conftest import assert_refused, cleansheet, cleansheet_json

ARGUMENTS = ("--fps", "30", "--size", "1280x720")


def write_boxes(path, frames=90, people=4):
    """People who stand side by side and sway; every tenth box is missing."""
    rng = np.random.default_rng(0)
    lines = []
    for frame in range(1, frames + 1):
        for person in range(people):
            if (frame + person) % 10 == 0:
                continue
            x, y = 150 + 250 * person + 30 * np.sin(frame / 15), 250 + 20 * person
            left, top = np.array([x, y]) + rng.normal(0, 1.5, 2)
            lines.append(f"{frame},-1,{left:.1f},{top:.1f},50,110,0.8,-1,-1,-1")
    path.write_text("\n".join(lines) + "\n")
    return len(lines)


def test_boxes_become_tracks_without_gaps(tmp_path):
    count = write_boxes(tmp_path / "det.txt")
    out = tmp_path / "tracks.txt"
    report = cleansheet_json("track", tmp_path / "det.txt", "-o", out, *ARGUMENTS)
    table = np.loadtxt(out, delimiter=",")
    assert table.shape[1] == 10
    assert sorted(set(table[:, 1])) == [1, 2, 3, 4]
    assert table[:, 0].min() == 1
    assert table[:, 0].max() == 90
    assert report["detections"] == count
    assert report["boxes"] == len(table) == count + report["filled_in"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["det.txt", "tracks.txt"]


def test_the_answer_is_said_in_a_line(tmp_path):
    write_boxes(tmp_path / "det.txt")
    done = cleansheet(
        "track", tmp_path / "det.txt", "-o", tmp_path / "t.txt", "--fps", "30000/1001", "--size", "1280X720"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 tracks, ")
    assert len(done.stdout.splitlines()) == 1


def test_an_empty_file_gives_an_empty_file_and_says_so(tmp_path):
    (tmp_path / "det.txt").write_text("")
    done = cleansheet("track", tmp_path / "det.txt", "-o", tmp_path / "t.txt", *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert "no detections" in done.stdout
    assert (tmp_path / "t.txt").read_bytes() == b""


def test_a_long_stretch_without_boxes_costs_no_time(tmp_path):
    line = "{},-1,{},200,50,110,0.8,-1,-1,-1\n"
    first = [line.format(frame, 200 + frame) for frame in range(1, 31)]
    late = [line.format(frame, 700) for frame in range(900_000_000, 900_000_030)]
    (tmp_path / "det.txt").write_text("".join(first + late))
    report = cleansheet_json("track", tmp_path / "det.txt", "-o", tmp_path / "t.txt", *ARGUMENTS, timeout_s=60)
    assert report["tracks"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fps", "0", "--size", "1280x720"), ("--fps 0", "from 1 to 1000")),
        (("--fps", "nan", "--size", "1280x720"), ("--fps nan",)),
        (("--fps", "fast", "--size", "1280x720"), ("--fps fast", "30000/1001")),
        (("--fps", "30", "--size", "1280"), ("--size 1280", "WIDTHxHEIGHT")),
        (("--fps", "30", "--size=-5x720"), ("--size -5x720",)),
        (("--fps", "30", "--size", "64x36"), ("--size 64x36", "reach to")),
        (("--size", "1280x720"), ("--fps",)),
    ],
)
def test_bad_options_are_refused(tmp_path, options, words):
    write_boxes(tmp_path / "det.txt", frames=5)
    done = cleansheet("track", tmp_path / "det.txt", "-o", tmp_path / "t.txt", *options)
    assert_refused(done, *words)
    assert not (tmp_path / "t.txt").exists()


def test_bad_files_are_refused_and_an_older_answer_stays(tmp_path):
    (tmp_path / "t.txt").write_text("older")
    assert_refused(cleansheet("track", tmp_path / "no.txt", "-o", tmp_path / "t.txt", *ARGUMENTS), "no such file")
    (tmp_path / "det.txt").write_text("1,-1,10,20,-30,40,0.5\n")
    assert_refused(cleansheet("track", tmp_path / "det.txt", "-o", tmp_path / "t.txt", *ARGUMENTS), "line 1", "-30")
    assert (tmp_path / "t.txt").read_text() == "older"
    write_boxes(tmp_path / "det.txt", frames=5)
    assert_refused(cleansheet("track", tmp_path / "det.txt", "-o", tmp_path, *ARGUMENTS), "is a folder")
    assert_refused(cleansheet("track", tmp_path / "det.txt", "-o", tmp_path / "det.txt", *ARGUMENTS), "itself")
