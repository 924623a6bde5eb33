"""The plane-to-plane map between the ice and the picture, from pairs of points, with the mistakes people make named.

Fitted by least squares on the normalised direct linear transform (Hartley and Zisserman, *Multiple View Geometry*,
algorithm 4.2), refined by OpenCV on the reprojection error in pixels.
"""

from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.errors import BadInput

Array = NDArray[np.float64]

MIN_POINTS = 4
FLATTEST = 0.02
"""Three points are collinear when their triangle's height is less than this share of its longest side."""
CONTRADICTION_M = 1.0
CONTRADICTION_OF_WIDTH = 0.01
"""Points contradict each other when one misses by more than 1 m on the ice and 1 % of the points' extent in pixels."""
AGREEMENT_M = 0.05
"""Two ways of leaving a point out agree as well as each other when their largest errors differ by less, beyond twice
the smaller."""


def apply(matrix: Array, points: Array) -> Array:
    """Map `(N, 2)` points by a `(3, 3)` homography; points at or behind its horizon become NaN.

    "Behind" is told by the sign of the third coordinate, which `fit` makes positive on the points' side.
    """
    xy = np.asarray(points, np.float64).reshape(-1, 2)
    mapped = xy @ matrix[:, :2].T + matrix[:, 2]
    w = mapped[:, 2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(w > 1e-12, mapped[:, :2] / w, np.nan)


def inverse(matrix: Array) -> Array:
    """The inverse map, its third coordinate positive on the same side of the horizon."""
    # s (q, 1) = H (p, 1) with s > 0 gives H⁻¹ (q, 1) = (p, 1) / s, whose third coordinate is positive as well.
    return np.asarray(np.linalg.inv(matrix), np.float64)


def fit(rink_xy: Array, image_uv: Array) -> Array:
    """The homography `(3, 3)` from rink metres `(N, 2)` to pixels `(N, 2)`, N ≥ 4.

    Its third coordinate is positive for all points given, and it shows the ice from above.

    Raises:
        BadInput: too few or collinear points, points that contradict each other, or a mirrored rink.
    """
    rink_xy, image_uv = np.asarray(rink_xy, np.float64), np.asarray(image_uv, np.float64)
    count = len(rink_xy)
    if count < MIN_POINTS:
        raise BadInput(f"{count} calibration points: at least {MIN_POINTS} are needed, no three of them on one line")
    if not (np.isfinite(rink_xy).all() and np.isfinite(image_uv).all()):
        raise BadInput("calibration points: every coordinate must be a finite number")
    _refuse_collinear(rink_xy, "on the rink")
    _refuse_collinear(image_uv, "in the picture")
    matrix = _least_squares(rink_xy, image_uv)
    if matrix is None or not _one_side(matrix, rink_xy):
        raise BadInput(
            f"calibration points contradict each other{_culprit(rink_xy, image_uv)}: "
            "no camera sees them in this order; check which picture point belongs to which rink point"
        )
    matrix = matrix * np.sign((matrix @ [*rink_xy[0], 1.0])[2])
    _refuse_contradiction(matrix, rink_xy, image_uv)
    if np.linalg.det(matrix) > 0:  # x to the right and y away from the camera, v downwards: a view from above mirrors
        raise BadInput("calibration points show a mirrored rink: left and right, or near and far, are exchanged")
    return matrix


def errors_m(matrix: Array, rink_xy: Array, image_uv: Array) -> Array:
    """`(N,)` metres on the ice between each rink point and where its picture point is put."""
    return np.linalg.norm(apply(inverse(matrix), image_uv) - rink_xy, axis=1)


def _least_squares(rink_xy: Array, image_uv: Array) -> Array | None:
    matrix, _ = cv2.findHomography(rink_xy.reshape(-1, 1, 2), image_uv.reshape(-1, 1, 2), 0)
    if matrix is None or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        return None
    return np.asarray(matrix, np.float64)


def _one_side(matrix: Array, rink_xy: Array) -> bool:
    w = rink_xy @ matrix[2, :2] + matrix[2, 2]
    return bool((w > 0).all() or (w < 0).all())


def _refuse_collinear(points: Array, where: str) -> None:
    """Among the points there must be four of which no three lie on a line."""
    flat = {triple for triple in combinations(range(len(points)), 3) if _flat(points[list(triple)])}
    for four in combinations(range(len(points)), 4):
        if not any(triple in flat for triple in combinations(four, 3)):
            return
    first = [index + 1 for index in min(flat)]
    raise BadInput(
        f"calibration points {first[0]}, {first[1]} and {first[2]} lie on one line {where}: "
        "four points are needed of which no three do"
    )


def _flat(triangle: Array) -> bool:
    sides = np.linalg.norm(triangle - np.roll(triangle, 1, axis=0), axis=1)
    (ax, ay), (bx, by) = triangle[1] - triangle[0], triangle[2] - triangle[0]
    longest = float(sides.max())
    return longest == 0 or abs(ax * by - ay * bx) / longest < FLATTEST * longest


def _refuse_contradiction(matrix: Array, rink_xy: Array, image_uv: Array) -> None:
    off_m = np.nan_to_num(errors_m(matrix, rink_xy, image_uv), nan=np.inf)
    off_px = np.linalg.norm(apply(matrix, rink_xy) - image_uv, axis=1)
    extent = float(np.ptp(image_uv, axis=0).max())
    apart = bool(((off_m > CONTRADICTION_M) & (off_px > CONTRADICTION_OF_WIDTH * extent)).any())
    if apart or _outvoted(rink_xy, image_uv, extent):
        raise BadInput(f"calibration points contradict each other{_culprit(rink_xy, image_uv)}")


def _outvoted(rink_xy: Array, image_uv: Array, extent: float) -> bool:
    """Whether all points but one agree and that one is far off; a single wrong point bends the fit of six to itself."""
    if len(rink_xy) < MIN_POINTS + 2:  # any four agree, so that five cannot outvote one
        return False
    without = _without_one(rink_xy, image_uv)
    if not without:
        return False
    others, matrix, index = min(without, key=lambda found: found[0])
    miss_m = float(np.nan_to_num(errors_m(matrix, rink_xy, image_uv)[index], nan=np.inf))
    miss_px = float(np.linalg.norm(apply(matrix, rink_xy[index]) - image_uv[index]))
    return miss_m > 2 * CONTRADICTION_M and others < 0.1 * miss_m and not miss_px < 3 * CONTRADICTION_OF_WIDTH * extent


def _culprit(rink_xy: Array, image_uv: Array) -> str:
    """Words that name the point without which the others agree best, and by how much it misses; empty for 4 points.

    Two are named where the others agree as well without the one as without the other: a corner moved along its
    diagonal still has the centre spot on both diagonals, and then a sixth point may be the wrong one.
    """
    without = _without_one(rink_xy, image_uv) if len(rink_xy) > MIN_POINTS else []
    if not without:
        return ""

    def words(matrix: Array, index: int) -> str:
        miss = float(errors_m(matrix, rink_xy, image_uv)[index])
        (u, v), (x, y) = image_uv[index], rink_xy[index]
        where = f"point {index + 1} (image {u:g}, {v:g}; rink {x:g}, {y:g})"
        return f"{where} lies {miss:.1f} m from where the others put it" if np.isfinite(miss) else where

    def rank(found: tuple[float, Array, int]) -> tuple[float, float]:
        others, matrix, index = found
        return round(others, 3), -float(np.nan_to_num(errors_m(matrix, rink_xy, image_uv)[index], nan=np.inf))

    first, *rest = sorted(without, key=rank)
    named = [first]
    if len(rink_xy) > MIN_POINTS + 1:  # of five, any four agree
        named += [found for found in rest if found[0] <= 2 * first[0] + AGREEMENT_M][:1]
    return ": " + ", or ".join(words(matrix, index) for _, matrix, index in named)


def _without_one(rink_xy: Array, image_uv: Array) -> list[tuple[float, Array, int]]:
    """For each point left out: the others' largest error in metres (infinite above the horizon), their homography, the
    point's index."""
    found: list[tuple[float, Array, int]] = []
    for index in range(len(rink_xy)):
        others = np.arange(len(rink_xy)) != index
        matrix = _least_squares(rink_xy[others], image_uv[others])
        if matrix is None or not _one_side(matrix, rink_xy[others]):
            continue
        matrix = matrix * np.sign((matrix @ [*rink_xy[others][0], 1.0])[2])
        off_m = np.nan_to_num(errors_m(matrix, rink_xy[others], image_uv[others]), nan=np.inf)
        found.append((float(off_m.max()), matrix, index))
    return found
