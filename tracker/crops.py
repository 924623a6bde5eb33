"""A few good crops of every tracklet: sharp, large, confident, alone in the picture and spread over time."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tracker.detections import Boxes

SPELL_S = 5.0  # as many crops are kept of each spell as of a track: it may turn out to be another person's
PART_S = 1.25  # of a spell: the best crop of each is kept, since a track may turn out to be cut anywhere


class CropSettings(BaseModel):
    """Which crops of a tracklet are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_track: int = Field(6, ge=1, le=64, description="crops kept of a track")
    spacing_s: float = Field(0.4, gt=0, description="seconds of which only the best crop can be kept")
    min_height_px: int = Field(24, ge=8, description="pixels; smaller people are not cut out")
    min_confidence: float = Field(0.35, ge=0, le=1, description="the detector's; less certain boxes are not cut out")
    closed_after_s: float = Field(5.0, gt=0, description="seconds unseen after which a tracklet's crops go to disk")


@dataclass(frozen=True)
class Crop:
    """One picture cut from a frame."""

    frame: int
    score: float
    """How good the picture is, 0 to about 1."""
    image: NDArray[np.uint8]
    """(h, w, 3) BGR."""


@dataclass
class _Tracklet:
    last_time_s: float
    spell: int
    """Of `SPELL_S` seconds, the present one."""
    slots: dict[int, Crop] = field(default_factory=dict)
    """Time slot (of `spacing_s` seconds) → its best crop."""


class CropKeeper:
    """Watches the frames go by and leaves each tracklet's best crops in `folder/<tracklet>/<frame>-<score>.jpg`.

    Args:
        folder: Where the crops go; inside the run's folder.
        settings: Which crops are kept.
    """

    def __init__(self, folder: Path, settings: CropSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._open: dict[int, _Tracklet] = {}

    def offer(
        self,
        image: NDArray[np.uint8],
        detections: Boxes,
        tracklets: NDArray[np.int64],
        frame: int,
        time_s: float,
    ) -> None:
        """Look at one frame.

        Args:
            image: (height, width, 3) BGR.
            detections: The frame's boxes.
            tracklets: (len(detections),) tracklet of each box, -1 for none.
            frame: Index of the frame.
            time_s: Its time.
        """
        if len(detections) == 0:
            self._close(before_s=time_s - self._settings.closed_after_s)
            return
        scores = crop_scores(detections, image.shape[:2], self._settings)
        slot, spell = int(time_s / self._settings.spacing_s), int(time_s / SPELL_S)
        for box, tracklet_id, score in zip(detections.xyxy, tracklets.tolist(), scores.tolist(), strict=True):
            if tracklet_id < 0:
                continue
            tracklet = self._open.setdefault(tracklet_id, _Tracklet(time_s, spell))
            tracklet.last_time_s = time_s
            if tracklet.spell != spell:
                self._write(tracklet_id, tracklet)
                tracklet.spell = spell
            if score <= 0:
                continue
            present = tracklet.slots.get(slot)
            if present is not None and present.score >= score:
                continue
            if present is None and len(tracklet.slots) >= self._settings.per_track:
                worst = self._worst({s: crop.score for s, crop in tracklet.slots.items()} | {slot: score})
                if worst == slot:
                    continue
                del tracklet.slots[worst]
            tracklet.slots[slot] = Crop(frame, score, cut(image, box))
        self._close(before_s=time_s - self._settings.closed_after_s)

    def finish(self) -> None:
        """Write what is still in memory."""
        self._close(before_s=np.inf)

    def _worst(self, score: dict[int, float]) -> int:
        """The slot of the worst crop that is not the only one of its part of the spell, if there is such a one."""
        part = {slot: int(slot * self._settings.spacing_s / PART_S) for slot in score}
        alone = {slot for slot in score if sum(part[other] == part[slot] for other in score) == 1}
        return min(score.keys() - alone or score, key=lambda slot: score[slot])

    def _close(self, before_s: float) -> None:
        for tracklet_id in [t for t, tracklet in self._open.items() if tracklet.last_time_s < before_s]:
            self._write(tracklet_id, self._open.pop(tracklet_id))

    def _write(self, tracklet_id: int, tracklet: _Tracklet) -> None:
        for crop in tracklet.slots.values():
            folder = self._folder / str(tracklet_id)
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / f"{crop.frame}-{crop.score:.4f}.jpg", crop.image)
        tracklet.slots.clear()


