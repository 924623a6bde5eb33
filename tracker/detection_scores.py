"""How good a detector is: AP50, AP50-95, precision and recall; of all roles as one class, of each role, by size.

COCO's definitions (Lin et al., 2014): average precision at 101 recalls, IoU from 0.5 to 0.95, and for a size, people
of other sizes count neither way.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import supervision as sv

from tracker.company import counting
from tracker.detector import ROLES
from tracker.labelled_pictures import LabelledFrame, Truth

Pairs = Sequence[tuple[sv.Detections, Truth]]
"""What was found on each frame, and who is there."""
IOU_THRESHOLDS = np.arange(0.5, 0.96, 0.05)
SIZES = (("small", 0.0, 40.0), ("medium", 40.0, 80.0), ("large", 80.0, float("inf")))
"""People by their height in pixels in the picture as the network sees it."""


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
            f"{name:<13} {self.people:>6} people  AP50 {self.ap50:.3f}  AP50-95 {self.ap50_95:.3f}"
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


def matches(boxes: npt.NDArray[Any], truth: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
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


def match_up(pairs: Pairs, role: int | None = None) -> Matched:
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


def report(
    pairs: Pairs,
    confidence: float | None = None,
    scales: Sequence[float] | None = None,
) -> dict[str, Score]:
    """Scores of all roles as one class, of each role that the truth knows of, and by size.

    Args:
        pairs: what was found on each frame, weak boxes too, and who is there.
        confidence: the threshold of precision and recall; by default the best one for all roles together.
        scales: of each frame, how much the network saw it shrunk; None leaves sizes out.
    """
    together = match_up(pairs)
    threshold = together.best_threshold() if confidence is None else confidence
    strong = [(called(found, threshold), truth) for found, truth in pairs]
    scores = {"all as one": _score(pairs, strong, threshold)}
    known = [role for role in range(len(ROLES)) if any((truth.role == role).any() for _, truth in pairs)]
    if len(known) > 1:
        scores |= {ROLES[role]: _score(pairs, strong, threshold, role) for role in known}
    if scales is not None:
        for name, least, most in SIZES:
            mine, mine_strong = (
                [
                    _of_size(found, truth, least / scale, most / scale)
                    for (found, truth), scale in zip(some, scales, strict=True)
                ]
                for some in (pairs, strong)
            )
            of_size = _score(mine, mine_strong, threshold)
            if of_size.people:
                scores[f"{name} people"] = of_size
    return scores


def called(found: sv.Detections, confidence: float) -> sv.Detections:
    """Of boxes of every confidence, those that a detector returns at this one."""
    sure = np.asarray(found.confidence)
    return select(found, counting(sure) & (sure >= confidence))


def _score(pairs: Pairs, strong: Pairs, threshold: float, role: int | None = None) -> Score:
    """Average precision of all boxes, precision and recall of those that count."""
    counted = match_up(strong, role).score(threshold)
    return replace(match_up(pairs, role).score(threshold), precision=counted.precision, recall=counted.recall)


def _of_size(found: sv.Detections, truth: Truth, least: float, most: float) -> tuple[sv.Detections, Truth]:
    """The same frame for one size: the others are there to be found, neither right nor wrong."""
    height = truth.xyxy[:, 3] - truth.xyxy[:, 1]
    mine = (height >= least) & (height < most)
    others = [truth.xyxy[~mine]] + ([] if truth.hidden is None else [truth.hidden])
    tall = found.xyxy[:, 3] - found.xyxy[:, 1]
    counted = (tall >= least) & (tall < most)
    if mine.any() and len(found):
        counted |= sv.box_iou_batch(found.xyxy, truth.xyxy[mine]).max(1) >= IOU_THRESHOLDS[0]
    return select(found, counted), Truth(truth.xyxy[mine], truth.role[mine], np.concatenate(others))


def select(found: sv.Detections, mask: npt.NDArray[np.bool_]) -> sv.Detections:
    """The boxes that the mask `(N,)` names."""
    chosen = found[mask]
    assert isinstance(chosen, sv.Detections)
    return chosen


def lines(scores: dict[str, Score]) -> list[str]:
    """Rows for the screen."""
    return [score.line(name) for name, score in scores.items()]


def as_json(scores: dict[str, Score]) -> dict[str, Any]:
    """The same as plain values."""
    return {name: asdict(score) for name, score in scores.items()}


def detect_all(
    detect: Callable[[npt.NDArray[np.uint8]], sv.Detections], frames: Iterable[LabelledFrame]
) -> list[tuple[sv.Detections, Truth]]:
    """Run a detector over frames."""
    return [(detect(frame.image), frame.truth) for frame in frames]
