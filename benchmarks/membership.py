"""An adversary's view: can one tell from the ensemble that somebody's pictures were in its training?

Two membership attacks on crops of known label, as areas under the ROC curve (0.5: a coin): by the ensemble's confidence
in the right team (Yeom et al., *Privacy Risk in Machine Learning*, 2018), and by how much surer the shard that would
hold the person is than the other shards, which know nothing of them (the calibration of Watson et al., *On the
Importance of Difficulty Calibration in Membership Inference Attacks*, 2022; sharding hands the adversary the reference
models for free). Non-members are crops of people who were held out. Asked before and after each player is forgotten,
and of an ensemble that never saw them, which was trained from nothing.

Expected before measuring: before 0.6 to 0.8 for the calibrated one, 0.5 to 0.6 for confidence; after: around 0.5, and
exactly what the ensemble gives that never saw them, because it is the same one.

    python -m benchmarks.membership
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import numpy as np
import polars as pl
from numpy.typing import NDArray

from classifier.catalog import Crop, open_catalog
from classifier.ensemble import Ensemble
from classifier.erasure import NoRuns
from classifier.forgetting import forget
from classifier.importing import import_tree
from classifier.roster import trainable
from classifier.training import PlanRequest, train
from classifier.workspace import Workspace
from tracker.crops import read_crop

Pictures = list[tuple[int, NDArray[np.uint8]]]
"""The class and the pixels of each crop."""


def auc(members: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """The chance that a member scores higher than a non-member; ties count half."""
    above = (members[:, None] > others[None]).mean() + 0.5 * (members[:, None] == others[None]).mean()
    return float(above)


def logits(ensemble: Ensemble, pictures: Pictures) -> NDArray[np.float64]:
    """Log odds of the right class, `(crops, constituents)`."""
    columns = []
    for constituent in ensemble.alone():
        right = constituent.posterior([picture for _, picture in pictures])
        chance = right[np.arange(len(pictures)), [label for label, _ in pictures]].clip(1e-6, 1 - 1e-6)
        columns.append(np.log(chance / (1 - chance)))
    return np.column_stack(columns).astype(np.float64)


def attacks(ensemble: Ensemble, shard: int, pictures: Pictures, others: Pictures) -> tuple[float, float]:
    """AUC by confidence and by the shard's lead over the others."""
    mine, theirs = logits(ensemble, pictures), logits(ensemble, others)
    rest = [column for column in range(mine.shape[1]) if column != shard]

    def lead(of: NDArray[np.float64]) -> NDArray[np.float64]:
        return of[:, shard] - of[:, rest].mean(axis=1)

    return auc(mine.mean(axis=1), theirs.mean(axis=1)), auc(lead(mine), lead(theirs))


@click.command()
@click.option("--players", default=6, show_default=True, help="Skaters of each team that are trained on.")
@click.option("--each", default=12, show_default=True, help="Rendered crops of each person.")
@click.option("--forget", "number", default=4, show_default=True, help="Players that are attacked, then forgotten.")
@click.option("--seed", default=0, show_default=True, help="Which ones.")
def main(players: int, each: int, number: int, seed: int) -> None:
    """Print the attacks' AUC before, after, and against an ensemble that never saw the player."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        command = [sys.executable, "-m", "videos.crops", str(folder / "crops"), "--players", str(2 * players)]
        command += ["--referees", "8", "--each", str(each), "--seed", "1"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        outside = hold_half_out(folder / "crops")
        import_tree(folder / "w", folder / "crops")
        train(folder / "w", request=PlanRequest(3, 3))
        before = Ensemble.load(folder / "w")
        others = [(before.teams.index(team), picture) for team, picture in outside]
        with open_catalog(Workspace(folder / "w")) as catalog:
            plan, crops = catalog.plan(), trainable(catalog.crops())
        assert plan is not None
        alone = sorted(name for name, place in plan.places.items() if name in {c.players[0] for c in crops})
        table = []
        for player in np.random.default_rng(seed).choice(alone, number, replace=False):
            shard = plan.places[str(player)].shard
            pictures = own(folder / "w", crops, str(player), before.teams)
            copy, never = folder / f"forget-{player}", folder / f"never-{player}"
            shutil.copytree(folder / "w", copy)
            forget(copy, [str(player)], NoRuns())
            shutil.copytree(copy, never)
            shutil.rmtree(never / "shards")
            shutil.rmtree(never / "ensemble")
            train(never)
            after, unseen = Ensemble.load(copy), Ensemble.load(never)
            row = [attacks(which, shard, pictures, others) for which in (before, after, unseen)]
            table.append(row)
            same = "the same ensemble" if after.version == unseen.version else "ANOTHER ENSEMBLE"
            click.echo(f"{player:>14}: " + "   ".join(f"{a:.3f} {b:.3f}" for a, b in row) + f"   {same}")
        mean = np.mean(table, axis=0)
        click.echo("          mean: " + "   ".join(f"{a:.3f} {b:.3f}" for a, b in mean))
        click.echo("(confidence, lead of the shard) before; after; never seen")


def hold_half_out(folder: Path) -> list[tuple[str, NDArray[np.uint8]]]:
    """Take every second person of each team out of a rendered session; returns their teams and pictures."""
    table = pl.read_csv(folder / "players.csv")
    people = (
        table.select("team", "players").unique().filter(~pl.col("players").str.contains(";")).sort("team", "players")
    )
    gone = people.with_columns(row=pl.int_range(pl.len()).over("team")).filter(pl.col("row") % 2 == 1)
    kept = table.join(gone, on="players", how="anti")
    kept.write_csv(folder / "players.csv")
    pictures = []
    for file, team in table.join(gone, on="players", how="semi").select("file", "team").iter_rows():
        pictures.append((team, read_crop(folder / file)))
        (folder / file).unlink()
    return pictures


def own(workspace: Path, crops: list[Crop], player: str, teams: tuple[str, ...]) -> Pictures:
    """A player's training crops."""
    place = Workspace(workspace)
    mine = [crop for crop in crops if crop.players == (player,)]
    return [(teams.index(crop.team), read_crop(place.crop(crop.digest, crop.suffix))) for crop in mine]


if __name__ == "__main__":
    main()
