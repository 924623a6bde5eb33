"""How third-party libraries are made quiet, offline and fast. Import this before ultralytics, OpenVINO and polars."""

import ctypes
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def quiet_libraries() -> None:
    """Set, unless the user did, the variables that ultralytics, OpenCV and polars read at their import.

    ultralytics otherwise installs packages at run time, writes settings into the home directory and reports usage;
    OpenVINO leaves an id there and reports to its maker, unless its reporter cannot be imported.
    Downloading named weights stays possible: that is done by `tracker.detector` alone.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # what None means there
    os.environ.setdefault("YOLO_AUTOINSTALL", "0")
    os.environ.setdefault("YOLO_OFFLINE", "1")
    os.environ.setdefault("YOLO_VERBOSE", "0")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(Path(tempfile.gettempdir()) / f"cleansheet-ultralytics-{os.getuid()}"))
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    # NumPy's products are small and made in many threads at once; theirs would wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # polars' allocator otherwise keeps what was freed for ten seconds: 100 MiB of an hour's tables.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
    # Without this, threads that wait burn the core that another program needs: measured 6 times slower beside one.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")


LARGE = 2 * 2**20
"""Bytes: smaller than a frame of 720p and than a column of an hour's boxes."""
_TRIMMED = 16 * 2**20


def give_large_memory_back_at_once() -> None:
    """Have large arrays returned to the system as soon as they are freed, and the room for small ones shared (glibc).

    Otherwise the C library takes the first large array that is freed for a sign that more will come, and keeps the room
    of all later ones up to 32 MiB, in which holes stay: frames are freed by other threads than they were made in, and
    what little is kept between them holds whole frames' room. Without it a match took 50 to 200 MiB more, never
    the same twice. And each thread would have a heap of its own, of which the end is never given back: 7 MiB for each
    of seven threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(-3, LARGE)  # M_MMAP_THRESHOLD
        mallopt(-8, 1)  # M_ARENA_MAX
        mallopt(-1, _TRIMMED)  # M_TRIM_THRESHOLD, which would be 128 KiB then: a system call for each frame


@contextmanager
def importing() -> Iterator[None]:
    """Around imports: have the garbage collector keep out of the way, of which they make nothing, and from then on pass
    over what is there, since going through that takes 80 ms each time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def give_back_memory() -> None:
    """Return what was freed to the system, where the C library keeps it for later (glibc)."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run a block with `count` intra-op threads of PyTorch, and put the earlier number back."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
