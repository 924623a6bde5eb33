"""`cleansheet track`: association alone, from a detection file to a track file."""

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from classifier.errors import BadInput
from tracker.cli.parameters import json_option, print_json

if TYPE_CHECKING:
    from tracker.association.tracks import Tracks
    from tracker.mot import MotDetections

_EMPTY_S = 5.0  # a stretch without boxes is played to the association up to this length: by then all is forgotten


@click.command("track", short_help="Association alone: MOTChallenge in and out.")
@click.argument("detections", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Track file to write.")
@click.option("--fps", required=True, help="Frames a second of the video: 25, 59.94 or 30000/1001.")
@click.option("--size", required=True, metavar="WxH", help="Width and height of the video in pixels: 1280x720.")
@json_option
def track(detections: Path, output: Path, fps: str, size: str, as_json: bool) -> None:
    """Link the boxes of DETECTIONS, a MOTChallenge file, to tracks.

    Both files hold lines of frame,id,left,top,width,height,confidence,-1,-1,-1 with frames from 1. Boxes of all
    confidences are welcome, weak ones too. The tracks are smoothed, short gaps are filled in (with confidence 0), and
    false tracks are left out.

    \b
    Example:
      cleansheet track det.txt -o tracks.txt --fps 29.97 --size 1280x720
    """
    from tracker.mot import read_detections, write_mot

    rate, frame_size = _fps(fps), _size(size)
    if output.is_dir():
        raise BadInput(f"{output}: is a folder; name a file to write the tracks to")
    if output.exists() and detections.exists() and output.samefile(detections):
        raise BadInput(f"{output}: is the file of detections itself; name another one for the tracks")
    given = read_detections(detections)
    _fits(given, frame_size, detections)
    tracks = associate(given, rate, frame_size)
    write_mot(output, tracks)
    report = {
        "detections": len(given),
        "tracks": len(set(tracks.track_id.tolist())),
        "boxes": len(tracks),
        "filled_in": int((~tracks.observed).sum()),
        "output": str(output),
    }
    if as_json:
        print_json(report)
    elif not len(given):
        click.echo(f"{detections}: no detections in it; {output} is empty")
    else:
        click.echo("{tracks} tracks, {boxes} boxes ({filled_in} filled in) from {detections} detections → {output}"
                   .format(**report))  # fmt: skip


def associate(given: "MotDetections", fps: float, frame_size: tuple[int, int]) -> "Tracks":
    """The tracks of `given`, at `fps` frames a second in pictures of `frame_size` (width, height) [px]."""
    import numpy as np
    import supervision as sv

    from tracker.association.associator import Associator

    associator = Associator(frame_size)
    following = 0
    for frame in np.unique(given.frame).tolist():
        for empty in range(following, min(frame, following + round(_EMPTY_S * fps))):
            associator.update(sv.Detections.empty(), empty, empty / fps)
        xyxy, confidence = given.at(frame)
        boxes = sv.Detections(xyxy=xyxy, confidence=confidence, class_id=np.zeros(len(xyxy), int))
        associator.update(boxes, frame, frame / fps)
        following = frame + 1
    return associator.finish()


def _fps(text: str) -> float:
    try:
        rate = float(Fraction(text.strip()))
    except (ValueError, ZeroDivisionError, OverflowError):
        rate = 0.0
    if not 1 <= rate <= 1000:
        raise BadInput(f"--fps {text}: expected frames a second from 1 to 1000, such as 25, 59.94 or 30000/1001")
    return rate


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*([0-9]{2,5})\s*[xX×]\s*([0-9]{2,5})\s*", text)
    if not match:
        raise BadInput(f"--size {text}: expected WIDTHxHEIGHT in pixels, such as 1280x720")
    return int(match[1]), int(match[2])


def _fits(given: "MotDetections", frame_size: tuple[int, int], path: Path) -> None:
    """Refuse boxes that lie mostly outside the picture: the size belongs to another video."""
    centre = (given.xyxy[:, :2] + given.xyxy[:, 2:]) / 2
    outside = ((centre < 0) | (centre > frame_size)).any(axis=1)
    if outside.sum() * 2 > len(given):
        right, bottom = given.xyxy[:, 2:].max(axis=0)
        raise BadInput(
            f"{path}: its boxes reach to {right:.0f}x{bottom:.0f} px, most lie outside --size "
            f"{frame_size[0]}x{frame_size[1]}; give the size of the video that the boxes were found in"
        )
