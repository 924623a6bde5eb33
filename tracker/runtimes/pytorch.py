"""The network in PyTorch: on the CPU as the reference that the other runtimes are held against, and on a GPU."""

import copy
import os
import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tracker.detector_weights import LoadedWeights
from tracker.environment import torch_threads


class CpuRuntime:
    """float32 on the CPU, a picture at a time.

    Args:
        weights: the network.
        threads: of a call. As many calls at once are worth it as fit on the cores: threads that work on one picture
            wait for each other after every layer. None: the process's setting, and one call at a time.
    """

    name = "pytorch"
    version = str(torch.__version__)
    precision = "float32"
    batch = 1

    def __init__(self, weights: LoadedWeights, threads: int | None = None) -> None:
        self._model = weights.model
        self._threads = threads
        self.workers = 1 if threads is None else max(1, len(os.sched_getaffinity(0)) // threads)
        self._copies = threading.local()

    def prepare(self, height: int, width: int) -> None:
        pass  # there is nothing to prepare

    def release(self) -> None:
        pass  # the weights stay; activations are given back by each call

    def __call__(self, pictures: NDArray[np.uint8], least: float) -> list[NDArray[np.float32]]:  # noqa: ARG002
        with torch.inference_mode(), torch_threads(self._threads or torch.get_num_threads()):
            rgb = torch.from_numpy(pictures[..., ::-1].copy()).permute(0, 3, 1, 2)
            output = first_tensor(self._mine()(rgb.float().div_(255).contiguous(memory_format=torch.channels_last)))
            return list(np.asarray(output.numpy(), np.float32))

    def _mine(self) -> torch.nn.Module:
        """This thread's own network: it keeps the grid of anchors of the last shape in itself."""
        if self.workers == 1:
            return self._model
        if not hasattr(self._copies, "model"):
            self._copies.model = copy.deepcopy(self._model)
        model: torch.nn.Module = self._copies.model
        return model


class CudaRuntime:
    """float16 on a GPU, pictures in batches."""

    name = "cuda"
    version = str(torch.__version__)
    precision = "float16"
    batch = 8
    workers = 1

    def __init__(self, weights: LoadedWeights) -> None:
        self._model = weights.model.to("cuda").half()

    def prepare(self, height: int, width: int) -> None:
        pass  # there is nothing to prepare

    def release(self) -> None:
        torch.cuda.empty_cache()

    def __call__(self, pictures: NDArray[np.uint8], least: float) -> list[NDArray[np.float32]]:  # noqa: ARG002
        with torch.inference_mode():
            bgr = torch.from_numpy(pictures).to("cuda", non_blocking=True)
            rgb = bgr.flip(-1).permute(0, 3, 1, 2).half().div_(255).contiguous(memory_format=torch.channels_last)
            return list(np.asarray(first_tensor(self._model(rgb)).float().cpu().numpy(), np.float32))


def cuda_works() -> bool:
    return torch.cuda.is_available()


def first_tensor(output: Any) -> torch.Tensor:
    """ultralytics' models return their predictions inside lists and tuples."""
    while isinstance(output, (list, tuple)):
        output = output[0]
    assert isinstance(output, torch.Tensor)
    return output
