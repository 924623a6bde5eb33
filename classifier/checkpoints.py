"""Slice checkpoints: files named by the hash of all that made them, so that training is "build what is missing"."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from classifier.atomic_file import is_partial, remove, write_whole
from classifier.environment import environment
from classifier.recipe import Recipe
from classifier.state import Arrays, State, as_safetensors, fingerprint

SUFFIX = ".safetensors"


def stage_names(
    slices: Sequence[Sequence[tuple[str, str]]], teams: Sequence[str], recipe: Recipe, shard: int
) -> tuple[str, ...]:
    """The name of each slice's checkpoint in a shard.

    A name is the SHA-256 of the previous checkpoint's name, the slice's crops and labels, the classes, the recipe, the
    position and the environment: what is equal in all of these has equal bits.

    Args:
        slices: Of each slice the `(digest, team)` of its crops, in any order.
        teams: The classes, in the network's order.
        recipe: How the stages are trained.
        shard: 0-based.
    """
    names: list[str] = []
    for part, crops in enumerate(slices):
        made_of = {
            "previous": names[-1] if names else None,
            "crops": sorted(crops),
            "teams": list(teams),
            "recipe": recipe.model_dump(mode="json"),
            "position": [shard, part, len(slices)],
            "environment": environment(recipe.member),
        }
        text = json.dumps(made_of, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        names.append(hashlib.sha256(text.encode()).hexdigest())
    return tuple(names)


def checkpoint_path(folder: Path, name: str) -> Path:
    return folder / f"{name}{SUFFIX}"


def save_state(folder: Path, name: str, state: State) -> None:
    """Write a checkpoint, whole or not at all."""
    arrays: dict[str, NDArray[Any]] = {"step": np.array(state.step, np.int64)}
    for kind, part in _parts(state).items():
        arrays |= {f"{kind}/{key}": array for key, array in part.items()}
    write_whole(checkpoint_path(folder, name), as_safetensors(arrays))


def load_state(folder: Path, name: str) -> State | None:
    """Read a checkpoint; None where there is none or it is damaged, either of which training mends."""
    path = checkpoint_path(folder, name)
    try:
        arrays = load_file(path)
        step = int(arrays.pop("step").item())
        kinds: dict[str, dict[str, NDArray[Any]]] = {"model": {}, "memory": {}}
        for key, array in arrays.items():
            kind, _, rest = key.partition("/")
            kinds[kind][rest] = array
    except (FileNotFoundError, SafetensorError, KeyError):  # KeyError: an older program's
        return None
    return State(kinds["model"], kinds["memory"], step)


def state_fingerprint(state: State) -> str:
    """SHA-256 over every array of a checkpoint, what training carries along included, and its step; hexadecimal."""
    digest = hashlib.sha256(str(state.step).encode())
    for part in _parts(state).values():
        digest.update(fingerprint(part).encode())
    return digest.hexdigest()


def prune(folder: Path, keep: Iterable[str]) -> int:
    """Delete all checkpoints but these, and what killed writers left; the number of files deleted.

    A checkpoint that nothing refers to remembers people who may have left.
    """
    kept = {f"{name}{SUFFIX}" for name in keep}
    gone = 0
    for path in sorted(folder.iterdir()) if folder.exists() else []:
        if path.name not in kept and (path.suffix == SUFFIX or is_partial(path)):
            remove(path)
            gone += 1
    return gone


def _parts(state: State) -> dict[str, Arrays]:
    return {"model": state.model, "memory": state.memory}
