"""Frames that others are registered to: a small picture of the background, its corners, and how to find it again.

A picture is registered to a key frame by warping the key frame to where it is expected (so that no motion, turn or
zoom is left but an error of prediction), following its corners (Shi and Tomasi 1994) by sparse optical flow (Lucas and
Kanade 1981, pyramidal), and fitting a homography by least squares, or by RANSAC where they disagree (USACv20, 2021).
Where nothing is expected, SIFT features (Lowe 2004) propose where to look, and the registration decides.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker import homography

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
"""(h, w) uint8: the darkest of the three channels, in which red and blue lines alike are dark on white ice."""

WIDTH = 640
"""Pixels: the width at which frames are looked at."""
CORNERS = 220
FEWEST = 16
"""Fewer corners than this that agree say nothing."""
AGREEING = 0.25
"""At least this share of the corners in view must agree; a crowd that moves may be most of them."""
PLAINLY = 0.4
"""Where this share agrees with a quick fit, no careful one is needed."""
REACHING = 0.08
"""Share of the picture's area over which they must be spread; a scoreboard in a corner stays where it is."""
KEPT = 24
"""Matches kept of a registration, spread over the picture."""
_BORDER = 6
"""Pixels at the edges: black bars stay while the picture moves."""
STILL_PX = 2.0
"""A key frame whose corners are expected within this of where they were needs no warping, and one level of the picture
is enough to follow them: a camera that stands still, which costs half as much."""
SURELY = 0.6
"""Share of the corners that must agree then; otherwise it is looked at closely after all."""
_AGREEMENT_PX = (0.8, 1.6)
"""Corners agree within the first; in a blurred picture, where too few do, within the second."""
FEWEST_UNMOVED, UNMOVED_SHARE, UNMOVED_PX = 12, 0.6, 0.2
"""A picture shows what another did if, of so many matches at least, this share is so near to where it was."""
FEWEST_ALIKE = 12
"""Fewer features than this that agree recognise nothing."""
_FEATURES = 500
_FEATURE_WIDTH = 400
_THUMBNAIL = (64, 36)


@dataclass(frozen=True)
class Registration:
    """How a key frame's picture maps to another, in pixels of the small pictures."""

    homography: Array
    """(3, 3) key frame to picture."""
    key_points: NDArray[np.float32]
    """(K, 2) of the corners that agree."""
    points: NDArray[np.float32]
    """(K, 2) where they are in the picture."""
    agreeing: float
    """Share of the corners in view."""


