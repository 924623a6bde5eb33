"""Boxes that are no people because people who stand there look several times as large: emblems, bottles, a skate.

People on one plane look as tall as their skates lie below the horizon in the picture, so the tall ones' heights lie on
a line over their lower edges. It is found from the picture's sure boxes (Theil and Sen's median of slopes, which a few
emblems among them do not move) and needs no calibration. Where the limit is from: weights/README.md.
"""

import numpy as np
import numpy.typing as npt

from tracker.company import SURE

LEAST = 0.4
"""Of the height of people there; who kneels, falls or is half hidden is larger than this."""
WITNESSES = 4
"""So many sure and whole boxes tell how tall people are; with fewer, all boxes stay."""
APART = 0.02  # of the picture's height, between lower edges of a pair that tells a slope
SHORTEST = 0.6  # of the witnesses' lower fifth: no less is expected, however far up the picture
EDGE = 2.0  # pixels: a box that comes so near to the picture's border may be a part of somebody


def large_enough(
    xyxy: npt.NDArray[np.float32], confidence: npt.NDArray[np.float32], width: int, height: int
) -> npt.NDArray[np.bool_]:
    """Which (N,) of the boxes (N, 4) of a picture of `width` by `height` pixels may be people by their size; see
    `relative_size`."""
    return ~(relative_size(xyxy, confidence, width, height) < LEAST)


def relative_size(
    xyxy: npt.NDArray[np.float32], confidence: npt.NDArray[np.float32], width: int, height: int
) -> npt.NDArray[np.float64]:
    """The longer side of each box over the height of people who stand there, (N,); NaN where that cannot be told.

    Args:
        xyxy: all boxes of the picture, (N, 4).
        confidence: theirs, (N,).
        width, height: of the picture.
    """
    whole = (xyxy[:, :2] > EDGE).all(axis=1) & (xyxy[:, 2] < width - EDGE) & (xyxy[:, 3] < height - EDGE)
    witness = np.flatnonzero(whole & (confidence >= SURE))
    if len(witness) < WITNESSES:
        return np.full(len(xyxy), np.nan)
    sides = (xyxy[:, 2:] - xyxy[:, :2]).astype(np.float64)
    low, tall = xyxy[witness, 3].astype(np.float64), sides[witness, 1]
    one, other = np.triu_indices(len(witness), 1)
    apart = np.abs(low[one] - low[other]) > APART * height
    slope = 0.0
    if apart.any():
        one, other = one[apart], other[apart]
        slope = max(0.0, float(np.median((tall[one] - tall[other]) / (low[one] - low[other]))))
    expected = slope * xyxy[:, 3] + np.median(tall - slope * low)
    expected = np.maximum(expected, SHORTEST * np.quantile(tall, 0.2))
    return np.asarray(np.where(whole, sides.max(axis=1) / expected, np.nan))
