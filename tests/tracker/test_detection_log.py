"""What was detected survives a crash up to the last complete frame."""

from contextlib import closing
from pathlib import Path

import numpy as np
import supervision as sv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.detection_log import RECORD, DetectionLog


def people(count: int, seed: int) -> sv.Detections:
    rng = np.random.default_rng(seed)
    return sv.Detections(
        xyxy=rng.random((count, 4), dtype=np.float32) * 700,
        confidence=rng.random(count, dtype=np.float32),
        class_id=rng.integers(0, 3, count),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.lists(st.integers(0, 6), max_size=12), torn=st.integers(0, 3 * RECORD.itemsize))
def test_what_was_written_is_read_back_up_to_the_last_whole_frame(tmp_path: Path, counts: list[int], torn: int) -> None:
    path = tmp_path / "detections.bin"
    path.unlink(missing_ok=True)
    frames = [(index * 3, people(count, index)) for index, count in enumerate(counts)]
    with closing(DetectionLog(path)) as log:
        for index, detections in frames:
            log.append(index, detections)
    size = path.stat().st_size
    kept_bytes = max(0, size - torn)
    with path.open("r+b") as file:
        file.truncate(kept_bytes)
    sizes = np.cumsum([(count + 1) * RECORD.itemsize for count in counts])
    whole = int((sizes <= kept_bytes).sum())
    with closing(DetectionLog(path)) as log:
        read = list(log.read())
        assert log.last_frame == (frames[whole - 1][0] if whole else -1)
    assert [index for index, _ in read] == [index for index, _ in frames[:whole]]
    for (_, mine), (_, theirs) in zip(read, frames[:whole], strict=True):
        assert np.array_equal(mine.xyxy, theirs.xyxy)
        assert np.array_equal(mine.confidence, theirs.confidence)
        assert np.array_equal(mine.class_id, theirs.class_id)


def test_a_reopened_log_goes_on(tmp_path: Path) -> None:
    with closing(DetectionLog(tmp_path / "d.bin")) as log:
        log.append(0, people(2, 0))
    with closing(DetectionLog(tmp_path / "d.bin")) as log:
        log.append(5, people(1, 1))
        assert [(index, len(found)) for index, found in log.read()] == [(0, 2), (5, 1)]
