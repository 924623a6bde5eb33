"""What the team classifier must hold, a command for each figure. Ratios are taken side by side, in one run.

Expected before measuring: accuracy on people never seen .95 at least (the reference system's CNN: .88), the ensemble
within 2 points of the same member in one piece; .99 on a rendered roster; 12 crops under a fifth of a detector pass.

    python -m benchmarks.ensemble reference ../shared/data/crops
    python -m benchmarks.ensemble members ../shared/data/crops
    python -m benchmarks.ensemble roster
    python -m benchmarks.ensemble bits ../shared/data/crops
    python -m benchmarks.ensemble training ../shared/data/crops
    python -m benchmarks.ensemble inference ../shared/data/crops
    python -m benchmarks.ensemble share
"""

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
import polars as pl

from classifier.catalog import open_catalog
from classifier.ensemble import Ensemble
from classifier.evaluation import EvaluationReport, evaluate
from classifier.holdings import list_players
from classifier.importing import import_tree
from classifier.recipe import Recipe
from classifier.training import PlanRequest, train
from classifier.workspace import Workspace
from tracker.crops import read_crop

crops_argument = click.argument("crops", type=click.Path(path_type=Path, exists=True))
member_option = click.option("--member", default=Recipe().member, show_default=True)


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command()
@crops_argument
@member_option
@click.option("--seeds", default=5, show_default=True)
def reference(crops: Path, member: str, seeds: int) -> None:
    """Accuracy on people never seen, sharded and in one piece."""
    with imported(crops) as workspace:
        say(evaluate(workspace, Recipe(member=member), seeds=seeds, unsharded=True))


@main.command()
@crops_argument
@click.option("--seeds", default=5, show_default=True)
@click.option("--only", multiple=True, default=("linear", "frozen", "compact", "reference"), show_default=True)
def members(crops: Path, seeds: int, only: tuple[str, ...]) -> None:
    """The same for each member; the reference CNN takes ten minutes."""
    with imported(crops) as workspace:
        for member in only:
            recipe = Recipe(member=member)
            if member == "reference":  # as its article trains it: 10 epochs at Adam's usual rate
                recipe = Recipe(member=member, epochs=10, least_steps=1, peak_rate=1e-3)
            say(evaluate(workspace, recipe, seeds=seeds, unsharded=True))


