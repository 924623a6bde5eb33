"""What runs the detector's network: one interface, one file a runtime.

| choice          | runs on | numbers  |
|-----------------|---------|----------|
| `pytorch`       | CPU     | float32  |
| `openvino`      | CPU     | bfloat16 where the CPU has it, else int8 where ranges are known, else float32 |
| `openvino-int8` | CPU     | int8 in the convolutions, for weights whose ranges were measured |
| `openvino-f32`  | CPU     | float32  |
| `openvino-bf16` | CPU     | bfloat16 |
| `cuda`          | GPU     | float16  |

`auto` is `cuda` where there is one, else `openvino`. How far their boxes may differ: docs/throughput.md.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BadInput
from tracker.detector_weights import Weights

RUNTIMES = ("auto", "pytorch", "openvino", "openvino-f32", "openvino-bf16", "openvino-int8", "cuda")


class Runtime(Protocol):
    """A network that is ready to run."""

    name: str
    """Such as openvino or pytorch."""
    version: str
    """Of the library."""
    precision: str
    """float32, bfloat16, float16, or int8 and the beginning of the ranges' hash."""
    batch: int
    """Pictures of a call; fewer are allowed."""
    workers: int
    """Threads that may call at once."""

    def prepare(self, height: int, width: int) -> None:
        """Do what the first call for pictures of this size would begin with; where it fails, that call says so."""
        ...

    def release(self) -> None:
        """Give back memory that the next call would take again."""
        ...

    def __call__(self, pictures: NDArray[np.uint8], least: float) -> list[NDArray[np.float32]]:
        """Run the network.

        Args:
            pictures: `(B, H, W, 3)` BGR, sides multiples of 32; all calls of one size are fast, another size may
                have to be prepared first.
            least: score from which on somebody is of interest.

        Returns:
            For each picture, in its pixels: `(4 + classes, N)` of centre, size, class scores, where what has no score
            of `least` may be missing; or `(N, 6)` of xyxy, confidence, class from a network without non-maximum
            suppression.
        """
        ...


def open_runtime(choice: str, weights: Weights, *, threads: int | None = None, cache: Path | None = None) -> Runtime:
    """Make a network ready to run.

    Args:
        choice: one of `RUNTIMES`.
        weights: of the network; read only where they are needed.
        threads: of a call, for PyTorch on the CPU; None leaves the process's setting alone.
        cache: folder for what is exported from weights that are not the project's own; None to keep nothing.

    Raises:
        BadInput: unusable weights, or a runtime that this machine does not have.
    """
    if choice not in RUNTIMES:
        raise BadInput(f"runtime {choice!r}: expected one of {', '.join(RUNTIMES)}")
    if choice == "cuda" or (choice == "auto" and _nvidia()):
        from tracker.runtimes.pytorch import CudaRuntime, cuda_works

        if cuda_works():
            return CudaRuntime(weights.load())
        if choice == "cuda":
            raise BadInput("runtime 'cuda': PyTorch finds no GPU here; use --runtime auto")
    if choice == "pytorch":
        from tracker.runtimes.pytorch import CpuRuntime

        return CpuRuntime(weights.load(), threads)
    from tracker.runtimes.openvino import OpenVinoRuntime

    precision = {"openvino-f32": "float32", "openvino-bf16": "bfloat16", "openvino-int8": "int8"}.get(choice)
    return OpenVinoRuntime(weights, precision, cache)


def _nvidia() -> bool:
    """Whether there is an NVIDIA driver at all; asking PyTorch would cost its import."""
    return Path("/proc/driver/nvidia").exists() or Path("/dev/nvidia0").exists() or Path("/dev/nvidiactl").exists()
