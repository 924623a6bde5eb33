"""How fast a match is processed: this program, the reference pipeline's steps, and `ultralytics track` alone.

Each contestant is a fresh process; they take turns, so that whatever else the machine does hits all alike. Wall clock
and processor time are both given: the second is what a loaded machine does not bend. Start-up is not counted for
anybody, except in the line that measures it.

A video that is shorter than what is asked for is looped: what is done once, however long the match, would otherwise be
all that a clip of four seconds tells.

Expectation, written before measuring (core-ms a frame of the demo: decoding 4.5, detector 30 in bfloat16, camera,
looks, association 5, drawing 2, decoding again 4.5, encoding 13): 35 frames a second with the video, 50 without, 75
with a look at every 2nd frame; the reference's steps 3 to 4 a second, `ultralytics track` 12. When every 2nd frame
became the default: 12 times the reference with the video, by processor time, since it had been that as an option.

    python -m benchmarks.throughput --seconds 10 --rounds 3 --clip CLIP.mp4
    python -m benchmarks.throughput --seconds 12 --no-demo --only-defaults --clip CLIP.mp4     in a third of the time
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.memory import loop_video
from tracker.video import probe

ROOT = Path(__file__).resolve().parents[1]
MATCH = ROOT / "videos" / "demo" / "match.mp4"
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}
DEFAULTS = {
    "cleansheet process": [],
    "cleansheet process --no-video": ["--no-video"],
}
OURS = {
    **DEFAULTS,
    "cleansheet process --detect-every 1": ["--detect-every", "1"],
    "cleansheet process --detect-every 1 --no-video": ["--detect-every", "1", "--no-video"],
    "cleansheet process --runtime pytorch": ["--runtime", "pytorch"],
}
FIRST_FRAME = """
import os, sys
from tracker.environment import quiet_libraries
quiet_libraries()
from tracker.association.associator import Associator
update = Associator.update
def first(*given):
    update(*given)
    os._exit(0)
Associator.update = first
from tracker.cli import main
main(sys.argv[1:])
"""
"""The command, ended when the first frame is done."""
REFERENCE, TRACK = "the reference's steps", "ultralytics track alone"


def ours(options: list[str], video: Path, seconds: float) -> dict[str, float]:
    """One run of the command: frames, seconds, processor seconds, seconds from its start to the first frame done."""
    with tempfile.TemporaryDirectory() as folder:
        begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["-m", "tracker.cli", "process", str(video), "--end", str(seconds), "-w", folder, "--json"]
        said = _run([*command, *options])
        wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        run = said["runs"][0]
        begun = time.monotonic()
        again = [*command[2:-1], *options, "--force"]
        subprocess.run([sys.executable, "-c", FIRST_FRAME, *again], cwd=ROOT, env=HERE, check=True)
        started = time.monotonic() - begun
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    around = wall - run["seconds"]["total"]
    return {"frames": run["frames"], "wall_s": run["seconds"]["total"], "cpu_s": used - min(around, used / 2),
            "start_s": started}  # fmt: skip


def other(name: str, video: Path, seconds: float) -> dict[str, float]:
    return _run(["-m", "benchmarks.throughput_others", name, str(video), str(seconds)])


def _run(arguments: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=HERE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise click.ClickException(done.stderr[-2000:])
    value: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return value


@click.command()
@click.option("--seconds", type=float, default=10.0, show_default=True, help="Of each video.")
@click.option("--rounds", type=int, default=3, show_default=True)
@click.option("--clip", type=click.Path(exists=True, path_type=Path), multiple=True, help="Videos besides the demo.")
@click.option("--demo/--no-demo", default=True, show_default=True, help="Whether the demo is processed, too.")
@click.option("--only-defaults", is_flag=True, help="Leave out other runtimes and more looks.")
@click.option("--output", type=click.Path(path_type=Path), help="All measurements as JSON.")
def main(
    seconds: float, rounds: int, clip: tuple[Path, ...], demo: bool, only_defaults: bool, output: Path | None
) -> None:  # fmt: skip
    """Print frames a second of everybody, medians over the rounds, and ratios to the reference and to ultralytics."""
    everything = {}
    with tempfile.TemporaryDirectory() as folder:
        for video in (*((MATCH,) if demo else ()), *clip):
            played = video
            if probe(video).duration_s < seconds:
                played = Path(folder) / video.name
                loop_video(video, played, seconds)
            everything[video.name] = _side_by_side(played, seconds, rounds, DEFAULTS if only_defaults else OURS)
            Console(width=150).print(_table(video.name, everything[video.name]))
    if output is not None:
        output.write_text(json.dumps(everything, indent=2))


def _side_by_side(
    video: Path, seconds: float, rounds: int, runs: dict[str, list[str]]
) -> dict[str, list[dict[str, float]]]:
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in (*runs, REFERENCE, TRACK)}
    ours([], video, 1.0)  # the export of the detector, which is made once, is not part of any round
    for _ in range(rounds):
        for name, options in runs.items():
            measured[name].append(ours(options, video, seconds))
        measured[REFERENCE].append(other("reference", video, seconds))
        measured[TRACK].append(other("track", video, seconds))
    return measured


def _table(title: str, measured: dict[str, list[dict[str, float]]]) -> Table:
    def middle(name: str, of: str) -> float:
        return statistics.median(run[of] / (1 if of == "start_s" else run["frames"]) for run in measured[name])

    grid = Table("", "frames/s", "core-ms a frame", "times the reference", "times ultralytics track",
                 "start to first frame, s", title=title)  # fmt: skip
    for name in measured:
        wall, cpu = middle(name, "wall_s"), middle(name, "cpu_s")
        ratios = [f"{middle(by, 'wall_s') / wall:.1f} ({middle(by, 'cpu_s') / cpu:.1f} by processor time)"
                  for by in (REFERENCE, TRACK)]  # fmt: skip
        start = f"{middle(name, 'start_s'):.1f}" if name in OURS else ""
        grid.add_row(name, f"{1 / wall:.1f}", f"{1000 * cpu:.0f}", *ratios, start)
    return grid


if __name__ == "__main__":
    main()
