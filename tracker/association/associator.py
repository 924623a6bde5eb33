"""Association from the outside: feed it the boxes of every frame, then ask for the tracks."""

from array import array
from dataclasses import replace

import numpy as np
import supervision as sv

from tracker.association.belief import believable
from tracker.association.config import AssociationConfig
from tracker.association.cuts import cut_tracklets
from tracker.association.ends import Observations
from tracker.association.linking import link
from tracker.association.motion import cut_edges, edges
from tracker.association.online import OnlineTracker
from tracker.association.plain_view import covered
from tracker.association.result import build_tracks
from tracker.association.tracks import Tracks


class Associator:
    """Boxes in, tracks out; 60 bytes are kept of a detection.

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
        self._step = array("i")  # of each kept detection: its position in _frames
        self._tracklet = array("i")
        self._boxes = array("f")
        self._confidence = array("f")
        self._class = array("h")
        self._crowded = array("b")
        self._looks = array("f")
        self._features = 0

    def update(
        self,
        detections: sv.Detections,
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
        kept = ids >= 0
        self._step.extend([len(self._frames)] * int(kept.sum()))
        self._tracklet.extend(ids[kept].tolist())
        self._boxes.extend(xyxy[kept].ravel().tolist())
        self._confidence.extend(confidence[kept].tolist())
        self._class.extend(classes[kept].tolist())
        edge = edges(xyxy)
        self._crowded.extend(covered(edge, edge, same=True)[kept].tolist())
        self._keep_looks(None if looks is None else np.asarray(looks, np.float64)[kept], int(kept.sum()))
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
        if not self._step:
            return Tracks.empty()
        here = self._online.camera.position
        self._fill_in_camera(here, here, known=all(shift is not None for shift in self._skipped))
        step, tracklet = np.asarray(self._step, np.int64), np.asarray(self._tracklet, np.int64)
        order = np.lexsort((step, tracklet))
        piece = tracklet[order]
        if self._features:
            looks = np.asarray(self._looks, np.float64).reshape(-1, self._features)
            piece = cut_tracklets(piece, looks[order], self._online.appearance)
            again = np.argsort(piece, kind="stable")
            order, piece = order[again], piece[again]
        observations = self._observations(order, piece)
        groups = np.split(np.arange(len(order)), np.flatnonzero(np.diff(observations.tracklet)) + 1)
        groups = [rows for rows in groups if len(rows) >= self._config.min_hits]
        believed = believable(observations, groups, self._config)
        rows = np.concatenate([np.zeros(0, np.int64), *(groups[index] for index in np.flatnonzero(believed))])
        if not len(rows):
            return Tracks.empty()
        observations = observations.take(rows, observations.tracklet[rows])
        person = link(
            observations, self._frame_size, self._online.jitter.shares, self._config, self._online.plain_view.limit_s,
            looks[order[rows]] if self._features else None, self._online.appearance,
        )  # fmt: skip
        kept = np.flatnonzero(person >= 0)
        rows, person = rows[kept], person[kept]
        observations = observations.take(kept, observations.tracklet[kept])
        return build_tracks(
            replace(observations, step=step[order[rows]]),
            person,
            begins={
                int(piece[row]): (int(tracklet[order[row]]), int(self._frames[step[order[row]]]))
                for row in np.unique(piece, return_index=True)[1].tolist()
            },
            class_id=np.asarray(self._class, np.int64)[order[rows]],
            step_frame=np.asarray(self._frames, np.int64),
            step_time_s=np.asarray(self._times),
            step_camera=np.asarray(self._camera).reshape(-1, 2),
            step_looked=np.asarray(self._looked, bool),
            frame_size=self._frame_size,
            jitter=self._online.jitter.shares,
            config=self._config,
        )

    def _keep_looks(self, looks: np.ndarray | None, count: int) -> None:
        """Remember the looks (count, D) of the boxes just kept; NaN where nobody looked."""
        if looks is not None and not self._features:
            self._features = looks.shape[1]
            self._looks.extend([np.nan] * (self._features * (len(self._step) - count)))
        if looks is None:
            looks = np.full((count, self._features), np.nan)
        self._looks.extend(looks.ravel().tolist())

    def _observations(self, order: np.ndarray, piece: np.ndarray) -> Observations:
        step = np.asarray(self._step, np.int64)[order]
        edge = edges(np.asarray(self._boxes, np.float64).reshape(-1, 4)[order])
        look = np.cumsum(np.asarray(self._looked, np.int64)) - 1  # what a track missed counts in looks, not in frames
        return Observations(
            tracklet=piece,
            step=look[step],
            time_s=np.asarray(self._times)[step],
            edge=edge,
            cut=cut_edges(edge, self._frame_size),
            camera=np.asarray(self._camera).reshape(-1, 2)[step],
            confidence=np.asarray(self._confidence, np.float64)[order],
            crowded=np.asarray(self._crowded, bool)[order],
        )
