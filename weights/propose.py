"""Give a trained network proposals, by which its scores need be asked at few places only: `python -m weights.propose`

Where somebody may be is a simpler question than who it is and how sure that is: a branch of a few channels learns to
say it from the maps that the head reads (as in the cascade of Viola and Jones, CVPR 2001; Yang et al., *QueryDet*, CVPR
2022, ask at few places for small objects). The network's own scores are the teacher, so the pictures need no labels.
The network stays as it is: what is asked at the places that are proposed is its own branch.

python -m weights.propose TEACHER.safetensors --data DIR --out FILE.safetensors
"""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tracker.company import DEFAULT_CONFIDENCE
from tracker.detector import Letterbox
from tracker.detector_weights import add_proposals, read_safetensors
from tracker.labelled_pictures import Sample, read_picture
from tracker.runtimes.head import SHY
from videos.options import refusing
from weights.lessons import Lessons, lessons_of_options
from weights.loop import autocast
from weights.train import export

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
            open_to = proposed(proposals, maps).sigmoid() >= SHY * DEFAULT_CONFIDENCE
        sure += int((scores >= DEFAULT_CONFIDENCE).sum())
        lost += int(((scores >= DEFAULT_CONFIDENCE) & ~open_to).sum())
        places += int(open_to.sum())
    each = len(samples)
    return f"{lost} of {sure} sure places missed; {places / each:.0f} asked a picture for {sure / each:.0f} sure ones"


@click.command()
@click.argument("teacher", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--channels", type=click.IntRange(1), default=8, show_default=True, help="Of the new branch.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@refusing
@lessons_of_options(iterations=1500, learning_rate=2e-3)
def main(lessons: Lessons, teacher: Path, channels: int, out: Path) -> None:
    """Write TEACHER with a branch that proposes where somebody may be."""
    model, described = read_safetensors(teacher)
    odds, image_size = json.loads(described["players_for_one"]), int(described["image_size"])
    model.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    asked, proposals = Asked(model), add_proposals(model, channels)
    optimizer = torch.optim.AdamW(proposals.parameters(), betas=(0.9, 0.99), weight_decay=0.0)
    total = 0.0
    for pictures, rate in lessons:
        for group in optimizer.param_groups:
            group["lr"] = rate
        maps, scores = asked(pictures)
        said = proposed(proposals, maps)
        loss = F.binary_cross_entropy_with_logits(said, scores, reduction="sum") / (scores.sum() + 1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(proposals.parameters(), 10.0)
        optimizer.step()
        total += float(loss.detach())
        if not lessons.look():
            continue
        sha256 = export(model, out, image_size, odds)
        log.info("iteration %d: apart %.4f  %s  SHA-256 %s", lessons.done, total / lessons.since_look, out, sha256)
        total = 0.0
        if lessons.validation:
            log.info("held-out pictures: %s", missed(asked, proposals, lessons.validation[::3], image_size))


if __name__ == "__main__":
    main()