@dataclass(frozen=True, eq=False)
class KeyFrame:
    """One frame's background. Make one with `KeyFrame.of`."""

    frame: int
    picture: Picture
    people: Array
    """(N, 4) xyxy pixels of the small picture."""
    corners: Array
    """(N, 2) outside the people, spread over the picture."""

    @staticmethod
    def of(frame: int, picture: Picture, people: Array) -> "KeyFrame":
        """Find a picture's corners."""
        mask = outside(people, picture.shape)
        found = cv2.goodFeaturesToTrack(picture, 4 * CORNERS, 0.008, 7, mask=mask, blockSize=5)
        corners = np.empty((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)
        kept = spread(corners, picture.shape, CORNERS)
        return KeyFrame(frame, picture, people, corners[kept].astype(np.float64))


@dataclass(frozen=True, eq=False)
class Features:
    """What a picture is recognised by."""

    places: Array
    """(M, 2) pixels of the small picture."""
    descriptors: NDArray[np.float32]
    """(M, 128) SIFT"""

    @staticmethod
    def of(picture: Picture, people: Array) -> "Features":
        """Find a picture's features outside the people."""
        factor = min(1.0, _FEATURE_WIDTH / picture.shape[1])
        size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
        coarse = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        sift = cv2.SIFT.create(_FEATURES, contrastThreshold=0.03)
        points, descriptors = sift.detectAndCompute(coarse, outside(people * factor, coarse.shape))
        places = np.array([point.pt for point in points], np.float64).reshape(-1, 2)
        found = np.empty((0, 128)) if descriptors is None else descriptors
        return Features((places + 0.5) / factor - 0.5, np.asarray(found, np.float32))


def shrink(image: NDArray[np.uint8]) -> Picture:
    """A BGR frame `(H, W, 3)` as the small picture that is looked at; never enlarged."""
    height, width = image.shape[:2]
    factor = min(1.0, WIDTH / width)
    if factor < 1:
        size = (round(width * factor), max(1, round(height * factor)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    blue, green, red = cv2.split(image)
    return np.asarray(cv2.min(cv2.min(blue, green), red), np.uint8)


def thumbnail(picture: Picture) -> NDArray[np.float32]:
    """(36, 64) float32 by which key frames are ranked before they are looked at closely."""
    small = cv2.resize(picture, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray((small - small.mean()) / (small.std() + 1e-6), np.float32)


def outside(people: Array, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A mask (h, w), 255 where there is background."""
    mask = np.zeros(shape[:2], np.uint8)
    mask[_BORDER:-_BORDER, _BORDER:-_BORDER] = 255
    for x1, y1, x2, y2 in people:
        mask[max(0, int(y1) - 3) : max(0, int(y2) + 4), max(0, int(x1) - 3) : max(0, int(x2) + 4)] = 0
    return mask


def register(key: KeyFrame, picture: Picture, mask: NDArray[np.uint8], guess: Array) -> Registration | None:
    """Register a picture to a key frame; None where too little of the background agrees.

    Args:
        key: The key frame.
        picture: (h, w) of the same size.
        mask: `outside` of the picture's people.
        guess: (3, 3) where the key frame is expected in the picture, to within some ten pixels.
    """
    there = homography.apply(guess, key.corners)
    seen = np.flatnonzero(_within(there, mask))
    if len(seen) < FEWEST:
        return None
    if float(np.abs(there[seen] - key.corners[seen]).max()) < STILL_PX:
        still = _followed(key, seen, key.picture, key.corners[seen], there[seen], picture, mask, levels=0)
        if still is not None and still.agreeing > SURELY:
            return still
    expected = cv2.warpPerspective(key.picture, guess, picture.shape[::-1], flags=cv2.INTER_LINEAR,
                                   borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return _followed(key, seen, np.asarray(expected, np.uint8), there[seen], there[seen], picture, mask, levels=3)


def unmoved(
    key: KeyFrame, key_points: NDArray[np.float32], points: NDArray[np.float32], picture: Picture,
    mask: NDArray[np.uint8],
) -> bool:  # fmt: skip
    """Whether some matches of an earlier picture hold in this one, to a fraction of a pixel.

    Args:
        key: The key frame.
        key_points: (K, 2) places in its picture.
        points: (K, 2) where they were in the earlier picture.
        picture: (h, w) of the same size.
        mask: `outside` of the picture's people.
    """
    seen = _within(points, mask)
    if seen.sum() < FEWEST_UNMOVED or float(np.abs(points - key_points).max()) >= STILL_PX:
        return False
    followed, status = _flow(key.picture, picture, key_points[seen], points[seen], levels=0)
    moved = np.linalg.norm((followed - points[seen])[status], axis=1)
    return bool(len(moved) >= FEWEST_UNMOVED and np.quantile(moved, UNMOVED_SHARE) < UNMOVED_PX)


def _flow(
    before: Picture, picture: Picture, places: NDArray[np.floating], guess: NDArray[np.floating], *, levels: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Where `places` `(N, 2)` of one picture are in another, about at `guess` `(N, 2)`, and which were found;
    `levels` of a pyramid are for what has moved further."""
    followed, status, _ = cv2.calcOpticalFlowPyrLK(
        before, picture, places.astype(np.float32).reshape(-1, 1, 2), guess.astype(np.float32).reshape(-1, 1, 2),
        winSize=(17, 17), maxLevel=levels, flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.02),
    )  # fmt: skip
    return np.asarray(followed, np.float32).reshape(-1, 2), status.ravel() == 1


def _followed(
    key: KeyFrame, seen: NDArray[np.int64], before: Picture, places: Array, guess: Array, picture: Picture,
    mask: NDArray[np.uint8], *, levels: int,
) -> Registration | None:  # fmt: skip
    """Follow the corners `seen` `(N,)` of a key frame, which lie at `places` `(N, 2)` in the picture `before`, to where
    they are in `picture`, about at `guess` `(N, 2)`; see `_flow`."""
    moved, found = _flow(before, picture, places, guess, levels=levels)
    good = found & _within(moved, mask)
    if good.sum() < FEWEST:
        return None
    corners, after = key.corners[seen[good]].astype(np.float32), moved[good]
    fit = _fit(corners, guess[good].astype(np.float32), after, len(seen))
    if fit is None or not plausible(fit.matrix, picture.shape):
        return None
    agree = fit.agree
    if _reach(after[agree]) < REACHING * picture.size:
        return None
    return Registration(fit.matrix, corners[agree], after[agree], fit.count / len(seen))


@dataclass(frozen=True)
class _Fit:
    """A homography and who agrees with it."""

    matrix: Array
    """(3, 3)"""
    agree: NDArray[np.bool_]
    """(N,)"""

    @property
    def count(self) -> int:
        return int(self.agree.sum())


def _fit(
    corners: NDArray[np.float32], guess: NDArray[np.float32], after: NDArray[np.float32], in_view: int
) -> _Fit | None:
    """The homography from `corners` `(N, 2)` to `after` `(N, 2)`; None where too few of those `in_view` agree.

    A camera moves otherwise than expected by nearly an affine map, and where many agree with one, least squares goes on
    from those, at a fraction of the time that trying fours at random takes, which is done where they do not.
    """
    close, wide = _AGREEMENT_PX
    off = _off_most(guess, after)
    found = _polished(corners, after, off < 2 * close, close)
    if found is not None and found.count >= max(FEWEST, PLAINLY * in_view):
        return found
    fits = [(close, found), (wide, _polished(corners, after, off < 2 * wide, wide))]
    matrix, inliers = cv2.findHomography(corners, after, cv2.USAC_FAST, wide, maxIters=200, confidence=0.995)
    if matrix is not None:
        tried = _Fit(np.asarray(matrix, np.float64), inliers.ravel() == 1)
        near = _off(tried.matrix, corners, after) < 1.5 * close
        fits += [(close, _polished(corners, after, near, close)), (wide, tried)]
    for agreement in _AGREEMENT_PX:
        counted = [fit for asked, fit in fits if asked == agreement and fit is not None]
        best = max(counted, key=lambda fit: fit.count, default=None)
        if best is not None and best.count >= max(FEWEST, AGREEING * in_view):
            return best
    return None


def _polished(
    corners: NDArray[np.float32], after: NDArray[np.float32], agree: NDArray[np.bool_], agreement: float
) -> _Fit | None:
    """Fit by least squares to those that agree and ask again who does, as long as more and more do."""
    best: _Fit | None = None
    for _ in range(4):
        if agree.sum() < FEWEST:
            break
        matrix, _ = cv2.findHomography(corners[agree], after[agree], 0)
        if matrix is None:
            break
        fitted = np.asarray(matrix, np.float64)
        fit = _Fit(fitted, _off(fitted, corners, after) < agreement)
        if best is not None and fit.count <= best.count:
            break
        best, agree = fit, fit.agree
    return best


def _off(matrix: Array, points: NDArray[np.float32], after: NDArray[np.float32]) -> Array:
    """Pixels `(N,)` between where a homography puts points and where they are."""
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.linalg.norm(mapped[:, :2] / mapped[:, 2:] - after, axis=1), nan=np.inf)


def _off_most(guess: NDArray[np.float32], after: NDArray[np.float32]) -> Array:
    """Pixels `(N,)` between where points are and where the affine map of a guess puts them that most agree with.

    By iteratively reweighted least squares from the median motion on, with the weights of Geman and McClure (1985).
    """
    moved = (after - guess).astype(np.float64)
    terms = np.column_stack([(guess - guess.mean(axis=0)) / 100, np.ones(len(guess))])
    off = np.linalg.norm(moved - np.median(moved, axis=0), axis=1)
    for scale in (4.0, 2.0, 1.0):
        weighted = terms / (1 + (off[:, None] / scale) ** 2) ** 2
        affine = np.linalg.solve(weighted.T @ terms + 1e-6 * np.eye(3), weighted.T @ moved)
        off = np.linalg.norm(moved - terms @ affine, axis=1)
    return off


def recognise(
    key: KeyFrame, key_features: Features, picture: Picture, features: Features, mask: NDArray[np.uint8]
) -> Registration | None:
    """Register a picture to a key frame without a guess; None where it shows something else."""
    if min(len(features.places), len(key_features.places)) < FEWEST:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(key_features.descriptors, features.descriptors, k=2)
    distinct = [first for first, second in pairs if first.distance < 0.85 * second.distance]
    if len(distinct) < FEWEST:
        return None
    before = key_features.places[[match.queryIdx for match in distinct]]
    after = features.places[[match.trainIdx for match in distinct]]
    # Two matches make a similarity, four a homography: among so many wrong ones the similarity is found first.
    rough, _ = cv2.estimateAffinePartial2D(before, after, ransacReprojThreshold=8.0, maxIters=2000)
    if rough is None:
        return None
    near = np.linalg.norm(before @ rough[:, :2].T + rough[:, 2] - after, axis=1) < 25
    if near.sum() < FEWEST_ALIKE:
        return None
    matrix, inliers = cv2.findHomography(before[near], after[near], cv2.RANSAC, 2.5, maxIters=2000, confidence=0.995)
    if matrix is None or inliers.sum() < FEWEST_ALIKE or not plausible(np.asarray(matrix, np.float64), picture.shape):
        return None
    return register(key, picture, mask, np.asarray(matrix, np.float64))


def plausible(matrix: Array, shape: tuple[int, ...]) -> bool:
    """Whether a picture's corners keep their order and a size between a third and three times the picture's."""
    height, width = shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    w = corners @ matrix[2, :2] + matrix[2, 2]
    if not (w / matrix[2, 2] > 0.1).all():
        return False
    x, y = homography.apply(matrix / matrix[2, 2], corners).T
    turns = [(x[(i + 1) % 4] - x[i]) * (y[(i + 2) % 4] - y[(i + 1) % 4])
             - (y[(i + 1) % 4] - y[i]) * (x[(i + 2) % 4] - x[(i + 1) % 4]) for i in range(4)]  # fmt: skip
    area = 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
    return min(turns) > 0 and 1 / 9 < area / (width * height) < 9


def _within(points: NDArray[np.floating], mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which `(N, 2)` points lie on the mask's background."""
    height, width = mask.shape
    finite = np.isfinite(points).all(axis=1)
    whole = np.where(finite[:, None], points, -1.0)
    inside = finite & (whole >= 0).all(axis=1) & (whole[:, 0] < width) & (whole[:, 1] < height)
    column, row = (whole[:, axis].clip(0, limit - 1).astype(np.int64) for axis, limit in ((0, width), (1, height)))
    return np.asarray(inside & (mask[row, column] > 0), np.bool_)


def _reach(points: NDArray[np.float32]) -> float:
    """Area of the convex hull of `(N, 2)` points."""
    return float(cv2.contourArea(cv2.convexHull(points)))


def spread(points: NDArray[np.float32], shape: tuple[int, ...], most: int) -> NDArray[np.int64]:
    """Indices of at most `most` points, the first ones of each cell of a grid."""
    height, width = shape[:2]
    columns, rows = 8, 5
    cell = (points[:, 0] * columns // width).astype(np.int64) + columns * (points[:, 1] * rows // height).astype(
        np.int64
    )
    order = np.argsort(cell, kind="stable")
    turn = np.arange(len(order)) - np.searchsorted(cell[order], cell[order])
    return np.sort(order[np.argsort(turn, kind="stable")[:most]])
