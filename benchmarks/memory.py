"""Peak memory of `cleansheet process` against the length of the video.

Expectation, written before measuring: without PyTorch the libraries, the detector and the frames under way take some
550 MiB whatever the length. What is kept of a box of a track until the end is 100 bytes, and some of it is there
twice while it is sorted: an hour at 30 fps and 13 people adds 200 MiB, of which the detector's 60 are free by then.
So 10 minutes take 1.05 times what one takes, and an hour 1.25 times what 5 minutes take.

    python benchmarks/memory.py                     1 and 10 minutes of the demo match at the default settings
    python benchmarks/memory.py --image-size 320    the same, sooner: the network's input does not grow with the length
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import click
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
MATCH = ROOT / "videos" / "demo" / "match.mp4"
CALIBRATION = MATCH.with_suffix(".truth") / "calibration.toml"


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


def peak_mib(arguments: list[str], workspace: Path) -> tuple[float, dict]:
    """Peak resident memory of one `cleansheet process`, MiB, and what it said."""
    code = (
        "import resource, subprocess, sys; "
        "done = subprocess.run([sys.executable, '-m', 'tracker.cli', *sys.argv[1:]], capture_output=True, text=True); "
        "sys.stderr.write(done.stderr); print(done.stdout); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "process", *arguments, "-w", str(workspace), "--json"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise click.ClickException(done.stderr)
    lines = done.stdout.strip().splitlines()
    return int(lines[-1]) / (1024 if sys.platform == "linux" else 1024**2), json.loads(lines[0])["runs"][0]


@click.command()
@click.option("--video", type=click.Path(exists=True, path_type=Path), default=MATCH, help="What is looped.")
@click.option("--minutes", type=float, multiple=True, default=(1.0, 10.0), show_default=True)
@click.option("--image-size", type=int, default=960, show_default=True)
@click.option("--no-video", is_flag=True)
@click.option("--calibration", type=click.Path(exists=True, path_type=Path), default=CALIBRATION, show_default=True)
def main(video: Path, minutes: tuple[float, ...], image_size: int, no_video: bool, calibration: Path) -> None:
    """Print the peak memory for each length, and its ratio to the first."""
    grid = Table("minutes", "frames", "tracks", "peak MiB", "ratio", "seconds")
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for length in minutes:
            looped = Path(folder) / f"{length:g}min.mp4"
            loop_video(video, looped, length * 60)
            arguments = [str(looped), "--end", str(length * 60), "--image-size", str(image_size),
                         "--calibration", str(calibration)]  # fmt: skip
            peak, run = peak_mib(arguments + ["--no-video"] * no_video, Path(folder) / "workspace")
            first = first or peak
            grid.add_row(f"{length:g}", str(run["frames"]), str(run["tracks"]), f"{peak:.0f}", f"{peak / first:.3f}",
                         f"{run['seconds']['total']:.0f}")  # fmt: skip
    Console().print(grid)


if __name__ == "__main__":
    main()
