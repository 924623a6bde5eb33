"""What each runtime of the detector, and looking at every N-th frame only, costs in accuracy: the demo match, whole.

Expectation, written before measuring: float32 in OpenVINO changes nothing; bfloat16 moves boxes by some tenths of a
pixel and costs under 0.3 points; int8 moves them by half a pixel and costs 1; leaving the stands out costs nothing;
every 2nd frame costs about 1 point of HOTA, every 3rd 2 to 3, and the teams nothing. 768 pixels
were added when what they cost had been seen.

    python -m benchmarks.detector_runtimes -w /tmp/runtimes
"""

import json
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
import supervision as sv
from rich.console import Console
from rich.table import Table

from classifier.errors import BadInput
from classifier.importing import import_tree
from classifier.training import train
from tracker.assets import asset
from tracker.detector import Detector
from tracker.process import process_videos
from tracker.progress import silent
from tracker.settings import DetectorSettings, ProcessSettings
from tracker.truth import against_truth
from tracker.video import frames, probe

CHOICES = (("pytorch", 1, True, 960), ("openvino-f32", 1, True, 960), ("openvino-bf16", 1, True, 960),
           ("openvino-int8", 1, True, 960), ("openvino", 1, False, 960), ("openvino", 2, False, 960),
           ("openvino", 3, False, 960), ("openvino", 2, False, 768), ("openvino", 3, False, 768))  # fmt: skip
"""Runtime, frames from one look to the next, whether each is at all of the frame, and pixels of its longer side."""
SAMPLED = 45  # every so many frames, boxes are compared one by one


@click.command()
@click.option("-w", "--workspace", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--match", type=click.Path(exists=True, path_type=Path), help="A rendered match; the demo by default.")
@click.option("--output", type=click.Path(path_type=Path), help="The same as JSON.")
def main(workspace: Path, match: Path | None, output: Path | None) -> None:
    """Process a rendered match with each choice and hold it against the truth; compare boxes with PyTorch's."""
    match = match or asset("demo/match.mp4")
    truth = match.with_suffix(".truth")
    import_tree(workspace, asset("demo/crops"))
    train(workspace)
    pictures = [frame.image for frame in frames(probe(match), stride=SAMPLED)]
    reference = [Detector.load(runtime="pytorch")(picture) for picture in pictures]
    table = Table("runtime", "every", "whole", "pixels", "took, s", "HOTA", "IDF1", "right team", "recall",
                  "boxes moved, px: median", "most", "boxes only in one")  # fmt: skip
    rows = []
    for runtime, every, whole, size in CHOICES:
        try:
            detector = Detector.load(runtime=runtime, image_size=size)
        except BadInput as missing:  # such as bfloat16 on a CPU without it
            print(missing)
            continue
        name = f"{runtime}-{every}-{size}-{'whole' if whole else 'part'}"
        settings = ProcessSettings(
            calibration=truth / "calibration.toml", video=False,
            detector=DetectorSettings(runtime=runtime, every=every, whole=whole, image_size=size),
        )  # fmt: skip
        run = process_videos(
            [match], workspace, settings, name=name, fresh=False, force=True, report=silent
        )[0]
        right = against_truth(Path(run["folder"]), truth)
        moved, lone = compared(reference, [detector(picture) for picture in pictures])
        how = {"runtime": run["runtime"], "every": every, "whole": whole, "image_size": size}
        rows.append({**how, **asdict(right), "moved_px": moved.tolist()})
        table.add_row(
            f"{runtime} ({run['runtime']['precision']})", str(every), "yes" if whole else "",
            str(size), f"{run['seconds']['total']:.0f}",
            f"{100 * right.hota:.1f}", f"{100 * right.idf1:.1f}", f"{100 * right.team_right:.1f} %",
            f"{100 * right.recall:.1f} %",
            f"{np.median(moved):.2f}", f"{moved.max():.2f}", f"{lone} of {sum(map(len, reference))}",
        )  # fmt: skip
    Console(width=140).print(table)
    if output is not None:
        output.write_text(json.dumps(rows, indent=2))


def compared(mine: list[sv.Detections], theirs: list[sv.Detections]) -> tuple[np.ndarray, int]:
    """How far the worst edge of each box moved [px], and how many boxes have no counterpart (IoU of a half)."""
    moved, lone = [], 0
    for one, other in zip(mine, theirs, strict=True):
        iou = sv.box_iou_batch(one.xyxy, other.xyxy) if len(one) and len(other) else np.zeros((len(one), len(other)))
        best = iou.argmax(axis=1) if iou.size else np.zeros(0, int)
        paired = iou.max(axis=1) >= 0.5 if iou.size else np.zeros(len(one), bool)
        moved += np.abs(one.xyxy[paired] - other.xyxy[best[paired]]).max(axis=1).tolist()
        lone += int((~paired).sum()) + len(other) - len(set(best[paired].tolist()))
    return np.array(moved), lone


if __name__ == "__main__":
    main()
