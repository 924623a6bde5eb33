"""One stage of a shard's training: from one checkpoint to the next, as a pure function.

Stage r trains on the crops of slices 0 to r, from where stage r - 1 ended (Bourtoule et al., *Machine Unlearning*,
2021, section V-B). Everything random is drawn from generators seeded by the seed, the shard, the slice and the step's
purpose; the global random state is neither read nor changed. Bits are promised for one thread: `single_thread`.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from classifier.adamw import adamw_step
from classifier.augmentation import Augmentation, augment
from classifier.members import Ask
from classifier.networks import as_tensors, asking, build, single_thread, to_tensor
from classifier.recipe import Recipe
from classifier.state import State

MOMENTS = ("first", "second")
"""AdamW's running means of the gradient and of its square."""
MOST_EPOCHS = 10
"""So many looks are taken at a stage; where it has more epochs, at some of them."""


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
    return State(_arrays(network.state_dict()), _arrays(moments), 0)


@single_thread()
def run_stage(
    before: State, pixels: NDArray[np.uint8], labels: NDArray[np.int64], teams: int, recipe: Recipe, at: Position,
    progress: Callable[[int, int, float], None] | None = None, watch: Callable[[Ask, int], None] | None = None,
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
        watch: Called after epochs with the network, to be asked, and the steps since the shard's beginning.
    """
    known = np.unique(labels)
    if len(known) < 2:
        return before
    network = build(recipe.member, teams, 0)
    network.load_state_dict(as_tensors(before.model))
    network = network.to(memory_format=torch.channels_last).train()
    parameters = dict(network.named_parameters())
    moments = as_tensors(before.memory)
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
            watch(asking(network), before.step + step + 1)
            network.train()
    return State(_arrays(network.state_dict()), _arrays(moments), before.step + steps)


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


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[Any]]:
    """Arrays of one's own, contiguous, without a history."""
    return {
        name: tensor.detach().clone(memory_format=torch.contiguous_format).numpy() for name, tensor in tensors.items()
    }
