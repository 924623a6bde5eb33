"""Photographs without hockey players, whole and in parts, to train on: `python -m weights.photographs OUT FROM…`

For `--data OUT`. Pictures without labels are pictures of nobody, so look at them first. The shipped weights saw those
of Debian's packages mate-backgrounds, gnome-backgrounds, lomiri-wallpapers-16.04 and -20.04, ukui-wallpapers and
plasma-workspace-wallpapers.
"""

from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
LONGEST = 1280
SHORTEST = 600
PARTS = 3
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def parts(rng: np.random.Generator, picture: Image) -> list[Image]:
    """The whole `(H, W, 3)` and some windows of it, each at most `LONGEST` pixels wide."""
    height, width = picture.shape[:2]
    cut = [picture]
    for _ in range(PARTS):
        share = rng.uniform(0.35, 0.7)
        tall, wide = int(height * share), int(width * share)
        top, left = int(rng.integers(height - tall)), int(rng.integers(width - wide))
        cut.append(picture[top : top + tall, left : left + wide])
    scales = [min(1.0, LONGEST / max(part.shape)) for part in cut]
    return [
        np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        for part, scale in zip(cut, scales, strict=True)
    ]


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.argument("folders", nargs=-1, required=True, type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def main(out: Path, folders: tuple[Path, ...], seed: int) -> None:
    """Write the photographs below FOLDERS, and parts of them, as JPEG into OUT/images/photos."""
    rng = np.random.default_rng(seed)
    images = out / "images" / "photos"
    images.mkdir(parents=True, exist_ok=True)
    paths = sorted({path.resolve() for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES})
    number = 0
    for path in paths:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None or min(picture.shape[:2]) < SHORTEST:
            continue
        for part in parts(rng, np.asarray(picture, np.uint8)):
            cv2.imwrite(str(images / f"{number:05d}.jpg"), part, [cv2.IMWRITE_JPEG_QUALITY, 90])
            number += 1
    click.echo(f"{number} pictures in {images}")


if __name__ == "__main__":
    main()
