"""MOTChallenge files: what is written is read back, and what is wrong is named with its line."""

import numpy as np
import pytest

from classifier.errors import BadInput
from tests.tracker.made_boxes import play, skating, standing, steady
from tracker.association.tracks import Tracks
from tracker.mot import read_detections, write_mot


def test_detections_are_sorted_by_frame_and_counted_from_zero(tmp_path):
    path = tmp_path / "det.txt"
    path.write_text("3,-1,10,20,30,40,0.5,-1,-1,-1\n1,-1,1.5,2,3,4,0.25,-1,-1,-1\n\n3,-1,50,60,10,20,0.75,-1,-1,-1\n")
    found = read_detections(path)
    assert found.frame.tolist() == [0, 2, 2]
    # left, top, left + width, top + height
    assert found.xyxy.tolist() == [[1.5, 2, 4.5, 6], [10, 20, 40, 60], [50, 60, 60, 80]]
    assert found.confidence.tolist() == [0.25, 0.5, 0.75]
    assert found.at(2)[1].tolist() == [0.5, 0.75]
    assert len(found.at(1)[0]) == 0


@pytest.mark.parametrize("line", ["1,-1,1,2,3,4", "1,-1,1,2,3,4,-1,-1,-1,-1", "1,-1,1,2,3,4,1"])
def test_a_missing_confidence_is_certainty(tmp_path, line):
    (tmp_path / "det.txt").write_text(line)
    assert read_detections(tmp_path / "det.txt").confidence.tolist() == [1.0]


def test_an_empty_file_holds_no_detections(tmp_path):
    (tmp_path / "det.txt").write_text("\n")
    assert len(read_detections(tmp_path / "det.txt")) == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1,-1,10,20,30", ["line 2", "5 values", "expected frame,id,left"]),
        ("1 -1 10 20 30 40 0.5", ["line 2", "1 values"]),
        ("one,-1,10,20,30,40,0.5", ["line 2", "'one' is no number"]),
        ("1,-1,10,20,-30,40,0.5", ["line 2", "-30 by 40", "above 0"]),
        ("1,-1,10,20,30,0,0.5", ["line 2", "30 by 0"]),
        ("1,-1,nan,20,30,40,0.5", ["line 2", "not finite"]),
        ("1,-1,10,20,inf,40,0.5", ["line 2", "not finite"]),
        ("0,-1,10,20,30,40,0.5", ["line 2", "frame 0", "from 1 on"]),
        ("1.5,-1,10,20,30,40,0.5", ["line 2", "frame 1.5"]),
        ("1,-1,10,20,30,40,55", ["line 2", "confidence 55", "0 to 1"]),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, words):
    path = tmp_path / "det.txt"
    path.write_text("1,-1,10,20,30,40,0.5,-1,-1,-1\n" + line + "\n")
    with pytest.raises(BadInput) as refused:
        read_detections(path)
    message = str(refused.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message, (word, message)


def test_what_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        read_detections(tmp_path / "missing.txt")
    with pytest.raises(BadInput, match="cannot be read"):
        read_detections(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_detections(tmp_path / "picture.png")


def test_tracks_come_back_as_they_were_written(tmp_path):
    tracks = play([skating(100, 200, 150), standing(700, 400)], steady(30)).tracks
    path = tmp_path / "new folder" / "tracks.txt"
    write_mot(path, tracks)
    back = read_detections(path)
    ids = np.loadtxt(path, delimiter=",")[:, 1]
    assert back.frame.tolist() == tracks.frame.tolist()
    assert ids.tolist() == tracks.track_id.tolist()
    assert np.abs(back.xyxy - tracks.xyxy).max() <= 0.011  # two figures after the point, twice rounded
    assert np.abs(back.confidence - tracks.confidence).max() <= 0.0001
    assert path.read_text().splitlines()[0].startswith("1,1,")
    assert all(line.endswith(",-1,-1,-1") for line in path.read_text().splitlines())
    assert [entry.name for entry in path.parent.iterdir()] == ["tracks.txt"]


def test_no_tracks_make_an_empty_file(tmp_path):
    write_mot(tmp_path / "tracks.txt", Tracks.empty())
    assert (tmp_path / "tracks.txt").read_bytes() == b""
