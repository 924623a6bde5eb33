"""Training one shard: from the last checkpoint that is there, slice by slice, to the last one wanted."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from classifier import ridge
from classifier.checkpoints import load_state, save_state, stage_names, state_fingerprint
from classifier.history import Epoch, Sample, key_of, measure, save_history
from classifier.members import Ask, member
from classifier.pixels import read_crop, single_thread
from classifier.recipe import Recipe
from classifier.state import State

Report = Callable[[dict[str, Any]], None]
"""Hears `{"shard", "slice", "steps", "loss"}`: so many more steps are done."""
REPORT_EVERY = 10  # steps
MOST_LOOKED_AT = 300
"""Crops of a shard that histories are measured on."""


class LabelledCrop(BaseModel):
    """A crop as training needs it."""

    model_config = ConfigDict(frozen=True)

    digest: str
    path: Path
    team: str


class ShardJob(BaseModel):
    """All that decides a shard's checkpoints, and where to keep them; goes to another process as JSON."""

    model_config = ConfigDict(frozen=True)

    shard: int
    slices: tuple[tuple[LabelledCrop, ...], ...]
    teams: tuple[str, ...]
    recipe: Recipe
    folder: Path | None
    """Where checkpoints are kept; None keeps none (evaluation)."""
    held_out: tuple[tuple[LabelledCrop, ...], ...] = ()
    """Crops of other shards, a part each, that its history is measured on; they decide nothing."""

    def names(self) -> tuple[str, ...]:
        """The checkpoints' names, one a slice."""
        pairs = [[(crop.digest, crop.team) for crop in part] for part in self.slices]
        return stage_names(pairs, self.teams, self.recipe, self.shard)

    def steps(self, first: int) -> int:
        """The work of the slices from `first` on: optimizer steps, or crops to add up."""
        if member(self.recipe.member).exact:
            return sum(map(len, self.slices[first:]))
        total, seen = 0, list[LabelledCrop]()
        for part, crops in enumerate(self.slices):
            seen += crops
            if part >= first and len({crop.team for crop in seen}) > 1:
                total += self.recipe.steps(len(seen), len(self.slices))
        return total

    def known(self) -> tuple[str, ...]:
        """The teams that this shard sees, and so has a say about; none where it sees but one."""
        seen = sorted({crop.team for part in self.slices for crop in part})
        return tuple(seen) if len(seen) > 1 else ()


def missing_from(job: ShardJob) -> int:
    """The first slice whose checkpoint must be built: after the last one that can be read."""
    assert job.folder is not None
    names = job.names()
    for part in reversed(range(len(names))):
        if load_state(job.folder, names[part]) is not None:
            return part + 1
    return 0


def build_shard(job: ShardJob, report: Report) -> None:
    """Build the job's missing checkpoints on disk."""
    assert job.folder is not None
    first = missing_from(job)
    names = job.names()
    state = load_state(job.folder, names[first - 1]) if first else None
    epochs: list[Epoch] = []
    for part, after in enumerate(train_shard(job, report, first, state, epochs.append), start=first):
        save_history(job.folder, names[part], [epoch for epoch in epochs if epoch.slice == part])
        save_state(job.folder, names[part], after)


def retrain(job: ShardJob, report: Report) -> list[str]:
    """Train a shard from nothing, without looking at any checkpoint; the fingerprint of the state after each slice."""
    return [state_fingerprint(state) for state in train_shard(job, report)]


def train_shard(
    job: ShardJob, report: Report, first: int = 0, before: State | None = None,
    watch: Callable[[Epoch], None] | None = None,
) -> Iterator[State]:  # fmt: skip
    """The states after each slice from `first` on, one by one as they are trained.

    Args:
        job: The shard.
        report: Hears of the steps.
        first: The first slice to train.
        before: The state after slice `first - 1`; None for a fresh one.
        watch: Hears of epochs; what it hears changes nothing.
    """
    train_slice = _add_slice if member(job.recipe.member).exact else _run_slice
    state = before
    for part in range(first, len(job.slices)):
        look = None if watch is None else _look(job, part, watch)
        state = train_slice(job, part, state, report, look)
        yield state


