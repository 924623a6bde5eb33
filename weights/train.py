"""From folders of labelled pictures to the detector's weights, in one command that can be stopped and started again.

python -m weights.train --data DIR --val-group rink-5 --init best.pt --out weights/cleansheet-n.safetensors
"""

import copy
import json
import logging
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from safetensors.torch import save_file

from tracker.detection_scores import detect_all, lines, report
from tracker.detector import Detector
from tracker.detector_weights import (
    FORMAT,
    ROLES,
    LoadedWeights,
    activation_of,
    build_network,
    file_sha256,
    read_safetensors,
    ready,
)
from tracker.environment import quiet_libraries
from tracker.labelled_pictures import Sample, find_samples, labelled_frames, pixels, read_picture, split_by_group
from videos.options import refusing
from weights.augment import Boxes, Image
from weights.loop import Schedule, Training
from weights.options import picture_options
from weights.prune import narrow

WIDTH, DEPTH = 0.25, 0.33
log = logging.getLogger("cleansheet")


class Pictures:
    """The training samples, kept in memory, drawn by group: each group's weight is what it counts for."""

    def __init__(self, samples: list[Sample], weights: dict[str, tuple[float, float]], longest: int) -> None:
        self._groups = sorted({sample.group for sample in samples})
        self._samples = {group: [s for s in samples if s.group == group] for group in self._groups}
        default = {group: float(len(self._samples[group])) ** 0.5 for group in self._groups}
        self._begin = np.array([weights.get(group, (default[group],) * 2)[0] for group in self._groups])
        self._end = np.array([weights.get(group, (default[group],) * 2)[1] for group in self._groups])
        self._longest = longest
        self._cache: dict[Path, tuple[Image, Boxes]] = {}

    def draw(self, rng: np.random.Generator, progress: float) -> tuple[Image, Boxes]:
        """A picture `(H, W, 3)` and its boxes `(N, 5)`: class and xyxy pixels."""
        share = self._begin * (1 - progress) + self._end * progress
        group = self._groups[int(rng.choice(len(self._groups), p=share / share.sum()))]
        sample = self._samples[group][int(rng.integers(len(self._samples[group])))]
        if sample.path not in self._cache:
            image = read_picture(sample.path, self._longest)
            boxes = np.column_stack([sample.labels[:, 0], pixels(sample.labels, image.shape[1], image.shape[0])])
            self._cache[sample.path] = image, boxes.astype(np.float32)
        return self._cache[sample.path]

    def players_for_one(self) -> list[float]:
        """Of each role, how many players are drawn for one of it; 1 for a role that nobody is labelled as."""
        people = [np.concatenate([s.labels[:, 0] for s in self._samples[group]]) for group in self._groups]
        counts = [np.bincount(p.astype(int), minlength=len(ROLES)) for p in people]
        sizes = [len(self._samples[group]) for group in self._groups]
        each = sum(self._begin[i] * counts[i] / sizes[i] for i in range(len(sizes)))
        return [round(float(each[0] / number), 2) if number and each[0] else 1.0 for number in each]


