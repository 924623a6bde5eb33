"""Those that `benchmarks.throughput` compares with, each run in a process of its own: prints one JSON object."""

import json
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import supervision as sv
import torch

from classifier.networks import build
from tracker.assets import asset
from tracker.detector_weights import DEFAULT_WEIGHTS, ROLES, read_safetensors
from tracker.video import frames, probe

BATCH = 20


def our_weights_as_pt(folder: Path) -> Path:
    """The project's own network as ultralytics stores one."""
    model, _ = read_safetensors(asset(DEFAULT_WEIGHTS))
    model.names = dict(enumerate(ROLES))  # type: ignore[assignment]
    torch.save({"model": model, "epoch": -1, "train_args": {"imgsz": 960, "task": "detect"}}, folder / "own.pt")
    return folder / "own.pt"


def track(video: Path, seconds: float, weights: Path) -> int:
    """`ultralytics track`, with its default tracker; nothing is classified, drawn or written."""
    from ultralytics import YOLO

    limit = int((probe(video).times_s < seconds).sum())
    seen = 0
    for _ in YOLO(weights).track(str(video), stream=True, imgsz=960, verbose=False, rect=True):
        seen += 1
        if seen == limit:
            break
    return seen


def reference(video: Path, seconds: float, weights: Path) -> int:
    """As the reference performs them: all frames in memory, the detector, a tracker, every crop of every frame through
    a 21-million-parameter network by itself, everything drawn, everything encoded at the end."""
    from trackers import ByteTrackTracker
    from ultralytics import YOLO

    pictures = [frame.image for frame in frames(probe(video), end_s=seconds)]
    yolo, tracker = YOLO(weights), ByteTrackTracker()
    network = build("reference", 3, seed=0).eval()
    tracks = []
    for start in range(0, len(pictures), BATCH):
        for answer in yolo.predict(pictures[start : start + BATCH], imgsz=960, conf=0.25, verbose=False):
            tracks.append(tracker.update(sv.Detections.from_ultralytics(answer)))
    teams = []
    with torch.no_grad():
        for picture, people in zip(pictures, tracks, strict=True):
            for x1, y1, x2, y2 in people.xyxy.astype(int).clip(0):
                crop = cv2.resize(picture[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)], (150, 150))
                tensor = torch.from_numpy(crop[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
                teams.append(int(network(tensor).argmax()))
    ellipses, labels = sv.EllipseAnnotator(), sv.LabelAnnotator()
    drawn = [
        labels.annotate(ellipses.annotate(picture.copy(), people), people)
        for picture, people in zip(pictures, tracks, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        height, width = pictures[0].shape[:2]
        out = cv2.VideoWriter(f"{folder}/out.avi", cv2.VideoWriter.fourcc(*"XVID"), 24, (width, height))
        for picture in drawn:
            out.write(np.asarray(picture))
        out.release()
    return len(pictures)


def main() -> None:
    name, video, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    with tempfile.TemporaryDirectory() as folder:
        weights = our_weights_as_pt(Path(folder))
        warm, contestant = 0.2, {"track": track, "reference": reference}[name]
        contestant(video, warm, weights)
        begun, used = time.perf_counter(), time.process_time()
        count = contestant(video, seconds, weights)
        spent = {"wall_s": time.perf_counter() - begun, "cpu_s": time.process_time() - used}
    print(json.dumps({"frames": count, **spent}))


if __name__ == "__main__":
    main()
