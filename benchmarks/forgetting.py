"""What forgetting a player costs beside training everything again: shares of the work, and seconds of the same run.

Expected before measuring: 4.6 times faster at 20 shards and 50 slices (Bourtoule et al., 2021, figure 4); by the plan's
formula 5.7 times at 4 shards of 3 slices and 9 times at 6 of 4, less what starting and searching cost; of the linear
member, which sees each crop once, 6 times at 4 of 3 and 9.6 at 6 of 4.

    python -m benchmarks.forgetting                        # a rendered roster of 44 people
    python -m benchmarks.forgetting --member compact
    python -m benchmarks.forgetting ../shared/data/crops   # any labelled folder
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from classifier.catalog import open_catalog
from classifier.erasure import NoRuns
from classifier.forgetting import forget
from classifier.holdings import list_players
from classifier.importing import import_tree
from classifier.members import member
from classifier.plan import forgetting_share
from classifier.recipe import Recipe
from classifier.roster import holdings, trainable
from classifier.training import PlanRequest, train
from classifier.workspace import Workspace

SEARCH = 6
"""The step that begins when the classifier and all data are as without the player (docs/forgetting.md)."""


@click.command()
@click.argument("crops", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--each", default=12, show_default=True, help="Rendered crops of each person.")
@click.option(
    "--skaters", default=18, show_default=True, help="Rendered, of each team; a goalkeeper each, 6 officials."
)
@click.option("--grid", multiple=True, default=("4x3", "6x4"), show_default=True, help="SHARDSxSLICES.")
@click.option("--member", default=Recipe().member, show_default=True)
@click.option("--forget", "number", default=3, show_default=True, help="So many players are really forgotten, timed.")
def main(crops: Path | None, each: int, skaters: int, grid: tuple[str, ...], member: str, number: int) -> None:
    """Print the mean share over all players, and the seconds of a full training and of forgetting."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if crops is None:
            crops = folder / "rendered"
            command = [sys.executable, "-m", "videos.crops", str(crops), "--players", str(skaters), "--referees", "6"]
            subprocess.run([*command, "--each", str(each)], check=True, stdout=subprocess.DEVNULL)
        import_tree(folder / "imported", crops)
        for cell in grid:
            shards, slices = (int(part) for part in cell.split("x"))
            measure(folder, Recipe(member=member), PlanRequest(shards, slices), number)
            shutil.rmtree(folder / "w")


def measure(folder: Path, recipe: Recipe, request: PlanRequest, number: int) -> None:
    """Train, then forget some players one after another, in `folder/w`."""
    workspace = folder / "w"
    shutil.copytree(folder / "imported", workspace)
    start = time.perf_counter()
    report = train(workspace, recipe, request)
    full_s = time.perf_counter() - start
    with open_catalog(Workspace(workspace)) as catalog:
        plan, roster = catalog.plan(), holdings(trainable(catalog.crops()))
    assert plan is not None
    shares = forgetting_share(plan, roster, sums=member(recipe.member).exact)
    whole = [share for name, share in shares.items() if name in plan.places]
    mean = float(np.mean(list(shares.values())))
    click.echo(
        f"{report.shards} shards of {report.slices} slices, {report.crops} crops of {report.players} players: "
        f"mean share {mean:.3f} of a full training, 1 in {1 / mean:.1f}; of those "
        f"in one shard {np.mean(whole):.3f}, the dearest {max(shares.values()):.3f}"
    )
    players = [row.player for row in list_players(workspace) if row.trained_crops]
    rng = np.random.default_rng(0)
    for name in rng.choice(players, number, replace=False):
        begun: dict[int, float] = {}

        def note(step: int, _: str, begun: dict[int, float] = begun) -> None:
            begun.setdefault(step, time.perf_counter())

        start = time.perf_counter()
        done = forget(workspace, [str(name)], NoRuns(), say=note)
        seconds, erased = time.perf_counter() - start, begun[SEARCH] - start
        proofs = done.content["retrained_in_a_fresh_process"]
        click.echo(
            f"  without them after {erased:.1f} s (1 in {full_s / erased:.1f} of the full training's {full_s:.1f} s), "
            f"searched, proved and certified after {seconds:.1f} s; "
            f"{done.content['share_of_a_full_training']:.3f} of it repeated, {len(proofs)} checkpoints equal"
        )


if __name__ == "__main__":
    main()
