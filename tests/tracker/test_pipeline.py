"""Stages overlap without changing anything: order, errors, and an end that leaves no thread behind."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tracker.pipeline import ahead, batches, mapped


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def counted(limit: int, taken: list[int]) -> Iterator[int]:
    for number in range(limit):
        taken.append(number)
        yield number


def failing(after: int) -> Iterator[int]:
    yield from range(after)
    raise OSError("the disk is full")


def test_items_keep_their_order_however_long_each_takes() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.03 if number % 3 == 0 else 0.0)
        return number * number

    source = ahead(iter(range(30)), 2)
    assert list(mapped(slow_first, source, workers=3)) == [(n, n * n) for n in range(30)]


def test_a_stage_never_runs_further_ahead_than_its_queue_is_long() -> None:
    taken: list[int] = []
    with closing(ahead(counted(1000, taken), 4)) as items:
        assert next(items) == 0
        time.sleep(0.1)
        assert len(taken) <= 1 + 4 + 1  # taken, waiting, in hand


@pytest.mark.parametrize("after", [0, 1, 7])
def test_an_error_comes_out_where_items_are_taken_after_those_before_it(after: int) -> None:
    seen: list[int] = []
    with closing(mapped(str, ahead(failing(after), 2), workers=2)) as items, pytest.raises(OSError, match="disk"):
        seen.extend(item for item, _ in items)


def test_an_error_of_a_worker_ends_everything() -> None:
    def broken(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number

    taken: list[int] = []
    with (
        pytest.raises(ValueError, match="five"),
        closing(mapped(broken, ahead(counted(10_000, taken), 2), workers=2)) as items,
    ):
        for _ in items:
            pass
    assert len(taken) < 50


def test_stopping_in_the_middle_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(10_000)
        finally:
            closed.set()

    with closing(mapped(str, batches(ahead(source(), 3), 2), workers=2)) as items:
        for batch, _ in items:
            if batch[0] == 10:
                break
    assert closed.is_set()


def test_batches_end_with_what_is_left() -> None:
    assert list(batches(iter(range(7)), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
