"""Labelled pictures in the YOLO layout: `images/[GROUP/]NAME.jpg` beside `labels/[GROUP/]NAME.txt`.

A group is what is kept together when training and validation are split: a rink, a match. Neighbouring frames are
near-copies, so frames of one group never lie on both sides. A rendered match with its truth counts as one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from classifier.errors import BadInput

PICTURES = {".jpg", ".jpeg", ".png"}
LEAST_VISIBLE = 0.25
"""Of a rendered person, the share that nobody stands in front of."""


@dataclass(frozen=True)
class Truth:
    """Who is on one frame."""

    xyxy: npt.NDArray[np.float32]
    """`(N, 4)` pixels."""
    role: npt.NDArray[np.int64]
    """`(N,)` of `ROLES`."""
    hidden: npt.NDArray[np.float32] | None = None
    """`(M, 4)` people hardly to be seen: to find them is neither right nor wrong."""


@dataclass(frozen=True)
class LabelledFrame:
    """A picture and who is on it."""

    name: str
    image: npt.NDArray[np.uint8]
    """`(H, W, 3)` BGR."""
    truth: Truth


@dataclass(frozen=True)
class Sample:
    """One labelled picture."""

    path: Path
    group: str
    labels: npt.NDArray[np.float32]
    """`(N, 5)`: class, then centre x, centre y, width and height as shares of the picture."""


def find_samples(folders: Iterable[Path], leave_out: Path | None = None) -> list[Sample]:
    """Every picture below each folder's `images`, sorted; without labels it holds no people.

    Args:
        folders: each with `images` and `labels`.
        leave_out: a text file that names pictures without their extension, one a line, `#` for remarks: those whose
            people somebody forgot to label, say. They are passed over.

    Raises:
        BadInput: a folder without pictures, or a label that is not YOLO's five numbers; a list that does not open.
    """
    left_out = _names(leave_out) if leave_out else set()
    samples: list[Sample] = []
    for folder in folders:
        images = folder / "images"
        paths = sorted(path for path in images.rglob("*") if path.suffix.lower() in PICTURES)
        if not paths:
            raise BadInput(f"{images}: no pictures; expected images/[GROUP/]NAME.jpg and labels/[GROUP/]NAME.txt")
        for path in paths:
            if path.stem in left_out:
                continue
            relative = path.relative_to(images)
            group = relative.parts[0] if len(relative.parts) > 1 else folder.resolve().name
            label = folder / "labels" / relative.with_suffix(".txt")
            samples.append(Sample(path, group, _read_labels(label)))
    return samples


def split_by_group(samples: Sequence[Sample], held_out: Iterable[str]) -> tuple[list[Sample], list[Sample]]:
    """Training and validation samples.

    Raises:
        BadInput: a held-out group that no sample belongs to.
    """
    held_out = set(held_out)
    groups = {sample.group for sample in samples}
    if missing := held_out - groups:
        raise BadInput(f"no group {', '.join(sorted(missing))}; there are: {', '.join(sorted(groups))}")
    training = [sample for sample in samples if sample.group not in held_out]
    return training, [sample for sample in samples if sample.group in held_out]


def read_picture(path: Path, longest: int | None = None) -> npt.NDArray[np.uint8]:
    """A picture as `(H, W, 3)` BGR, shrunk so that its longer side is at most `longest` pixels."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise BadInput(f"{path}: not a readable picture")
    scale = longest / max(image.shape[:2]) if longest else 1.0
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return image.astype(np.uint8, copy=False)


def labelled_frames(samples: Iterable[Sample]) -> Iterator[LabelledFrame]:
    """The samples' pictures with their truth in pixels, one at a time."""
    for sample in samples:
        image = read_picture(sample.path)
        truth = Truth(pixels(sample.labels, image.shape[1], image.shape[0]), sample.labels[:, 0].astype(np.int64))
        yield LabelledFrame(sample.path.stem, image, truth)


def pixels(labels: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
    """`xyxy` pixels of YOLO label rows `(N, 5)`."""
    centre, half = labels[:, 1:3], labels[:, 3:5] / 2
    size = np.array([width, height] * 2, np.float32)
    return (np.column_stack([centre - half, centre + half]) * size).astype(np.float32)


def match_frames(folder: Path, every: int) -> Iterator[LabelledFrame]:
    """Every `every`-th frame of a rendered match, with the boxes of its MOTChallenge `gt.txt`. Roles stay unknown.

    Raises:
        BadInput: no video or no truth in the folder.
    """
    import av

    video, truth_file = match_files(folder) or (None, None)
    if video is None or truth_file is None:
        raise BadInput(f"{folder}: expected a rendered match, an .mp4 with its gt.txt")
    rows = np.loadtxt(truth_file, delimiter=",", ndmin=2)
    with av.open(str(video)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % every:
                continue
            mine = rows[rows[:, 0] == index + 1]
            xyxy = np.column_stack([mine[:, 2:4], mine[:, 2:4] + mine[:, 4:6]]).astype(np.float32)
            clear = mine[:, 8] >= LEAST_VISIBLE
            image = frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
            truth = Truth(xyxy[clear], np.zeros(int(clear.sum()), np.int64), xyxy[~clear])
            yield LabelledFrame(f"{video.stem}-frame-{index:06d}", image, truth)


def match_files(folder: Path) -> tuple[Path, Path] | None:
    """The video and the `gt.txt` of a rendered match; None where the folder holds none."""
    video = next(iter(sorted(folder.rglob("*.mp4"))), None)
    truth = next(iter(sorted(folder.rglob("gt.txt"))), None)
    return None if video is None or truth is None else (video, truth)


def _names(path: Path) -> set[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not a readable list of pictures") from error
    return {line.split("#")[0].strip() for line in lines} - {""}


def _read_labels(path: Path) -> npt.NDArray[np.float32]:
    if not path.exists():
        return np.zeros((0, 5), np.float32)
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    try:
        labels = np.array(rows, np.float32).reshape(-1, 5)
    except ValueError as error:
        raise BadInput(f"{path}: expected lines of 'class x y width height'") from error
    if len(labels) and (labels[:, 1:].max() > 1.5 or labels.min() < 0 or labels[:, 0].max() > 2):
        raise BadInput(f"{path}: classes are 0 player, 1 goalkeeper, 2 referee, boxes are shares of the picture")
    return labels
