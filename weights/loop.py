"""The training loop: bfloat16 on a CPU that has it, an averaged copy of the weights, and checkpoints to go on from.

Written out, because ultralytics' trainer resets the threads and refuses bfloat16 on a CPU. The loss is ultralytics'.
"""

import copy
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from weights.augment import Boxes, Image, training_example

log = logging.getLogger("cleansheet")


@dataclass(frozen=True)
class Schedule:
    """What a training run does, apart from its pictures."""

    iterations: int
    minutes: float = math.inf
    """Of training at most: the learning rate then follows the clock, and the run ends in time on a busy machine."""
    batch: int = 16
    size: tuple[int, int] = (384, 640)
    """Height and width of a training picture."""
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.01
    warm_up: int = 60
    mosaic: float = 0.5
    plain_tail: float = 0.25
    """The last share of the run is without mosaic."""
    zoom: tuple[float, float] = (0.5, 1.4)
    frozen: int = 0
    """Layers from the first on that stay as they are; YOLOv8's backbone is the first 10."""
    roles_only: bool = False
    """Train the branch that says who is a player, goalkeeper or referee, and leave the boxes as they are."""
    average: float = 0.998
    steady: bool = False
    """The learning rate stays up: the average of the weights alone does the settling."""
    goalkeeper_weight: float = 1.0
    """What it counts to call a goalkeeper one, beside a player: they are few, and look alike from afar."""
    seed: int = 0


Draw = Callable[[np.random.Generator, float], tuple[Image, Boxes]]
"""A picture and its boxes, given the source of chance and the run's progress from 0 to 1."""


class Training:
    """A model on its way; `run` goes on from where the checkpoint, if there is one, left off."""

    def __init__(self, model: Any, schedule: Schedule, checkpoint: Path) -> None:
        from ultralytics.utils.loss import v8DetectionLoss

        self.model = model.to(memory_format=torch.channels_last)
        self.model.args = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)
        for name, parameter in self.model.named_parameters():
            branch = ".cv3." in name if schedule.roles_only else "dfl" not in name
            parameter.requires_grad_(branch and int(name.split(".")[1]) >= schedule.frozen)
        for module in self.model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.1  # ultralytics' 0.03 lags behind weights that change fast: AP50 0 after 60 steps
        self.averaged = copy.deepcopy(self.model).eval()
        self.schedule, self.checkpoint = schedule, checkpoint
        self.loss = v8DetectionLoss(self.model)
        counts = torch.tensor([1.0, schedule.goalkeeper_weight, 1.0])  # in the order of ROLES
        self.loss.bce = torch.nn.BCEWithLogitsLoss(reduction="none", pos_weight=counts)
        trained = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for _, p in trained if p.ndim > 1], "weight_decay": schedule.weight_decay},
                {"params": [p for _, p in trained if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=schedule.learning_rate,
            betas=(0.9, 0.99),
        )
        self.rng = np.random.default_rng(schedule.seed)
        self.iteration, self.seconds = 0, 0.0

    @property
    def progress(self) -> float:
        """From 0 to 1, by iterations or by the clock, whichever is further."""
        return min(1.0, max(self.iteration / self.schedule.iterations, self.seconds / 60 / self.schedule.minutes))

    def resume(self) -> bool:
        """Take up the checkpoint; False where there is none."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.rng.bit_generator.state = state["rng"]
        self.iteration, self.seconds = state["iteration"], state["seconds"]
        return True

    def save(self) -> None:
        """Write the checkpoint beside its name, then rename it."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "model": self.model.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "rng": self.rng.bit_generator.state,
                "iteration": self.iteration,
                "seconds": self.seconds,
            },
            part,
        )
        part.replace(self.checkpoint)

    def run(self, draw: Draw, every: int, look: Callable[["Training"], None]) -> None:
        """Train to the end; each `every` iterations save, and call `look`, whose time does not count."""
        self._train_mode()
        sums, since = np.zeros(3), self.iteration
        while self.progress < 1:
            start = time.perf_counter()
            sums += self._step(draw)
            self.iteration += 1
            self.seconds += time.perf_counter() - start
            if self.iteration % every == 0 or self.progress >= 1:
                self.save()
                box, role, edge = sums / (self.iteration - since)
                log.info(
                    "iteration %d, %.0f%% of the run, %.1f minutes: box %.3f class %.3f edge %.3f",
                    *(self.iteration, 100 * self.progress, self.seconds / 60, box, role, edge),
                )
                sums, since = np.zeros(3), self.iteration
                look(self)
                self._train_mode()

    def _train_mode(self) -> None:
        self.model.train()
        self.model.model[: self.schedule.frozen].eval()
        if self.schedule.roles_only:
            self.model.model[:-1].eval()
            self.model.model[-1].cv2.eval()

    def _step(self, draw: Draw) -> npt.NDArray[np.float64]:
        plan, progress = self.schedule, self.progress
        fallen = 0.0 if plan.steady else progress
        rate = plan.learning_rate * max(0.01, 0.5 * (1 + math.cos(math.pi * fallen)))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * min(1.0, (self.iteration + 1) / plan.warm_up)
        mosaic = plan.mosaic if progress < 1 - plan.plain_tail else 0.0
        examples = [
            training_example(self.rng, lambda: draw(self.rng, progress), plan.size, mosaic, plan.zoom)
            for _ in range(plan.batch)
        ]
        images, targets = as_batch(examples)
        with autocast():
            predicted = self.model(images)
        predicted = {
            key: [v.float() for v in value] if isinstance(value, list) else value.float()
            for key, value in predicted.items()
        }
        loss, parts = self.loss(predicted, targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimizer.step()
        self._average()
        return np.array([float(value) for value in parts.values()])

    def _average(self) -> None:
        keep = self.schedule.average * (1 - math.exp(-(self.iteration + 1) / 200))
        current = self.model.state_dict()
        with torch.no_grad():
            for name, value in self.averaged.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(current[name], 1 - keep)
                else:
                    value.copy_(current[name])


def autocast() -> torch.autocast:
    """bfloat16 where the CPU computes in it; elsewhere rounding to it would cost time and save none."""
    return torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported())


def as_batch(examples: list[tuple[Image, Boxes]]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Pictures as `(B, 3, H, W)` float RGB in [0, 1], boxes as ultralytics' loss wants them: shares of the picture."""
    pictures = np.stack([image[:, :, ::-1] for image, _ in examples])
    height, width = pictures.shape[1:3]
    images = (
        torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255).contiguous(memory_format=torch.channels_last)
    )
    boxes = torch.from_numpy(np.concatenate([boxes for _, boxes in examples]))
    share = boxes[:, 1:] / torch.tensor([width, height, width, height])
    return images, {
        "batch_idx": torch.cat([torch.full((len(b),), float(i)) for i, (_, b) in enumerate(examples)]),
        "cls": boxes[:, :1],
        "bboxes": torch.cat([(share[:, :2] + share[:, 2:]) / 2, share[:, 2:] - share[:, :2]], 1),
    }
