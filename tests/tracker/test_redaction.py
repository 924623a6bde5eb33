"""Which frames and pixels of an annotated video are covered, on videos made for it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from classifier.errors import CleansheetError
from tracker.redaction import covering, fog, redact
from tracker.tables import TRACKS
from tracker.video import frames, probe
from tracker.video_writer import VideoWriter

SIZE = (320, 180)
BOX = (100.0, 60.0, 140.0, 120.0)


def noise_video(path: Path, times_s: list[float]) -> None:
    """Coarse noise, the same in every frame: whatever is covered shows."""
    picture = np.random.default_rng(5).integers(0, 256, (45, 80, 3), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    with VideoWriter(path, SIZE, 25, crf=10) as writer:
        for time_s in times_s:
            writer.write(picture, time_s)


def track_rows(seen: dict[int, float], track: int = 7) -> pl.DataFrame:
    """Rows of one track that stands still: frame → time."""
    rows = pl.DataFrame({"frame": list(seen), "time_s": list(seen.values())}).with_columns(
        track_id=track, **dict(zip(("x1", "y1", "x2", "y2"), map(pl.lit, BOX), strict=True)),
        **dict.fromkeys(("team", "team_confidence", "role", "confidence"), pl.lit(None)),
        **dict.fromkeys(("observed", "at_border", "x_m", "y_m"), pl.lit(None)),
    )  # fmt: skip
    return TRACKS.fit(rows)


def covered_frames(source: Path, target: Path) -> set[int]:
    """Positions in the video at which the middle of the box was changed."""
    x1, y1, x2, y2 = (int(value) for value in BOX)
    pairs = zip(frames(probe(source)), frames(probe(target)), strict=True)
    return {
        old.index for old, new in pairs
        if np.abs(old.image[y1:y2, x1:x2].astype(int) - new.image[y1:y2, x1:x2].astype(int)).mean() > 20
    }  # fmt: skip


def test_short_gaps_are_filled_long_ones_not_and_each_stretch_has_a_frame_of_grace(tmp_path: Path) -> None:
    times = [index / 25 for index in range(60)]
    noise_video(tmp_path / "in.mp4", times)
    # 5 and 20 are 15 frames apart: filled; 20 and 36 are 16 apart: not; 58 and 59 end with the video.
    seen = [5, 20, 36, 37, 58, 59]
    rows = track_rows({index: times[index] for index in seen})
    redact(tmp_path / "in.mp4", tmp_path / "out.mp4", rows, [7], 0.0)
    assert covered_frames(tmp_path / "in.mp4", tmp_path / "out.mp4") == {*range(4, 22), 35, 36, 37, 38, 57, 58, 59}
    assert probe(tmp_path / "out.mp4").times_s == pytest.approx(times, abs=1e-4)


def test_a_run_that_began_later_with_a_stride_and_uneven_times_is_aligned_by_its_times(tmp_path: Path) -> None:
    source_s = np.cumsum(np.random.default_rng(3).uniform(0.02, 0.06, 200))
    source_s -= source_s[0]
    start_s = float(source_s[61]) - 0.001
    wanted = range(63, 200, 3)  # the first multiple of the stride from frame 61 on
    noise_video(tmp_path / "in.mp4", [float(source_s[index]) for index in wanted])
    rows = track_rows({index: round(float(source_s[index]), 6) for index in (90, 93, 96)})
    redact(tmp_path / "in.mp4", tmp_path / "out.mp4", rows, [7], start_s)
    assert covered_frames(tmp_path / "in.mp4", tmp_path / "out.mp4") == {8, 9, 10, 11, 12}, "(90 - 63) / 3 = 9"


def test_other_people_stay_as_they_are(tmp_path: Path) -> None:
    noise_video(tmp_path / "in.mp4", [index / 25 for index in range(10)])
    redact(tmp_path / "in.mp4", tmp_path / "out.mp4", track_rows({3: 3 / 25}, track=8), [7], 0.0)
    assert covered_frames(tmp_path / "in.mp4", tmp_path / "out.mp4") == set()


def test_a_video_of_another_match_is_refused(tmp_path: Path) -> None:
    noise_video(tmp_path / "in.mp4", [index / 25 for index in range(10)])
    with pytest.raises(CleansheetError, match=r"in\.mp4.*tracks\.csv"):
        redact(tmp_path / "in.mp4", tmp_path / "out.mp4", track_rows({3: 0.12, 4: 0.1433}), [7], 0.0)


def test_what_is_covered_holds_the_box_the_ring_and_the_tag_and_ends_at_the_edges() -> None:
    # 40 px wide, 15 % more on each side: 80 .. 120 -> 74 .. 126; the ring, 22 + 3 px, and the tag, 24 px, are narrower.
    # Below: the ring and tag, 22 * 0.36 + 15 = 22.9 px, are more than 15 % of 100 px.
    assert covering(np.array([80.0, 100, 120, 200]), (1280, 720)) == (74, 85, 126, 223)
    assert covering(np.array([-30.0, 700, 10, 760]), (1280, 720)) == (0, 691, 16, 720)
    left, top, right, bottom = covering(np.array([-90.0, 10, -60, 60]), (1280, 720))
    assert right - left <= 0 < bottom - top


def test_fog_leaves_nothing_finer_than_its_cells() -> None:
    stripes = np.zeros((120, 80, 3), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 255
    untouched = stripes.copy()
    fog(stripes, (20, 30, 68, 90))  # cells of 12 px: three periods each
    assert np.ptp(stripes[30:90, 20:68]) <= 2, "stripes of two pixels become an even grey"
    untouched[30:90, 20:68] = stripes[30:90, 20:68]
    assert np.array_equal(stripes, untouched)
    fog(stripes, (5, 5, 5, 9))
    fog(stripes, (0, 0, 1, 1))