def crop_scores(
    detections: Boxes, frame_size: tuple[int, ...], settings: CropSettings
) -> NDArray[np.float64]:  # fmt: skip
    """How good a crop each box would make: (N,) from 0 (not to be used) to about 1.

    A product of the detector's confidence, the height (saturating at 120 pixels) and what share of the box nobody
    else's box covers; boxes cut off by the picture's edge count a third.

    Args:
        detections: N boxes.
        frame_size: (height, width) in pixels.
        settings: The smallest height and confidence.
    """
    boxes = detections.xyxy.astype(np.float64)
    confidence = np.ones(len(boxes)) if detections.confidence is None else detections.confidence.astype(np.float64)
    heights = boxes[:, 3] - boxes[:, 1]
    areas = np.maximum((boxes[:, 2] - boxes[:, 0]) * heights, 1e-9)
    shared_w = np.minimum(boxes[:, None, 2], boxes[None, :, 2]) - np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    shared_h = np.minimum(boxes[:, None, 3], boxes[None, :, 3]) - np.maximum(boxes[:, None, 1], boxes[None, :, 1])
    shared = np.clip(shared_w, 0, None) * np.clip(shared_h, 0, None)
    np.fill_diagonal(shared, 0)
    alone = np.clip(1 - shared.sum(axis=1) / areas, 0, 1)
    height, width = frame_size[:2]
    cut_off = (boxes[:, 0] <= 1) | (boxes[:, 1] <= 1) | (boxes[:, 2] >= width - 1) | (boxes[:, 3] >= height - 1)
    scores = confidence * np.sqrt(np.minimum(heights / 120, 1)) * alone * np.where(cut_off, 1 / 3, 1)
    usable = (heights >= settings.min_height_px) & (confidence >= settings.min_confidence)
    return np.where(usable, scores, 0.0)


def cut(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The part of a picture inside an xyxy box, at least one pixel: (h, w, 3), a copy."""
    height, width = image.shape[:2]
    x1, y1 = (
        int(np.clip(round(float(value)), 0, limit - 1)) for value, limit in zip(box[:2], (width, height), strict=True)
    )
    x2, y2 = max(x1 + 1, min(width, round(float(box[2])))), max(y1 + 1, min(height, round(float(box[3]))))
    return image[y1:y2, x1:x2].copy()


def gather_by_track(folder: Path, track_of: Callable[[int, int], int | None], per_track: int) -> None:
    """Turn `folder/<tracklet>/…` into `folder/track-<id>/<frame>.jpg`, the best `per_track` crops of each track.

    Args:
        folder: Where a `CropKeeper` left its crops.
        track_of: The track of a tracklet at a frame; the crops of those that became part of no track are thrown away.
        per_track: The most that is kept.
    """
    candidates: dict[int, list[tuple[float, int, Path]]] = {}
    tracklet_folders = [path for path in folder.iterdir() if path.name.isdigit()] if folder.exists() else []
    for tracklet_folder in tracklet_folders:
        for path in tracklet_folder.iterdir():
            written_frame, score = path.stem.split("-", 1)
            track = track_of(int(tracklet_folder.name), int(written_frame))
            if track is not None:
                candidates.setdefault(track, []).append((-float(score), int(written_frame), path))
    for track, found in candidates.items():
        target = folder / track_folder_name(track)
        target.mkdir(exist_ok=True)
        for _, frame, path in sorted(found)[:per_track]:
            path.rename(target / f"{frame:06d}.jpg")
    for tracklet_folder in tracklet_folders:
        shutil.rmtree(tracklet_folder)


def track_folder_name(track_id: int) -> str:
    return f"track-{track_id:04d}"


def track_of_folder(folder: Path) -> int:
    return int(folder.name.removeprefix("track-"))


def crops_of_tracks(folder: Path) -> dict[int, list[Path]]:
    """Track id → its crop files, by frame."""
    if not folder.exists():
        return {}
    tracks = sorted(path for path in folder.iterdir() if path.name.startswith("track-"))
    return {track_of_folder(path): sorted(path.glob("*.jpg")) for path in tracks}


def read_crop(path: Path) -> NDArray[np.uint8]:
    """(h, w, 3) BGR."""
    image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert image is not None, f"{path} is no picture"
    return image.astype(np.uint8)


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    path.write_bytes(encoded.tobytes())
