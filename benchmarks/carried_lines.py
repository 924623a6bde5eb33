"""Do the rink's lines stay on the painted lines while a camera pans? `python -m benchmarks.carried_lines VIDEO TOML`

The calibration of one frame is carried to all others, as `cleansheet process` does; then, in every frame, painted lines
are looked for within 12 pixels of where they are projected. Printed is how far they lie off, in pixels of the video.
`--pictures` draws the projected lines and the points that were found on white, and nothing else.
"""

from functools import partial
from itertools import pairwise
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.background import Background
from tracker.calibration import Calibration, load
from tracker.carried import Carried, carry
from tracker.detector import Detector
from tracker.key_frames import outside, shrink
from tracker.painted_lines import LineModel, LinePoints, find_lines
from tracker.rink import Rink
from tracker.video import VideoInfo, frames, probe

Array = NDArray[np.float64]
WINDOW_PX = 12.0
"""Of the video, at a width of 1280."""


def watched(info: VideoInfo, views: tuple[Calibration, ...]) -> tuple[Carried, dict[int, Array]]:
    """The carried calibration, and people's boxes (N, 4) by frame."""
    detector = Detector.load(None)
    wanted = {view.frame for view in views}
    people, calibrated = {}, []
    for frame in frames(info):
        people[frame.index] = detector(frame.image).xyxy.astype(np.float64)
        if frame.index in wanted:
            calibrated.append((frame.index, frame.image, people[frame.index]))
    background = Background((info.width, info.height), calibrated)
    for frame in frames(info):
        background.update(frame.index, frame.image, people[frame.index])
    carried = carry(views, background.finish())
    if carried is None:
        raise click.ClickException("the calibration could not be understood as a camera's view")
    return carried, people


def found_lines(carried: Carried, image: NDArray[np.uint8], people: Array, frame: int) -> tuple[LinePoints, float]:
    """Points of painted lines in a frame, in pixels of the small picture, and small pixels in one of the video."""
    picture = shrink(image)
    factor = picture.shape[1] / image.shape[1]

    def project(xy: Array) -> Array:
        return (carried.to_image(xy, np.full(len(xy), frame)) + 0.5) * factor - 0.5

    mask = outside(people * factor, picture.shape)
    window = WINDOW_PX * picture.shape[1] / 1280
    return find_lines(LineModel.of(carried.rink), project, picture, mask, window), factor


def drawn(
    rink: Rink, project: partial[Array], seen: LinePoints, factor: float, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Projected lines in colour, found points in black, on white."""
    canvas = np.full((size[1], size[0], 3), 255, np.uint8)
    for line in rink.lines():
        dense = [np.linspace(a, b, 12) for a, b in zip(line.points[:-1], line.points[1:], strict=True)]
        pixels = project(np.concatenate(dense))
        for a, b in pairwise(pixels):
            if np.isfinite([a, b]).all() and np.abs([a, b]).max() < 2e4:
                ends = [(int(x * 16), int(y * 16)) for x, y in (a, b)]
                cv2.line(canvas, ends[0], ends[1], line.colour, 1, cv2.LINE_AA, 4)
    for x, y in (seen.seen + 0.5) / factor - 0.5:
        cv2.circle(canvas, (round(x), round(y)), max(2, size[0] // 500), (20, 20, 20), 1, cv2.LINE_AA)
    return canvas


@click.command()
@click.argument("video", type=click.Path(exists=True, path_type=Path))
@click.argument("calibration", type=click.Path(exists=True, path_type=Path))
@click.option("--pictures", type=click.Path(path_type=Path), help="Folder for pictures of lines.")
@click.option("--every", default=10, show_default=True, help="Frames between two rows and pictures.")
def main(video: Path, calibration: Path, pictures: Path | None, every: int) -> None:
    """Print how far painted lines lie from where they are projected."""
    views = load(calibration)
    info = probe(video)
    carried, people = watched(info, views)
    x, y, z = carried.centre
    print(f"{video.name}: {len(carried.frame)} frames, calibrated on {', '.join(str(v.frame) for v in views)}")
    print(f"  camera at {x:.1f}, {y:.1f} m, {z:.1f} m up; lens bend {carried.lens.bend:+.4f}; "
          f"key frames {', '.join(map(str, carried.key_frames))}")  # fmt: skip
    for stretch in carried.lost:
        print(f"  frames {stretch.first}–{stretch.last}: {stretch.why}")
    everything = []
    for frame in frames(info):
        if not carried.known(np.array([frame.index]))[0]:
            continue
        seen, factor = found_lines(carried, frame.image, people[frame.index], frame.index)
        projected = (carried.to_image(seen.rink_xy, np.full(len(seen.rink_xy), frame.index)) + 0.5) * factor - 0.5
        off = np.abs(np.einsum("ni,ni->n", seen.seen - projected, seen.normal)) / factor
        everything.append(off)
        if frame.index % every == 0:
            if len(off):
                print(f"  frame {frame.index:4d}: {len(off):3d} points of lines, median {np.median(off):4.1f} px, "
                      f"90 % within {np.percentile(off, 90):4.1f} px")  # fmt: skip
            if pictures is not None:
                pictures.mkdir(parents=True, exist_ok=True)
                project = partial(carried.to_image, frames=np.array([frame.index]))
                size = (info.width, info.height)
                canvas = drawn(carried.rink, project, seen, factor, size)
                cv2.imwrite(str(pictures / f"{video.stem}-{frame.index:04d}.png"), canvas)
    off = np.concatenate(everything)
    print(f"  all frames: {len(off)} points of lines, median {np.median(off):.1f} px, 90 % within "
          f"{np.percentile(off, 90):.1f} px; median of the worst frame "
          f"{max(float(np.median(row)) for row in everything if len(row) > 10):.1f} px")  # fmt: skip


if __name__ == "__main__":
    main()
