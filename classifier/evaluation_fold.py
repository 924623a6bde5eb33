"""One fold of an evaluation: train an ensemble in memory on some players, ask it about the others."""

from pydantic import BaseModel, ConfigDict

from classifier.ensemble import Constituent, for_inference, mean_posterior
from classifier.members import to_tensor
from classifier.plan import Holding, make_plan
from classifier.shard import LabelledCrop, Report, ShardJob, member_pixels, train_shard
from classifier.stage import Recipe, single_thread


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


def judge_fold(job: FoldJob, report: Report) -> list[list[float]]:
    """The posterior `(test crops, teams)` of an ensemble of the training crops."""
    constituents = []
    for shard in fold_shards(job):
        *_, last = train_shard(shard, report)
        known = tuple(job.teams.index(team) for team in shard.known())
        constituents.append(Constituent(for_inference(job.recipe.member, len(job.teams), last.model), known))
    with single_thread():
        answer: list[list[float]] = mean_posterior(
            constituents, to_tensor(member_pixels(job.test, job.recipe.member)), len(job.teams)
        ).tolist()
    return answer


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
