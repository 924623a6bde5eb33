"""Association from the outside: feed it the boxes of every frame, then ask for the tracks."""

from array import array

import numpy as np

from tracker.association.belief import believable
from tracker.association.config import AssociationConfig
from tracker.association.cuts import cut_tracklets, rejoined
from tracker.association.ends import Observations, Steps
from tracker.association.linking import link
from tracker.association.motion import edges
from tracker.association.online import OnlineTracker
from tracker.association.plain_view import covered
from tracker.association.resemblance import Resemblance
from tracker.association.result import build_tracks
from tracker.association.tracks import Tracks
from tracker.detections import Boxes
from tracker.spool import Spool

_ROW = np.dtype([("step", "i4"), ("tracklet", "i4"), ("xyxy", "f4", 4), ("confidence", "f4"), ("class_id", "i2"),
                 ("crowded", "?")])  # fmt: skip
_LOOK = np.float16  # of a look's features: colours to a tenth


class Associator:
    """Boxes in, tracks out. Until the end what is kept of the boxes lies on disk.

    Args:
        frame_size: Width and height of the video [px].
        config: Parameters; the defaults are measured (docs/association.md).
    """

    def __init__(self, frame_size: tuple[int, int], config: AssociationConfig | None = None) -> None:
        self._frame_size = np.array(frame_size, float)
        self._config = config or AssociationConfig()
        self._online = OnlineTracker(frame_size, self._config)
        self._frames = array("q")
        self._times = array("d")
        self._camera = array("d")
        self._looked = array("b")  # whether boxes were given for a frame
        self._skipped: list[np.ndarray | None] = []  # shifts of the frames since the last boxes
        self._rows = Spool(_ROW)  # the boxes that have a tracklet; `step` is the position in _frames
        self._looks: Spool | None = None  # of the same boxes
        self._features = 0

    def update(
        self,
        detections: Boxes,
        frame: int,
        time_s: float,
        looks: np.ndarray | None = None,
        shift: np.ndarray | None = None,
    ) -> np.ndarray:
        """Take the boxes of the next frame; frames may be skipped, times must grow. A box of which less than a pixel
        lies in the picture belongs to nobody.

        Args:
            detections: N boxes.
            frame: Index of the frame.
            time_s: Its time.
            looks: (N, D) features that tell people apart, such as `tracker.looks.looks`; NaN where unknown. Without
                them, or where all look alike, association goes by places alone.
            shift: (2,) how far the background has moved since the frame before [px]; without it, the camera's movement
                is guessed from what all people have in common.

        Returns:
            (len(detections),) int64, the tracklet of each detection in the order given; -1: none.
        """
        self._refuse_disorder(frame)
        count = len(detections)
        xyxy = np.asarray(detections.xyxy, np.float64).reshape(-1, 4)
        xyxy = np.clip(xyxy, 0, np.tile(self._frame_size, 2))
        usable = (xyxy[:, 2:] - xyxy[:, :2] >= 1).all(axis=1)
        confidence = np.ones(count) if detections.confidence is None else np.asarray(detections.confidence, float)
        classes = np.zeros(count, int) if detections.class_id is None else np.asarray(detections.class_id, int)
        ids = np.full(count, -1, np.int64)
        shifts = [*self._skipped, shift]
        shift = None if any(s is None for s in shifts) else np.sum([s for s in shifts if s is not None], axis=0)
        before = self._online.camera.position.copy()
        ids[usable] = self._online.step(
            xyxy[usable], confidence[usable], time_s, None if looks is None else np.asarray(looks, float)[usable], shift
        )
        kept = np.flatnonzero(ids >= 0)
        edge = edges(xyxy)
        rows = np.empty(len(kept), _ROW)
        rows["step"], rows["tracklet"], rows["xyxy"] = len(self._frames), ids[kept], xyxy[kept]
        rows["confidence"], rows["class_id"] = confidence[kept], classes[kept]
        rows["crowded"] = covered(edge, edge, same=True)[kept]
        self._keep_looks(None if looks is None else np.asarray(looks, np.float64)[kept], len(kept))
        self._rows.extend(rows)
        self._fill_in_camera(before, self._online.camera.position, known=shift is not None)
        self._frames.append(frame)
        self._times.append(time_s)
        self._looked.append(True)
        self._camera.extend(self._online.camera.position.tolist())
        return ids

    def skip(self, frame: int, time_s: float, shift: np.ndarray | None = None) -> None:
        """Pass over the next frame, in which nobody looked for people.

        People are expected there all the same: their tracks go on in it, by their own motion and the camera's, if the
        boxes of later frames agree. Nobody is taken to be gone because of it.

        Args:
            frame, time_s, shift: as for `update`.
        """
        self._refuse_disorder(frame)
        self._frames.append(frame)
        self._times.append(time_s)
        self._looked.append(False)
        self._camera.extend(self._online.camera.position.tolist())
        self._skipped.append(shift)

    def _refuse_disorder(self, frame: int) -> None:
        if self._frames and frame <= self._frames[-1]:
            raise ValueError(f"frame {frame} comes after frame {self._frames[-1]}: frames must be given in order")

    def _fill_in_camera(self, before: np.ndarray, after: np.ndarray, *, known: bool) -> None:
        """Say where the camera was in the skipped frames: as measured, or in equal steps from `before` to `after`."""
        count = len(self._skipped)
        for index, shift in enumerate(self._skipped):
            before = before + (shift if known and shift is not None else (after - before) / (count + 1 - index))
            at = 2 * (len(self._frames) - count + index)
            self._camera[at], self._camera[at + 1] = before.tolist()
        self._skipped.clear()

    def finish(self) -> Tracks:
        """The tracks of everything given so far: tracklets linked, false ones dropped, courses smoothed and filled."""
        if not len(self._rows):
            return Tracks.empty()
        here = self._online.camera.position
        self._fill_in_camera(here, here, known=all(shift is not None for shift in self._skipped))
        steps = self._steps()
        observations, looks, tracklet, resemblance = self._pieces(steps)
        groups = _groups(observations.tracklet)
        believed = np.zeros(len(groups), bool)
        enough = np.flatnonzero([len(rows) >= self._config.min_hits for rows in groups])
        believed[enough] = believable(observations, [groups[index] for index in enough], self._config)
        piece = rejoined(observations, tracklet, groups, believed)
        names = observations.tracklet[[groups[index][0] for index in np.flatnonzero(believed)]]
        order = np.argsort(piece, kind="stable").astype(np.int32)
        observations, tracklet = observations.take(order, piece[order]), tracklet[order]
        looks = None if looks is None else looks[order]
        del groups, piece, order
        begins = {
            int(observations.tracklet[row]): (int(tracklet[row]), int(steps.frame[observations.step[row]]))
            for row in np.flatnonzero(np.diff(observations.tracklet, prepend=-1)).tolist()
        }
        del tracklet
        rows = np.flatnonzero(np.isin(observations.tracklet, names)).astype(np.int32)
        if not len(rows):
            return Tracks.empty()
        observations = observations.take(rows, observations.tracklet[rows])
        jitter = self._online.jitter.shares
        looks = None if looks is None else looks[rows]
        del rows
        person = link(observations, jitter, self._config, self._online.plain_view.limit_s, looks, resemblance)
        del looks
        kept = np.flatnonzero(person >= 0)
        if len(kept) < len(person):
            observations, person = observations.take(kept, observations.tracklet[kept]), person[kept]
        return build_tracks(observations, person, begins, jitter, self._config)

    def _keep_looks(self, looks: np.ndarray | None, count: int) -> None:
        """Remember the looks (count, D) of the boxes that are about to be kept; NaN where nobody looked."""
        if looks is not None and self._looks is None:
            self._features = looks.shape[1]
            self._looks = Spool(np.dtype((_LOOK, self._features)))
            self._looks.extend(np.full((len(self._rows), self._features), np.nan, _LOOK))
        if self._looks is not None:
            self._looks.extend(np.full((count, self._features), np.nan, _LOOK) if looks is None else looks)

    def _steps(self) -> Steps:
        looked = np.asarray(self._looked, bool)
        return Steps(
            frame=np.asarray(self._frames, np.int64), time_s=np.asarray(self._times),
            camera=np.asarray(self._camera).reshape(-1, 2), looked=looked, look=np.cumsum(looked) - 1,
            size=self._frame_size,
        )  # fmt: skip

    def _pieces(self, steps: Steps) -> tuple[Observations, np.ndarray | None, np.ndarray, Resemblance | None]:
        """All boxes, their looks, and the tracklets that the pieces were cut from, sorted by piece, then by time; and
        what a likeness is worth."""
        rows = self._rows.read()
        order = np.lexsort((rows["step"], rows["tracklet"])).astype(np.int32)
        rows = rows[order]
        tracklet = piece = rows["tracklet"].copy()
        looks = None if self._looks is None else self._looks.read()[order]
        del order
        resemblance = None
        if looks is not None:
            time_s = steps.time_s[rows["step"]]
            resemblance = Resemblance.learn(tracklet, time_s, looks)
            piece = cut_tracklets(tracklet, time_s, looks, resemblance)
            del time_s
            again = np.argsort(piece, kind="stable").astype(np.int32)
            rows = rows[again]
            looks = looks[again]
            piece, tracklet = piece[again], tracklet[again]
        observations = Observations(
            tracklet=piece, step=rows["step"].copy(), xyxy=rows["xyxy"].copy(), confidence=rows["confidence"].copy(),
            class_id=rows["class_id"].copy(), crowded=rows["crowded"].copy(), steps=steps,
        )  # fmt: skip
        return observations, looks, tracklet, resemblance


def _groups(piece: np.ndarray) -> list[np.ndarray]:
    """The rows of each piece of `piece (N,)`, which is sorted."""
    return np.split(np.arange(len(piece), dtype=np.int32), np.flatnonzero(np.diff(piece)) + 1)
