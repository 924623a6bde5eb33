"""One stage of a shard's training: from one checkpoint to the next, as a pure function.

Stage r trains on the crops of slices 0 to r, from where stage r - 1 ended (Bourtoule et al., *Machine Unlearning*,
2021, section V-B). Everything random is drawn from generators seeded by the seed, the shard, the slice and the step's
purpose; the global random state is neither read nor changed. Bits are promised for one thread: see `single_thread`.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from classifier.adamw import adamw_step
from classifier.augmentation import Augmentation, augment
from classifier.members import DEFAULT, build, to_tensor
from classifier.state import State

MOMENTS = ("first", "second")
"""AdamW's running means of the gradient and of its square."""
MOST_EPOCHS = 10
"""So many looks are taken at a stage; where it has more epochs, at some of them."""


class Recipe(BaseModel):
    """How a constituent is trained. Every field changes the checkpoints' names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    member: str = DEFAULT
    seed: int = Field(default=0, ge=0, lt=2**32)
    epochs: float = Field(default=30, gt=0, le=10_000)
    """Passes over a shard's crops if it were trained in one piece; slices divide the same work."""
    least_steps: int = Field(default=160, ge=1)
    """Optimizer steps of a shard in one piece that few crops are trained for, however short an epoch is."""
    batch: int = Field(default=16, ge=2, le=1024)
    peak_rate: float = Field(default=3e-3, gt=0, lt=1)
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    label_smoothing: float = Field(default=0.05, ge=0, lt=0.5)

    def steps(self, crops: int, slices: int) -> int:
        """Optimizer steps of a stage over `crops` crops in a shard of `slices` slices.

        The paper's schedule, 2e₀ / (R + 1) epochs a slice, costs as much as e₀ epochs of the whole shard.
        """
        whole = max(math.ceil(self.epochs * crops / self.batch), self.least_steps)
        return max(math.ceil(whole * 2 / (slices + 1)), 1)


@dataclass(frozen=True)
class Position:
    """Which stage of which shard, of how many; 0-based."""

    shard: int
    slice: int
    slices: int


def fresh_state(recipe: Recipe, teams: int, shard: int) -> State:
    """Before the first stage."""
    network = build(recipe.member, teams, seed_of(recipe, shard, "weights"))
    moments = {
        f"{moment}/{name}": torch.zeros_like(p, requires_grad=False)
        for moment in MOMENTS for name, p in network.named_parameters()
    }  # fmt: skip
    return State(_copies(network.state_dict()), moments, 0)


def run_stage(
    before: State, pixels: NDArray[np.uint8], labels: NDArray[np.int64], teams: int, recipe: Recipe, at: Position,
    progress: Callable[[int, int, float], None] | None = None, watch: Callable[[nn.Module, int], None] | None = None,
) -> State:  # fmt: skip
    """Train on the crops of this slice and all earlier ones.

    Where they show fewer than two teams there is nothing to tell apart, and the state passes through unchanged.

    Args:
        before: Where the previous stage ended; not changed.
        pixels: `(N, H, W, 3)` BGR of the member's size, in an order that the content decides.
        labels: `(N,)` class of each.
        teams: Number of classes of the network.
        recipe: How to train.
        at: Which stage this is.
        progress: Called after each step with steps done, steps in all and the loss.
        watch: Called after epochs with the network and the steps since the shard's beginning; it may put the network in
            evaluation mode and ask it, and must not change it.
    """
    known = np.unique(labels)
    if len(known) < 2:
        return before
    network = build(recipe.member, teams, 0)
    network.load_state_dict(before.model)
    network = network.to(memory_format=torch.channels_last).train()
    parameters = dict(network.named_parameters())
    moments = _copies(before.memory)
    first, second = ({name: moments[f"{moment}/{name}"] for name in parameters} for moment in MOMENTS)
    steps = recipe.steps(len(labels), at.slices)
    epoch = max(math.ceil(len(labels) / recipe.batch), math.ceil(steps / MOST_EPOCHS))
    draw = np.random.Generator(np.random.PCG64(seed_of(recipe, at.shard, f"order {at.slice}")))
    bend = np.random.Generator(np.random.PCG64(seed_of(recipe, at.shard, f"augmentation {at.slice}")))
    columns = torch.from_numpy(known)
    for step, chosen in enumerate(_batches(labels, steps, recipe.batch, draw)):
        bent = augment(pixels[chosen], bend, Augmentation())
        targets = torch.from_numpy(np.searchsorted(known, labels[chosen]))
        logits = network(to_tensor(bent))[:, columns]
        loss = functional.cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)
        network.zero_grad()
        loss.backward()
        rate = one_cycle(step, steps, recipe.peak_rate)
        adamw_step(parameters, first, second, before.step + step + 1, rate, recipe.weight_decay)
        if progress is not None:
            progress(step + 1, steps, loss.item())
        if watch is not None and ((step + 1) % epoch == 0 or step + 1 == steps):
            watch(network, before.step + step + 1)
            network.train()
    return State(_copies(network.state_dict()), moments, before.step + steps)


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Learning rate of a step: up from peak/25 over the first 30 %, then down to nearly 0, both along a cosine.

    L. N. Smith, *Super-Convergence* (2018), with PyTorch's default shape; every stage runs a cycle of its own.
    """
    rise = max(int(0.3 * steps), 1)
    if step < rise:
        return peak / 25 + (peak - peak / 25) * (1 - math.cos(math.pi * step / rise)) / 2
    return peak * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1))) / 2 + peak / 1e4


def seed_of(recipe: Recipe, shard: int, purpose: str) -> int:
    """64 bits that depend on nothing but the arguments."""
    text = f"cleansheet\0{recipe.seed}\0{shard}\0{purpose}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@contextmanager
def single_thread() -> Iterator[None]:
    """Run a block with one thread in PyTorch and OpenCV: other numbers give other bits."""
    torch_before, cv_before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(torch_before)
        cv2.setNumThreads(cv_before)


def _batches(
    labels: NDArray[np.int64], steps: int, batch: int, random: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Indices of each step's crops. Teams take turns, so that few referees weigh as much as many skaters; within a
    team every crop has its turn before any has a second."""
    members = [np.flatnonzero(labels == team) for team in np.unique(labels)]
    decks: list[list[int]] = [[] for _ in members]
    turn = 0
    for _ in range(steps):
        chosen = []
        for _ in range(batch):
            team = turn % len(members)
            turn += 1
            if not decks[team]:
                decks[team] = random.permutation(members[team]).tolist()
            chosen.append(decks[team].pop())
        yield np.array(chosen)


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of one's own, contiguous, without a history."""
    return {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and values, hexadecimal. Tensors are hashed, never files."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
