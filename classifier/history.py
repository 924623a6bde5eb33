"""How a shard's training went, epoch by epoch, kept beside the checkpoint that it led to.

Losses and confusion matrices are measured on the shard's own crops, and on those of the other shards: people whom it
never sees. What is measured on others is kept under a hash of their crops, and goes as soon as one of them leaves, so
that a history tells nothing of anybody who was forgotten. Nothing here has a part in training.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from classifier.atomic_file import remove, write_whole
from classifier.members import Ask
from classifier.scores import confusion_of

SUFFIX = ".history.json"
BATCH = 256


class Tally(BaseModel):
    """A model asked about some crops."""

    model_config = ConfigDict(frozen=True)

    crops: int
    loss: float
    """Mean cross-entropy, nats."""
    confusion: tuple[tuple[int, ...], ...]


class Epoch(BaseModel):
    """One look at a model in training."""

    model_config = ConfigDict(frozen=True)

    shard: int
    slice: int
    step: int
    """Optimizer steps taken, or crops added, since the shard's beginning."""
    train: Tally
    held_out: dict[str, Tally]
    """By the key of the other shard's crops."""


@dataclass(frozen=True)
class Sample:
    """Pictures to measure on."""

    key: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


def key_of(crops: Collection[tuple[str, str]]) -> str:
    """A name for `(digest, team)` pairs that changes with any of them; 16 hexadecimal digits."""
    return hashlib.sha256(repr(sorted(crops)).encode()).hexdigest()[:16]


def measure(ask: Ask, sample: Sample, known: Sequence[int], teams: int) -> Tally:
    """Ask a model about the sample's crops of teams that it knows."""
    mine = np.isin(sample.labels, known)
    pixels, labels, columns = sample.pixels[mine], sample.labels[mine], np.array(known)
    if not len(labels):
        return Tally(crops=0, loss=0.0, confusion=((0,) * teams,) * teams)
    logits = np.concatenate([ask(pixels[i : i + BATCH])[:, columns] for i in range(0, len(pixels), BATCH)])
    right = logits[np.arange(len(labels)), np.searchsorted(columns, labels)]
    loss = float((np.logaddexp.reduce(logits.astype(np.float64), axis=1) - right).mean())
    called = columns[logits.argmax(axis=1)]
    confusion = confusion_of(labels, called, teams).tolist()
    return Tally(crops=len(labels), loss=round(loss, 6), confusion=tuple(map(tuple, confusion)))


def history_path(folder: Path, name: str) -> Path:
    return folder / f"{name}{SUFFIX}"


def save_history(folder: Path, name: str, epochs: Sequence[Epoch]) -> None:
    """Write the epochs that led to a checkpoint, before the checkpoint itself."""
    write_whole(history_path(folder, name), _EPOCHS.dump_json(list(epochs)))


def load_history(folder: Path, name: str) -> list[Epoch]:
    """The epochs that led to a checkpoint; none where they are not kept or cannot be read."""
    try:
        return _EPOCHS.validate_json(history_path(folder, name).read_bytes())
    except (FileNotFoundError, ValidationError):
        return []


def trim_histories(folder: Path, names: Collection[str], keys: Collection[str]) -> None:
    """Delete the histories of checkpoints but these, and in these what was measured on crops but those of `keys`."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        if name not in names:
            remove(path)
            continue
        epochs = load_history(folder, name)
        kept = [
            epoch.model_copy(update={"held_out": {k: v for k, v in epoch.held_out.items() if k in keys}})
            for epoch in epochs
        ]
        if kept != epochs:
            save_history(folder, name, kept)


def together(tallies: Collection[Tally]) -> Tally | None:
    """Several as one; None of none."""
    crops = sum(tally.crops for tally in tallies)
    if not crops:
        return None
    confusion = np.sum([tally.confusion for tally in tallies], axis=0).tolist()
    loss = sum(tally.loss * tally.crops for tally in tallies) / crops
    return Tally(crops=crops, loss=loss, confusion=tuple(map(tuple, confusion)))


_EPOCHS = TypeAdapter(list[Epoch])
