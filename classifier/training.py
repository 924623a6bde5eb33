"""`train`: make the plan or extend the recorded one, build the checkpoints that are missing, publish the ensemble."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.catalog import Catalog, Crop, open_catalog
from classifier.checkpoints import prune
from classifier.ensemble import Answering, checked, read_manifest, recorded_answering
from classifier.errors import BadInput, CleansheetError
from classifier.history import trim_histories
from classifier.judgement import all_seen
from classifier.members import member
from classifier.plan import Plan, extend_plan, make_plan
from classifier.processes import default_workers, run_jobs
from classifier.publishing import publish
from classifier.recipe import Recipe
from classifier.roster import holdings, trainable
from classifier.shard import MOST_LOOKED_AT, LabelledCrop, ShardJob, missing_from, sample_key
from classifier.training_page import clear_pages, write_pages
from classifier.workspace import Workspace

DEFAULT_SHARDS = 4
DEFAULT_SLICES = 3


@dataclass(frozen=True)
class PlanRequest:
    """What sort of plan is wanted; what is None is as recorded, or the default."""

    shards: int | None = None
    slices: int | None = None
    mode: str | None = None
    replan: bool = False
    """Plan afresh even if a recorded plan would do."""


@dataclass(frozen=True)
class TrainProgress:
    """Sent while training."""

    steps: int
    """Optimizer steps done in all shards."""
    of: int
    """Steps to do in this training."""
    shard: int
    slice: int
    loss: float


@dataclass(frozen=True)
class TrainReport:
    """What a training did."""

    ensemble: str
    """The ensemble's version."""
    teams: tuple[str, ...]
    member: str
    mode: str
    shards: int
    slices: int
    crops: int
    """Crops trained on."""
    players: int
    stages_built: int
    stages_reused: int
    checkpoints_deleted: int
    """Those that nothing refers to any more."""
    notes: tuple[str, ...]


def train(
    workspace: Path, recipe: Recipe | None = None, request: PlanRequest | None = None, *, workers: int | None = None,
    progress: Callable[[TrainProgress], None] | None = None, aggregation: str | None = None,
    threshold: float | None = None,
) -> TrainReport:  # fmt: skip
    """Bring the ensemble up to date with the catalog. Stopped at any instant, it goes on when called again.

    Args:
        workspace: With an imported catalog.
        recipe: How constituents are trained.
        request: What sort of plan is wanted.
        workers: Processes; one a core by default.
        progress: Hears of the training.
        aggregation: `mean` or `majority`; as recorded where None.
        threshold: Confidence below which a verdict is `unknown`; as recorded where None.

    Raises:
        BadInput: nothing to train on, or wishes that cannot be met.
        CleansheetError: a picture or a process was lost on the way.
    """
    place, recipe, request = Workspace(workspace), recipe or Recipe(), request or PlanRequest()
    member(recipe.member)
    place.require_catalog()
    answering = checked(aggregation, threshold, _answering(workspace))
    with place.writing():
        clear_pages(place)
        with open_catalog(place, write=True) as catalog:
            every = catalog.crops()
            crops = trainable(every)
            plan = _plan(catalog, crops, request)
            withdrawn = [player.name for player in catalog.players() if player.consent == "withdrawn"]
        jobs = shard_jobs(place, plan, crops, recipe)
        built = build_missing(jobs, workers, progress)
        published = publish(place, jobs, plan.teams, recipe, all_seen(place, plan, every), answering)
        deleted = tidy(place, jobs)
        write_pages(place, jobs, published.judged, {c.digest: ", ".join(c.players) for c in every})
    return TrainReport(
        published.version, plan.teams, recipe.member, plan.mode, plan.shards, plan.slices, len(crops),
        len({crop.players[0] for crop in crops}), built, plan.shards * plan.slices - built, deleted,
        (*plan.notes, *(f"{name} withdrew consent: `cleansheet forget-player` erases them." for name in withdrawn)),
    )  # fmt: skip


def _answering(workspace: Path) -> Answering:
    try:
        return recorded_answering(read_manifest(workspace))
    except CleansheetError:  # there is none yet
        return Answering()


def build_missing(
    jobs: Sequence[ShardJob], workers: int | None, progress: Callable[[TrainProgress], None] | None
) -> int:
    """Train what no checkpoint holds; the number of stages that were built."""
    first = [missing_from(job) for job in jobs]
    work = [job for job, start in zip(jobs, first, strict=True) if start < len(job.slices)]
    total = sum(job.steps(start) for job, start in zip(jobs, first, strict=True))
    done = 0

    def heard(message: dict[str, Any]) -> None:
        nonlocal done
        done += message["steps"]
        if progress is not None:
            progress(TrainProgress(done, total, message["shard"], message["slice"], message["loss"]))

    run_jobs("shard", work, default_workers(total) if workers is None else workers, heard)
    return sum(len(job.slices) - start for job, start in zip(jobs, first, strict=True))


def tidy(place: Workspace, jobs: Sequence[ShardJob]) -> int:
    """Delete the checkpoints that these shards do not refer to, and what histories say of crops that are not among
    theirs; the number of checkpoints deleted."""
    names = [name for job in jobs for name in job.names()]
    trim_histories(place.shards, names, {sample_key(crops) for job in jobs for crops in job.held_out})
    return prune(place.shards, names)


def shard_jobs(place: Workspace, plan: Plan, crops: Sequence[Crop], recipe: Recipe) -> tuple[ShardJob, ...]:
    """What each shard is trained on, under a plan that knows every crop's player."""
    cells: list[list[list[LabelledCrop]]] = [[[] for _ in range(plan.slices)] for _ in range(plan.shards)]
    for crop in sorted(crops, key=lambda crop: crop.digest):
        where = plan.place(crop.players[0], crop.digest)
        path = place.crop(crop.digest, crop.suffix)
        cells[where.shard][where.slice].append(LabelledCrop(digest=crop.digest, path=path, team=crop.team))
    most = math.ceil(MOST_LOOKED_AT / max(plan.shards - 1, 1))
    shown = [tuple(sorted((c for part in of for c in part), key=lambda crop: crop.digest)[:most]) for of in cells]
    return tuple(
        ShardJob(
            shard=shard, slices=tuple(map(tuple, slices)), teams=plan.teams, recipe=recipe, folder=place.shards,
            held_out=tuple(crops for other, crops in enumerate(shown) if other != shard and crops),
        )
        for shard, slices in enumerate(cells)
    )  # fmt: skip


def _plan(catalog: Catalog, crops: Sequence[Crop], request: PlanRequest) -> Plan:
    """The recorded plan for today's players, or a new one; recorded."""
    roster = holdings(crops, catalog.players())
    if not roster:
        raise BadInput("the catalog has no training crop of a single person: import some with `cleansheet import DIR`.")
    recorded = catalog.plan()
    asked = recorded.asked if recorded else (min(DEFAULT_SHARDS, len(roster)), DEFAULT_SLICES)
    wish = (request.shards or asked[0], request.slices or asked[1])
    mode = request.mode or (recorded.mode if recorded else "balanced")
    if recorded is None or request.replan or (wish, mode) != (recorded.asked, recorded.mode):
        plan = make_plan(roster, *wish, mode)
    else:
        plan = extend_plan(recorded, roster)
    with catalog.transaction():
        catalog.record_plan(plan, {digest: h.player for h in roster for digest in h.crops})
    return plan