def _add_slice(
    job: ShardJob, part: int, before: State | None, report: Report, look: Callable[[Ask, int], None] | None
) -> State:
    """The exact member: its own crops alone are new."""
    pixels, labels = shard_pixels(job.slices[part : part + 1], job)
    state = ridge.add_crops(before or ridge.fresh_sums(len(job.teams)), pixels, labels)
    if look is not None:
        look(ridge.asking(state.model["weights"]), state.step)
    report({"shard": job.shard, "slice": part, "steps": len(labels), "loss": 0.0})
    return state


def _run_slice(
    job: ShardJob, part: int, before: State | None, report: Report, look: Callable[[Ask, int], None] | None
) -> State:
    """A network: from the previous slices' weights, with their crops and its own."""
    from classifier.stage import Position, fresh_state, run_stage  # brings PyTorch

    teams = len(job.teams)
    pixels, labels = shard_pixels(job.slices[: part + 1], job)
    before = before or fresh_state(job.recipe, teams, job.shard)
    at, by_tens = Position(job.shard, part, len(job.slices)), _by_tens(job.shard, part, report)
    return run_stage(before, pixels, labels, teams, job.recipe, at, by_tens, look)


def _look(job: ShardJob, part: int, watch: Callable[[Epoch], None]) -> Callable[[Ask, int], None]:
    """Measures a model in training on crops of its own and of others."""
    own = sorted((crop for crops in job.slices[: part + 1] for crop in crops), key=lambda crop: crop.digest)
    samples = [_sample(crops, job) for crops in (own[:MOST_LOOKED_AT], *job.held_out)]
    known = sorted({job.teams.index(crop.team) for crop in own})

    def look(ask: Ask, step: int) -> None:
        mine, *others = (measure(ask, sample, known, len(job.teams)) for sample in samples)
        held_out = {sample.key: tally for sample, tally in zip(samples[1:], others, strict=True)}
        watch(Epoch(shard=job.shard, slice=part, step=step, train=mine, held_out=held_out))

    return look


def _sample(crops: Sequence[LabelledCrop], job: ShardJob) -> Sample:
    labels = np.array([job.teams.index(crop.team) for crop in crops], np.int64)
    return Sample(sample_key(crops), member_pixels(crops, job.recipe.member), labels)


def sample_key(crops: Sequence[LabelledCrop]) -> str:
    """The key that a history keeps what was measured on these crops under."""
    return key_of([(crop.digest, crop.team) for crop in crops])


def _by_tens(shard: int, part: int, report: Report) -> Callable[[int, int, float], None]:
    """A stage's progress, a message every few steps."""
    done = 0

    def heard(step: int, steps: int, loss: float) -> None:
        nonlocal done
        if step % REPORT_EVERY == 0 or step == steps:
            report({"shard": shard, "slice": part, "steps": step - done, "loss": loss})
            done = step

    return heard


def shard_pixels(
    slices: Sequence[Sequence[LabelledCrop]], job: ShardJob
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:  # fmt: skip
    """Crops in the order of their digests: `(N, H, W, 3)` pixels and `(N,)` classes."""
    crops = sorted((crop for part in slices for crop in part), key=lambda crop: crop.digest)
    return member_pixels(crops, job.recipe.member), np.array([job.teams.index(c.team) for c in crops], np.int64)


def member_pixels(crops: Sequence[LabelledCrop], member_name: str) -> NDArray[np.uint8]:
    """`(N, H, W, 3)` of the member's size; each picture is decoded once in a process."""
    size = member(member_name)
    pixels = np.empty((len(crops), size.height, size.width, 3), np.uint8)
    with single_thread():
        for i, crop in enumerate(crops):
            key = (crop.digest, member_name)
            if key not in _DECODED:
                _DECODED[key] = size.prepare(read_crop(crop.path))
            pixels[i] = _DECODED[key]
    return pixels


_DECODED: dict[tuple[str, str], NDArray[np.uint8]] = {}
