"""`cleansheet import`, `train`, `evaluate` and `players`: the team classifier from labelled pictures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tracker.cli.parameters import json_option, print_json, workspace_option

if TYPE_CHECKING:
    from classifier.evaluation import EvaluationReport, Score
    from classifier.holdings import PlayerHolding
    from classifier.importing import ImportReport
    from classifier.recipe import Recipe

F = TypeVar("F", bound=Any)


@click.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--players", "players_csv", type=click.Path(path_type=Path), help="CSV file,team,players that says who "
              "shows on which picture; DIR/players.csv by default.")  # fmt: skip
@click.option("--skip-unusable", is_flag=True, help="Leave out pictures that cannot be used instead of stopping.")
@workspace_option
@json_option
def import_command(folder: Path, players_csv: Path | None, skip_unusable: bool, workspace: Path, as_json: bool) -> None:
    """Take labelled pictures of players into the workspace.

    \b
    DIR is one of
      DIR/TEAM/*.jpg, DIR/{train,val}/TEAM/*.jpg    folders named after the teams
      the same with DIR/players.csv                 columns file,team,players; several players with ; between
      a folder with labels.csv                      as `cleansheet crops RUN` writes it, corrected by you

    \b
    Examples:
      cleansheet import pictures
      cleansheet import workspace/runs/saturday/crops

    Call the officials' class `referee`. All is imported or, on an error, nothing.
    """
    from classifier.importing import import_tree
    from classifier.report import to_json

    report = import_tree(workspace, folder, players_csv, skip_unusable=skip_unusable)
    if as_json:
        print_json(to_json(report))
    else:
        _show_import(report)


def recipe_options(function: F) -> F:
    """Options that `train` and `evaluate` share."""
    options = (
        click.option("--shards", type=click.IntRange(1), help="Constituents; 4 unless recorded, fewer in small teams."),
        click.option("--slices", type=click.IntRange(1), help="Checkpoints of a shard; 3 where nothing is recorded."),
        click.option("--member", help="Architecture: linear (default), frozen, compact or reference; else as trained "
                     "before."),
        click.option(
            "--epochs",
            type=click.FloatRange(0, 10_000, min_open=True),
            help="Passes over the crops; as trained before unless given.",
        ),
        click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="0, or as trained before."),
        click.option("--workers", type=click.IntRange(1), help="Training processes; one a core by default."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.command("train")
@recipe_options
@click.option("--mode", type=click.Choice(["balanced", "strict"]), help="How players are dealt to shards: balanced, so "
              "that each shard sees every team, or strict, by each name alone.")  # fmt: skip
@click.option("--replan", is_flag=True, help="Deal the players afresh instead of keeping everyone's place.")
@click.option("--aggregation", type=click.Choice(["mean", "majority"]), help="How the shards' answers become one: the "
              "mean of their probabilities (default), or a vote; as recorded unless given.")  # fmt: skip
@click.option("--threshold", type=click.FloatRange(0, 1, max_open=True), help="Confidence below which a team is "
              "unknown; 0 always names one. 0.6, or as recorded.")  # fmt: skip
@workspace_option
@json_option
def train(
    shards: int | None, slices: int | None, member: str | None, epochs: float | None, seed: int | None,
    workers: int | None, mode: str | None, replan: bool, aggregation: str | None, threshold: float | None,
    workspace: Path, as_json: bool,
) -> None:  # fmt: skip
    """Train the team classifier on what was imported.

    \b
    Example:
      cleansheet train

    Players are divided into shards and each shard trains its own small model, so that one player can be taken out
    again by retraining one shard. Only what is missing is trained; a training that was stopped goes on.
    """
    from classifier.report import to_json
    from classifier.training import PlanRequest, TrainProgress
    from classifier.training import train as train_ensemble

    request = PlanRequest(shards, slices, mode, replan)
    with _bar("training") as advance:

        def heard(message: TrainProgress) -> None:
            advance(message.steps, message.of)

        recipe = _recipe(workspace, member, epochs, seed)
        report = train_ensemble(
            workspace, recipe, request, workers=workers, progress=heard, aggregation=aggregation, threshold=threshold
        )
    if as_json:
        print_json(to_json(report))
        return
    click.echo(
        f"ensemble {report.ensemble}: {report.shards} shards of {report.slices} slices ({report.member}, {report.mode} "
        f"plan), {report.crops} crops of {report.players} players, teams {', '.join(report.teams)}"
    )
    click.echo(f"  {report.stages_built} stages trained, {report.stages_reused} were there already")
    click.echo(f"  how it went, and what it got wrong: {workspace / 'training' / 'index.html'}")
    _notes(report.notes)


@click.command("evaluate")
@recipe_options
@click.option("--folds", type=click.IntRange(2), default=3, show_default=True, help="Groups of players held out.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Repetitions.")
@click.option("--unsharded/--no-unsharded", default=True, show_default=True, help="Also train one model on everything, "
              "side by side.")  # fmt: skip
@workspace_option
@json_option
def evaluate(
    shards: int | None, slices: int | None, member: str | None, epochs: float | None, seed: int | None,
    workers: int | None, folds: int, seeds: int, unsharded: bool, workspace: Path, as_json: bool,
) -> None:  # fmt: skip
    """How good the classifier is on players it has never seen.

    \b
    Examples:
      cleansheet evaluate
      cleansheet evaluate --member compact --shards 3 --seeds 2

    Cross-validation: some players are held out, an ensemble is trained on the others and asked about them. Nobody is
    ever on both sides. The workspace's own ensemble is not touched.
    """
    from classifier.evaluation import evaluate as cross_validate
    from classifier.report import to_json
    from classifier.training import PlanRequest

    with _bar("evaluating") as advance:
        report = cross_validate(
            workspace, _recipe(workspace, member, epochs, seed), PlanRequest(shards, slices), folds=folds, seeds=seeds,
            unsharded=unsharded, workers=workers, progress=advance,
        )  # fmt: skip
    if as_json:
        print_json(to_json(report))
    else:
        _show_evaluation(report)


@click.command("players")
@click.option("--consent", multiple=True, metavar="NAME=STATUS", help="Record a player's consent first: given, "
              "withdrawn or unknown.")  # fmt: skip
@workspace_option
@json_option
def players(consent: tuple[str, ...], workspace: Path, as_json: bool) -> None:
    """What is held on whom, and what forgetting them would cost.

    \b
    Examples:
      cleansheet players
      cleansheet players --consent "Ann Berg=given" --consent "Bea Holm=withdrawn"

    The cost is the share of a full training that would be repeated. Consent decides nothing by itself: those who have
    not given it are planned into late slices, where leaving costs little, and `train` reminds of those who withdrew.
    """
    from classifier.holdings import list_players, record_consent
    from classifier.report import to_json

    if consent:
        record_consent(workspace, {name: status for name, _, status in (text.rpartition("=") for text in consent)})
    rows = list_players(workspace)
    if as_json:
        print_json({"players": [to_json(row) for row in rows]})
    else:
        _show_players(rows)


def _recipe(workspace: Path, member: str | None, epochs: float | None, seed: int | None) -> "Recipe":
    """What is given, over what the ensemble there was trained with, over the defaults."""
    from classifier.ensemble import read_manifest
    from classifier.errors import CleansheetError
    from classifier.recipe import Recipe

    try:
        recorded = read_manifest(workspace)["recipe"]
    except CleansheetError:  # there is none yet, or none that can be read: training makes it anew
        recorded = {}
    if member is not None and member != recorded.get("member", member):
        recorded = {}  # another architecture starts from its own defaults
    given = {"member": member, "epochs": epochs, "seed": seed}
    return Recipe(**recorded | {name: value for name, value in given.items() if value is not None})


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal's stderr; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    percent = TextColumn("{task.percentage:3.0f} %")
    columns = (TextColumn("{task.description}"), BarColumn(), percent, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _show_import(report: "ImportReport") -> None:
    click.echo(f"{report.files} files, {report.pictures} different pictures, {report.new} of them new")
    for team, crops in report.crops_by_team.items():
        click.echo(f"  {team}: {crops} pictures, {_people(report.players_by_team.get(team, 0))} in the catalog")
    facts = [
        (report.exact_duplicates, "files repeat a picture byte for byte", ()),
        (len(report.on_both_sides), "validation files are train pictures too: kept as train", report.on_both_sides),
        (len(report.near_duplicates), "pairs of pictures look alike",
         tuple(f"{a} ~ {b}" for a, b in report.near_duplicates)),
        (report.near_duplicates_across_players, "of these pairs carry different players", ()),
        (len(report.near_duplicates_across_sides), "validation pictures look like a train picture: kept as train",
         tuple(f"{a} ~ {b}" for a, b in report.near_duplicates_across_sides)),
        (len(report.several_people), "pictures of several people: kept, not trained on", report.several_people),
        (len(report.several_teams), "of these show people of different teams", report.several_teams),
        (len(report.unusable), "unusable files left out", tuple(f"{u.file} {u.reason}" for u in report.unusable)),
        (report.suppressed, "pictures of people who were forgotten: not taken in again", ()),
        (report.rows_without_team, "rows without a team left out", ()),
        (report.stand_ins, "pictures or tracks whose player is not named: each counts as a person of its own, so "
         "erasing a person later means naming all of theirs", ()),
    ]  # fmt: skip
    for count, what, examples in facts:
        if count:
            click.echo(f"  {count} {what}")
            for example in examples[:3]:
                click.echo(f"      {example}")
            if len(examples) > 3:
                click.echo(f"      and {len(examples) - 3} more (--json lists them)")
    for team in report.teams_of_one:
        click.echo(f"  one person is all of {team}: what sets them apart may be the person and not the team")
    click.echo(f"the catalog holds {report.catalog_crops} crops of {report.catalog_players} players")


def _people(number: int) -> str:
    return "1 player" if number == 1 else f"{number} players"


def _show_evaluation(report: "EvaluationReport") -> None:
    click.echo(
        f"{report.crops} crops of {report.players} players, {report.folds} folds × {report.seeds} seeds, "
        f"member {report.member}"
    )
    _show_score("ensemble", report.sharded)
    if report.unsharded is not None:
        _show_score("unsharded", report.unsharded)
    width = max(8, *map(len, report.teams))
    click.echo("  is \\ called".ljust(width + 4) + " ".join(team.rjust(width) for team in report.teams))
    for team, row in zip(report.teams, report.sharded.confusion, strict=True):
        click.echo(f"    {team.ljust(width)}" + " ".join(str(n).rjust(width) for n in row))
    for mistake in report.mistakes[:5]:
        click.echo(f"  wrong in {mistake.share:.0%}: {mistake.source} ({mistake.team}) called {mistake.called}")
    _notes(report.notes)


def _show_score(name: str, score: "Score") -> None:
    seeds = " ".join(f"{value:.3f}" for value in score.by_seed)
    click.echo(
        f"  {name} ({score.shards} × {score.slices}): accuracy {score.accuracy:.1%} on unseen players "
        f"(95 % interval {score.low:.1%} to {score.high:.1%}; seeds {seeds}), F1 {score.f1_macro:.3f}"
    )
    others = f"; {score.unknown:.1%} unknown, {score.accuracy_of_known:.1%} right of the others"
    unknown = others if score.unknown else ""
    vote = f"by majority vote {score.majority:.1%}; " if score.shards > 1 else ""
    click.echo(f"      {vote}confidence off by {score.calibration_error:.1%} on average{unknown}")


def _show_players(rows: "tuple[PlayerHolding, ...]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("player", "team", "consent", "crops", "trained", "shard", "slice", "forgetting costs")
    for row in rows:
        cost = "–" if row.forgetting_share is None else f"{row.forgetting_share:.1%}"
        shards, slices = (", ".join(str(i + 1) for i in places) or "–" for places in (row.shards, row.slices))
        who = (row.player, row.team or "–", row.consent)
        table.add_row(*who, str(row.crops), str(row.trained_crops), shards, slices, cost)
    Console().print(table)


def _notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"  note: {note}")
