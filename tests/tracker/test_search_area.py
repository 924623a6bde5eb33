"""Where the detector has to look: what is left out, when the whole picture is, and what that costs."""

import numpy as np
import supervision as sv
from hypothesis import given
from hypothesis import strategies as st

from tracker.assets import asset
from tracker.detector import Detector
from tracker.search_area import BLOCK, FREE, SearchArea
from tracker.video import frames, probe

HEIGHT = 720


def looks(area: SearchArea, highest: list[float | None], late: int = 0) -> list[float]:
    """What is left out of each look; boxes are told `late` looks later."""
    said, waiting = [], []
    for y1 in highest:
        said.append(area.next())
        boxes = [] if y1 is None else [(300, y1, 330, y1 + 50), (500, y1 + 90, 560, y1 + 200)]
        waiting.append(np.array(boxes, np.float32).reshape(-1, 4))
        while len(waiting) > late:
            area.seen(waiting.pop(0))
    return said


def test_stands_are_left_out_but_for_one_look_in_a_block() -> None:
    said = looks(SearchArea(HEIGHT), [260.0] * 10 * BLOCK)
    assert not any(said[: 3 * BLOCK])
    later = np.array(said[3 * BLOCK :]).reshape(-1, BLOCK)
    assert (later[:, 0] == 0).all()
    assert (later[:, 1:] == FREE).all()


def test_everything_is_looked_at_where_somebody_is_high_up_or_nobody_anywhere() -> None:
    assert not any(looks(SearchArea(HEIGHT), [FREE * HEIGHT + 40] * 8 * BLOCK))
    assert not any(looks(SearchArea(HEIGHT), [None] * 8 * BLOCK))


def test_who_comes_from_the_top_widens_the_area_again() -> None:
    area = SearchArea(HEIGHT)
    assert looks(area, [260.0] * 6 * BLOCK)[-1] == FREE
    said = looks(area, [20.0] * 4 * BLOCK)
    assert not any(said[2 * BLOCK :])


def test_a_camera_that_tilts_is_given_more_room() -> None:
    rising = [400.0 - 1.5 * look for look in range(8 * BLOCK)]  # in two blocks they will be where is looked no more
    said = looks(SearchArea(HEIGHT), rising)
    for look, free in enumerate(said):
        assert free == 0 or rising[look] > FREE * HEIGHT


@given(st.lists(st.none() | st.floats(0, HEIGHT - 60), max_size=6 * BLOCK), st.integers(0, 9))
def test_how_many_looks_are_under_way_decides_nothing(highest: list[float | None], late: int) -> None:
    assert looks(SearchArea(HEIGHT), highest, late) == looks(SearchArea(HEIGHT), highest)


def test_people_below_what_is_left_out_are_found_as_before() -> None:
    detector = Detector.load(confidence=0.4, image_size=640)
    people = 0
    for frame in frames(probe(asset("demo/match.mp4")), stride=150):
        whole, part = detector(frame.image), detector.many([frame.image], FREE)[0]
        assert len(part) == len(whole)
        overlap = sv.box_iou_batch(whole.xyxy, part.xyxy)
        assert (overlap.max(axis=1) > 0.8).all()
        people += len(part)
    assert people > 30
