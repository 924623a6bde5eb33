"""`cleansheet plan`: who is trained where, and what forgetting would cost with other shards and slices."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.parameters import json_option, print_json, workspace_option

if TYPE_CHECKING:
    from classifier.costs import Cost
    from classifier.planning import PlannedCell


class Numbers(click.ParamType):
    """Whole numbers from 1 with commas between: 1,2,4."""

    name = "n,n,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(sorted({int(part) for part in str(value).split(",")}))
            if numbers[0] < 1:
                raise ValueError
        except ValueError:
            self.fail(f"{value!r}: expected whole numbers from 1, such as 4 or 1,2,4,8", param, ctx)
        return numbers


@click.command("plan")
@click.option("--simulate", is_flag=True, help="What forgetting would cost, for each number of shards and slices.")
@click.option("--shards", type=Numbers(), default="1,2,4,8,16", show_default=True, help="Compare these.")
@click.option("--slices", type=Numbers(), default="1,3,6", show_default=True, help="Compare these.")
@click.option("--requests", type=click.IntRange(1), help="How many people leave; a tenth of them unless given.")
@click.option("--players", type=click.IntRange(2), help="Imagine so many people instead of those in the workspace.")
@click.option("--crops", type=click.IntRange(2), help="With so many crops in all; 12 of each unless given.")
@click.option("--trials", type=click.IntRange(2), default=20, show_default=True, help="Repetitions of the simulation.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@workspace_option
@json_option
def plan(
    simulate: bool, shards: tuple[int, ...], slices: tuple[int, ...], requests: int | None, players: int | None,
    crops: int | None, trials: int, seed: int, workspace: Path, as_json: bool,
) -> None:  # fmt: skip
    """Show the shards and slices that were trained, or simulate what others would cost.

    \b
    Examples:
      cleansheet plan
      cleansheet plan --simulate
      cleansheet plan --simulate --players 100000 --crops 1000000 --shards 10,100,1000

    The costs are shares of a full training: one by one for each request, and for all of them answered together. They
    are given as expected by the formulas of Bourtoule et al. (2021), and as simulated. More shards make forgetting
    cheaper and each constituent weaker: `cleansheet evaluate --shards N` measures what that does to accuracy.
    """
    if simulate:
        _simulate(workspace, (shards, slices), requests, players, crops, trials, seed, as_json)
        return
    from classifier.planning import planned_cells
    from classifier.report import to_json

    cells, notes = planned_cells(workspace)
    if as_json:
        print_json({"cells": [to_json(cell) for cell in cells], "notes": list(notes)})
    else:
        _show_cells(cells)
        for note in notes:
            click.echo(f"  note: {note}")


def _simulate(
    workspace: Path, grid: tuple[tuple[int, ...], tuple[int, ...]], requests: int | None, players: int | None,
    crops: int | None, trials: int, seed: int, as_json: bool,
) -> None:  # fmt: skip
    from classifier.costs import compare, imagined_crops
    from classifier.errors import BadInput
    from classifier.planning import crops_of_players
    from classifier.report import to_json

    if players is None and crops is not None:
        raise BadInput("--crops goes with --players: without it the workspace's own crops are counted.")
    counts = crops_of_players(workspace) if players is None else imagined_crops(players, crops or 12 * players, seed)
    leaving = requests or max(1, len(counts) // 10)
    choices = [(s, r) for s in grid[0] for r in grid[1]]
    costs = compare(counts, choices, leaving, trials=trials, seed=seed)
    about = {"players": len(counts), "crops": int(counts.sum()), "requests": leaving, "trials": trials}
    if as_json:
        print_json({**about, "costs": [to_json(cost) for cost in costs]})
        return
    click.echo(
        f"{about['players']} players, {about['crops']} crops; {leaving} of the players leave; shares of a full training"
    )
    _show_costs(costs)
    if left_out := len(choices) - len(costs):
        click.echo(f"  {left_out} choices left out: more shards times slices than players")


def _show_costs(costs: "tuple[Cost, ...]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for name in (
        "shards", "slices", "crops\na shard", "one by one\nformula", "\nsimulated", "\n±", "together\nformula",
        "\nsimulated",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for cost in costs:
        table.add_row(
            str(cost.shards), str(cost.slices), f"{cost.crops_a_shard:.0f}", _share(cost.formula),
            _share(cost.simulated), _share(cost.high - cost.simulated), _share(cost.formula_together),
            _share(cost.simulated_together),
        )  # fmt: skip
    Console().print(table)


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0.01 or value == 0 else f"{100 * value:.3f}%"


def _show_cells(cells: "tuple[PlannedCell, ...]") -> None:
    from rich.console import Console
    from rich.table import Table

    teams = sorted({team for cell in cells for team in cell.crops_by_team})
    table = Table("shard", "slice", "players", *teams)
    for cell in cells:
        table.add_row(
            str(cell.shard + 1), str(cell.slice + 1), str(cell.players),
            *(str(cell.crops_by_team.get(team, 0)) for team in teams),
        )  # fmt: skip
    Console().print(table)
    click.echo("  under the teams: crops that each slice adds")
