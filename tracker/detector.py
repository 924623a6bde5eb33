"""The people of one frame: boxes, confidences and roles, by a YOLO network on the CPU.

The network is called directly and not through ultralytics' predictor, which resets the number of threads at each call.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv
import torch
from torchvision.ops import nms

from classifier.errors import BadInput
from tracker.detector_weights import ROLES, LoadedWeights, load_weights
from tracker.environment import torch_threads

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
        weights: LoadedWeights,
        *,
        confidence: float = 0.1,
        image_size: int = 960,
        threads: int | None = None,
        overlap: float = 0.5,
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
        self.threads = threads
        self._model = weights.model
        self._classes = torch.tensor(sorted(weights.role_of_class))
        self._roles = torch.tensor([weights.role_of_class[index] for index in sorted(weights.role_of_class)])

    @classmethod
    def load(
        cls,
        weights: str | Path | None = None,
        *,
        confidence: float = 0.1,
        image_size: int = 960,
        threads: int | None = None,
        roles: Mapping[str, str] | None = None,
    ) -> "Detector":
        """A detector from a file of weights, by default the project's own.

        Args:
            weights: see `tracker.detector_weights.load_weights`.
            confidence: boxes below it are not returned. The association makes use of weak ones, so it is low.
            image_size: pixels of the longer side that the network sees, a multiple of 32.
            threads: PyTorch threads of a call; None leaves the process's setting alone.
            roles: for a foreign `.pt`, which class name is which role.

        Raises:
            BadInput: unusable weights, or a number out of range.
            CleansheetError: the project's own weights were changed.
        """
        return cls(load_weights(weights, roles), confidence=confidence, image_size=image_size, threads=threads)

    def __call__(self, image: npt.NDArray[np.uint8]) -> sv.Detections:
        """Find people in a BGR picture `(H, W, 3)`.

        Returns:
            `xyxy` in its pixels, `confidence`, and `class_id` as an index of `ROLES`, the most confident first. A
            person has one box: boxes that overlap more than `overlap` are thinned whatever their roles.

        Raises:
            BadInput: not such a picture.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise BadInput(f"picture of shape {image.shape} and type {image.dtype}: expected (H, W, 3) uint8")
        height, width = image.shape[:2]
        letterbox, padded = Letterbox.fit(image, self.image_size)
        with torch.inference_mode(), torch_threads(self.threads or torch.get_num_threads()):
            xyxy, confidence, role = self._people(self._raw(padded))
        boxes = letterbox.undo(xyxy.numpy(), width, height)
        visible = ((boxes[:, 2:] - boxes[:, :2]) > 1).all(axis=1)
        return sv.Detections(
            xyxy=boxes[visible],
            confidence=confidence.numpy()[visible],
            class_id=role.numpy().astype(np.int64)[visible],
        )

    def _raw(self, padded: npt.NDArray[np.uint8]) -> torch.Tensor:
        rgb = torch.from_numpy(cv2.cvtColor(padded, cv2.COLOR_BGR2RGB)).permute(2, 0, 1)[None]
        output = self._model(rgb.float().div_(255).contiguous(memory_format=torch.channels_last))
        while isinstance(output, (list, tuple)):
            output = output[0]
        return output

    def _people(self, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`xyxy` (N, 4), confidence (N,) and role (N,) from the network's raw output of one picture."""
        if output.shape[-1] == 6:  # networks without NMS: (1, N, 6) of xyxy, confidence, class
            rows = output[0]
            mine = rows[:, 5:6].long() == self._classes
            rows, mine = rows[mine.any(1)], mine[mine.any(1)]
            xyxy, best, role = rows[:, :4], rows[:, 4], self._roles[mine.long().argmax(1)]
        else:  # (1, 4 + classes, N) of centre, size, class scores
            columns = output[0].T
            best, which = columns[:, 4:][:, self._classes].max(1)
            half = columns[:, 2:4] / 2
            xyxy, role = torch.cat((columns[:, :2] - half, columns[:, :2] + half), 1), self._roles[which]
        strong = best >= self.confidence
        xyxy, best, role = xyxy[strong], best[strong], role[strong]
        kept = nms(xyxy, best, self.overlap)[:MOST_PEOPLE]
        return xyxy[kept].float(), best[kept].float(), role[kept]