@main.command()
@member_option
@click.option("--matches", default=8, show_default=True, help="Each with a light and poses of its own.")
@click.option("--each", default=4, show_default=True, help="Crops of each person and match.")
@click.option("--shards", default=4, show_default=True)
def roster(member: str, matches: int, each: int, shards: int) -> None:
    """40 skaters and 4 referees to learn, 32 and 4 others of the same club to tell."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for match in range(1, matches + 1):
            command = [sys.executable, "-m", "videos.crops", str(folder / f"match-{match}"), "--players", "36"]
            command += ["--goalkeepers", "0", "--referees", "8", "--each", str(each), "--seed", str(200 + match)]
            subprocess.run([*command, "--roster-seed", "20"], check=True, stdout=subprocess.DEVNULL)
        strangers = set_strangers_apart(folder, 20, 4)
        for match in sorted(folder.glob("match-*")):
            import_tree(folder / "w", match)
        report = train(folder / "w", Recipe(member=member), PlanRequest(shards=shards))
        ensemble = Ensemble.load(folder / "w")
        held = [row for row in list_players(folder / "w") if row.trained_crops]
        most = max(len(row.shards) for row in held if row.team != "referee")
        click.echo(
            f"{report.crops} crops of {report.players} people in {report.shards} shards of {report.slices} slices; "
            f"every skater in {most}"
        )
        teams, files = zip(*strangers, strict=True)
        for name, model in (("ensemble", ensemble), *((f"shard {i + 1}", m) for i, m in enumerate(ensemble.alone()))):
            called = model.posterior([read_crop(file) for file in files]).argmax(axis=1)
            right = np.array([model.teams[c] == team for c, team in zip(called, teams, strict=True)])
            of = ", ".join(
                f"{team} {right[[t == team for t in teams]].mean():.1%}" for team in sorted(set(teams))
            )  # fmt: skip
            click.echo(f"  {name}: {right.mean():.2%} of {len(right)} crops of people never seen ({of})")
        say(evaluate(folder / "w", Recipe(member=member), PlanRequest(shards=shards), seeds=5, unsharded=True))


@main.command()
@crops_argument
@member_option
def bits(crops: Path, member: str) -> None:
    """Two trainings in fresh processes: are all checkpoints the same?"""
    with imported(crops) as workspace:
        found = []
        for name in ("one", "two"):
            shutil.copytree(workspace, workspace.parent / name)
            command = [sys.executable, "-m", "tracker.cli", "train", "-w", str(workspace.parent / name)]
            subprocess.run([*command, "--member", member], check=True, stdout=subprocess.DEVNULL)
            files = sorted((workspace.parent / name / "shards").glob("*.safetensors"))
            found.append([(file.name, file.read_bytes()) for file in files])
        same = "the same, byte for byte" if found[0] == found[1] else "DIFFERENT"
        click.echo(f"{member}: {len(found[0])} checkpoints of two fresh processes: {same}")


@main.command()
@crops_argument
@member_option
def training(crops: Path, member: str) -> None:
    """Seconds of `cleansheet train`, its start and the page included, with the default shards and slices."""
    with imported(crops) as workspace:
        command = [sys.executable, "-m", "tracker.cli", "train", "-w", str(workspace), "--member", member]
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True)
        wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        click.echo(f"  {wall_s:.1f} s, of which {cpu_s:.1f} s of processor")


@main.command()
@crops_argument
@member_option
@click.option("--threads", default=2, show_default=True, help="Of the detector; the classifier uses one.")
def inference(crops: Path, member: str, threads: int) -> None:
    """12 crops through the ensemble beside one 720p frame through the detector, in turns, medians of 40."""
    import torch

    from tracker.assets import asset
    from tracker.detector import Detector
    from tracker.video import frames, probe

    torch.set_num_threads(threads)
    with imported(crops) as workspace:
        train(workspace, Recipe(member=member))
        ensemble, place = Ensemble.load(workspace), Workspace(workspace)
        with open_catalog(place) as catalog:
            pictures = [read_crop(place.crop(c.digest, c.suffix)) for c in catalog.crops()[:12]]
        image = next(frames(probe(asset("demo/match.mp4")))).image
        for runtime in ("pytorch", "openvino"):
            detector = Detector.load(None, runtime=runtime)
            ours, theirs = in_turns(lambda: ensemble.posterior(pictures), lambda run=detector: run(image), 40)
            for what, mine, pass_ms in zip(("elapsed", "of processor"), ours, theirs, strict=True):
                click.echo(
                    f"{member}, {len(ensemble.alone())} constituents: 12 crops {mine:.1f} ms {what}, a detector pass "
                    f"with {runtime} {pass_ms:.1f} ms: 1 in {pass_ms / mine:.1f}"
                )


@main.command()
def share() -> None:
    """Share of `process` that classification takes on the demo match, without a video to draw."""
    from tracker.assets import asset
    from tracker.process import process_videos
    from tracker.settings import ProcessSettings

    with imported(asset("demo/crops")) as workspace:
        train(workspace)
        settings = ProcessSettings(video=False)
        run = process_videos([asset("demo/match.mp4")], workspace, settings, name=None, fresh=True, force=True,
                             report=lambda *_: None)[0]  # fmt: skip
        seconds = run["seconds"]
        click.echo(
            f"classify {seconds['classify']:.2f} s of {seconds['total']:.1f} s: "
            f"{seconds['classify'] / seconds['total']:.2%}; {run['tracks']} tracks, {run['frames']} frames"
        )


@contextmanager
def imported(crops: Path) -> Iterator[Path]:
    """A workspace with these crops."""
    with tempfile.TemporaryDirectory() as scratch:
        import_tree(Path(scratch) / "w", crops)
        yield Path(scratch) / "w"


def set_strangers_apart(folder: Path, skaters: int, officials: int) -> list[tuple[str, Path]]:
    """Take all but the first people of each team out of the matches' tables; their crops with their teams."""
    found: list[tuple[str, Path]] = []
    tables = [pl.read_csv(match / "players.csv") for match in sorted(folder.glob("match-*"))]
    people = pl.concat(tables).filter(~pl.col("players").str.contains(";")).select("team", "players").unique()
    kept: set[str] = set()
    for (team,), of_team in people.sort("players").group_by("team", maintain_order=True):
        kept |= set(of_team["players"][: officials if team == "referee" else skaters])
    for match, table in zip(sorted(folder.glob("match-*")), tables, strict=True):
        first = pl.col("players").str.split(";").list.first()
        for file, team, who in table.filter(~first.is_in(list(kept))).select("file", "team", "players").iter_rows():
            if ";" not in who:
                found.append((team, folder / "strangers" / match.name / file))
            (folder / "strangers" / match.name / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(match / file, folder / "strangers" / match.name / file)
        table.filter(first.is_in(list(kept))).write_csv(match / "players.csv")
    return found


def in_turns(
    one: Callable[[], object], other: Callable[[], object], rounds: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Median milliseconds, elapsed and of processor, of two things done by turns, after a warm-up."""
    times: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for number in range(rounds + 5):
        for what, of in zip((one, other), times, strict=True):
            start, before = time.perf_counter(), time.process_time()
            what()
            if number >= 5:
                of.append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - before)))
    first, second = ([statistics.median(column) for column in zip(*of, strict=True)] for of in times)
    return (first[0], first[1]), (second[0], second[1])


def say(report: EvaluationReport) -> None:
    """Both arms of an evaluation in a few lines."""
    click.echo(f"{report.member}: {report.crops} crops of {report.players} people, {report.folds} folds, "
               f"{report.seeds} seeds, people never seen")  # fmt: skip
    for name, score in (("ensemble", report.sharded), ("one piece", report.unsharded)):
        if score is not None:
            click.echo(
                f"  {name} ({score.shards} × {score.slices}): {score.accuracy:.2%} ({score.low:.1%} to "
                f"{score.high:.1%}), majority {score.majority:.2%}, F1 {score.f1_macro:.3f}, confidence off by "
                f"{score.calibration_error:.1%}"
            )


if __name__ == "__main__":
    main()
