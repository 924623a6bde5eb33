"""A network whose convolutions compute in int8: rounding is written into it, of which OpenVINO makes integer kernels.

Inputs of a convolution have 256 steps between the least and greatest value that were measured, its weights 255 steps
for each output channel (Krishnamoorthi, 2018, arXiv:1806.08342). Everything else stays as it is.
"""

from typing import Any

import torch
from torch import nn

from tracker.detector_ranges import Ranges
from tracker.runtimes.halves import some_channels

_LEVELS = 255


def quantised(network: nn.Module, ranges: Ranges) -> nn.Module:
    """Round inputs and weights of the network's convolutions; changes the network and returns it.

    Args:
        network: fused, in evaluation mode; it is traced once afterwards.
        ranges: by the convolutions' names.
    """
    rounded: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    for name, (low, high) in ranges.of.items():
        where, _, last = name.rpartition(".")
        parent = network.get_submodule(where)
        setattr(parent, last, _Convolution(parent.get_submodule(last), low, high, rounded))
    network.register_forward_pre_hook(lambda *_: rounded.clear())
    return network


class _Convolution(nn.Module):
    """A convolution between rounded numbers."""

    _steps: torch.Tensor
    _zeros: torch.Tensor

    def __init__(
        self, plain: nn.Module, low: float, high: float, rounded: dict[int, tuple[torch.Tensor, torch.Tensor]]
    ) -> None:
        super().__init__()
        assert isinstance(plain, nn.Conv2d)
        self._plain, self._between = plain, (low, high)
        self._step = (max(high, 0.0) - min(low, 0.0)) / _LEVELS
        self._zero = round(-min(low, 0.0) / self._step)
        self._rounded = rounded
        steps = plain.weight.detach().abs().amax((1, 2, 3)).clamp(min=1e-8) / (_LEVELS // 2)
        self.register_buffer("_steps", steps)
        self.register_buffer("_zeros", torch.zeros(len(steps), dtype=torch.int32))

    def of_channels(self, channels: slice) -> "_Convolution":
        """The one of some output channels alone; what both read is still rounded once."""
        return _Convolution(some_channels(self._plain, channels), *self._between, self._rounded)

    def forward(self, x: torch.Tensor) -> Any:
        if id(x) not in self._rounded:  # several convolutions may read one tensor, which is rounded once
            self._rounded[id(x)] = x, torch.fake_quantize_per_tensor_affine(x, self._step, self._zero, 0, _LEVELS)
        half = _LEVELS // 2
        weight = torch.fake_quantize_per_channel_affine(
            self._plain.weight, self._steps, self._zeros, 0, -half, half
        )  # fmt: skip
        plain = self._plain
        return nn.functional.conv2d(
            self._rounded[id(x)][1], weight, plain.bias, plain.stride, plain.padding, plain.dilation, plain.groups
        )
