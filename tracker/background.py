"""The background of a video, watched frame by frame: which key frame each frame overlaps, and how the two map.

Every frame is registered to a key frame directly, so that errors do not add up over time. Where the camera has turned
to a place that no key frame shows well, the frame becomes a key frame itself; where it looks at something else (a cut,
a close-up, a whip pan) it is lost, looks for itself among the key frames, and after a while begins a new *scene* of
its own, which joins another as soon as a frame is found to belong to both. Frames that were calibrated are key frames
from the beginning.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker import homography
from tracker.camera_motion import Similarity
from tracker.key_frames import (
    KEPT,
    WIDTH,
    Features,
    KeyFrame,
    Registration,
    outside,
    recognise,
    register,
    shrink,
    spread,
    thumbnail,
    unmoved,
)
from tracker.spool import Spool

Array = NDArray[np.float64]

MOST_KEYS = 96
"""Key frames kept; some 0.3 MB each."""
COVERED = 0.72
"""A key frame that shows less of the present view than this makes place for another."""
FEWEST_CORNERS = 30
"""A frame with fewer corners of background is no key frame."""
_PARTNERS = 3
"""A new key frame is also registered to this many others, so that going round comes back to the same place."""
_OVERLAP = 0.35
_ZOOMED = math.log(1.35)
_PATIENCE = 8
"""Frames between two attempts at the same thing, and frames after which what is lost is a scene of its own."""
_BRIDGED = 12
"""Frames that may be followed from frame to frame where the key frame does not agree, as in a blurred pan."""
_STEADY_PX, _STEADY_SCALE = 0.5, 5e-4
"""A camera that stands still is measured to move by less than this, pixels of the video, from frame to frame."""
_LOOKED_AT = 5
"""Key frames looked at closely, the likeliest first, when a frame looks for itself."""


@dataclass(frozen=True)
class Edge:
    """The same background in two key frames; pixels of the small pictures."""

    first: int
    second: int
    first_points: NDArray[np.float32]
    """(K, 2)"""
    second_points: NDArray[np.float32]
    """(K, 2)"""


SIGHTING = np.dtype([
    ("frame", "i8"),
    ("key", "i4"),  # index of the key frame; -1 where the frame is lost
    ("count", "i4"),  # K, the matches that are known
    ("key_points", "f4", (KEPT, 2)),  # the first K: pixels of the key frame's small picture
    ("points", "f4", (KEPT, 2)),  # the same places in this frame's
])  # fmt: skip
"""What one frame shares with a key frame."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """All that was seen of a video's background; what a calibration is carried along by."""

    size: tuple[int, int]
    """Width and height of the video in pixels."""
    factor: float
    """Small pixels in a pixel of the video."""
    keys: tuple[KeyFrame, ...]
    scene: tuple[int, ...]
    """Which scene each key frame belongs to; key frames of one scene are linked by edges."""
    edges: tuple[Edge, ...]
    sightings: Spool
    """One `SIGHTING` for each frame looked at, in order."""


Skipped = tuple[int, Callable[[], NDArray[np.uint8]]]
"""A frame's index, and what gives its picture."""


