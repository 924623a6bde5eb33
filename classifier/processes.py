"""Jobs on parallel worker processes, each with one thread, so that bits do not depend on how many run."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from classifier.crash_points import KILL_AT
from classifier.errors import CleansheetError

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


FEW_STEPS = 800
"""So many optimizer steps take about as long as starting processes that import PyTorch."""


def default_workers(steps: int) -> int:
    """One for each core that this process may use, at most 8; this process alone for little work."""
    if steps <= FEW_STEPS:
        return 1
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 8)


def run_jobs(
    kind: str, jobs: Sequence[BaseModel], workers: int, report: Callable[[dict[str, Any]], None], *, fresh: bool = False
) -> list[Any]:  # fmt: skip
    """Do all jobs and return their results in order; `report` hears of the progress of all, in this thread.

    A single job, or a single worker, works in this process: it saves the start of another. Unless `fresh`: then all
    work is done by processes that have done nothing before.

    Raises:
        CleansheetError: a job could not be done, or its process died. The other processes are ended.
    """
    if min(workers, len(jobs)) <= 1 and not fresh:
        from classifier.worker import run

        return [run(kind, job.model_dump(mode="json"), report) for job in jobs]
    orders: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(jobs)):
        orders.put(number)
    events: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
    processes = [_start() for _ in range(min(workers, len(jobs)))]
    threads = [
        threading.Thread(target=_serve, args=(process, kind, jobs, orders, events), daemon=True)
        for process in processes
    ]
    results: dict[int, Any] = {}
    try:
        for thread in threads:
            thread.start()
        while len(results) < len(jobs):
            number, what, value = events.get()
            if what == "progress":
                report(value)
            elif what == "done":
                results[number] = value
            else:
                raise CleansheetError(value)
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
    return [results[number] for number in range(len(jobs))]


def _serve(
    process: subprocess.Popen[str], kind: str, jobs: Sequence[BaseModel], orders: "queue.SimpleQueue[int]",
    events: "queue.SimpleQueue[tuple[int, str, Any]]",
) -> None:  # fmt: skip
    """Hand one process job after job and pass on what it says."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(queue.Empty):
        while True:
            number = orders.get_nowait()
            message = {"kind": "lost"}
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps({"kind": kind, "job": jobs[number].model_dump(mode="json")}) + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    message = json.loads(line)
                    events.put((number, message["kind"], message["value"]))
                    if message["kind"] != "progress":
                        break
            if message["kind"] in ("lost", "progress"):
                code = process.wait()
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                text = f"a training process ended early ({how}; out of memory?): run the command again to go on."
                events.put((number, "failed", text))
                return


def _start() -> subprocess.Popen[str]:
    """A worker of its own session: Ctrl-C reaches this process alone, which then ends its workers."""
    package = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(p for p in (package, os.environ.get("PYTHONPATH", "")) if p)
    environment = {name: value for name, value in os.environ.items() if name != KILL_AT}
    return subprocess.Popen(
        [sys.executable, "-m", "classifier.worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**environment, **ONE_THREAD, "PYTHONPATH": path},
    )  # fmt: skip