def initial_model(init: Path | None, pictures: Pictures) -> torch.nn.Module:
    """Random weights; those of a `.safetensors` of ours; or a wider YOLOv8 `.pt`, made narrow."""
    if init is None:
        return build_network(WIDTH, DEPTH, len(ROLES))
    if init.suffix == ".safetensors":
        return read_safetensors(init)[0]
    from ultralytics.nn.tasks import torch_safe_load

    checkpoint, _ = torch_safe_load(str(init), safe_only=True)
    wide = (checkpoint.get("ema") or checkpoint["model"]).float()
    slim: Any = build_network(WIDTH, DEPTH, len(ROLES))
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(48):
        image = np.full((384, 640, 3), 114, np.uint8)
        picture, _ = pictures.draw(rng, 0.5)
        top, left = (
            int(rng.integers(max(1, have - want))) for have, want in zip(picture.shape, (384, 640), strict=False)
        )
        part = picture[top : top + 384, left : left + 640]
        image[: part.shape[0], : part.shape[1]] = part
        frames.append(torch.from_numpy(image[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255)
    narrow(wide, slim, torch.stack(frames))
    for head in slim.model[-1].cv3:  # the wide one's first class stands for all roles; most people are players
        head[-1].bias.data -= torch.tensor([0.0, 2.0, 2.0])
    return slim


def export(model: Any, out: Path, image_size: int, players_for_one: list[float]) -> str:
    """Write the weights as float16 safetensors with what is needed to build the network; returns their SHA-256."""
    tensors = {
        name: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in model.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "width": str(WIDTH),
        "depth": str(DEPTH),
        "activation": activation_of(model),
        "classes": json.dumps(ROLES),
        "image_size": str(image_size),
        "players_for_one": json.dumps(players_for_one),
    }
    if hasattr(model.model[-1], "proposals"):
        metadata["proposal_channels"] = str(model.model[-1].proposals[0][0].out_channels)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    save_file(tensors, part, metadata)
    part.replace(out)
    return file_sha256(out)


def as_detector(model: torch.nn.Module, image_size: int, players_for_one: list[float]) -> Detector:
    """A detector of the model as it is now; the model itself stays trainable."""
    roles = {i: i for i in range(len(ROLES))}
    weights = LoadedWeights(ready(copy.deepcopy(model)), roles, "training", "", tuple(players_for_one))
    return Detector(weights, confidence=0.01, company=0, image_size=image_size)


@click.command()
@picture_options
@click.option(
    "--init", type=click.Path(path_type=Path, exists=True), help=".safetensors of ours, or a wider YOLOv8 .pt."
)
@click.option("--epochs", default=20.0, show_default=True, help="Times as many pictures as there are.")
@click.option("--minutes", default=float("inf"), help="End after so many minutes of training, whatever the epochs.")
@click.option("--batch", default=16, show_default=True)
@click.option("--size", default="640x384", show_default=True, help="Width and height of a training picture.")
@click.option("--learning-rate", default=1.5e-3, show_default=True)
@click.option("--steady", is_flag=True, help="Keep the learning rate up; stop by what --val-group says.")
@click.option("--zoom", default="0.5:1.4", show_default=True, help="1: people as large as in a frame 960 wide.")
@click.option("--mosaic", default=0.5, show_default=True)
@click.option("--goalkeeper-weight", default=1.0, show_default=True, help="Of their class in the loss.")
@click.option("--freeze", default=0, show_default=True, help="Layers to leave as they are; 10 is the backbone.")
@click.option("--roles-only", is_flag=True, help="Train the roles and who is nobody; leave the boxes as they are.")
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--every", default=200, show_default=True, help="Iterations between checkpoints.")
@click.option("--image-size", default=960, show_default=True, help="Size that is measured at and recommended.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("scratch/detector"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("weights/cleansheet-n.safetensors"))
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --work.")
@refusing
def main(
    data: tuple[Path, ...],
    leave_out: Path | None,
    val_group: tuple[str, ...],
    group_weight: dict[str, tuple[float, float]],
    init: Path | None,
    epochs: float,
    minutes: float,
    batch: int,
    size: str,
    learning_rate: float,
    steady: bool,
    zoom: str,
    mosaic: float,
    goalkeeper_weight: float,
    freeze: int,
    roles_only: bool,
    seed: int,
    threads: int,
    every: int,
    image_size: int,
    work: Path,
    out: Path,
    resume: bool,
) -> None:
    """Train or fine-tune the player detector."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    quiet_libraries()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    training, validation = split_by_group(find_samples(data, leave_out), val_group)
    width, height = (int(number) for number in size.split("x"))
    least, most = (float(number) for number in zoom.split(":"))
    schedule = Schedule(
        iterations=max(1, round(epochs * len(training) / batch)),
        minutes=minutes,
        batch=batch,
        size=(height, width),
        learning_rate=learning_rate,
        steady=steady,
        zoom=(least, most),
        mosaic=mosaic,
        goalkeeper_weight=goalkeeper_weight,
        frozen=freeze,
        roles_only=roles_only,
        seed=seed,
    )
    pictures = Pictures(training, group_weight, longest=1280)
    odds = pictures.players_for_one()
    checkpoint = work / "checkpoint.pt"
    starting = not (resume and checkpoint.exists())
    ours = init is not None and init.suffix == ".safetensors"  # it says which activation the checkpoint has
    run = Training(initial_model(init if starting or ours else None, pictures), schedule, checkpoint)
    if not starting:
        run.resume()
    log.info(
        "%d pictures to train on, %d to measure on, %d iterations", len(training), len(validation), schedule.iterations
    )

    def look(state: Training) -> None:
        sha256 = export(state.averaged, work / f"{out.stem}-{state.iteration}.safetensors", image_size, odds)
        if validation:
            pairs = detect_all(as_detector(state.averaged, image_size, odds), labelled_frames(validation[::3]))
            log.info("every third held-out picture: %s  %s", lines(report(pairs))[0], sha256[:12])

    if starting:
        look(run)
    run.run(pictures.draw, every, look)
    log.info("%s  SHA-256 %s", out, export(run.averaged, out, image_size, odds))
    if validation:
        pairs = detect_all(as_detector(run.averaged, image_size, odds), labelled_frames(validation))
        for line in lines(report(pairs)):
            log.info(line)


if __name__ == "__main__":
    main()
