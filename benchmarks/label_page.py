"""How smooth the labelling page is with thousands of tracks: first cards in a real browser, a label on the server.

    python -m benchmarks.label_page --tracks 2000

The tracks are made up: each shows crops of one person of the demo's training session. Times are of this machine.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import httpx
import numpy as np
import polars as pl

from tracker.assets import asset
from tracker.run import write_json
from tracker.tables import PLAYERS, TRACKS, write_csv

CROPS = 6
FRAMES = 150


def write_run(folder: Path, tracks: int) -> None:
    """A finished run of so many tracks of five seconds."""
    people = sorted({path.name.rsplit("_", 1)[0]: path.parent for path in asset("demo/crops").glob("*/*.jpg")}.items())
    random = np.random.default_rng(0)
    for track in range(1, tracks + 1):
        name, place = people[int(random.integers(len(people)))]
        own = folder / "crops" / f"track-{track:04d}"
        own.mkdir(parents=True)
        for number, path in enumerate(random.permutation(sorted(place.glob(f"{name}_*.jpg")))[:CROPS]):
            shutil.copyfile(path, own / f"{track * 10 + number * 20:06d}.jpg")
    steps = np.tile(np.arange(FRAMES), tracks)
    ids = np.repeat(np.arange(1, tracks + 1), FRAMES)
    table = pl.DataFrame({"frame": ids * 10 + steps, "track_id": ids}).sort("frame", "track_id")
    table = table.with_columns(
        time_s=pl.col("frame") / 30, role=pl.lit("player"), observed=pl.lit(True), confidence=pl.lit(0.9),
        x1=pl.lit(1.0), y1=pl.lit(1.0), x2=pl.lit(40.0), y2=pl.lit(90.0),
    )  # fmt: skip
    write_csv(table.with_columns(**{c: pl.lit(None) for c in TRACKS.names if c not in table.columns}), TRACKS,
              folder / "tracks.csv")  # fmt: skip
    players = pl.DataFrame({"track_id": np.arange(1, tracks + 1), "role": ["player"] * tracks})
    write_csv(players.with_columns(**{c: pl.lit(None) for c in PLAYERS.names if c not in players.columns}), PLAYERS,
              folder / "players.csv")  # fmt: skip
    write_json(folder / "run.json", {"complete": True, "video": {}, "settings": {}})


@click.command(help=__doc__, context_settings={"max_content_width": 110})
@click.option("--tracks", default=2000, show_default=True)
@click.option("--labels", default=200, show_default=True, help="Labels that are timed.")
def main(tracks: int, labels: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_run(Path(folder) / "runs" / "big", tracks)
        process = subprocess.Popen(
            [sys.executable, "-m", "tracker.cli", "label", "big", "-w", folder, "--no-browser"], stdout=subprocess.PIPE,
            text=True, env=os.environ,
        )  # fmt: skip
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        try:
            first, guessed, scrolled = in_browser(address)
            busy_s = cpu_s(process.pid)
            took = label_times(address, labels, tracks)
            busy_s = cpu_s(process.pid) - busy_s
        finally:
            process.terminate()
            process.wait()
    click.echo(f"{tracks} tracks: first cards with pictures after {first:.2f} s; sorted after {guessed:.1f} s")
    click.echo(f"scrolling to the end of a column: longest frame {scrolled:.0f} ms")
    took.sort()
    click.echo(f"a label on the server: median {1000 * statistics.median(took):.0f} ms, "
               f"95 % under {1000 * took[int(0.95 * len(took))]:.0f} ms, longest {1000 * took[-1]:.0f} ms")  # fmt: skip
    click.echo(f"the server's own work for it: {1000 * busy_s / labels:.1f} ms of CPU")


def in_browser(address: str) -> tuple[float, float, float]:
    """Seconds until the first picture of a card shows, until the cards are sorted, and the longest frame (ms) while a
    column is scrolled through."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)  # or it could not be asked
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_function("[...document.querySelectorAll('.card img')].some(i => i.naturalWidth)", polling=10)
        first = time.perf_counter() - began
        page.wait_for_selector(".column[data-column] .confirm:visible >> nth=1", timeout=300_000)
        guessed = time.perf_counter() - began
        page.wait_for_timeout(2000)
        longest = page.evaluate("""() => new Promise((end) => {
          const list = document.querySelector('.column .cards'), times = [];
          let last = performance.now();
          const step = (now) => {
            times.push(now - last); last = now; list.scrollTop += 400;
            if (times.length < 120) requestAnimationFrame(step); else end(Math.max(...times.slice(1)));
          };
          requestAnimationFrame(step);
        })""")
        browser.close()
    return first, guessed, float(longest)


def cpu_s(pid: int) -> float:
    """CPU time that a process has used; the rest of an answer's time it waits, for the disk and for other programs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def label_times(address: str, labels: int, tracks: int) -> list[float]:
    """Seconds of each of so many labels, asked for and answered over the wire."""
    base, token = address.split("/?token=")
    took = []
    with httpx.Client(headers={"X-Cleansheet-Token": token}, timeout=60) as client:
        for number in range(labels):
            body = {"what": "team", "cards": [number % tracks + 1], "team": ("red", "blue")[number % 2]}
            began = time.perf_counter()
            client.post(f"{base}/api/act", json=body).raise_for_status()
            took.append(time.perf_counter() - began)
    return took


if __name__ == "__main__":
    main()