class Background:
    """Looks at one frame after the other; holds key frames and some matches of every frame."""

    def __init__(self, size: tuple[int, int], calibrated: Iterable[tuple[int, NDArray[np.uint8], Array]] = ()) -> None:
        """Begin.

        Args:
            size: Width and height of the video in pixels.
            calibrated: Index, BGR picture and people's boxes `(N, 4)` of each calibrated frame.
        """
        self._size = size
        self._factor = min(1.0, WIDTH / size[0])
        self._keys: list[KeyFrame] = []
        self._features: list[Features] = []
        self._thumbnails: list[NDArray[np.float32]] = []
        self._place: list[Array] = []
        """(3, 3) from its scene's first key frame to each key frame, for guesses."""
        self._scene: list[int] = []
        self._edges: list[Edge] = []
        self._sightings = Spool(SIGHTING)
        self._at: int | None = None
        """The key frame that the last frame was registered to; None when lost."""
        self._pose = np.eye(3)
        """(3, 3) from that key frame to the last frame."""
        self._step = np.eye(3)
        """(3, 3) the last frame's motion, expected of the next."""
        self._last: tuple[NDArray[np.uint8], Array] | None = None
        self._lost = self._bridged = self._since_search = self._steady = 0
        self._sighting = np.zeros(1, SIGHTING)
        for frame, image, boxes in calibrated:
            picture, people = shrink(image), np.asarray(boxes, np.float64).reshape(-1, 4) * self._factor
            self._add(KeyFrame.of(frame, picture, people), None, np.eye(3))
            for other in range(len(self._keys) - 1):
                if self._scene[other] != self._scene[-1]:
                    self._join_if_seen(other, picture, people)
        self._calibrated = len(self._keys)

    def update(self, frame: int, image: NDArray[np.uint8], boxes: NDArray[np.floating]) -> Similarity:
        """Register one frame; the background's motion since the frame before, none for the first.

        Args:
            frame: Its index in the video.
            image: BGR `(H, W, 3)` uint8, of one size throughout.
            boxes: `(N, 4)` xyxy pixels of people in this frame, left out of the background.
        """
        return self.update_after((), frame, image, boxes)[-1]

    def update_after(
        self, skipped: Sequence[Skipped], frame: int, image: NDArray[np.uint8], boxes: NDArray[np.floating]
    ) -> list[Similarity]:
        """Register one frame, and have those that were skipped before it lie on the way, at equal steps.

        Where the frame is not plainly where the camera was expected (a cut, a jerk), they are looked at after all.

        Args:
            skipped: frames since the last one, in order; only where `follows` said so.
            frame, image, boxes: as for `update`.

        Returns:
            The background's motion up to each of the skipped frames and to this one, from the one before it.
        """
        picture = shrink(image)
        people = np.asarray(boxes, np.float64).reshape(-1, 4) * self._factor
        mask = outside(people, picture.shape)
        if not skipped and self._stands_still(picture, mask):
            self._last = picture, people
            return [self._seen_again(frame)]
        first, before, pose = self._last is None, self._at, self._pose
        found = None if self._at is None else self._follow(picture, mask, bridge=not skipped)
        if found is None and skipped:
            then = self._last[1] / self._factor if self._last is not None else np.zeros((0, 4))
            motions = [self.update(index, look(), then) for index, look in skipped]
            return [*motions, self.update(frame, image, boxes)]
        motion = Similarity(known=first)
        if found is not None:
            self._step = found.homography @ homography.inverse(pose)
            self._pose, self._lost = found.homography, 0
            motion = self._similarity(self._step)
            found = self._move_on(frame, picture, people, mask, found)
        else:
            self._at, self._step = None, np.eye(3)
            found = self._search(frame, picture, people, mask)
            if before is not None and found is None:
                self._lost = 1
        self._last = picture, people
        steady = found is not None and max(abs(motion.dx), abs(motion.dy)) < _STEADY_PX
        steady = steady and motion.known and abs(motion.scale - 1) < _STEADY_SCALE and not self._bridged
        self._steady = self._steady + 1 if steady else 0
        self._sighting = sighting = np.zeros(1, SIGHTING)
        sighting["frame"], sighting["key"] = frame, -1 if found is None or self._at is None else self._at
        if found is not None:
            kept = spread(found.points, picture.shape, KEPT)
            sighting["count"] = len(kept)
            sighting["key_points"][0, : len(kept)] = found.key_points[kept]
            sighting["points"][0, : len(kept)] = found.points[kept]
        self._sightings.extend(self._on_the_way([index for index, _ in skipped]))
        self._sightings.extend(sighting)
        return [motion.part(1 / (len(skipped) + 1))] * (len(skipped) + 1)

    @property
    def follows(self) -> bool:
        """Whether the camera is followed so plainly that the next frame may be skipped: see `update_after`."""
        return self._at is not None and not self._bridged

    def _on_the_way(self, skipped: Sequence[int]) -> NDArray[np.void]:
        """What frames between the last two share with the last one's key frame."""
        between = np.repeat(self._sighting, len(skipped))
        count = int(self._sighting["count"][0])
        after = self._sighting["points"][0, :count].astype(np.float64)
        before = homography.apply(homography.inverse(self._step), after)
        for place, index in enumerate(skipped):
            share = (place + 1) / (len(skipped) + 1)
            between["frame"][place] = index
            between["points"][place, :count] = (1 - share) * before + share * after
        return between

    def pass_over(self, frame: int) -> Similarity | None:
        """Take a frame to show what the one before it showed, unseen, if the camera has stood still for a while.

        Returns:
            No motion; None where the frame has to be looked at: `update` then.
        """
        return self._seen_again(frame) if self._steady >= _PATIENCE else None

    def finish(self) -> Sightings:
        """Everything that was seen."""
        return Sightings(
            self._size, self._factor, tuple(self._keys), tuple(self._scene), tuple(self._edges), self._sightings
        )

    def _stands_still(self, picture: NDArray[np.uint8], mask: NDArray[np.uint8]) -> bool:
        """Whether a camera that has stood still for a while still does, by the few matches kept of the frame before.

        They are compared with where they were when the camera came to rest, so that a slow pan is noticed in time.
        """
        if self._steady < _PATIENCE or self._at is None or (self._calibrated and self._elsewhere()):
            return False
        kept = self._sighting[0]
        count = int(kept["count"])
        return unmoved(self._keys[self._at], kept["key_points"][:count], kept["points"][:count], picture, mask)

    def _seen_again(self, frame: int) -> Similarity:
        """Take a frame to show what the one before it showed."""
        self._sighting["frame"] = frame
        self._sightings.extend(self._sighting)
        return Similarity()

    def _follow(self, picture: NDArray[np.uint8], mask: NDArray[np.uint8], *, bridge: bool) -> Registration | None:
        """Register to the key frame at hand, as the camera is expected to move; if need be, and where that is wanted,
        by way of the last frame."""
        assert self._at is not None
        assert self._last is not None
        key = self._keys[self._at]
        found = register(key, picture, mask, self._step @ self._pose) or register(key, picture, mask, self._pose)
        if found is not None:
            self._bridged = 0
            return found
        if not bridge:
            return None
        self._bridged += 1
        if self._bridged > _BRIDGED:
            return None
        step = register(KeyFrame.of(-1, *self._last), picture, mask, self._step)
        if step is None:
            return None
        back = homography.inverse(self._pose)
        key_points = homography.apply(back, step.key_points.astype(np.float64))
        return Registration(step.homography @ self._pose, key_points.astype(np.float32), step.points, step.agreeing)

    def _move_on(
        self, frame: int, picture: NDArray[np.uint8], people: Array, mask: NDArray[np.uint8], found: Registration
    ) -> Registration:
        """Change to a key frame that shows more of this view, or make one, where the one at hand shows too little."""
        assert self._at is not None
        self._since_search += 1
        if self._calibrated and self._since_search % _PATIENCE == 0 and self._elsewhere():
            self._recall(frame, picture, people, mask, found)
        enough = self._shared(self._pose) >= COVERED and self._bridged < _BRIDGED // 2
        if enough or self._since_search < _PATIENCE:
            return found
        place = self._pose @ self._place[self._at]
        scene = self._scene[self._at]
        poses = {k: place @ homography.inverse(self._place[k]) for k, s in enumerate(self._scene) if s == scene}
        shared = {k: self._shared(pose) for k, pose in poses.items() if k != self._at}
        best = max(shared, key=lambda k: shared[k], default=None)
        if best is not None and shared[best] >= COVERED + 0.05:
            other = register(self._keys[best], picture, mask, poses[best])
            if other is not None:
                self._at, self._pose, self._since_search, self._bridged = best, other.homography, 0, 0
                return other
        self._since_search = 0
        if len(self._keys) >= MOST_KEYS:
            return found
        key = KeyFrame.of(frame, picture, people)
        if len(key.corners) < FEWEST_CORNERS:
            return found
        links = [(self._at, found)]
        for k in sorted(shared, key=lambda k: -shared[k])[:_PARTNERS]:
            other = register(self._keys[k], picture, mask, poses[k]) if shared[k] >= _OVERLAP else None
            links += [] if other is None else [(k, other)]
        self._add(key, scene, place)
        self._edges += [Edge(k, self._at_new, link.key_points, link.points) for k, link in links]
        self._at, self._pose, self._bridged = self._at_new, np.eye(3), 0
        points = key.corners[:: max(1, len(key.corners) // 24)].astype(np.float32)
        return Registration(np.eye(3), points, points, 1.0)

    def _search(
        self, frame: int, picture: NDArray[np.uint8], people: Array, mask: NDArray[np.uint8]
    ) -> Registration | None:
        """Look for this frame among the key frames; after a while of nothing, begin a new scene with it."""
        self._lost += 1
        if self._lost % 3 == 1 and self._keys:
            known = self._recognised(picture, people, mask, range(len(self._keys)))
            if known is not None:
                self._at, found = known
                self._pose, self._lost, self._bridged, self._since_search = found.homography, 0, 0, _PATIENCE
                return found
        if self._last is None or self._lost > _PATIENCE:
            key = KeyFrame.of(frame, picture, people)
            if len(self._keys) < MOST_KEYS and len(key.corners) >= FEWEST_CORNERS:
                self._add(key, None, np.eye(3))
                self._at, self._pose, self._lost, self._bridged = self._at_new, np.eye(3), 0, 0
                points = key.corners[:24].astype(np.float32)
                return Registration(np.eye(3), points, points, 1.0)
        return None

    def _recognised(
        self, picture: NDArray[np.uint8], people: Array, mask: NDArray[np.uint8], among: Iterable[int]
    ) -> tuple[int, Registration] | None:
        small = thumbnail(picture)
        ranked = sorted(among, key=lambda k: -cv2.phaseCorrelate(self._thumbnails[k], small)[1])[:_LOOKED_AT]
        features = Features.of(picture, people) if ranked else None
        for k in ranked:
            assert features is not None
            found = recognise(self._keys[k], self._features[k], picture, features, mask)
            if found is not None:
                return k, found
        return None

    def _elsewhere(self) -> bool:
        """Whether the present scene is not one of a calibrated frame."""
        assert self._at is not None
        return self._scene[self._at] not in self._scene[: self._calibrated]

    def _recall(
        self, frame: int, picture: NDArray[np.uint8], people: Array, mask: NDArray[np.uint8], found: Registration
    ) -> None:
        """Join the present scene to a calibrated one where this frame belongs to both."""
        assert self._at is not None
        scenes = set(self._scene[: self._calibrated])
        known = self._recognised(picture, people, mask, [k for k, s in enumerate(self._scene) if s in scenes])
        if known is None or len(self._keys) >= MOST_KEYS:
            return
        other, seen = known
        self._add(KeyFrame.of(frame, picture, people), self._scene[self._at], self._pose @ self._place[self._at])
        self._edges += [Edge(k, self._at_new, link.key_points, link.points) for k, link in ((self._at, found), known)]
        self._join(other, self._at_new, seen.homography)

    def _join_if_seen(self, other: int, picture: NDArray[np.uint8], people: Array) -> None:
        mask = outside(people, picture.shape)
        found = recognise(self._keys[other], self._features[other], picture, self._features[-1], mask)
        if found is not None:
            self._edges.append(Edge(other, self._at_new, found.key_points, found.points))
            self._join(other, self._at_new, found.homography)

    def _join(self, first: int, second: int, matrix: Array) -> None:
        """Two scenes are one: `matrix` (3, 3) maps key frame `first` to key frame `second`."""
        old, new = self._scene[second], self._scene[first]
        change = homography.inverse(self._place[second]) @ matrix @ self._place[first]
        for k, scene in enumerate(self._scene):
            if scene == old:
                self._scene[k], self._place[k] = new, self._place[k] @ change

    def _add(self, key: KeyFrame, scene: int | None, place: Array) -> None:
        self._keys.append(key)
        self._features.append(Features.of(key.picture, key.people))
        self._thumbnails.append(thumbnail(key.picture))
        self._place.append(place / place[2, 2])
        self._scene.append(max(self._scene, default=-1) + 1 if scene is None else scene)

    @property
    def _at_new(self) -> int:
        return len(self._keys) - 1

    def _shared(self, pose: Array) -> float:
        """Share of the present view that a key frame shows, given its pose (3, 3); 0 where it is zoomed otherwise."""
        width, height = self._size[0] * self._factor, self._size[1] * self._factor
        u, v = np.meshgrid((np.arange(8) + 0.5) / 8 * width, (np.arange(5) + 0.5) / 5 * height)
        there = homography.apply(homography.inverse(pose / pose[2, 2]), np.stack([u.ravel(), v.ravel()], axis=1))
        inside = ((there > 0) & (there < (width, height))).all(axis=1)
        zoom = abs(math.log(max(self._similarity(pose).scale, 1e-3)))
        return float(inside.mean()) if zoom < _ZOOMED else 0.0

    def _similarity(self, step: Array) -> Similarity:
        """A homography between two frames of the small pictures as it moves and enlarges the picture's middle."""
        middle = np.array([self._size[0], self._size[1]]) * self._factor / 2
        points = homography.apply(step / step[2, 2], middle + np.array([(0.0, 0.0), (40.0, 0.0), (0.0, 40.0)]))
        dx, dy = (points[0] - middle) / self._factor
        (a, b), (c, d) = (points[1] - points[0]) / 40, (points[2] - points[0]) / 40
        scale = math.sqrt(max(a * d - b * c, 1e-6))
        return Similarity(float(dx), float(dy), scale)
