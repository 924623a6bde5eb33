"""What a person looks like in one frame, in eight numbers: enough to tell a white jersey from a yellow one, and a
goalkeeper or an official from a skater."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.detections import Boxes
from tracker.detector_weights import ROLES

GRID = (12, 8)  # rows and columns that a box is reduced to
JERSEY = (slice(2, 6), slice(2, 6))  # the rows and columns of the grid that show the jersey
LEGS = (slice(7, 11), slice(2, 6))
ROLE = 7.0
"""How far apart two roles are, in units of colour: enough to count where one is seen again and again."""
HIDDEN_SHARE = 0.35  # covered by somebody in front: what is seen is the other person


def looks(image: NDArray[np.uint8], detections: Boxes) -> NDArray[np.float64]:
    """Median CIELAB colour of jersey and legs of each box, and the role that the detector saw in it: (N, 8), NaN where
    somebody in front hides the person.

    Args:
        image: (height, width, 3) BGR.
        detections: N boxes.
    """
    boxes = detections.xyxy.astype(np.float64)
    found = np.full((len(boxes), 8), np.nan)
    height, width = image.shape[:2]
    clipped = np.clip(boxes, 0, [width, height, width, height])
    small = []
    for index in np.flatnonzero(~hidden(boxes)):
        x1, y1, x2, y2 = np.round(clipped[index]).astype(int)
        if x2 - x1 >= 4 and y2 - y1 >= 8:
            small.append((index, cv2.resize(image[y1:y2, x1:x2], GRID[::-1], interpolation=cv2.INTER_AREA)))
    if not small:
        return found
    strip = np.concatenate([picture for _, picture in small]).astype(np.float32) / 255
    lab = cv2.cvtColor(strip, cv2.COLOR_BGR2Lab).reshape(len(small), *GRID, 3)
    rows = [index for index, _ in small]
    found[rows, :3] = np.median(lab[:, *JERSEY].reshape(len(small), -1, 3), axis=1)
    found[rows, 3:6] = np.median(lab[:, *LEGS].reshape(len(small), -1, 3), axis=1)
    said = np.zeros(len(boxes)) if detections.class_id is None else detections.class_id
    found[rows, 6:] = ROLE * (said[rows, None] == [ROLES.index("goalkeeper"), ROLES.index("referee")])
    return found


def hidden(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes (N, 4) are covered, by more than a third, by one whose feet are lower in the picture: in front."""
    if len(boxes) < 2:
        return np.zeros(len(boxes), np.bool_)
    shared_w = np.minimum(boxes[:, None, 2], boxes[None, :, 2]) - np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    shared_h = np.minimum(boxes[:, None, 3], boxes[None, :, 3]) - np.maximum(boxes[:, None, 1], boxes[None, :, 1])
    shared = np.clip(shared_w, 0, None) * np.clip(shared_h, 0, None)
    area = np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 1e-9)
    in_front = boxes[None, :, 3] > boxes[:, None, 3]
    return ((shared / area[:, None] > HIDDEN_SHARE) & in_front).any(axis=1)
