"""Peak memory and processor time of `cleansheet process` against the length of the video.

Expectation, written before measuring: without PyTorch the libraries, the detector and the frames under way take some
550 MiB whatever the length; what is kept of a box is 100 bytes. So 10 minutes take 1.05 times what one takes, and an
hour 1.25 times what 5 minutes take. Found: 1.08 and, after association, statistics and pictures had been made smaller,
of which 1.05 was expected, 1.76, 1.25, 1.07 to 1.22, and 1.07 since; holes in the heap were a part of it
(docs/throughput.md). A second is processed beforehand, since exporting the detector, once for a size, takes a gigabyte;
and the demo's teams are learned, since heat maps and the timeline are made for teams only.

    python -m benchmarks.memory                     1 and 10 minutes of the demo match at the default settings
    python -m benchmarks.memory --image-size 320    the same, sooner: the network's input does not grow with the length
    python -m benchmarks.memory --minutes 5 --minutes 60 --resumed
                                                    an hour in a third of its time: as a run that was killed five
                                                    minutes before the end of the video and goes on
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import click
import numpy as np
from rich.console import Console
from rich.table import Table

from tracker.detection_log import RECORD
from tracker.video import probe

ROOT = Path(__file__).resolve().parents[1]
MATCH = ROOT / "videos" / "demo" / "match.mp4"
CALIBRATION = MATCH.with_suffix(".truth") / "calibration.toml"
CROPS = MATCH.parent / "crops"
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}


def loop_video(source: Path, target: Path, seconds: float) -> None:
    """Repeat a video without encoding it again, until it lasts `seconds`."""
    with av.open(str(target), "w") as out:
        stream, shift, done = None, 0, False
        while not done:
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                length = 0
                for packet in container.demux(video):
                    if packet.dts is None:
                        continue
                    length = max(length, packet.pts + packet.duration)
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    out.mux(packet)
                shift += length
                done = float(shift * video.time_base) >= seconds


def measured(arguments: list[str], workspace: Path) -> tuple[float, float, dict]:
    """Of one `cleansheet process`: peak resident memory in MiB, processor seconds, and what it said."""
    code = (
        "import resource, subprocess, sys; "
        "done = subprocess.run([sys.executable, '-m', 'tracker.cli', *sys.argv[1:]], capture_output=True, text=True); "
        "sys.stderr.write(done.stderr); print(done.stdout); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime); print(used.ru_maxrss); sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "process", *arguments, "-w", str(workspace), "--json"],
        cwd=ROOT, env=HERE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise click.ClickException(done.stderr)
    lines = done.stdout.strip().splitlines()
    peak = int(lines[-1]) / (1024 if sys.platform == "linux" else 1024**2)
    return peak, float(lines[-2]), json.loads(lines[0])["runs"][0]


def stop_late(arguments: list[str], workspace: Path, run: str, known: Path, until: int) -> None:
    """Leave what a `cleansheet process` that was killed would have: a log of detections up to the frame `until`, of a
    looped video that shows again and again what the log `known` is of."""
    partial = workspace / "runs" / f"{run}.partial"
    begun = subprocess.Popen(
        [sys.executable, "-m", "tracker.cli", "process", *arguments, "-w", str(workspace)],
        cwd=ROOT, env=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while begun.poll() is None and not (partial / "detections.bin").exists():
        time.sleep(0.1)
    begun.kill()
    begun.wait()
    once = np.fromfile(known, RECORD)
    length, every = int(once["frame"].max()) + 1, int(np.diff(np.unique(once["frame"]))[0])
    once = once[once["frame"] % every == 0]  # the last frame of a video is looked at in any case
    with (partial / "detections.bin").open("wb") as file:
        for shift in range(0, until, length):
            again = once.copy()
            again["frame"] += shift
            file.write(again[again["frame"] < until].tobytes())


def draw(rows: list[tuple[float, float, float]], target: Path, looked_at: float | None) -> None:
    """Minutes of the match, peak MiB and processor seconds of each run, as a picture; `looked_at`: of how many minutes
    the detections are not laid in, where some are."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    minutes, peak, used = zip(*rows, strict=True)
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7, 5), layout="constrained")
    above.plot(minutes, [each / 60 for each in used], "o-", color="#1f5fa8")
    above.set_ylabel("processor time, minutes")
    if looked_at is not None:
        above.set_title(f"people are looked for in {looked_at:g} minutes of each, the rest is done for all", fontsize=9)
    below.plot(minutes, peak, "o-", color="#b8461b")
    below.set_ylabel("peak memory, MiB")
    below.set_xlabel("length of the match, minutes")
    for axes in (above, below):
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
        axes.set_xlim(left=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(target, dpi=110)


@click.command()
@click.option("--video", type=click.Path(exists=True, path_type=Path), default=MATCH, help="What is looped.")
@click.option("--minutes", type=float, multiple=True, default=(1.0, 10.0), show_default=True)
@click.option("--image-size", type=int, default=960, show_default=True)
@click.option("--no-video", is_flag=True)
@click.option("--calibration", type=click.Path(exists=True, path_type=Path), default=CALIBRATION, show_default=True)
@click.option("--resumed", is_flag=True,
              help="Of longer videos than the first, only as many minutes at the end are looked at.")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw time and memory over length.")
def main(
    video: Path, minutes: tuple[float, ...], image_size: int, no_video: bool, calibration: Path, resumed: bool,
    chart: Path | None,
) -> None:  # fmt: skip
    """Print peak memory and processor time for each length, and the ratio of memory to the first's."""
    grid = Table("minutes", "frames", "tracks", "peak MiB", "ratio", "processor s", "core-ms a frame", "seconds")
    first: tuple[float, Path, int] | None = None
    rows: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for command in (["import", str(CROPS)], ["train"]):
            subprocess.run(
                [sys.executable, "-m", "tracker.cli", *command, "-w", str(Path(folder) / "workspace")],
                cwd=ROOT, env=HERE, stdout=subprocess.DEVNULL, check=True,
            )  # fmt: skip
        measured([str(video), "--end", "1", "--image-size", str(image_size), "--no-video"], Path(folder) / "workspace")
        for length in minutes:
            looped = Path(folder) / f"{length:g}min.mp4"
            loop_video(video, looped, length * 60)
            arguments = [str(looped), "--end", str(length * 60), "--image-size", str(image_size),
                         "--calibration", str(calibration)]  # fmt: skip
            arguments += ["--no-video"] * no_video
            if resumed and first is not None:
                _, log, shown = first
                until = probe(looped, end_s=length * 60).frame_count - shown
                stop_late(arguments, Path(folder) / "workspace", looped.stem, log, until)
                arguments.append("--resume")
            peak, used, run = measured(arguments, Path(folder) / "workspace")
            first = first or (peak, Path(run["folder"]) / "detections.bin", int(run["frames"]))
            rows.append((length, peak, used))
            grid.add_row(f"{length:g}", str(run["frames"]), str(run["tracks"]), f"{peak:.0f}", f"{peak / first[0]:.3f}",
                         f"{used:.0f}", f"{1000 * used / max(run['frames'], 1):.1f}",
                         f"{run['seconds']['total']:.0f}")  # fmt: skip
            if chart is not None:
                draw(rows, chart, minutes[0] if resumed else None)
    Console(width=120).print(grid)


if __name__ == "__main__":
    main()
