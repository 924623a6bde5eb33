"""The ensemble that inference loads: one constituent a shard, brought together into one calibrated answer.

`ensemble/manifest.json` names the constituents' files. It is replaced as one file and last, so that a reader sees
either the old ensemble or the new one.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from classifier.aggregation import Aggregation, Calibration
from classifier.atomic_file import is_partial, remove, write_whole
from classifier.checkpoints import load_state
from classifier.environment import environment
from classifier.errors import BadInput, CleansheetError
from classifier.judgement import Judged, Seen, judge
from classifier.members import member
from classifier.panel import Constituent, Panel, for_inference
from classifier.pixels import Image
from classifier.shard import ShardJob
from classifier.stage import Recipe, fingerprint
from classifier.state import State
from classifier.workspace import Workspace

MANIFEST = "manifest.json"
FORMAT = 2
BATCH = 256  # crops in one pass, so that memory does not grow with a video's length


class NoEnsemble(BadInput):
    """Nothing was trained in this workspace yet."""


@dataclass(frozen=True)
class Answering:
    """How the ensemble answers; nothing of it changes what is trained."""

    aggregation: Aggregation = "mean"
    threshold: float = 0.6
    """Below this confidence the verdict is `unknown`."""


class Ensemble:
    """A trained classifier in memory.

    Attributes:
        teams: The classes, in the order of a posterior's columns.
        version: Changes whenever any weight, class or way of answering does.
        member: The constituents' architecture.
        answering: How their answers become one.
        calibration: What makes its probabilities mean what they say.
    """

    def __init__(
        self, teams: tuple[str, ...], version: str, member: str, constituents: Sequence[Constituent],
        answering: Answering | None = None, calibration: Calibration | None = None,
    ) -> None:  # fmt: skip
        self.teams = teams
        self.version = version
        self.member = member
        self.answering = answering or Answering()
        self.calibration = calibration or Calibration()
        self._panel = Panel(constituents, len(teams))

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
            return cls(
                tuple(manifest["teams"]), manifest["version"], manifest["recipe"]["member"], constituents,
                recorded_answering(manifest), Calibration(**manifest.get("calibration", {})),
            )  # fmt: skip
        raise AssertionError

    @property
    def threshold(self) -> float:
        """Below this confidence a team is unknown."""
        return self.answering.threshold

    def alone(self) -> "tuple[Ensemble, ...]":
        """Each constituent as an ensemble of its own: what its shard alone would say, not calibrated."""
        return tuple(Ensemble(self.teams, self.version, self.member, [one]) for one in self._panel.constituents)

    def posterior(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Probability of each team for each crop, calibrated, `(N, teams)` float32; rows sum to 1.

        Args:
            crops: N BGR pictures, uint8 `(h, w, 3)`, of any size.
        """
        prepare = member(self.member).prepare
        out = np.empty((len(crops), len(self.teams)), np.float32)
        for start in range(0, len(crops), BATCH):
            part = np.stack([prepare(crop) for crop in crops[start : start + BATCH]])
            said = self._panel.posterior(part, self.answering.aggregation)
            out[start : start + len(part)] = self.calibration.applied(said)
        return out


@dataclass(frozen=True)
class Published:
    """What `publish` made."""

    version: str
    judged: Judged | None
    """What strangers say of the crops; None where no shard can tell two teams apart."""


