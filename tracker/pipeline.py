"""Stages that overlap: each runs in threads of its own and hands over through a short queue.

Decoding, the detector and encoding spend their time outside of Python's lock, so plain threads keep the cores busy. A
stage is an iterator over the stage before it. Order is kept, so a result never depends on how threads were scheduled;
queues are bounded, so memory does not grow with a video. An error in a stage is raised where its items are taken;
closing an iterator ends its threads and the stages before it: use `contextlib.closing`.
"""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class _Raised:
    error: BaseException


class _End:
    pass


def ahead(source: Iterator[T], depth: int) -> Generator[T, None, None]:
    """Run an iterator in a thread, at most `depth` items ahead of who takes them."""
    queue: Queue[T | _Raised | _End] = Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in source:
                queue.put(item)
                if stopped.is_set():
                    return
            queue.put(_End())
        except BaseException as error:  # whatever it is, it belongs to who takes the items
            queue.put(_Raised(error))
        finally:
            _close(source)

    thread = threading.Thread(target=work, name="ahead")
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            if isinstance(item, _Raised):
                raise item.error
            yield item
    finally:
        stopped.set()
        while thread.is_alive():  # it may wait for a place in the queue
            _empty(queue)
            thread.join(0.01)


def mapped(function: Callable[[T], R], source: Iterator[T], workers: int) -> Generator[tuple[T, R], None, None]:
    """Pair every item with `function(item)`, made by `workers` threads at once, in the items' order."""
    under_way: deque[tuple[T, Future[R]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="mapped")
    try:
        for item in source:
            under_way.append((item, pool.submit(function, item)))
            if len(under_way) > workers + 1:  # one waits, so that no worker does
                first, made = under_way.popleft()
                yield first, made.result()
        while under_way:
            first, made = under_way.popleft()
            yield first, made.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        _close(source)


def batches(source: Iterator[T], size: int) -> Generator[list[T], None, None]:
    """Items by the `size`; the last batch may be shorter."""
    try:
        while batch := list(itertools.islice(source, size)):
            yield batch
    finally:
        _close(source)


def _close(source: Iterator[T]) -> None:
    if isinstance(source, Generator):
        source.close()


def _empty(queue: "Queue[T | _Raised | _End]") -> None:
    try:
        while True:
            queue.get_nowait()
    except Empty:
        pass
