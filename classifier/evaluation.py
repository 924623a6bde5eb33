"""`evaluate`: how good the classifier is on people it has never seen.

Cross-validation over players: nobody is ever on both sides. Where one person makes up a team, blocks of neighbouring
crops take the place of people, and the report says so. What is trained here is thrown away.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.aggregation import calibration_error
from classifier.catalog import Crop, open_catalog
from classifier.ensemble import Answering, read_manifest, recorded_answering
from classifier.errors import BadInput, CleansheetError
from classifier.evaluation_fold import FoldCrop, FoldJob, fold_shards
from classifier.members import member
from classifier.processes import default_workers, run_jobs
from classifier.recipe import Recipe
from classifier.scores import confusion_of, scores_of
from classifier.training import DEFAULT_SHARDS, DEFAULT_SLICES, PlanRequest
from classifier.workspace import Workspace

RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """How one way of training did."""

    shards: int
    """Most shards of any fold."""
    slices: int
    accuracy: float
    """Share of crops told right by the mean posterior, mean over the seeds."""
    low: float
    high: float
    """95 % interval of the accuracy if other players of this sort had been recorded (bootstrap over players)."""
    by_seed: tuple[float, ...]
    precision_macro: float
    recall_macro: float
    f1_macro: float
    """Means of the teams' precision, recall and F1, over all seeds."""
    confusion: tuple[tuple[int, ...], ...]
    """`confusion[i][j]`: crops of team i called team j, over all seeds."""
    majority: float
    """Accuracy if the constituents voted instead."""
    calibration_error: float
    """How far confidence and share of right answers are apart, on average."""
    unknown: float
    """Share of crops whose confidence is below the threshold."""
    accuracy_of_known: float
    """Share told right of the others."""


@dataclass(frozen=True)
class Mistake:
    """A crop that was told wrong."""

    source: str
    player: str
    team: str
    called: str
    share: float
    """Of the seeds."""


@dataclass(frozen=True)
class EvaluationReport:
    """How good the classifier is on players never seen."""

    teams: tuple[str, ...]
    member: str
    crops: int
    players: int
    folds: int
    seeds: int
    sharded: Score
    unsharded: Score | None
    mistakes: tuple[Mistake, ...]
    """Of the sharded ensembles, the surest first."""
    notes: tuple[str, ...]


