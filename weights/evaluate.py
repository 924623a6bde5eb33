"""How good a detector is: AP50, AP50-95, precision and recall, of all roles as one class and of each role.

python -m weights.evaluate --data DIR --group rink-5
python -m weights.evaluate --match DIR        # a rendered match: its video and gt.txt
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
import supervision as sv

from tracker.detector import ROLES, Detector
from weights.dataset import Sample, find_samples, read_picture

IOU_THRESHOLDS = np.arange(0.5, 0.96, 0.05)
LEAST_VISIBLE = 0.25
"""Of a rendered person, the share that nobody stands in front of."""


@dataclass(frozen=True)
class Truth:
    """What is on one frame."""

    xyxy: npt.NDArray[np.float32]
    """`(N, 4)` pixels."""
    role: npt.NDArray[np.int64]
    """`(N,)` of `ROLES`."""
    hidden: npt.NDArray[np.float32] | None = None
    """`(M, 4)` people hardly to be seen: to find them is neither right nor wrong."""


@dataclass(frozen=True)
class Score:
    """Of one class, or of all as one."""

    people: int
    ap50: float
    ap50_95: float
    precision: float
    recall: float
    confidence: float
    """The threshold that precision and recall are taken at."""

    def line(self, name: str) -> str:
        """One row for the screen."""
        return (
            f"{name:<12} {self.people:>6} people  AP50 {self.ap50:.3f}  AP50-95 {self.ap50_95:.3f}"
            f"  precision {self.precision:.3f}  recall {self.recall:.3f}  at {self.confidence:.2f}"
        )


def average_precision(correct: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float32], people: int) -> float:
    """Area under the precision-recall curve, precision made monotone, at 101 recalls as COCO does."""
    if not people or not len(correct):
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(correct[order])
    recall, precision = hits / people, hits / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, np.linspace(0, 1, 101))
    return float(np.append(precision, 0.0)[at].mean())


def matches(boxes: npt.NDArray[np.float32], truth: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """`(N, 10)`: whether each box, the most confident first, is the first on a person at each IoU threshold."""
    correct = np.zeros((len(boxes), len(IOU_THRESHOLDS)), bool)
    if not len(boxes) or not len(truth):
        return correct
    iou = sv.box_iou_batch(boxes, truth)
    for column, threshold in enumerate(IOU_THRESHOLDS):
        free = np.ones(len(truth), bool)
        for row in np.flatnonzero(iou.max(1) >= threshold):
            best = int(np.argmax(iou[row] * free))
            if free[best] and iou[row, best] >= threshold:
                free[best], correct[row, column] = False, True
    return correct


@dataclass(frozen=True)
class Matched:
    """Every box of a set of frames, with what it hit."""

    correct: npt.NDArray[np.bool_]
    """`(N, 10)`, see `matches`."""
    confidence: npt.NDArray[np.float32]
    people: int

    def score(self, confidence: float) -> Score:
        """Average precision over all boxes; precision and recall of those from `confidence` on, at IoU 0.5."""
        columns = range(len(IOU_THRESHOLDS))
        precisions = [average_precision(self.correct[:, c], self.confidence, self.people) for c in columns]
        strong = self.correct[self.confidence >= confidence, 0]
        return Score(
            self.people,
            precisions[0],
            float(np.mean(precisions)),
            float(strong.mean()) if len(strong) else 1.0,
            float(strong.sum() / self.people) if self.people else 1.0,
            confidence,
        )

    def best_threshold(self) -> float:
        """The confidence at which precision and recall have the best harmonic mean, in steps of 0.05."""
        grid = np.arange(2, 17) / 20
        hits = [self.correct[self.confidence >= threshold, 0] for threshold in grid]
        harmonic = [2 * h.sum() / max(1, len(h) + self.people) for h in hits]
        return float(grid[int(np.argmax(harmonic))])


def match_up(pairs: Sequence[tuple[sv.Detections, Truth]], role: int | None = None) -> Matched:
    """Match the boxes of all frames to the people, of one role or of all as one class."""
    correct, confidence, people = [], [], 0
    for found, truth in pairs:
        mine = np.ones(len(found), bool) if role is None else found.class_id == role
        there = np.ones(len(truth.xyxy), bool) if role is None else truth.role == role
        hits = matches(found.xyxy[mine], truth.xyxy[there])
        counted = np.ones(len(hits), bool)
        if truth.hidden is not None and len(truth.hidden) and len(hits):
            counted = hits[:, 0] | (sv.box_iou_batch(found.xyxy[mine], truth.hidden).max(1) < IOU_THRESHOLDS[0])
        correct.append(hits[counted])
        confidence.append(np.asarray(found.confidence)[mine][counted])
        people += int(there.sum())
    return Matched(np.concatenate(correct), np.concatenate(confidence), people)


def report(pairs: Sequence[tuple[sv.Detections, Truth]], confidence: float | None = None) -> list[str]:
    """A line for all roles as one class and one for each role that the truth knows of."""
    together = match_up(pairs)
    threshold = together.best_threshold() if confidence is None else confidence
    lines = [together.score(threshold).line("all as one")]
    known = [role for role in range(len(ROLES)) if any((truth.role == role).any() for _, truth in pairs)]
    if len(known) > 1:
        lines += [match_up(pairs, role).score(threshold).line(ROLES[role]) for role in known]
    return lines


def labelled_frames(samples: Iterable[Sample]) -> Iterator[tuple[npt.NDArray[np.uint8], Truth]]:
    """Pictures with their truth in pixels."""
    for sample in samples:
        image = read_picture(sample.path)
        yield image, Truth(pixels(sample.labels, image.shape[1], image.shape[0]), sample.labels[:, 0].astype(np.int64))


def pixels(labels: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
    """`xyxy` pixels of YOLO label rows `(N, 5)`."""
    centre, half = labels[:, 1:3], labels[:, 3:5] / 2
    size = np.array([width, height] * 2, np.float32)
    return (np.column_stack([centre - half, centre + half]) * size).astype(np.float32)


def match_frames(folder: Path, every: int) -> Iterator[tuple[npt.NDArray[np.uint8], Truth]]:
    """Every `every`-th frame of a rendered match, with the boxes of its MOTChallenge `gt.txt`. Roles stay unknown."""
    import av

    video = next(iter(sorted(folder.rglob("*.mp4"))), None)
    truth_file = next(iter(sorted(folder.rglob("gt.txt"))), None)
    if video is None or truth_file is None:
        raise click.ClickException(f"{folder}: expected an .mp4 and a gt.txt")
    rows = np.loadtxt(truth_file, delimiter=",", ndmin=2)
    with av.open(str(video)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % every:
                continue
            mine = rows[rows[:, 0] == index + 1]
            xyxy = np.column_stack([mine[:, 2:4], mine[:, 2:4] + mine[:, 4:6]]).astype(np.float32)
            clear = mine[:, 8] >= LEAST_VISIBLE
            image = frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
            yield image, Truth(xyxy[clear], np.zeros(int(clear.sum()), np.int64), xyxy[~clear])


def detect_all(
    detect: Callable[[npt.NDArray[np.uint8]], sv.Detections], frames: Iterable[tuple[npt.NDArray[np.uint8], Truth]]
) -> list[tuple[sv.Detections, Truth]]:
    """Run a detector over frames."""
    return [(detect(image), truth) for image, truth in frames]


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), multiple=True, help="Folder of images/, labels/.")
@click.option("--group", "groups", multiple=True, help="Only these groups; by default all.")
@click.option("--match", type=click.Path(path_type=Path, exists=True), help="Folder of a rendered match.")
@click.option("--every", default=10, show_default=True, help="Of a match, one frame in so many.")
@click.option("--weights", default=None, help="By default the project's own.")
@click.option("--image-size", default=960, show_default=True)
@click.option("--confidence", type=float, help="Threshold for precision and recall; by default the best.")
@click.option("--role-of", default=None, help='For a foreign .pt, as JSON: {"Normal": "player"}.')
def main(
    data: tuple[Path, ...],
    groups: tuple[str, ...],
    match: Path | None,
    every: int,
    weights: str | None,
    image_size: int,
    confidence: float | None,
    role_of: str | None,
) -> None:
    """Print AP50, AP50-95, precision and recall of a detector."""
    roles = json.loads(role_of) if role_of else None
    detector = Detector.load(weights, confidence=0.01, image_size=image_size, roles=roles)
    samples = [sample for sample in (find_samples(data) if data else []) if not groups or sample.group in groups]
    sets = {group: [s for s in samples if s.group == group] for group in sorted({s.group for s in samples})}
    runs = [(name, labelled_frames(chosen)) for name, chosen in sets.items()]
    if match is not None:
        runs.append((match.name, match_frames(match, every)))
    for name, frames in runs:
        pairs = detect_all(detector, frames)
        click.echo(f"{name}: {len(pairs)} frames, {detector.weights_name}, {image_size} pixels")
        for line in report(pairs, confidence):
            click.echo("  " + line)


if __name__ == "__main__":
    main()
