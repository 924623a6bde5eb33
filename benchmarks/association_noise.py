"""Ground-truth clips in, imitation detections out: the seeded noise that every candidate of the benchmark is given."""

import configparser
import itertools
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Clip:
    """One MOTChallenge folder (`gt/gt.txt`, `seqinfo.ini`); boxes in frame order."""

    name: str
    fps: float
    size: tuple[int, int]  # width, height [px]
    frames: int  # length of the clip
    frame: np.ndarray  # (N,) 0-based
    identity: np.ndarray  # (N,)
    xyxy: np.ndarray  # (N, 4) [px]


@dataclass(frozen=True)
class Noise:
    """What a detector does to the truth. Lengths are shares of the box's own width and height."""

    name: str
    miss: float  # share of boxes that are not detected
    miss_burst_s: float  # mean length of a row of misses; 0: every frame is drawn on its own
    jitter: float  # standard deviation of centre and of size, as a share of the box's size
    false_per_frame: float
    false_burst_s: float  # mean time for which a false box stays; 0: one frame
    false_near: float  # share of the false boxes that lie half over a person instead of anywhere
    confidence_true: tuple[float, float]  # mean, standard deviation; clipped to 0.1 .. 0.99
    confidence_false: tuple[float, float]


NOISES = {
    noise.name: noise
    for noise in (
        Noise("standard", 0.10, 0.0, 0.04, 1.0, 0.0, 0.0, (0.75, 0.15), (0.40, 0.15)),
        Noise("bursty", 0.10, 0.25, 0.02, 0.5, 0.5, 0.5, (0.80, 0.15), (0.45, 0.15)),
        Noise("hard", 0.10, 0.10, 0.08, 2.0, 0.0, 0.3, (0.60, 0.20), (0.50, 0.20)),
    )
}


def read_clip(folder: Path, max_frames: int | None = None) -> Clip:
    """Read a clip. Where two people carry one number in one frame (labelling slips), the earlier row is kept:
    TrackEval refuses such frames."""
    info = configparser.ConfigParser()
    info.read(folder / "seqinfo.ini")
    sequence = info["Sequence"]
    rows = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",", ndmin=2)
    frame, identity = rows[:, 0].astype(np.int64) - 1, rows[:, 1].astype(np.int64)
    _, first = np.unique(np.stack([frame, identity]), axis=1, return_index=True)
    length = int(sequence["seqLength"]) if max_frames is None else min(max_frames, int(sequence["seqLength"]))
    keep = np.sort(first)
    keep = keep[frame[keep] < length]
    keep = keep[np.argsort(frame[keep], kind="stable")]
    xyxy = np.column_stack([rows[:, 2], rows[:, 3], rows[:, 2] + rows[:, 4], rows[:, 3] + rows[:, 5]])
    return Clip(
        name=sequence["name"],
        fps=float(sequence["frameRate"]),
        size=(int(sequence["imWidth"]), int(sequence["imHeight"])),
        frames=length,
        frame=frame[keep],
        identity=identity[keep],
        xyxy=xyxy[keep],
    )


def corrupt(clip: Clip, noise: Noise, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Imitation detections of a clip: for every frame `(xyxy (M, 4) [px], confidence (M,))`, in shuffled order."""
    rng = np.random.default_rng([seed, zlib.crc32(clip.name.encode()), zlib.crc32(noise.name.encode())])
    kept = ~_misses(clip, noise, rng)
    size = np.tile(clip.xyxy[:, 2:] - clip.xyxy[:, :2], 2)
    centre = (clip.xyxy[:, :2] + clip.xyxy[:, 2:]) / 2 + rng.normal(0, noise.jitter, (len(clip.frame), 2)) * size[:, :2]
    half = size[:, :2] * np.exp(rng.normal(0, noise.jitter, (len(clip.frame), 2))) / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)[kept]
    confidences = rng.normal(*noise.confidence_true, len(boxes))
    false_frame, false_boxes = _false_boxes(clip, noise, rng)
    false_confidences = rng.normal(*noise.confidence_false, len(false_boxes))

    frame = np.concatenate([clip.frame[kept], false_frame])
    width, height = clip.size
    xyxy = np.clip(np.concatenate([boxes, false_boxes]), 0, [width, height, width, height])
    confidence = np.clip(np.concatenate([confidences, false_confidences]), 0.1, 0.99)
    visible = (xyxy[:, 2] - xyxy[:, 0] > 2) & (xyxy[:, 3] - xyxy[:, 1] > 2)
    order = rng.permutation(np.flatnonzero(visible))
    order = order[np.argsort(frame[order], kind="stable")]
    starts = np.searchsorted(frame[order], np.arange(clip.frames + 1))
    return [(xyxy[order[a:b]], confidence[order[a:b]]) for a, b in itertools.pairwise(starts)]


def _misses(clip: Clip, noise: Noise, rng: np.random.Generator) -> np.ndarray:
    """Which boxes are missed: independent draws, or a two-state Markov chain along each identity."""
    draws = rng.random(len(clip.frame))
    if noise.miss_burst_s == 0:
        return draws < noise.miss
    leave = 1 / max(1.0, noise.miss_burst_s * clip.fps)
    enter = leave * noise.miss / (1 - noise.miss)
    missed = np.zeros(len(clip.frame), bool)
    for identity in np.unique(clip.identity):
        state = False
        for row in np.flatnonzero(clip.identity == identity):
            state = draws[row] >= leave if state else draws[row] < enter
            missed[row] = state
    return missed


def _false_boxes(clip: Clip, noise: Noise, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """False boxes `(frame (M,), xyxy (M, 4))`: of a person's size, anywhere or half over a person."""
    length = max(1.0, noise.false_burst_s * clip.fps)
    births = rng.poisson(noise.false_per_frame / length, clip.frames)
    frames, boxes = [], []
    for start in np.repeat(np.arange(clip.frames), births):
        frame = np.arange(start, min(clip.frames, start + rng.geometric(1 / length)))
        model = clip.xyxy[rng.integers(len(clip.xyxy))]
        width, height = model[2] - model[0], model[3] - model[1]
        corner = rng.uniform([0, 0], [clip.size[0] - width, clip.size[1] - height])
        present = np.flatnonzero(clip.frame == start)
        if rng.random() < noise.false_near and len(present):
            person = clip.xyxy[rng.choice(present)]
            width, height = person[2] - person[0], person[3] - person[1]
            corner = person[:2] + rng.uniform(-0.7, 0.7, 2) * [width, height]
        box = np.concatenate([corner, corner + np.array([width, height])])
        wobble = rng.normal(0, noise.jitter, (len(frame), 4)) * [width, height, width, height]
        frames.append(frame)
        boxes.append(box + wobble)
    if not frames:
        return np.zeros(0, np.int64), np.zeros((0, 4))
    return np.concatenate(frames), np.concatenate(boxes)
