"""Players found where there are none: `python -m benchmarks.false_players [FOLDER…]`

Rendered empty rinks and rendered stands (a seed that no training used), the pictures that scikit-image and scikit-learn
install (`pip install --target X scikit-image scikit-learn`, then X on PYTHONPATH; they are no dependency), and folders
of your own. Wanted: at most 0.1 boxes a picture at the detector's default threshold.
"""

import importlib.util
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click
import cv2
import numpy as np
import numpy.typing as npt

from tracker.company import DEFAULT_CONFIDENCE
from tracker.detection_pictures import draw_found
from tracker.detector import Detector
from tracker.labelled_pictures import PICTURES, read_picture
from videos.frames import scenes

Named = tuple[str, npt.NDArray[np.uint8]]

SEED = 900
SIZE = (1280, 720)
SAMPLES = {"scikit-image": ("skimage", "data"), "scikit-learn": ("sklearn", "datasets/images")}


def rendered(count: int) -> tuple[list[Named], list[Named]]:
    """Empty rinks and stands, `count` of each."""
    frames = list(islice(scenes(SEED, SIZE, nobody=True), 2 * count))
    named = [(f"{i:04d}", frame.image) for i, frame in enumerate(frames)]
    return named[::2], named[1::2]


def pictures(folder: Path) -> Iterator[Named]:
    """Every picture directly in the folder, sorted."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICTURES:
            yield path.stem, read_picture(path)


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--weights", help="By default the project's own.")
@click.option("--image-size", default=960, show_default=True)
@click.option("--confidence", default=DEFAULT_CONFIDENCE, show_default=True)
@click.option("--count", default=24, show_default=True, help="Rendered pictures of each kind.")
@click.option("--draw", type=click.Path(path_type=Path), help="A folder for the pictures with false players.")
def main(
    folders: tuple[Path, ...], weights: str | None, image_size: int, confidence: float, count: int, draw: Path | None
) -> None:
    """Count boxes on pictures without hockey players."""
    detector = Detector.load(weights, confidence=confidence, image_size=image_size)
    empty, stands = rendered(count)
    sets: dict[str, list[Named]] = {"rendered empty rinks": empty, "rendered stands": stands}
    for name, (module, inside) in SAMPLES.items():
        found = importlib.util.find_spec(module)
        if found is None or found.origin is None:
            click.echo(f"{name}: not installed, not measured")
        else:
            sets[name] = list(pictures(Path(found.origin).parent / inside))
    sets |= {str(folder): list(pictures(folder)) for folder in folders}
    for name, images in sets.items():
        boxes = {}
        for stem, image in images:
            people = detector(image)
            boxes[stem] = len(people)
            if draw and len(people):
                draw.mkdir(parents=True, exist_ok=True)
                file = draw / f"{Path(name).name.replace(' ', '-')}-{stem}.jpg"
                cv2.imwrite(str(file), draw_found(image, people))
        total = sum(boxes.values())
        where = ", ".join(f"{stem} {n}" for stem, n in boxes.items() if n)
        click.echo(f"{name}: {total} on {len(boxes)} pictures, {total / max(1, len(boxes)):.2f} a picture  {where}")


if __name__ == "__main__":
    main()
