"""The ensemble that inference loads: one constituent a shard, their posteriors averaged.

`ensemble/manifest.json` names the constituents' files. It is replaced as one file and last, so that a reader sees
either the old ensemble or the new one.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from classifier.atomic_file import is_partial, remove, write_whole
from classifier.checkpoints import load_state
from classifier.environment import environment
from classifier.errors import BadInput, CleansheetError
from classifier.members import build, member, to_tensor
from classifier.pixels import Image, fit
from classifier.shard import ShardJob
from classifier.stage import Recipe, fingerprint, single_thread
from classifier.workspace import Workspace

MANIFEST = "manifest.json"
FORMAT = 1
BATCH = 256  # crops in one pass, so that memory does not grow with a video's length


class NoEnsemble(BadInput):
    """Nothing was trained in this workspace yet."""


@dataclass(frozen=True)
class Constituent:
    """One shard's model."""

    network: nn.Module
    known: tuple[int, ...]
    """The classes that its shard has seen."""


class Ensemble:
    """A trained classifier in memory.

    Attributes:
        teams: The classes, in the order of a posterior's columns.
        version: Changes whenever any weight or class does.
        member: The constituents' architecture.
    """

    def __init__(self, teams: tuple[str, ...], version: str, member: str, constituents: Sequence[Constituent]) -> None:
        self.teams = teams
        self.version = version
        self.member = member
        self._constituents = tuple(constituents)

    @classmethod
    def load(cls, workspace: Path) -> "Ensemble":
        """The workspace's ensemble.

        Raises:
            NoEnsemble: there is none yet; the message says how to get one.
            CleansheetError: it is damaged.
        """
        folder = Workspace(workspace).ensemble
        for attempt in range(3):
            manifest = read_manifest(workspace)
            try:
                constituents = [_load(folder, manifest, entry) for entry in manifest["constituents"]]
            except (FileNotFoundError, SafetensorError, KeyError, RuntimeError) as error:
                if attempt < 2 and isinstance(error, FileNotFoundError):
                    continue  # replaced while we were reading
                raise CleansheetError(f"{folder} is damaged ({error}): run `cleansheet train`.") from error
            if not constituents:
                raise NoEnsemble(
                    f"the classifier in {workspace} knows nobody (any more): label and `cleansheet import` crops of "
                    "two teams, then `cleansheet train`."
                )
            return cls(tuple(manifest["teams"]), manifest["version"], manifest["recipe"]["member"], constituents)
        raise AssertionError

    def alone(self) -> "tuple[Ensemble, ...]":
        """Each constituent as an ensemble of its own: what its shard alone would say."""
        return tuple(Ensemble(self.teams, self.version, self.member, [one]) for one in self._constituents)

    def posterior(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Probability of each team for each crop, `(N, teams)` float32; rows sum to 1.

        A class's probability is the mean over the constituents that know it.

        Args:
            crops: N BGR pictures, uint8 `(h, w, 3)`, of any size.
        """
        size = member(self.member)
        # One thread: these networks are too small to gain from more, and a busy machine makes more threads slow.
        out = np.empty((len(crops), len(self.teams)), np.float32)
        with single_thread():
            for start in range(0, len(crops), BATCH):
                part = np.stack([fit(crop, size.height, size.width) for crop in crops[start : start + BATCH]])
                out[start : start + len(part)] = mean_posterior(self._constituents, to_tensor(part), len(self.teams))
        return out


@torch.inference_mode()
def mean_posterior(constituents: Sequence[Constituent], pixels: Tensor, teams: int) -> NDArray[np.float32]:
    """`(N, 3, H, W)` → `(N, teams)`: each class averaged over those who know it, then scaled to sum to 1."""
    total = torch.zeros(len(pixels), teams)
    votes = torch.zeros(teams)
    for constituent in constituents:
        columns = list(constituent.known)
        total[:, columns] += constituent.network(pixels)[:, columns].softmax(dim=1)
        votes[columns] += 1
    mean = total / votes.clamp(min=1)
    sums = mean.sum(dim=1, keepdim=True)
    return torch.where(sums > 0, mean / sums.clamp(min=1e-12), torch.full_like(mean, 1 / teams)).numpy()


def for_inference(member_name: str, teams: int, model: dict[str, Tensor]) -> nn.Module:
    """A constituent ready to answer: batch norm folded into the convolutions before it."""
    network = build(member_name, teams, 0)
    network.load_state_dict(model)
    network.eval()
    features = network.get_submodule("features")
    assert isinstance(features, nn.Sequential)
    folded: list[nn.Module] = []
    for layer in features:
        if isinstance(layer, nn.BatchNorm2d) and isinstance(folded[-1], nn.Conv2d):
            folded[-1] = fuse_conv_bn_eval(folded[-1], layer)
        else:
            folded.append(layer)
    network.add_module("features", nn.Sequential(*folded))
    return network.to(memory_format=torch.channels_last)


def publish(
    place: Workspace, jobs: Sequence[ShardJob], teams: Sequence[str], recipe: Recipe, *, even_empty: bool = False
) -> str:
    """Make the ensemble of the shards' last checkpoints the workspace's own, and delete the previous files.

    Shards that cannot tell two teams apart have no constituent.

    Args:
        place: Where.
        jobs: Of each shard that takes part.
        teams: The classes.
        recipe: What the shards were trained with.
        even_empty: Publish an ensemble that knows nothing rather than raise: an erasure goes on whatever is left.

    Returns:
        The ensemble's version.

    Raises:
        CleansheetError: no shard sees two teams, or a checkpoint is missing.
    """
    entries: list[dict[str, Any]] = []
    for job in jobs:
        if not job.known():
            continue
        name = job.names()[-1]
        state = load_state(place.shards, name)
        if state is None:
            raise CleansheetError(f"checkpoint {name} is missing from {place.shards}: run `cleansheet train` again.")
        write_whole(place.ensemble / f"{name}.safetensors", save({k: v.contiguous() for k, v in state.model.items()}))
        digest = fingerprint(state.model)
        entries.append({"shard": job.shard, "file": f"{name}.safetensors", "known": job.known(), "sha256": digest})
    if not entries and not even_empty:
        raise CleansheetError("no shard sees two teams: train with fewer shards, or in balanced mode (--replan).")
    settings = recipe.model_dump(mode="json")
    made_of = {"format": FORMAT, "teams": list(teams), "recipe": settings, "constituents": entries}
    version = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    manifest = {**made_of, "version": version, "environment": environment()}
    write_whole(place.ensemble / MANIFEST, json.dumps(manifest, indent=1).encode())
    kept = {MANIFEST, *(entry["file"] for entry in entries)}
    for path in place.ensemble.iterdir():
        if path.name not in kept and (path.suffix == ".safetensors" or is_partial(path)):
            remove(path)
    return version


def withdraw(place: Workspace, shards: Collection[int]) -> None:
    """Let the ensemble answer without these shards from now on, and delete what they had learnt from `ensemble/`."""
    try:
        manifest = read_manifest(place.path)
    except CleansheetError:
        return
    entries = [entry for entry in manifest["constituents"] if entry["shard"] not in shards]
    if len(entries) < len(manifest["constituents"]):
        left = {name: manifest[name] for name in ("format", "teams", "recipe")} | {"constituents": entries}
        version = hashlib.sha256(json.dumps(left, sort_keys=True).encode()).hexdigest()[:16]
        manifest |= {"constituents": entries, "version": version}
        write_whole(place.ensemble / MANIFEST, json.dumps(manifest, indent=1).encode())
    kept = {entry["file"] for entry in entries}
    for path in sorted(place.ensemble.iterdir()):
        if path.name != MANIFEST and path.name not in kept:
            remove(path)


def read_manifest(workspace: Path) -> dict[str, Any]:
    """What the ensemble consists of.

    Raises:
        NoEnsemble: there is none.
        BadInput: it was written by a newer program.
    """
    path = Workspace(workspace).ensemble / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise NoEnsemble(
            f"no classifier yet in {workspace}: label a run's crops with `cleansheet crops RUN`, then "
            "`cleansheet import` them and `cleansheet train`."
        ) from None
    except (json.JSONDecodeError, NotADirectoryError) as error:
        raise CleansheetError(f"{path} is damaged ({error}): run `cleansheet train`.") from error
    if manifest.get("format", 0) > FORMAT:
        raise BadInput(f"{path} was written by a newer program: install a newer cleansheet, or train again.")
    return manifest


def _load(folder: Path, manifest: dict[str, Any], entry: dict[str, Any]) -> Constituent:
    teams = manifest["teams"]
    model = load_file(folder / entry["file"])
    if fingerprint(model) != entry["sha256"]:
        raise KeyError(f"{entry['file']} is not what was trained")
    network = for_inference(manifest["recipe"]["member"], len(teams), model)
    return Constituent(network, tuple(teams.index(team) for team in entry["known"]))
