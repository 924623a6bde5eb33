"""Give a trained network proposals, by which its scores need be asked at few places only: `python -m weights.propose`

Where somebody may be is a simpler question than who it is and how sure that is: a branch of a few channels learns to
say it from the maps that the head reads (as in the cascade of Viola and Jones, CVPR 2001; Yang et al., *QueryDet*, CVPR
2022, ask at few places for small objects). The network's own scores are the teacher, so the pictures need no labels.
The network stays as it is: what is asked at the places that are proposed is its own branch.

python -m weights.propose TEACHER.safetensors --data DIR --out FILE.safetensors
"""

import json
import logging
import math
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tracker.detector import Letterbox
from tracker.detector_weights import add_proposals, read_safetensors
from tracker.environment import quiet_libraries
from tracker.labelled_pictures import Sample, find_samples, read_picture, split_by_group
from tracker.runtimes.head import SHY
from videos.options import refusing
from weights.augment import training_example
from weights.loop import as_batch, autocast
from weights.options import picture_options
from weights.train import Pictures, export

CONFIDENCE = 0.25
"""From which on people are looked for by default."""
WARM_UP = 50
log = logging.getLogger("cleansheet")


class _Enough(Exception):
    """Raised before the head runs: only its maps are needed."""


class Asked:
    """What a network's head is given, and what it says who is where.

    Args:
        model: in evaluation mode.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._head = model, model.model[-1]
        self._head.register_forward_pre_hook(self._keep)

    def _keep(self, _head: Any, given: tuple[list[Tensor]]) -> None:
        self._maps = given[0]
        raise _Enough

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> tuple[list[Tensor], Tensor]:
        """The maps, and the greatest score of each place `(B, N)`."""
        with autocast():
            with suppress(_Enough):
                self._model(pictures)
            scores = [branch(each).flatten(2) for branch, each in zip(self._head.cv3, self._maps, strict=True)]
        return [each.float() for each in self._maps], torch.cat(scores, 2).float().sigmoid().amax(1)


def proposed(proposals: nn.ModuleList, maps: list[Tensor]) -> Tensor:
    """Logits `(B, N)` of where somebody may be."""
    return torch.cat([branch(each).flatten(1) for branch, each in zip(proposals, maps, strict=True)], 1)


def missed(asked: Asked, proposals: nn.ModuleList, samples: list[Sample], image_size: int) -> str:
    """In words, how many of the sure places of some pictures are not proposed, and how many are."""
    sure = lost = places = 0
    for sample in samples:
        picture = Letterbox.fit(read_picture(sample.path), image_size)[1]
        maps, scores = asked(torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255)
        with torch.no_grad():
            open_to = proposed(proposals, maps).sigmoid() >= SHY * CONFIDENCE
        sure += int((scores >= CONFIDENCE).sum())
        lost += int(((scores >= CONFIDENCE) & ~open_to).sum())
        places += int(open_to.sum())
    each = len(samples)
    return f"{lost} of {sure} sure places missed; {places / each:.0f} asked a picture for {sure / each:.0f} sure ones"


@click.command()
@click.argument("teacher", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@picture_options
@click.option("--channels", type=click.IntRange(1), default=8, show_default=True, help="Of the new branch.")
@click.option("--iterations", default=1500, show_default=True)
@click.option("--minutes", default=float("inf"), help="End after so many minutes; the learning rate follows.")
@click.option("--batch", default=8, show_default=True)
@click.option("--size", default="512x320", show_default=True, help="Width and height of a training picture.")
@click.option("--zoom", default="0.5:2.2", show_default=True, help="1: people as large as in a frame 960 wide.")
@click.option("--mosaic", default=0.3, show_default=True)
@click.option("--learning-rate", default=2e-3, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--every", default=200, show_default=True, help="Iterations between looks at it.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@refusing
def main(
    teacher: Path,
    data: tuple[Path, ...],
    leave_out: Path | None,
    val_group: tuple[str, ...],
    group_weight: dict[str, tuple[float, float]],
    channels: int,
    iterations: int,
    minutes: float,
    batch: int,
    size: str,
    zoom: str,
    mosaic: float,
    learning_rate: float,
    seed: int,
    threads: int,
    every: int,
    out: Path,
) -> None:
    """Write TEACHER with a branch that proposes where somebody may be."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    quiet_libraries()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    training, validation = split_by_group(find_samples(data, leave_out), val_group)
    pictures = Pictures(training, group_weight, longest=1280)
    model, described = read_safetensors(teacher)
    odds, image_size = json.loads(described["players_for_one"]), int(described["image_size"])
    model.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    asked, proposals = Asked(model), add_proposals(model, channels)
    optimizer = torch.optim.AdamW(proposals.parameters(), lr=learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    width, height = (int(number) for number in size.split("x"))
    least, most = (float(number) for number in zoom.split(":"))
    rng = np.random.default_rng(seed)
    log.info("%d pictures to learn from, %d to measure on", len(training), len(validation))
    done, total, begun, progress = 0, 0.0, time.perf_counter(), 0.0
    while progress < 1:
        for group in optimizer.param_groups:
            falling = max(0.01, 0.5 * (1 + math.cos(math.pi * progress)))
            group["lr"] = learning_rate * falling * min(1.0, (done + 1) / WARM_UP)
        draw = partial(pictures.draw, rng, progress)
        examples = [training_example(rng, draw, (height, width), mosaic, (least, most)) for _ in range(batch)]
        maps, scores = asked(as_batch(examples)[0])
        said = proposed(proposals, maps)
        loss = F.binary_cross_entropy_with_logits(said, scores, reduction="sum") / (scores.sum() + 1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(proposals.parameters(), 10.0)
        optimizer.step()
        done, total = done + 1, total + float(loss.detach())
        progress = max(done / iterations, (time.perf_counter() - begun) / 60 / minutes)
        if done % every and progress < 1:
            continue
        sha256 = export(model, out, image_size, odds)
        log.info("iteration %d: apart %.4f  %s  SHA-256 %s", done, total / ((done - 1) % every + 1), out, sha256)
        total = 0.0
        if validation:
            log.info("held-out pictures: %s", missed(asked, proposals, validation[::3], image_size))


if __name__ == "__main__":
    main()