def evaluate(
    workspace: Path, recipe: Recipe | None = None, request: PlanRequest | None = None, *, folds: int = 3,
    seeds: int = 2, unsharded: bool = False, workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationReport:  # fmt: skip
    """Cross-validate over players; see the module's head.

    Args:
        workspace: With an imported catalog; it is not changed.
        recipe: How constituents are trained.
        request: Shards and slices; those recorded, or the default, where None.
        folds: At most so many; at most as many as the smallest team has players.
        seeds: Repetitions, each with other folds and other weights.
        unsharded: Also train one model on everything, side by side.
        workers: Processes; one a core by default.
        progress: Called with optimizer steps done and in all.

    Raises:
        BadInput: there is too little to evaluate.
    """
    recipe, request = recipe or Recipe(), request or PlanRequest()
    member(recipe.member)
    if folds < 2 or seeds < 1:
        raise BadInput(f"{folds} folds, {seeds} seeds: expected at least 2 folds and 1 seed.")
    place = Workspace(workspace)
    with open_catalog(place) as catalog:
        crops = tuple(crop for crop in catalog.crops() if crop.alone)
        sources = catalog.sources()
        plan = catalog.plan()
        stand_ins = {player.name for player in catalog.players() if player.kind != "named"}
    try:
        threshold = recorded_answering(read_manifest(workspace)).threshold
    except CleansheetError:
        threshold = Answering().threshold
    asked = plan.asked if plan else (DEFAULT_SHARDS, DEFAULT_SLICES)
    shards, slices = request.shards or asked[0], request.slices or asked[1]
    groups = _groups(crops, sources)
    folds = min(folds, *(len(of_team) for of_team in groups.values())) if groups else 0
    teams = tuple(sorted(groups))
    if len(teams) < 2 or folds < 2:
        raise BadInput(f"{place.path}: to evaluate takes two teams of two crops each; import more crops first.")
    arms = [(shards, slices)] + ([(1, 1)] if unsharded else [])
    jobs, tests = [], []
    for seed in range(seeds):
        fold_of = _fold_of(groups, folds, seed)
        of_seed = recipe.model_copy(update={"seed": (recipe.seed + seed) % 2**32})
        for fold in range(folds):
            train = tuple(_fold_crop(place, crop) for crop in crops if fold_of[crop.digest] != fold)
            test = [i for i, crop in enumerate(crops) if fold_of[crop.digest] == fold]
            held_out = tuple(_fold_crop(place, crops[i]) for i in test)
            for s, r in arms:
                jobs.append(FoldJob(train=train, test=held_out, teams=teams, recipe=of_seed, shards=s, slices=r))
                tests.append((seed, test))
    planned = [fold_shards(job) for job in jobs]
    total, done = sum(shard.steps(0) for of_job in planned for shard in of_job), 0

    def heard(message: dict[str, Any]) -> None:
        nonlocal done
        done += message["steps"]
        if progress is not None:
            progress(done, total)

    answers = run_jobs("fold", jobs, default_workers(total) if workers is None else workers, heard)
    said = np.zeros((len(arms), seeds, len(crops), len(teams)))
    voted = np.zeros((len(arms), seeds, len(crops)), np.int64)
    for i, (answer, (seed, test)) in enumerate(zip(answers, tests, strict=True)):
        said[i % len(arms), seed, test] = answer["mean"]
        voted[i % len(arms), seed, test] = np.argmax(answer["majority"], axis=1)
    truth = np.array([teams.index(crop.team) for crop in crops])
    cells = [planned[arm :: len(arms)] for arm in range(len(arms))]
    shapes = [(max(map(len, of_arm)), max(len(s.slices) for job in of_arm for s in job)) for of_arm in cells]
    scores = [_score(said[arm], voted[arm], truth, crops, threshold, *shapes[arm]) for arm in range(len(arms))]
    return EvaluationReport(
        teams, recipe.member, len(crops), len({crop.players[0] for crop in crops}), folds, seeds, scores[0],
        scores[1] if unsharded else None, _mistakes(said[0].argmax(axis=2), truth, crops, teams, sources),
        _notes(crops, stand_ins, shards, shapes[0][0]),
    )  # fmt: skip


def _fold_crop(place: Workspace, crop: Crop) -> FoldCrop:
    path = place.crop(crop.digest, crop.suffix)
    return FoldCrop(digest=crop.digest, path=path, team=crop.team, player=crop.players[0])


def _groups(crops: Sequence[Crop], sources: dict[str, tuple[str, ...]]) -> dict[str, list[tuple[str, ...]]]:
    """Team → groups of digests that stay together: people, or for a team of one person single crops in the order of
    their sources."""
    people: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for crop in crops:
        people[crop.team][crop.players[0]].append(crop.digest)
    return {
        team: [tuple(digests) for _, digests in sorted(of_team.items())]
        if len(of_team) > 1
        else [(digest,) for digest in sorted(next(iter(of_team.values())), key=lambda d: sources.get(d, (d,)))]
        for team, of_team in people.items()
    }


def _fold_of(groups: dict[str, list[tuple[str, ...]]], folds: int, seed: int) -> dict[str, int]:
    """Digest → fold. People are dealt at random; the crops of a team of one person are cut into blocks."""
    random = np.random.default_rng([0x5C0DE, seed])
    fold_of: dict[str, int] = {}
    for _, of_team in sorted(groups.items()):
        start = int(random.integers(folds))
        if all(len(group) == 1 for group in of_team):
            where = [(start + i * folds // len(of_team)) % folds for i in range(len(of_team))]
        else:
            where = [(start + i) % folds for i in random.permutation(len(of_team))]
        for group, fold in zip(of_team, where, strict=True):
            fold_of |= dict.fromkeys(group, int(fold))
    return fold_of


def _score(
    said: NDArray[np.float64], voted: NDArray[np.int64], truth: NDArray[np.int64], crops: Sequence[Crop],
    threshold: float, shards: int, slices: int,
) -> Score:  # fmt: skip
    """From `(seeds, crops, teams)` posteriors and `(seeds, crops)` votes."""
    called, confidence, teams = said.argmax(axis=2), said.max(axis=2), said.shape[2]
    right, sure = called == truth, confidence >= threshold
    confusion = np.sum([confusion_of(truth, of_seed, teams) for of_seed in called], axis=0)
    teams_told = scores_of(confusion)
    names = sorted({crop.players[0] for crop in crops})
    index = np.array([names.index(crop.players[0]) for crop in crops])
    people = np.bincount(index, right.mean(axis=0))
    sizes = np.bincount(index)
    drawn = np.random.default_rng(0).integers(len(names), size=(RESAMPLES, len(names)))
    resampled = people[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Score(
        shards, slices, float(right.mean()), float(low), float(high), tuple(map(float, right.mean(axis=1))),
        teams_told.precision, teams_told.recall, teams_told.f1, tuple(tuple(map(int, row)) for row in confusion),
        float((voted == truth).mean()), calibration_error(confidence.ravel(), right.ravel()), float(1 - sure.mean()),
        float(right[sure].mean()) if sure.any() else 0.0,
    )  # fmt: skip


def _mistakes(
    called: NDArray[np.int64], truth: NDArray[np.int64], crops: Sequence[Crop], teams: Sequence[str],
    sources: dict[str, tuple[str, ...]],
) -> tuple[Mistake, ...]:  # fmt: skip
    found = []
    for i, crop in enumerate(crops):
        wrong = Counter(int(v) for v in called[:, i] if v != truth[i])
        if wrong:
            verdict = wrong.most_common(1)[0][0]
            source = sources.get(crop.digest, (crop.digest,))[0]
            share = wrong.total() / len(called)
            found.append(Mistake(source, crop.players[0], crop.team, teams[verdict], share))
    return tuple(sorted(found, key=lambda m: (-m.share, m.source)))


def _notes(crops: Sequence[Crop], stand_ins: set[str], shards: int, most: int) -> tuple[str, ...]:
    people: dict[str, set[str]] = defaultdict(set)
    for crop in crops:
        people[crop.team].update(crop.players)
    notes = [
        f"{next(iter(names))} alone is {team}: blocks of crops stood in for unseen people there, which flatters."
        for team, names in sorted(people.items())
        if len(names) == 1
    ]
    unnamed = {crop.players[0] for crop in crops} & stand_ins
    if unnamed:
        notes.append(
            f"{len(unnamed)} of the players are tracks or pictures that nobody named: the same person may be on both "
            "sides, which flatters. Name players in the CSV for an honest figure."
        )
    if most < shards:
        notes.append(f"{most} shards instead of {shards}: folds leave the smallest team no more players.")
    return tuple(notes)
