"""How long each stage of the pipeline was at work: for run.json and for the user, never for a result.

Stages overlap, so their seconds add up to more than the whole took.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")

TOTAL = "total"


class StageTimes:
    """Seconds of wall clock by stage, summed over all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the block's duration to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent

    def timed_items(self, stage: str, source: Iterator[T]) -> Generator[T, None, None]:
        """Pass on the items of an iterator; the time that it needs to make them counts for a stage."""
        try:
            while True:
                with self.timed(stage):
                    try:
                        item = next(source)
                    except StopIteration:
                        return
                yield item
        finally:
            if isinstance(source, Generator):
                source.close()

    def timed_calls(self, stage: str, function: Callable[P, R]) -> Callable[P, R]:
        """The same function; the time of its calls counts for a stage."""

        def call(*arguments: P.args, **named: P.kwargs) -> R:
            with self.timed(stage):
                return function(*arguments, **named)

        return call

    def rounded(self) -> dict[str, float]:
        """Seconds by stage, to the millisecond."""
        return {stage: round(spent, 3) for stage, spent in self.seconds.items()}

    def shares(self) -> dict[str, float]:
        """Each stage's share of all work, 0 to 1, to the thousandth."""
        work = {stage: spent for stage, spent in self.seconds.items() if stage != TOTAL}
        whole = max(sum(work.values()), 1e-9)
        return {stage: round(spent / whole, 3) for stage, spent in work.items()}
