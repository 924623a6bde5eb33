"""How many 720p frames a second the detector looks at, by runtime: `python -m benchmarks.detector_passes`

Fitting to the network's size, the network, and thinning are counted; reading the video is not. Each runtime gets the
batches and the threads that the pipeline gives it. Wanted on 2 cores at 960 pixels: 30 with the fastest runtime, 12
with plain PyTorch. Processor time is printed too: it is what a machine that does other things bends least.
Expectation, written before: bfloat16 50, PyTorch 20.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import click

from tracker.assets import asset
from tracker.detector import Detector
from tracker.video import frames, probe


@click.command()
@click.option("--runtime", "runtimes", multiple=True, default=("pytorch", "openvino-f32", "openvino-bf16"))
@click.option("--image-size", default=960, show_default=True)
@click.option("--passes", default=120, show_default=True, help="Frames that are looked at in a round.")
@click.option("--rounds", default=3, show_default=True, help="The median counts.")
def main(runtimes: tuple[str, ...], image_size: int, passes: int, rounds: int) -> None:
    """Time the default weights on frames of the demo match."""
    pictures = [frame.image for frame in islice(frames(probe(asset("demo/match.mp4"))), passes)]
    height, width = pictures[0].shape[:2]
    click.echo(f"{len(pictures)} frames of {width}×{height}, seen at {image_size} pixels")
    for runtime in runtimes:
        detector = Detector.load(image_size=image_size, runtime=runtime, threads=1)
        batches = [pictures[i : i + detector.batch] for i in range(0, len(pictures), detector.batch)]
        rates, cost = [], []
        with ThreadPoolExecutor(detector.workers) as pool:
            list(pool.map(detector.many, batches[: 4 * detector.workers]))
            for _ in range(rounds):
                start, spent = time.perf_counter(), time.process_time()
                list(pool.map(detector.many, batches))
                rates.append(len(pictures) / (time.perf_counter() - start))
                cost.append(1000 * (time.process_time() - spent) / len(pictures))
        middle = sorted(rates)[len(rates) // 2]
        click.echo(
            f"{runtime:<14} {detector.runtime['precision']:<9} {middle:5.1f} passes a second"
            f" ({min(rates):.1f} to {max(rates):.1f}; {detector.workers} at once), {min(cost):.0f} core-ms each"
        )


if __name__ == "__main__":
    main()
