"""Measure what a detector needs to be run in int8, on pictures, and write it beside the weights.

    python -m videos.frames any --count 24 --seed 900
    python -m weights.quantise any/images                               for the shipped file
    python -m weights.quantise OUR_FRAMES/images --weights ours.safetensors
"""

from pathlib import Path

import click
import cv2
import numpy as np
import torch
from torch import nn

from classifier.errors import BadInput
from tracker.detector import Letterbox
from tracker.detector_ranges import write_ranges
from tracker.detector_weights import DEFAULT_WEIGHTS, find_weights

SURE = 0.9999
"""Share of the values below the greatest that is kept: a few outliers would make all steps coarse."""
LEFT_OUT = "dfl"
"""The sum over bins at the network's end, in which a step would be half a pixel."""


def measured(network: nn.Module, pictures: list[np.ndarray]) -> dict[str, tuple[float, float]]:
    """Least and greatest input of each convolution.

    Args:
        network: see `tracker.detector_weights.LoadedWeights`.
        pictures: BGR `(H, W, 3)` uint8, sides multiples of 32.
    """
    found: dict[str, tuple[float, float]] = {}

    def watch(name: str, values: torch.Tensor) -> None:
        flat = values.flatten()
        some = flat[:: max(1, len(flat) // 1_000_000)]
        low, high = found.get(name, (0.0, 0.0))
        found[name] = min(low, float(flat.min())), max(high, float(torch.quantile(some, SURE)))

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and LEFT_OUT not in name:
            module.register_forward_pre_hook(lambda _, given, name=name: watch(name, given[0]))
    head = network.model[-1]  # type: ignore[index]
    if hasattr(head, "proposals"):  # which the network itself does not run
        head.register_forward_pre_hook(_ask_proposals)
    with torch.inference_mode():
        for picture in pictures:
            rgb = torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1)[None]
            network(rgb.float() / 255)
    return found


def _ask_proposals(head: nn.Module, given: tuple[list[torch.Tensor]]) -> None:
    for branch, each in zip(head.proposals, given[0], strict=True):  # type: ignore[call-overload]
        branch(each)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--weights", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              default=Path(DEFAULT_WEIGHTS), show_default=True)  # fmt: skip
@click.option("--image-size", default=960, show_default=True, help="Longer side that the network sees, pixels.")
@click.option("--count", default=24, show_default=True, help="Pictures, spread over the folder.")
def main(folder: Path, weights: Path, image_size: int, count: int) -> None:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise click.UsageError(f"{folder}: no pictures in it")
    chosen = [files[index * len(files) // count] for index in range(count)] if len(files) > count else files
    pictures = []
    for path in chosen:
        image = cv2.imread(str(path))
        if image is None:
            raise click.UsageError(f"{path}: cannot be read as a picture")
        pictures.append(Letterbox.fit(np.asarray(image, np.uint8), image_size)[1])
    try:
        loaded = find_weights(weights).load()
    except BadInput as error:
        raise click.UsageError(str(error)) from error
    path = write_ranges(weights, loaded.sha256, measured(loaded.model, pictures), len(pictures))
    click.echo(f"{path}: from {len(pictures)} pictures")


if __name__ == "__main__":
    main()
