"""The people of a frame: boxes, confidences and roles, by a YOLO network in whichever runtime.

The network is called directly and not through ultralytics' predictor, which resets the number of threads at each call.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from classifier.errors import BadInput
from tracker.company import COMPANY, DEFAULT_CONFIDENCE, counting
from tracker.detections import Found
from tracker.detector_weights import ROLES, Weights, find_weights
from tracker.runtimes import Runtime, open_runtime
from tracker.stature import large_enough

if TYPE_CHECKING:
    import supervision as sv

__all__ = ["ROLES", "Detector", "Letterbox"]

STRIDE = 32
PADDING = 114  # the grey that YOLO networks are trained with around a picture
MOST_PEOPLE = 100


@dataclass(frozen=True)
class Letterbox:
    """How a picture was made to fit the network: scaled by `scale`, then moved by `left`, `top` pixels."""

    scale: float
    left: int
    top: int

    @classmethod
    def fit(cls, image: npt.NDArray[np.uint8], image_size: int) -> tuple["Letterbox", npt.NDArray[np.uint8]]:
        """Scale `(H, W, 3)` so that its longer side is `image_size`, and pad both sides to multiples of 32."""
        height, width = image.shape[:2]
        scale = image_size / max(height, width)
        new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
        how = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
        resized = image if scale == 1 else cv2.resize(image, (new_width, new_height), interpolation=how)
        left, top = (-new_width % STRIDE) // 2, (-new_height % STRIDE) // 2
        padded = np.full((new_height + -new_height % STRIDE, new_width + -new_width % STRIDE, 3), PADDING, np.uint8)
        padded[top : top + new_height, left : left + new_width] = resized
        return cls(scale, left, top), padded

    def below(self, padded: npt.NDArray[np.uint8], free: float) -> tuple["Letterbox", npt.NDArray[np.uint8]]:
        """Leave out a share of the fitted picture at the top, less to make it multiples of 32 rows; the rest stays."""
        rows = int(free * (padded.shape[0] - 2 * self.top) + self.top) // STRIDE * STRIDE
        return Letterbox(self.scale, self.left, self.top - rows), padded[rows:]

    def undo(self, xyxy: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
        """Boxes `(N, 4)` of the padded picture in pixels of the original one, cut at its borders."""
        boxes = (xyxy - np.array([self.left, self.top] * 2, np.float32)) / np.float32(self.scale)
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
        return boxes


class Detector:
    """Finds the players, goalkeepers and referees of a frame.

    Example:
        >>> detector = Detector.load()                                    # doctest: +SKIP
        >>> people = detector(image)                                      # doctest: +SKIP
        >>> people.xyxy, people.confidence, people.class_id               # doctest: +SKIP
    """

    def __init__(
        self,
        weights: Weights,
        *,
        confidence: float = DEFAULT_CONFIDENCE,
        image_size: int = 960,
        threads: int | None = None,
        overlap: float = 0.5,
        company: int = COMPANY,
        runtime: str = "pytorch",
        cache: Path | None = None,
    ) -> None:
        if image_size < STRIDE or image_size % STRIDE:
            raise BadInput(f"image size {image_size}: expected a multiple of {STRIDE}, such as 960")
        if not 0 <= confidence <= 1:
            raise BadInput(f"confidence {confidence}: expected a number from 0 to 1")
        self.weights_name = weights.name
        self.weights_sha256 = weights.sha256
        self.confidence = confidence
        self.image_size = image_size
        self.overlap = overlap
        self.company = company
        self._runtime: Runtime = open_runtime(runtime, weights, threads=threads, cache=cache)
        self._classes = np.array(sorted(weights.role_of_class))
        self._roles = np.array([weights.role_of_class[index] for index in self._classes.tolist()], np.int64)
        odds = np.array(weights.players_for_one or [1.0] * (int(self._classes.max()) + 1), np.float32)
        self._odds = odds[self._classes][:, None]

    @classmethod
    def load(
        cls,
        weights: str | Path | None = None,
        *,
        confidence: float = DEFAULT_CONFIDENCE,
        company: int = COMPANY,
        image_size: int = 960,
        threads: int | None = None,
        roles: Mapping[str, str] | None = None,
        runtime: str = "pytorch",
        cache: Path | None = None,
    ) -> "Detector":
        """A detector from a file of weights, by default the project's own.

        Args:
            weights: see `tracker.detector_weights.find_weights`.
            confidence: boxes below it are not returned, nor weak ones without company.
            company: see `tracker.company`; 0: weak boxes always count.
            image_size: pixels of the longer side that the network sees, a multiple of 32.
            threads: PyTorch threads of a call; None leaves the process's setting alone.
            roles: for a foreign `.pt`, which class name is which role.
            runtime: one of `tracker.runtimes.RUNTIMES`.
            cache: folder for exports of weights that are not the project's own; None to keep none.

        Raises:
            BadInput: unusable weights, a number out of range, or a runtime that this machine does not have.
            CleansheetError: the project's own weights were changed.
        """
        return cls(
            find_weights(weights, roles), confidence=confidence, company=company, image_size=image_size,
            threads=threads, runtime=runtime, cache=cache,
        )  # fmt: skip

    @property
    def runtime(self) -> dict[str, str]:
        """What decides the bits of the boxes besides weights and settings: runtime, its version, precision."""
        return {"name": self._runtime.name, "version": self._runtime.version, "precision": self._runtime.precision}

    @property
    def batch(self) -> int:
        """Pictures that are best handed over at once."""
        return self._runtime.batch

    @property
    def workers(self) -> int:
        """Threads that may call at once."""
        return self._runtime.workers

    def prepare(self, width: int, height: int) -> None:
        """Begin to make the network ready for pictures of a size, in a thread of its own; the first look waits."""
        _, padded = Letterbox.fit(np.zeros((height, width, 3), np.uint8), self.image_size)
        threading.Thread(target=self._runtime.prepare, args=padded.shape[:2], name="prepare").start()

    def release(self) -> None:
        """Give back the memory that the network works in; the next call takes it again."""
        self._runtime.release()

    def __call__(self, image: npt.NDArray[np.uint8]) -> "sv.Detections":
        """Find people in a BGR picture `(H, W, 3)`.

        Returns:
            `xyxy` in its pixels, `confidence`, and `class_id` as an index of `ROLES`, the most confident first. A
            person has one box: boxes that overlap more than `overlap` are thinned whatever their roles. What is far
            smaller than people there (`tracker.stature`) is left out.

        Raises:
            BadInput: not such a picture.
        """
        return self.many([image])[0].supervised()

    def many(self, images: Sequence[npt.NDArray[np.uint8]], free: float = 0.0) -> list[Found]:
        """The same for pictures of one size, without supervision; as many threads as `workers` may call this at once.

        Args:
            images: each as for a single one.
            free: share of their height, from the top, that need not be looked at.
        """
        fitted = []
        for image in images:
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
                raise BadInput(f"picture of shape {image.shape} and type {image.dtype}: expected (H, W, 3) uint8")
            letterbox, padded = Letterbox.fit(image, self.image_size)
            fitted.append(letterbox.below(padded, free) if free else (letterbox, padded))
        pictures = fitted[0][1][None] if len(fitted) == 1 else np.stack([padded for _, padded in fitted])
        raw = self._runtime(pictures, self.confidence)
        return [
            self._people(output, letterbox, image.shape[:2])
            for output, (letterbox, _), image in zip(raw, fitted, images, strict=True)
        ]

    def _people(
        self, output: npt.NDArray[np.float32], letterbox: Letterbox, size: tuple[int, ...]
    ) -> Found:
        """From the network's raw output of one picture, see `tracker.runtimes.Runtime`, to the people on it."""
        if output.shape[-1] == 6:
            confidence = output[:, 4]
            strong = np.flatnonzero((confidence >= self.confidence) & np.isin(output[:, 5], self._classes))
            xyxy, confidence = output[strong, :4], confidence[strong]
            role = self._roles[np.searchsorted(self._classes, output[strong, 5])]
        else:
            scores = output[4:][self._classes]
            confidence = scores.max(axis=0)
            strong = np.flatnonzero(confidence >= self.confidence)
            # A network is shy of rare classes: undo how rare they were in training (Menon et al., ICLR 2021).
            likely = scores[:, strong].clip(1e-6, 1 - 1e-6)
            likely = likely / (1 - likely) * self._odds
            confidence, role = confidence[strong], self._roles[likely.argmax(axis=0)]
            centre, half = output[:2, strong].T, output[2:4, strong].T / 2
            xyxy = np.concatenate([centre - half, centre + half], axis=1)
        kept = thinned(xyxy, confidence, self.overlap)[:MOST_PEOPLE]
        kept = kept[counting(confidence[kept], self.company)]
        boxes = letterbox.undo(xyxy[kept], size[1], size[0])
        visible = ((boxes[:, 2:] - boxes[:, :2]) > 1).all(axis=1)
        visible &= large_enough(boxes, confidence[kept], size[1], size[0])
        return Found(boxes[visible], confidence[kept][visible], role[kept][visible].astype(np.int64))


def thinned(
    xyxy: npt.NDArray[np.float32], confidence: npt.NDArray[np.float32], overlap: float
) -> npt.NDArray[np.int64]:
    """Greedy non-maximum suppression: rows of the boxes (N, 4) to keep, the most confident (N,) first."""
    left = np.argsort(-confidence, kind="stable")
    area = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        shared = np.minimum(xyxy[best, 2:], xyxy[left, 2:]) - np.maximum(xyxy[best, :2], xyxy[left, :2])
        both = np.clip(shared, 0, None).prod(axis=1)
        left = left[both <= overlap * (area[best] + area[left] - both)]
    return np.array(kept, np.int64)
