"""The network in PyTorch: on the CPU as the reference that the other runtimes are held against, and on a GPU."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tracker.detector_weights import LoadedWeights
from tracker.environment import torch_threads


class CpuRuntime:
    """float32 on the CPU, a picture at a time."""

    name = "pytorch"
    version = str(torch.__version__)
    precision = "float32"
    batch = 1
    workers = 1

    def __init__(self, weights: LoadedWeights, threads: int | None = None) -> None:
        self._model = weights.model
        self._threads = threads

    def release(self) -> None:
        pass  # the weights stay; activations are given back by each call

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode(), torch_threads(self._threads or torch.get_num_threads()):
            rgb = torch.from_numpy(pictures[..., ::-1].copy()).permute(0, 3, 1, 2)
            output = first_tensor(self._model(rgb.float().div_(255).contiguous(memory_format=torch.channels_last)))
            return np.asarray(output.numpy(), np.float32)


class CudaRuntime:
    """float16 on a GPU, pictures in batches."""

    name = "cuda"
    version = str(torch.__version__)
    precision = "float16"
    batch = 8
    workers = 1

    def __init__(self, weights: LoadedWeights) -> None:
        self._model = weights.model.to("cuda").half()

    def release(self) -> None:
        torch.cuda.empty_cache()

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            bgr = torch.from_numpy(pictures).to("cuda", non_blocking=True)
            rgb = bgr.flip(-1).permute(0, 3, 1, 2).half().div_(255).contiguous(memory_format=torch.channels_last)
            return np.asarray(first_tensor(self._model(rgb)).float().cpu().numpy(), np.float32)


def cuda_works() -> bool:
    return torch.cuda.is_available()


def first_tensor(output: Any) -> torch.Tensor:
    """ultralytics' models return their predictions inside lists and tuples."""
    while isinstance(output, (list, tuple)):
        output = output[0]
    assert isinstance(output, torch.Tensor)
    return output
