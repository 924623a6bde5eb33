"""One fold of an evaluation: train an ensemble in memory on some players, ask it about the others."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from classifier.aggregation import AGGREGATIONS
from classifier.judgement import Seen, judge
from classifier.panel import Constituent, Panel
from classifier.plan import Holding, make_plan
from classifier.recipe import Recipe
from classifier.shard import LabelledCrop, Report, ShardJob, member_pixels, train_shard


class FoldCrop(LabelledCrop):
    """A crop and the person on it."""

    player: str


class FoldJob(BaseModel):
    """Goes to another process as JSON; nothing of it is written to disk."""

    model_config = ConfigDict(frozen=True)

    train: tuple[FoldCrop, ...]
    test: tuple[FoldCrop, ...]
    teams: tuple[str, ...]
    recipe: Recipe
    shards: int
    slices: int


def judge_fold(job: FoldJob, report: Report) -> dict[str, Any]:
    """Train an ensemble on the training crops, and ask it about the others.

    Returns:
        `mean` and `majority`: `(test crops, teams)` calibrated posteriors.
    """
    member_name, shards = job.recipe.member, fold_shards(job)
    able = [shard for shard in shards if shard.known()]
    constituents = []
    for shard in shards:
        *_, last = train_shard(shard, report)
        if shard in able:
            known = tuple(job.teams.index(team) for team in shard.known())
            constituents.append(Constituent(last.model, known))
    panel = Panel(member_name, constituents, len(job.teams))
    shard_of = {crop.digest: shard.shard for shard in shards for part in shard.slices for crop in part}
    people: dict[str, set[int]] = {}
    for crop in job.train:
        people.setdefault(crop.player, set()).add(shard_of[crop.digest])
    seen = [
        Seen(crop, frozenset(people[crop.player] if len(people[crop.player]) == 1 else {shard_of[crop.digest]}))
        for crop in job.train
    ]
    answers: dict[str, Any] = {}
    for aggregation in AGGREGATIONS:
        judged = judge(panel, [shard.shard for shard in able], seen, job.teams, member_name, aggregation)
        said = panel.posterior(member_pixels(job.test, member_name), aggregation)
        answers[aggregation] = judged.calibration.applied(said).tolist()
    return answers


def fold_shards(job: FoldJob) -> list[ShardJob]:
    """The shards of a fold's training crops, planned afresh."""
    mine: dict[tuple[str, str], list[str]] = {}
    for crop in job.train:
        mine.setdefault((crop.player, crop.team), []).append(crop.digest)
    roster = [Holding(player, team, tuple(sorted(digests))) for (player, team), digests in mine.items()]
    plan = make_plan(roster, min(job.shards, len(roster)), job.slices)
    cells: list[list[list[LabelledCrop]]] = [[[] for _ in range(plan.slices)] for _ in range(plan.shards)]
    for crop in job.train:
        where = plan.place(crop.player, crop.digest)
        cells[where.shard][where.slice].append(crop)
    return [
        ShardJob(shard=s, slices=tuple(map(tuple, slices)), teams=job.teams, recipe=job.recipe, folder=None)
        for s, slices in enumerate(cells)
    ]
