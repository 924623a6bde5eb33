"""The network in OpenVINO, one stream a core: the fastest on a CPU.

Each stream runs one picture on one thread, so that a picture's numbers do not depend on how many cores there are, and
no core waits for another within a picture.
"""

import os
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BadInput
from tracker.detector_weights import Weights
from tracker.runtimes.exported import exported, ov
from tracker.runtimes.head import Head

ov.Tensor(np.zeros(1, np.uint8))  # the bindings look NumPy up at the first array; two threads doing so wait forever

MOST_STREAMS = 8
"""Each holds the network's activations, some 60 MiB at 960 pixels."""


class OpenVinoRuntime:
    """int8, bfloat16 or float32 on the CPU, as many pictures at once as there are cores.

    Args:
        weights: read only where no export of them is kept.
        precision: `float32`, `bfloat16`, `int8`, or None for what suits this CPU.
        cache: see `tracker.runtimes.open_runtime`.

    Raises:
        BadInput: unusable weights, a CPU without bfloat16, or int8 for weights whose ranges are not known.
    """

    name = "openvino"
    version = str(ov.__version__)
    batch = 1

    def __init__(self, weights: Weights, precision: str | None, cache: Path | None) -> None:
        has = set(ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        if precision == "bfloat16" and "BF16" not in has:
            raise BadInput("runtime 'openvino-bf16': this CPU has no bfloat16; use --runtime openvino")
        if precision == "int8" and weights.ranges is None:
            raise BadInput(
                f"runtime 'openvino-int8': the ranges of {weights.name} are not known; measure them with "
                "`python -m weights.quantise`, or use --runtime openvino"
            )
        chosen = precision or suited(has, weights.ranges is not None)
        self._ranges = weights.ranges if chosen == "int8" else None
        self.precision = chosen if self._ranges is None else f"int8 {self._ranges.sha256[:8]}"
        self._hint = "bf16" if chosen == "bfloat16" or (chosen == "int8" and "BF16" in has) else "f32"
        self._streams = max(1, min(len(os.sched_getaffinity(0)), MOST_STREAMS))
        self.workers = self._streams + 1  # while one fits a picture or thins boxes, every stream has something to do
        self._weights = weights
        self._cache = cache
        self._compiled: dict[tuple[int, int], tuple[Any, Head | None]] = {}
        self._preparing = threading.Lock()
        self._requests = threading.local()

    def prepare(self, height: int, width: int) -> None:
        with self._preparing, suppress(Exception):
            self._model(height, width)

    def release(self) -> None:
        with self._preparing:
            self._compiled.clear()
            self._requests = threading.local()

    def __call__(self, pictures: NDArray[np.uint8], least: float) -> list[NDArray[np.float32]]:
        request, head = self._request(pictures.shape[1], pictures.shape[2])
        return [
            _people(request.infer([picture[None]], share_inputs=True, share_outputs=True), head, least)
            for picture in pictures
        ]

    def _request(self, height: int, width: int) -> tuple[Any, Head | None]:
        """This thread's own request for pictures of one size, and the head that goes with it."""
        mine = self._requests.__dict__.setdefault("of_size", {})
        if (height, width) not in mine:
            with self._preparing:
                compiled, head = self._model(height, width)
                mine[height, width] = compiled.create_infer_request(), head
        request: tuple[Any, Head | None] = mine[height, width]
        return request

    def _model(self, height: int, width: int) -> tuple[Any, Head | None]:
        if (height, width) not in self._compiled:
            network = exported(self._weights, height, width, self._cache, self._ranges)
            compiled = ov.Core().compile_model(network.model, "CPU", {
                "INFERENCE_PRECISION_HINT": self._hint,
                "NUM_STREAMS": self._streams,
                "INFERENCE_NUM_THREADS": self._streams,
            })  # fmt: skip
            self._compiled[height, width] = compiled, network.head
        return self._compiled[height, width]


def _people(given: Any, head: Head | None, least: float) -> NDArray[np.float32]:
    """What the network gave for one picture, as `tracker.runtimes.Runtime` says; copied, since the next answer will lie
    in the same place."""
    if head is None:
        whole: NDArray[np.float32] = given[0][0].copy()
        return whole
    return head(given[0][0], [given[1 + level][0] for level in range(len(head.levels))], least)


def suited(capabilities: Collection[str], ranges: bool) -> str:
    """The precision to take of those that a CPU has: bfloat16, the nearest to float32 at half its time
    or less; else int8, at a third; see docs/throughput.md.

    Args:
        capabilities: what OpenVINO says that the CPU has.
        ranges: whether int8 can be had.
    """
    if "BF16" in capabilities:
        return "bfloat16"
    return "int8" if "INT8" in capabilities and ranges else "float32"
