"""Where in a crop the jersey is: the person stands out from the ice that shows at the crop's sides.

A detector's box often holds the stick as well, so the person is not in its middle, and half of it is ice.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT = 96  # pixels that every crop is brought to
WIDTHS = (16, 192)
SIDE = 1 / 12  # of the crop's width, on each side: mostly ice
CHROMA_COUNTS = 1.5  # light varies over the ice, its colour hardly
FROM_ICE = 18.0  # CIELAB, chroma counted so much: what is nearer to the ice's colour is ice
STICK = 7  # pixels: what is thinner is no body
PLAUSIBLE = (0.1, 0.8)  # of the crop; another share of it is no silhouette
JERSEY = (0.16, 0.5)  # from the head's top down, as shares of the person's height
MIDDLE = (0.25, 0.75)  # of the crop's width, where no silhouette was found


@dataclass(frozen=True)
class Jersey:
    """The pixels of somebody's upper body, in CIELAB (D65, L 0 to 100)."""

    lab: NDArray[np.float64]
    """(n, 3), n > 0."""
    ice: NDArray[np.float64]
    """(3,) the colour at the crop's sides."""

    @property
    def in_white_light(self) -> NDArray[np.float64]:
        """(n, 3) as if the ice had no colour: a hall's light tints everything the same way."""
        lit = np.clip(self.lab[:, :1] / max(float(self.ice[0]), 30.0), 0, 1.3)
        return np.column_stack([self.lab[:, :1], self.lab[:, 1:] - self.ice[1:] * lit])


def jersey(crop: NDArray[np.uint8]) -> Jersey:
    """The upper body in a crop, everything between its left and right outline.

    Args:
        crop: (h, w, 3) BGR of one person.
    """
    scale = HEIGHT / crop.shape[0]
    width = int(np.clip(round(crop.shape[1] * scale), *WIDTHS))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(crop, (width, HEIGHT), interpolation=how)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_BGR2Lab).astype(np.float64)
    side = max(2, round(width * SIDE))
    ice = np.median(np.concatenate([lab[:, :side].reshape(-1, 3), lab[:, -side:].reshape(-1, 3)]), axis=0)
    body = _body(lab, ice)
    if body is None:
        left, right = int(MIDDLE[0] * width), int(MIDDLE[1] * width)
        return Jersey(lab[int(JERSEY[0] * HEIGHT) : int(JERSEY[1] * HEIGHT), left:right].reshape(-1, 3), ice)
    rows = np.flatnonzero(body.any(axis=1))
    left = body.argmax(axis=1)[rows]
    right = width - body[:, ::-1].argmax(axis=1)[rows]
    top, tall = rows[0], rows[-1] - rows[0]
    wanted = np.arange(top + int(JERSEY[0] * tall), max(top + int(JERSEY[0] * tall) + 1, top + int(JERSEY[1] * tall)))
    spans = zip(wanted, np.interp(wanted, rows, left), np.interp(wanted, rows, right), strict=True)
    return Jersey(np.concatenate([lab[y, int(x1) : max(int(x1) + 1, int(x2))] for y, x1, x2 in spans]), ice)


def _body(lab: NDArray[np.float64], ice: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """What is not ice and hangs together, or lies above or below it (height, width); None where that is no person.

    A white jersey is hardly to be told from ice: head and trousers show where it is.
    """
    unlike = np.linalg.norm((lab - ice) * [1.0, CHROMA_COUNTS, CHROMA_COUNTS], axis=2) > FROM_ICE
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (STICK, STICK))
    solid = cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_OPEN, brush)
    count, parts, boxes, centres = cv2.connectedComponentsWithStats(solid)
    if count < 2:
        return None
    central = np.broadcast_to(np.exp(-1.5 * np.linspace(-1, 1, lab.shape[1]) ** 2), lab.shape[:2])
    main = 1 + int(np.argmax(np.bincount(parts.ravel(), central.ravel(), minlength=count)[1:]))
    left, wide = boxes[main, cv2.CC_STAT_LEFT], boxes[main, cv2.CC_STAT_WIDTH]
    aligned = (centres[:, 0] >= left) & (centres[:, 0] <= left + wide)
    aligned[0] = False
    body: NDArray[np.bool_] = aligned[parts]
    return body if PLAUSIBLE[0] < body.mean() < PLAUSIBLE[1] else None
