"""Convolutions whose output is cut in two, as two convolutions: the same numbers without a copy of each half.

YOLOv8's blocks (`C2f`) begin with one convolution, hand a half of it on and work on the other. A CPU computes both at
once and then copies them apart, unrounded in int8; that took 4 % of the network's time.
"""

from typing import Any

import torch
from torch import nn


def in_halves(network: Any) -> Any:
    """Give each such block two convolutions for its first one; changes the network and returns it.

    Args:
        network: fused, in evaluation mode.
    """
    for index, block in enumerate(network.model):
        if type(block).__name__ == "C2f":
            network.model[index] = _Block(block)
    return network


class _Block(nn.Module):
    """A `C2f` that gives the same."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.i, self.f = block.i, block.f
        self._halves = nn.ModuleList(_half(block.cv1, slice(first, first + block.c)) for first in (0, block.c))
        self._chain, self._last = block.m, block.cv2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [half(x) for half in self._halves]
        for link in self._chain:
            parts.append(link(parts[-1]))
        given: torch.Tensor = self._last(torch.cat(parts, 1))
        return given


def _half(layer: Any, channels: slice) -> nn.Sequential:
    """A layer with some of its output channels: a convolution, plain or of `tracker.runtimes.quantised`, and its
    activation."""
    whole = layer.conv
    part = some_channels(whole, channels) if isinstance(whole, nn.Conv2d) else whole.of_channels(channels)
    return nn.Sequential(part, layer.act)


def some_channels(whole: nn.Conv2d, channels: slice) -> nn.Conv2d:
    """The convolution of some output channels alone."""
    weight = whole.weight.detach()[channels]
    part = nn.Conv2d(
        whole.in_channels, len(weight), whole.kernel_size, whole.stride, whole.padding, whole.dilation,  # type: ignore[arg-type]
        bias=whole.bias is not None,
    )  # fmt: skip
    part.weight.data.copy_(weight)
    if whole.bias is not None and part.bias is not None:
        part.bias.data.copy_(whole.bias.detach()[channels])
    return part.requires_grad_(False).eval()
