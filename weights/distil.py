"""Teach a network with another activation what a trained one says, without labels: `python -m weights.distil`

The student has the teacher's layers and starts with its weights; only the activation differs, such as `hardswish`,
which costs a CPU a fraction of SiLU's exponential (Howard et al., *Searching for MobileNetV3*, ICCV 2019). It learns to
put out what the teacher does, layer by layer and at the end (Hinton et al., *Distilling the Knowledge in a Neural
Network*, 2015), so that the pictures need not be labelled and it does not learn their labels' mistakes.

python -m weights.distil TEACHER.safetensors --data DIR --activation hardswish --out STUDENT.safetensors
"""

import json
import logging
from pathlib import Path
from typing import Any

import click
import torch
import torch.nn.functional as F
from torch import Tensor

from tracker.detection_scores import detect_all, lines, report
from tracker.detector_weights import ACTIVATIONS, activation_of, build_network, read_safetensors
from tracker.labelled_pictures import labelled_frames
from videos.options import refusing
from weights.lessons import Lessons, lessons_of_options
from weights.loop import autocast
from weights.train import as_detector, export

STRETCH = {"hardswish": 1.15}
"""What an activation's input is multiplied by, and its output divided by, to be nearest to SiLU: `hardswish(1.15 x) /
1.15`. The factors end up in the weights around it."""
BINS = 16
"""Of YOLOv8's distribution over where an edge lies."""
log = logging.getLogger("cleansheet")


class Layers:
    """What a network's layers and its head put out, before boxes are made of it.

    Args:
        model: the network.
        stretch: its activations are so many times as large as they should be.
    """

    def __init__(self, model: Any, stretch: float = 1.0) -> None:
        self._model, self._stretch = model, stretch
        self._seen: list[Tensor] = []
        for layer in model.model[:-1]:
            layer.register_forward_hook(lambda _module, _inputs, output: self._seen.append(output))

    def __call__(self, images: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """The layers' outputs; box edges `(B, 64, N)` and roles `(B, classes, N)` as logits."""
        self._seen = []
        with autocast():
            ends = self._model(images)
        return [seen / self._stretch for seen in self._seen], ends["boxes"].float(), ends["scores"].float()


def stretch(model: Any, factor: float) -> None:
    """Make every activation of a network larger by a factor, in place, and undo it in the convolutions that follow."""
    first = model.model[0].conv
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.mul_(factor)
                module.bias.mul_(factor)
            elif isinstance(module, torch.nn.Conv2d) and module is not first and "dfl" not in name:
                module.weight.div_(factor)


def losses(taught: tuple[list[Tensor], Tensor, Tensor], said: tuple[list[Tensor], Tensor, Tensor]) -> Tensor:
    """How far a student is from its teacher `(3,)`: in the layers, the boxes where there is somebody, and the roles."""
    features = [
        (F.mse_loss(ours.float(), theirs.float(), reduction="none").mean((0, 2, 3)) / (_spread(theirs) + 1e-3)).mean()
        for theirs, ours in zip(taught[0], said[0], strict=True)
    ]
    chance = taught[2].sigmoid()
    somebody = chance.amax(1)
    people = somebody.sum() + 1
    edges = [logits.unflatten(1, (4, BINS)).log_softmax(2) for logits in (taught[1], said[1])]
    apart = (edges[0].exp() * (edges[0] - edges[1])).sum(2).mean(1)
    roles = F.binary_cross_entropy_with_logits(said[2], chance, reduction="none")
    roles = roles - F.binary_cross_entropy_with_logits(taught[2], chance, reduction="none")
    return torch.stack([torch.stack(features).mean(), (apart * somebody).sum() / people, roles.sum() / people])


def _spread(features: Tensor) -> Tensor:
    return features.float().var((0, 2, 3))


class Distillation:
    """A student on its way to what its teacher says.

    Args:
        teacher: a network in evaluation mode.
        student: one with the same layers, changed in place.
        stretch: how many times as large as the teacher's the student's activations are.
    """

    def __init__(self, teacher: Any, student: Any, stretch: float) -> None:
        for model in (teacher, student):
            model.to(memory_format=torch.channels_last).eval()
            model.model[-1].training = True  # the head then hands out logits and not boxes
        self._teacher, self._student = Layers(teacher), Layers(student, stretch)
        self._trained = [parameter for name, parameter in student.named_parameters() if "dfl" not in name]
        for parameter in self._trained:
            parameter.requires_grad_(True)
        self._optimizer = torch.optim.AdamW(self._trained, betas=(0.9, 0.99), weight_decay=0.0)

    def step(self, images: Tensor, rate: float) -> Tensor:
        """Learn from pictures `(B, 3, H, W)` at a learning rate; returns the `losses` `(3,)`."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        with torch.no_grad():
            taught = self._teacher(images)
        parts = losses(taught, self._student(images))
        self._optimizer.zero_grad(set_to_none=True)
        parts.sum().backward()
        torch.nn.utils.clip_grad_norm_(self._trained, 10.0)
        self._optimizer.step()
        return parts.detach()


@click.command()
@click.argument("teacher", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--activation", type=click.Choice(sorted(ACTIVATIONS)), default="hardswish", show_default=True)
@click.option("--init", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A student to go on from.")
@click.option(
    "--players-for-one",
    help="Of each role, how many players there are for one, with commas: a student is shyer of rare roles than its "
    "teacher, whose numbers are taken otherwise.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@refusing
@lessons_of_options(iterations=3000, learning_rate=2e-4)
def main(
    lessons: Lessons, teacher: Path, activation: str, init: Path | None, players_for_one: str | None, out: Path
) -> None:
    """Teach a network with another activation what TEACHER says."""
    master, described = read_safetensors(teacher)
    odds, image_size = json.loads(described["players_for_one"]), int(described["image_size"])
    if players_for_one is not None:
        odds = _odds(players_for_one, len(odds))
    student = build_network(float(described["width"]), float(described["depth"]), len(odds), activation)
    student.load_state_dict((master if init is None else read_safetensors(init)[0]).state_dict())
    factor = STRETCH.get(activation, 1.0) if activation != activation_of(master) else 1.0
    if init is None:
        stretch(student, factor)
    run = Distillation(master, student, factor)
    sums = torch.zeros(3)
    for pictures, rate in lessons:
        sums += run.step(pictures, rate)
        if not lessons.look():
            continue
        sha256 = export(student, out, image_size, odds)
        shown = (sums / lessons.since_look).tolist()
        log.info("iteration %d: layers %.4f edges %.4f roles %.4f  %s  SHA-256 %s", lessons.done, *shown, out, sha256)
        sums = torch.zeros(3)
        if lessons.validation:
            pairs = detect_all(as_detector(student, image_size, odds), labelled_frames(lessons.validation[::3]))
            log.info("every third held-out picture: %s", lines(report(pairs))[0])


def _odds(text: str, roles: int) -> list[float]:
    try:
        odds = [float(number) for number in text.split(",")]
    except ValueError:
        odds = []
    if len(odds) != roles or min(odds) <= 0:
        raise click.BadParameter(f"--players-for-one {text}: expected {roles} numbers over 0 with commas between")
    return odds


if __name__ == "__main__":
    main()