def publish(
    place: Workspace, jobs: Sequence[ShardJob], teams: Sequence[str], recipe: Recipe, seen: Sequence[Seen],
    answering: Answering | None = None, *, even_empty: bool = False,
) -> Published:  # fmt: skip
    """Make the ensemble of the shards' last checkpoints the workspace's own, and delete the previous files.

    Shards that cannot tell two teams apart have no constituent.

    Args:
        place: Where.
        jobs: Of each shard that takes part.
        teams: The classes.
        recipe: What the shards were trained with.
        seen: The crops that its confidence may be calibrated on.
        answering: How it answers; as until now where None.
        even_empty: Publish an ensemble that knows nothing rather than raise: an erasure goes on whatever is left.

    Raises:
        CleansheetError: no shard sees two teams, or a checkpoint is missing.
    """
    able = [job for job in jobs if job.known()]
    if not able and not even_empty:
        raise CleansheetError("no shard sees two teams: train with fewer shards, or in balanced mode (--replan).")
    states = [_last_state(place, job) for job in able]
    if answering is None:
        try:
            answering = recorded_answering(read_manifest(place.path))
        except CleansheetError:
            answering = Answering()
    judged = None
    if able:
        panel = Panel([_constituent(job, state) for job, state in zip(able, states, strict=True)], len(teams))
        shards = [job.shard for job in able]
        judged = judge(panel, shards, seen, teams, recipe.member, answering.aggregation)
    entries: list[dict[str, Any]] = []
    for job, state in zip(able, states, strict=True):
        file = f"{job.names()[-1]}.safetensors"
        write_whole(place.ensemble / file, save({k: v.contiguous() for k, v in state.model.items()}))
        entries.append({"shard": job.shard, "file": file, "known": job.known(), "sha256": fingerprint(state.model)})
    made_of = {
        "format": FORMAT, "teams": list(teams), "recipe": recipe.model_dump(mode="json"), "constituents": entries,
        "answering": asdict(answering), "calibration": asdict(judged.calibration if judged else Calibration()),
    }  # fmt: skip
    version = _version(made_of)
    manifest = {**made_of, "version": version, "environment": environment(recipe.member)}
    write_whole(place.ensemble / MANIFEST, json.dumps(manifest, indent=1).encode())
    kept = {MANIFEST, *(entry["file"] for entry in entries)}
    for path in place.ensemble.iterdir():
        if path.name not in kept and (path.suffix == ".safetensors" or is_partial(path)):
            remove(path)
    return Published(version, judged)


def withdraw(place: Workspace, shards: Collection[int]) -> None:
    """Let the ensemble answer without these shards from now on, and delete what they had learnt from `ensemble/`."""
    try:
        manifest = read_manifest(place.path)
    except CleansheetError:
        return
    entries = [entry for entry in manifest["constituents"] if entry["shard"] not in shards]
    if len(entries) < len(manifest["constituents"]):
        manifest |= {"constituents": entries, "calibration": asdict(Calibration())}  # theirs had a part in it
        manifest["version"] = _version({k: v for k, v in manifest.items() if k not in ("version", "environment")})
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


def recorded_answering(manifest: dict[str, Any]) -> Answering:
    """How an ensemble answers, by its manifest; older ones know one way."""
    return Answering(**manifest.get("answering", {}))


def checked(aggregation: str | None, threshold: float | None, recorded: Answering) -> Answering:
    """What was asked for, over what is recorded.

    Raises:
        BadInput: no such way, or a threshold that is no probability.
    """
    if aggregation is not None and aggregation not in get_args(Aggregation):
        raise BadInput(f"unknown aggregation {aggregation!r}: expected {' or '.join(get_args(Aggregation))}.")
    if threshold is not None and not 0 <= threshold < 1:
        raise BadInput(f"a threshold of {threshold:g}: expected a confidence from 0 (never unknown) to below 1.")
    way = next((known for known in get_args(Aggregation) if known == aggregation), recorded.aggregation)
    return Answering(way, recorded.threshold if threshold is None else threshold)


def _version(made_of: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def _last_state(place: Workspace, job: ShardJob) -> State:
    name = job.names()[-1]
    state = load_state(place.shards, name)
    if state is None:
        raise CleansheetError(f"checkpoint {name} is missing from {place.shards}: run `cleansheet train` again.")
    return state


def _constituent(job: ShardJob, state: State) -> Constituent:
    known = tuple(job.teams.index(team) for team in job.known())
    return Constituent(for_inference(job.recipe.member, len(job.teams), state.model), known)


def _load(folder: Path, manifest: dict[str, Any], entry: dict[str, Any]) -> Constituent:
    teams = manifest["teams"]
    model = load_file(folder / entry["file"])
    if fingerprint(model) != entry["sha256"]:
        raise KeyError(f"{entry['file']} is not what was trained")
    network = for_inference(manifest["recipe"]["member"], len(teams), model)
    return Constituent(network, tuple(teams.index(team) for team in entry["known"]))
