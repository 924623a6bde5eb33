"""`cleansheet detect` and `cleansheet evaluate-detector`: the detector alone, on pictures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier.errors import BadInput
from tracker.cli.parameters import json_option, print_json
from tracker.company import COMPANY, DEFAULT_CONFIDENCE, SURE

if TYPE_CHECKING:
    import supervision as sv

    from tracker.labelled_pictures import LabelledFrame

_weights = click.option(
    "--weights", help="A .safetensors or .pt file, or an Ultralytics name; by default the project's own."
)
_image_size = click.option(
    "--image-size", type=int, default=960, show_default=True, help="Longer side that the detector sees, pixels."
)
_confidence = click.option(
    "--confidence", type=click.FloatRange(0, 1), default=DEFAULT_CONFIDENCE, show_default=True,
    help=f"Weaker boxes do not count; those under {SURE} count where {COMPANY} others are at least so confident.",
)  # fmt: skip


@click.command("detect", short_help="Find the people on pictures.")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("detections"), show_default=True,
              help="Folder for the files.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["yolo", "mot"]), default="yolo", show_default=True,
              help="A YOLO .txt beside each picture, or one MOTChallenge file of all.")  # fmt: skip
@click.option("--no-pictures", is_flag=True, help="Do not draw the boxes.")
@_weights
@_image_size
@_confidence
@json_option
def detect(
    images: tuple[Path, ...], output: Path, form: str, no_pictures: bool, weights: str | None, image_size: int,
    confidence: float, as_json: bool,
) -> None:  # fmt: skip
    """Find players, goalkeepers and referees on IMAGES (files, or folders of them).

    YOLO lines are `class x y width height confidence`, centre and size as shares of the picture, class 0 player,
    1 goalkeeper, 2 referee. In the MOTChallenge file the pictures are frames 1, 2, … in the order of detections.csv.

    \b
    Examples:
      cleansheet detect frame.jpg
      cleansheet detect frames/ --format mot -o found
    """
    from tracker.detector import Detector
    from tracker.labelled_pictures import read_picture

    paths = _pictures(images, output)
    detector = Detector.load(weights, confidence=confidence, image_size=image_size)
    shapes, found = [], []
    for path in paths:  # all of them before anything is written: a picture that does not open leaves nothing behind
        image = read_picture(path)
        shapes.append(image.shape[:2])
        found.append(detector(image))
    files = _write_boxes(output, form, paths, shapes, found)
    if not no_pictures:
        files += _write_pictures(output, paths, found)
    people = [len(boxes) for boxes in found]
    if as_json:
        rows = [{"image": str(p), "people": _rows(boxes)} for p, boxes in zip(paths, found, strict=True)]
        print_json({"weights": detector.weights_name, "images": rows, "files": [str(file) for file in files]})
        return
    for path, count in zip(paths, people, strict=True):
        click.echo(f"{path}: {count} {'person' if count == 1 else 'people'}")
    click.echo(f"files: {output}")


def _pictures(arguments: tuple[Path, ...], output: Path) -> list[Path]:
    from tracker.labelled_pictures import PICTURES

    paths: list[Path] = []
    for argument in arguments:
        if not argument.exists():
            raise BadInput(f"{argument}: no such picture")
        if argument.is_dir():
            inside = sorted(path for path in argument.iterdir() if path.suffix.lower() in PICTURES)
            if not inside:
                raise BadInput(f"{argument}: no pictures in this folder ({', '.join(sorted(PICTURES))})")
            paths += inside
        else:
            paths.append(argument)
    names: dict[str, Path] = {}
    for path in paths:
        if path.absolute().parent == output.absolute():
            raise BadInput(f"{path}: lies in {output}, where the results would be written; name another folder with -o")
        if path.stem in names:
            raise BadInput(f"{path}: named like {names[path.stem]}; their results would have the same name")
        names[path.stem] = path
    return paths


def _write_boxes(
    output: Path, form: str, paths: list[Path], shapes: list[tuple[int, ...]], found: list["sv.Detections"]
) -> list[Path]:
    from classifier.atomic_file import write_whole

    files: dict[Path, str] = {}
    if form == "yolo":
        for path, (height, width), boxes in zip(paths, shapes, found, strict=True):
            rows = []
            for row in _rows(boxes):
                x1, y1, x2, y2 = row["xyxy"]
                centre = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height)
                values = (*centre, (x2 - x1) / width, (y2 - y1) / height, row["confidence"])
                rows.append(" ".join([str(row["class"]), *(f"{value:.6f}" for value in values)]) + "\n")
            files[output / f"{path.stem}.txt"] = "".join(rows)
    else:
        lines = []
        for frame, boxes in enumerate(found, start=1):
            for row in _rows(boxes):
                x1, y1, x2, y2 = row["xyxy"]
                box = ",".join(f"{value:.2f}" for value in (x1, y1, x2 - x1, y2 - y1))
                lines.append(f"{frame},-1,{box},{row['confidence']:.6f},-1,-1,-1\n")
        files[output / "detections.mot.txt"] = "".join(lines)
        index = [f'{frame},"{path}",{len(b)}\n' for frame, (path, b) in enumerate(zip(paths, found, strict=True), 1)]
        files[output / "detections.csv"] = "frame,image,people\n" + "".join(index)
    for file, text in files.items():
        write_whole(file, text.encode())
    return list(files)


def _write_pictures(output: Path, paths: list[Path], found: list["sv.Detections"]) -> list[Path]:
    from tracker.detection_pictures import draw_found
    from tracker.labelled_pictures import read_picture

    files = [output / f"{path.stem}.jpg" for path in paths]
    for file, path, boxes in zip(files, paths, found, strict=True):
        _write_jpeg(file, draw_found(read_picture(path), boxes))
    return files


def _write_jpeg(file: Path, image: Any) -> None:
    import cv2

    from classifier.atomic_file import write_whole

    write_whole(file, cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def _rows(boxes: "sv.Detections") -> list[dict[str, Any]]:
    """The people of one picture as plain values, the most confident first."""
    from tracker.detector import ROLES

    assert boxes.confidence is not None
    assert boxes.class_id is not None
    return [
        {"class": int(which), "role": ROLES[int(which)], "confidence": float(sure), "xyxy": [float(v) for v in box]}
        for box, sure, which in zip(boxes.xyxy, boxes.confidence, boxes.class_id, strict=True)
    ]


@click.command("evaluate-detector", short_help="How good the detector is on labelled pictures.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--group", "groups", multiple=True, help="Only these groups (folders below images/); by default all.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="One picture in so many.")
@click.option("--leave-out", type=click.Path(path_type=Path),
              help="A text file with the names of pictures to pass over, one a line.")  # fmt: skip
@click.option("--role", "roles", multiple=True, metavar="CLASS=ROLE",
              help="For a foreign .pt: which of its classes is which role, such as Normal=player.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("detector-evaluation"),
              show_default=True, help="Folder for scores.json and the worst pictures.")  # fmt: skip
@click.option("--worst", type=click.IntRange(0), default=6, show_default=True, help="How many pictures to draw.")
@_weights
@_image_size
@_confidence
@json_option
def evaluate_detector(
    folder: Path, groups: tuple[str, ...], every: int, leave_out: Path | None, roles: tuple[str, ...], output: Path,
    worst: int, weights: str | None, image_size: int, confidence: float, as_json: bool,
) -> None:  # fmt: skip
    """Print AP50, AP50-95, precision and recall on DIR, and draw the pictures with the most mistakes.

    DIR holds images/[GROUP/]NAME.jpg and labels/[GROUP/]NAME.txt (YOLO; class 0 player, 1 goalkeeper, 2 referee), or a
    rendered match (an .mp4 and its gt.txt). Scores are given for all roles as one class, for each role, and by the
    height of people as the network sees them: small under 40 pixels, medium, large from 80 on. Precision and
    recall are those at --confidence. Of several groups the mean is given too, each counting alike.

    \b
    Examples:
      cleansheet evaluate-detector our-frames
      cleansheet evaluate-detector our-frames --group away-rink --weights ours.safetensors
      cleansheet evaluate-detector videos/demo --every 10
    """
    import numpy as np

    from classifier.atomic_file import write_whole
    from tracker.detection_pictures import Mistakes, draw_mistakes
    from tracker.detection_scores import as_json as plain
    from tracker.detection_scores import called, lines, report
    from tracker.detector import Detector

    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder")
    sets = _sets(folder, groups, every, leave_out)
    detector: Detector = Detector.load(
        weights, confidence=min(0.01, confidence), company=0, image_size=image_size, roles=_roles(roles)
    )
    scores: dict[str, Any] = {}
    drawn: list[tuple[int, str, Any]] = []
    for name, frames in sets.items():
        pairs, scales = [], []
        for frame in frames:
            found = detector(frame.image)
            pairs.append((found, frame.truth))
            scales.append(image_size / max(frame.image.shape[:2]))
            mistakes = Mistakes.of(called(found, confidence), frame.truth)
            if worst and len(mistakes) and (len(drawn) < worst or len(mistakes) > drawn[-1][0]):
                drawn.append((len(mistakes), frame.name, draw_mistakes(frame.image, mistakes)))
                drawn = sorted(drawn, key=lambda item: (-item[0], item[1]))[:worst]
        result = report(pairs, confidence, scales)
        scores[name] = {"frames": len(pairs), "scores": plain(result)}
        if not as_json:
            click.echo(f"{name}: {len(pairs)} frames, {detector.weights_name}, {image_size} pixels")
            for line in lines(result):
                click.echo("  " + line)
    mean = {
        measure: float(np.mean([group["scores"]["all as one"][measure] for group in scores.values()]))
        for measure in ("ap50", "ap50_95")
    }
    if len(scores) > 1 and not as_json:
        click.echo(f"mean over {len(scores)} groups: AP50 {mean['ap50']:.3f}  AP50-95 {mean['ap50_95']:.3f}")
    about = {"weights": detector.weights_name, "weights_sha256": detector.weights_sha256, "image_size": image_size}
    whole = {**about, "confidence": confidence, "groups": scores, "mean_over_groups": mean}
    write_whole(output / "scores.json", (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode())
    for rank, (_, name, image) in enumerate(drawn, start=1):
        _write_jpeg(output / f"worst-{rank:02d}-{name}.jpg", image)
    if as_json:
        print_json(whole)
    else:
        click.echo(f"files: {output} (scores.json and the {len(drawn)} pictures with the most mistakes)")


def _sets(
    folder: Path, groups: tuple[str, ...], every: int, leave_out: Path | None
) -> dict[str, Iterator["LabelledFrame"]]:
    from tracker.labelled_pictures import find_samples, labelled_frames, match_files, match_frames, split_by_group

    if not (folder / "images").is_dir() and match_files(folder):
        return {folder.name: match_frames(folder, every)}
    samples = find_samples([folder], leave_out)
    if groups:
        _, samples = split_by_group(samples, groups)
    if not any(len(sample.labels) for sample in samples):
        raise BadInput(f"{folder}: no labels in {folder / 'labels'}; there is nothing to measure against")
    names = sorted({sample.group for sample in samples})
    return {name: labelled_frames([s for s in samples if s.group == name][::every]) for name in names}


def _roles(pairs: tuple[str, ...]) -> dict[str, str] | None:
    from tracker.detector import ROLES

    roles = {}
    for pair in pairs:
        name, _, role = pair.rpartition("=")
        if not name or role not in ROLES:
            raise BadInput(f"--role {pair}: expected CLASS=ROLE with a role of {', '.join(ROLES)}")
        roles[name] = role
    return roles or None
