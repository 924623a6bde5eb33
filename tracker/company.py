"""Which of a picture's boxes count as people: the confident ones, and weak ones in company.

A frame of hockey shows many people, so a weak box beside sure ones is somebody far away or half hidden; a weak box on
a picture without sure ones is mostly a crater, a cup or a spectator's coat. Where the numbers are from:
weights/README.md.
"""

import numpy as np
import numpy.typing as npt

DEFAULT_CONFIDENCE = 0.25
"""Weaker boxes do not count, unless somebody asks for others."""
SURE = 0.5
COMPANY = 2
"""So many boxes from `SURE` on, and the weaker ones of the picture count too."""


def counting(confidence: npt.NDArray[np.float32], company: int = COMPANY) -> npt.NDArray[np.bool_]:
    """Which (N,) of the boxes of one picture count, by their confidences (N,); all of them where `company` is 0.

    Example:
        >>> counting(np.array([0.8, 0.4])).tolist()
        [True, False]
        >>> counting(np.array([0.8, 0.6, 0.4])).tolist()
        [True, True, True]
    """
    sure = confidence >= SURE
    return sure | (sure.sum() >= company)
