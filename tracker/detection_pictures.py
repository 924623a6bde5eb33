"""What a detector found, drawn: the boxes of a picture, and for labelled pictures what it missed and made up."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv

from tracker.detection_scores import matches
from tracker.detector import ROLES
from tracker.labelled_pictures import Truth
from tracker.lettering import BOLD, Colour, pill, text_width, write
from tracker.team_colours import text_on

Image = npt.NDArray[np.uint8]

ROLE_COLOURS: dict[int, Colour] = {0: (214, 120, 32), 1: (30, 150, 60), 2: (40, 40, 40)}
FOUND: Colour = (80, 175, 76)
MADE_UP: Colour = (0, 140, 255)
MISSED: Colour = (50, 40, 220)
SHORTEST = 1280
"""Smaller pictures are enlarged, so that boxes of small people can be told apart."""


def draw_found(image: Image, found: sv.Detections) -> Image:
    """The picture with a box, the role and the confidence of everyone found."""
    canvas, scale = _canvas(image)
    confidence, role = np.asarray(found.confidence), np.asarray(found.class_id)
    for i in np.argsort(confidence, kind="stable"):
        which = int(role[i])
        name = "" if which == 0 else f"{ROLES[which]} "
        _box(canvas, found.xyxy[i] * scale, ROLE_COLOURS[which], f"{name}{100 * confidence[i]:.0f}")
    return canvas


@dataclass(frozen=True)
class Mistakes:
    """Of one labelled picture, at IoU 0.5: what was found, made up and missed, as boxes `(N, 4)`."""

    found: npt.NDArray[Any]
    made_up: npt.NDArray[Any]
    missed: npt.NDArray[Any]

    @classmethod
    def of(cls, found: sv.Detections, truth: Truth) -> "Mistakes":
        """Compare boxes, the most confident first, with the truth; hidden people count neither way."""
        right = matches(found.xyxy, truth.xyxy)[:, 0]
        free = np.ones(len(found), bool)
        if truth.hidden is not None and len(truth.hidden) and len(found):
            free = sv.box_iou_batch(found.xyxy, truth.hidden).max(1) < 0.5
        missed = ~matches(truth.xyxy, found.xyxy[right])[:, 0]
        return cls(found.xyxy[right], found.xyxy[~right & free], truth.xyxy[missed])

    def __len__(self) -> int:
        return len(self.made_up) + len(self.missed)


def draw_mistakes(image: Image, mistakes: Mistakes) -> Image:
    """The picture with what was found in green, made up in orange, missed in red; a legend says so."""
    canvas, scale = _canvas(image)
    for boxes, colour in ((mistakes.found, FOUND), (mistakes.made_up, MADE_UP), (mistakes.missed, MISSED)):
        for box in boxes:
            _box(canvas, box * scale, colour, "")
    left = 12.0
    for text, colour in (
        (f"{len(mistakes.found)} found", FOUND),
        (f"{len(mistakes.made_up)} made up", MADE_UP),
        (f"{len(mistakes.missed)} missed", MISSED),
    ):
        width = text_width(text, 20, BOLD)
        pill(canvas, (left, 10, left + width + 24, 42), colour, 8)
        write(canvas, text, (left + 12, 33), text_on(colour), 20, BOLD)
        left += width + 34
    return canvas


def _canvas(image: Image) -> tuple[Image, float]:
    scale = max(1.0, SHORTEST / image.shape[1])
    if scale == 1:
        return image.copy(), scale
    larger = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return larger.astype(np.uint8, copy=False), scale


def _box(image: Image, xyxy: npt.NDArray[Any], colour: Colour, label: str) -> None:
    x1, y1, x2, y2 = (round(float(value)) for value in xyxy)
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, 2, cv2.LINE_AA)
    if label:
        width = text_width(label, 14, BOLD)
        pill(image, (x1 - 1, y1 - 18, x1 + width + 9, y1), colour, 4)
        write(image, label, (x1 + 4, y1 - 4), text_on(colour), 14, BOLD)
