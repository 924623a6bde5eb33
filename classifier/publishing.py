"""Making the ensemble that inference loads out of the shards' last checkpoints, and taking shards out of it again.

The manifest is replaced as one file and last, so that a reader sees either the old ensemble or the new one.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from classifier.aggregation import Calibration
from classifier.atomic_file import is_partial, remove, write_whole
from classifier.checkpoints import load_state
from classifier.ensemble import FORMAT, MANIFEST, Answering, read_manifest, recorded_answering
from classifier.environment import environment
from classifier.errors import CleansheetError
from classifier.judgement import Judged, Seen, judge
from classifier.panel import Constituent, Panel
from classifier.recipe import Recipe
from classifier.shard import ShardJob
from classifier.state import State, as_safetensors, fingerprint
from classifier.workspace import Workspace


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
        constituents = [_constituent(job, state) for job, state in zip(able, states, strict=True)]
        panel = Panel(recipe.member, constituents, len(teams))
        shards = [job.shard for job in able]
        judged = judge(panel, shards, seen, teams, recipe.member, answering.aggregation)
    entries: list[dict[str, Any]] = []
    for job, state in zip(able, states, strict=True):
        file = f"{job.names()[-1]}.safetensors"
        write_whole(place.ensemble / file, as_safetensors(state.model))
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


def _version(made_of: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def _last_state(place: Workspace, job: ShardJob) -> State:
    name = job.names()[-1]
    state = load_state(place.shards, name)
    if state is None:
        raise CleansheetError(f"checkpoint {name} is missing from {place.shards}: run `cleansheet train` again.")
    return state


def _constituent(job: ShardJob, state: State) -> Constituent:
    return Constituent(state.model, tuple(job.teams.index(team) for team in job.known()))
