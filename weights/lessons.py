"""Learning from pictures alone, a teacher's answers being the truth: what is shown when, and how fast is learned."""

import functools
import logging
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

from classifier.errors import BadInput
from tracker.environment import quiet_libraries
from tracker.labelled_pictures import find_samples, split_by_group
from videos.options import parse_size
from weights.augment import training_example
from weights.loop import as_batch
from weights.options import picture_options
from weights.train import Pictures

WARM_UP = 50
log = logging.getLogger("cleansheet")


class Lessons:
    """Batches of pictures with the learning rate of each; it rises, then falls to a hundredth along a cosine.

    After each one `look()` has to be asked, which also says when it is over.

    Args:
        data, leave_out, val_group, group_weight: see `weights.options.picture_options`.
        iterations, minutes: it ends after the first of both, and the learning rate follows.
        batch: pictures of a lesson.
        size: width and height of one.
        zoom: least and greatest; 1 shows people as large as in a frame 960 wide.
        mosaic: the chance of a picture that is made of four.
        learning_rate: at its highest.
        seed: of what is shown.
        every: lessons between looks.
    """

    def __init__(
        self, data: tuple[Path, ...], leave_out: Path | None, val_group: tuple[str, ...],
        group_weight: dict[str, tuple[float, float]], iterations: int, minutes: float, batch: int,
        size: tuple[int, int], zoom: tuple[float, float], mosaic: float, learning_rate: float, seed: int, every: int,
    ) -> None:  # fmt: skip
        training, self.validation = split_by_group(find_samples(data, leave_out), val_group)
        self._pictures = Pictures(training, group_weight, longest=1280)
        self._iterations, self._minutes, self._batch, self._every = iterations, minutes, batch, every
        self._size, self._zoom, self._mosaic, self._rate = (size[1], size[0]), zoom, mosaic, learning_rate
        self._rng = np.random.default_rng(seed)
        self._progress = 0.0
        self.done = 0
        log.info("%d pictures to learn from, %d to measure on", len(training), len(self.validation))

    def __iter__(self) -> Iterator[tuple[Tensor, float]]:
        """Pictures `(B, 3, H, W)` float RGB in [0, 1], and the learning rate."""
        self._begun = time.perf_counter()
        while self._progress < 1:
            self.done += 1
            draw = partial(self._pictures.draw, self._rng, self._progress)
            examples = [
                training_example(self._rng, draw, self._size, self._mosaic, self._zoom) for _ in range(self._batch)
            ]
            falling = max(0.01, 0.5 * (1 + math.cos(math.pi * self._progress)))
            yield as_batch(examples)[0], self._rate * falling * min(1.0, self.done / WARM_UP)

    def look(self) -> bool:
        """Whether it is time to write and to measure what was learned; it is at the end."""
        minutes = (time.perf_counter() - self._begun) / 60
        self._progress = max(self.done / self._iterations, minutes / self._minutes)
        return self.done % self._every == 0 or self._progress >= 1

    @property
    def since_look(self) -> int:
        """Lessons since the look before this one."""
        return (self.done - 1) % self._every + 1


def lessons_of_options(iterations: int, learning_rate: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command options for what it learns from, and hand it `lessons`.

    Args:
        iterations, learning_rate: by default.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def wrapped(threads: int, size: str, zoom: str, seed: int, **given: Any) -> None:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
            quiet_libraries()
            torch.set_num_threads(threads)
            torch.manual_seed(seed)
            mine = {name: given.pop(name) for name in _NAMES}
            lessons = Lessons(**mine, size=parse_size(size), zoom=_zoom(zoom), seed=seed)
            command(lessons=lessons, **given)

        for option in reversed((
            click.option("--iterations", type=click.IntRange(1), default=iterations, show_default=True),
            click.option("--minutes", type=click.FloatRange(0, min_open=True), default=math.inf,
                         help="End after so many minutes; the learning rate follows."),
            click.option("--batch", type=click.IntRange(1), default=8, show_default=True),
            click.option("--size", default="512x320", show_default=True,
                         help="Width and height of a training picture."),
            click.option("--zoom", default="0.5:2.2", show_default=True,
                         help="1: people as large as in a frame 960 wide."),
            click.option("--mosaic", type=click.FloatRange(0, 1), default=0.3, show_default=True),
            click.option("--learning-rate", default=learning_rate, show_default=True),
            click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
            click.option("--threads", type=click.IntRange(1), default=2, show_default=True),
            click.option("--every", type=click.IntRange(1), default=200, show_default=True,
                         help="Iterations between looks at it."),
        )):  # fmt: skip
            wrapped = option(wrapped)
        return picture_options(wrapped)

    return decorate


_NAMES = (
    "data", "leave_out", "val_group", "group_weight", "iterations", "minutes", "batch", "mosaic", "learning_rate",
    "every",
)  # fmt: skip


def _zoom(text: str) -> tuple[float, float]:
    try:
        least, most = (float(number) for number in text.split(":"))
    except ValueError:
        raise BadInput(f"--zoom {text!r}: expected LEAST:MOST, such as 0.5:2.2") from None
    if not 0 < least <= most:
        raise BadInput(f"--zoom {text}: expected numbers over 0, the smaller one first")
    return least, most
