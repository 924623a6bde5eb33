"""The members that are networks, in PyTorch, which is imported for them alone.

Networks are built with all their weights drawn from one seed and never from the global random state, and none needs
statistics of the data: pixels are only shifted to [-0.5, 0.5].
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from classifier.colours import FEATURES, colour_features
from classifier.members import Ask
from classifier.pixels import single_thread as single_opencv_thread
from classifier.ridge import PENALTY, PRIOR, WITHIN_TEAMS
from classifier.state import Arrays


def build(name: str, teams: int, seed: int) -> nn.Module:
    """A member with fresh weights, which depend on `name`, `teams` and `seed` (64 bits) alone.

    Weights: He et al., *Delving Deep into Rectifiers* (2015), normal; biases 0; batch norm at the identity; a head on
    frozen features 0.
    """
    before = torch.get_rng_state()
    network = NETWORKS[name](teams)  # draws weights from the global state, which is put back
    torch.set_rng_state(before)
    random = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=random)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    if isinstance(network, Frozen):  # a linear model has no symmetry to break, and few steps to forget a start
        nn.init.zeros_(network.head.weight)
    return network


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Pictures `(N, H, W, 3)` → `(N, 3, H, W)` float32 in [-0.5, 0.5], channels last in memory."""
    bytes_ = torch.from_numpy(np.ascontiguousarray(pixels))
    return bytes_.permute(0, 3, 1, 2).to(torch.float32).div_(255.0).sub_(0.5)


class Compact(nn.Module):
    """Three convolutions 16-32-64 with batch norm, pooled around the jersey: 24 k parameters.

    The pool is the mean and the standard deviation of each channel under a bell over the upper middle of the crop,
    where a detector's box holds the jersey, so that ice, boards and neighbours weigh little.
    """

    def __init__(self, teams: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(2 * 64, teams)

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, 3, H, W)` → logits `(N, teams)`."""
        features = self.features(pixels)
        bell = jersey_bell(features.shape[2], features.shape[3])
        mean = (features * bell).sum(dim=(2, 3))
        variance = (features.square() * bell).sum(dim=(2, 3)) - mean.square()
        logits: Tensor = self.head(torch.cat([mean, variance.clamp(min=1e-6).sqrt()], dim=1))
        return logits


def jersey_bell(height: int, width: int) -> Tensor:
    """Weights `(height, width)` that sum to 1: a bell of half the crop's half-width and 0.6 of its half-height."""
    down = torch.linspace(-1, 1, height)[:, None]
    across = torch.linspace(-1, 1, width)[None, :]
    bell = torch.exp(-((across / 0.5) ** 2) - ((down + 0.2) / 0.6) ** 2)
    return bell / bell.sum()


class Reference(nn.Module):
    """The CNN of the reference system's article: three convolutions, two dense layers, 150×150, 21 M parameters."""

    def __init__(self, teams: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((3, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.dense = nn.Linear(128 * 18 * 18, 512)
        self.head = nn.Linear(512, teams)

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, 3, 150, 150)` → logits `(N, teams)`."""
        logits: Tensor = self.head(torch.relu(self.dense(self.features(pixels).flatten(1))))
        return logits


SPREAD = (40 / np.sqrt(PENALTY + PRIOR * np.diag(WITHIN_TEAMS))).astype(np.float32)
"""Scale of each feature: those in which people of one team differ weigh less (elementwise, so that bits stay)."""


class Frozen(nn.Module):
    """A trained linear head on fixed colour features: of the jersey, of the legs; 73 numbers a crop."""

    def __init__(self, teams: int) -> None:
        super().__init__()
        self.head = nn.Linear(FEATURES, teams)

    def forward(self, pixels: Tensor) -> Tensor:
        """`(N, 3, 48, 32)` → logits `(N, teams)`."""
        small = functional.avg_pool2d(pixels.detach().add(0.5).mul(255).contiguous(), 2).round().to(torch.uint8)
        features = colour_features(small.permute(0, 2, 3, 1).numpy())
        logits: Tensor = self.head(torch.from_numpy(features.astype(np.float32) * SPREAD))
        return logits


NETWORKS: dict[str, Callable[[int], nn.Module]] = {"frozen": Frozen, "compact": Compact, "reference": Reference}
"""Member → number of teams → a network from `(N, 3, height, width)` float32 to logits `(N, teams)`."""


def for_inference(member_name: str, teams: int, model: Arrays) -> nn.Module:
    """A constituent ready to answer: batch norm folded into the convolutions before it."""
    network = build(member_name, teams, 0)
    network.load_state_dict(as_tensors(model))
    network.eval()
    if not isinstance(features := getattr(network, "features", None), nn.Sequential):
        return network
    folded: list[nn.Module] = []
    for layer in features:
        if isinstance(layer, nn.BatchNorm2d) and isinstance(folded[-1], nn.Conv2d):
            folded[-1] = fuse_conv_bn_eval(folded[-1], layer)
        else:
            folded.append(layer)
    network.add_module("features", nn.Sequential(*folded))
    return network.to(memory_format=torch.channels_last)


def asking(network: nn.Module) -> Ask:
    """What a network says in evaluation mode."""

    @torch.no_grad()
    def ask(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        network.eval()
        logits: NDArray[np.float32] = network(to_tensor(pixels)).numpy()
        return logits

    return ask


def asking_all(networks: Sequence[nn.Module]) -> Ask:
    """What several say, one after the other: logits `(N, networks · teams)`; on a single thread."""

    @torch.inference_mode()
    def ask(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with single_thread():
            batch = to_tensor(pixels)
            return np.concatenate([network(batch).numpy() for network in networks], axis=1)

    return ask


def as_tensors(arrays: Arrays) -> dict[str, Tensor]:
    """Copies of arrays."""
    return {name: torch.tensor(array) for name, array in arrays.items()}


@contextmanager
def single_thread() -> Iterator[None]:
    """Run a block with one thread in PyTorch and OpenCV: other numbers give other bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with single_opencv_thread():
            yield
    finally:
        torch.set_num_threads(before)
