"""Which boxes are left out for being far smaller than people who stand there: `python -m benchmarks.small_boxes DATA`

Of the boxes that count at the default threshold, how many right and how many wrong ones have a relative size
(`tracker.stature.relative_size`) under each limit.
"""

from pathlib import Path
from unittest import mock

import click
import numpy as np

from tracker import stature
from tracker.detection_scores import matches
from tracker.detector import Detector
from tracker.labelled_pictures import find_samples, labelled_frames

LIMITS = (0.3, 0.4, 0.5, 0.6)


@click.command(help=__doc__, context_settings={"max_content_width": 110})
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--every", default=1, show_default=True, help="Look at every Nth frame of a group.")
@click.option("--leave-out", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Names of pictures.")
def main(data: Path, every: int, leave_out: Path | None) -> None:
    samples = find_samples([data], leave_out)
    with mock.patch.object(stature, "LEAST", 0.0):
        detector = Detector.load(runtime="openvino-f32")
        for group in sorted({sample.group for sample in samples}):
            right: list[float] = []
            wrong: list[float] = []
            for frame in labelled_frames([sample for sample in samples if sample.group == group][::every]):
                people, (height, width) = detector(frame.image), frame.image.shape[:2]
                size = stature.relative_size(people.xyxy, np.asarray(people.confidence), width, height)
                hit = matches(people.xyxy, frame.truth.xyxy)[:, 0]
                right += size[hit].tolist()
                wrong += size[~hit].tolist()
            counts = ", ".join(
                f"under {limit:g}: {int(np.sum(np.array(right) < limit))} and {int(np.sum(np.array(wrong) < limit))}"
                for limit in LIMITS
            )
            click.echo(f"{group}: of {len(right)} right and {len(wrong)} wrong boxes {counts}")


if __name__ == "__main__":
    main()
