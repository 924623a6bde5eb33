"""SHA-256 of the default weights' boxes on frames of the demo match, by runtime: `python -m benchmarks.same_boxes`

Two fresh installs of the same packages on one machine print the same lines. Expectation, written before: the same on
two installs; between PyTorch and OpenVINO, and on a CPU with other instructions, the last bits differ, so do hashes.
"""

import hashlib
from itertools import islice

import click
import numpy as np

from tracker.assets import asset
from tracker.company import DEFAULT_CONFIDENCE
from tracker.detector import Detector
from tracker.video import frames, probe

STRIDE, COUNT = 225, 4


@click.command()
@click.option("--confidence", default=DEFAULT_CONFIDENCE, show_default=True)
def main(confidence: float) -> None:
    """Hash boxes, confidences and roles, bit for bit."""
    pictures = [frame.image for frame in islice(frames(probe(asset("demo/match.mp4")), stride=STRIDE), COUNT)]
    seen = hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()
    click.echo(f"{'frames':<14} {len(pictures)} of the demo match  {seen}")
    for runtime in ("pytorch", "openvino-f32", "openvino-bf16"):
        detector = Detector.load(confidence=confidence, threads=1, runtime=runtime)
        people = [detector(picture) for picture in pictures]
        total, digest = 0, hashlib.sha256()
        for found in people:
            total += len(found)
            for column, kind in ((found.xyxy, np.float32), (found.confidence, np.float32), (found.class_id, np.int64)):
                digest.update(np.asarray(column, kind).tobytes())
        click.echo(f"{runtime:<14} {total} boxes  {digest.hexdigest()}")


if __name__ == "__main__":
    main()
