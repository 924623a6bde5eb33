"""CVAT for video 1.1: tracks as XML, as CVAT's "Upload annotations" takes them and its export gives them.

`<annotations><track id label><box frame outside xtl ytl xbr ybr><attribute name>…`, frames from 0, pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl

from classifier.discovery import checked_name
from classifier.errors import BadInput

NO_TEAM = "no-team"
MOST_BYTES = 512 * 2**20


@dataclass(frozen=True)
class CvatTrack:
    """One track of a file."""

    team: str
    """Its label."""
    player: str
    """Its attribute `player`; empty where there is none."""
    boxes: tuple[tuple[int, tuple[float, float, float, float]], ...]
    """Frame (from 0) and xyxy pixels of every box that is inside the picture."""


def write_cvat(boxes: pl.DataFrame, video: Mapping[str, Any], numbers: Mapping[str, str]) -> bytes:
    """The XML of tracks.

    Args:
        boxes: frame, track_id, x1, y1, x2, y2, observed, team, player; a row a box.
        video: `width` and `height` in pixels, where known.
        numbers: Player → jersey number.
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    names = ElementTree.SubElement(task, "labels")
    teams = sorted({team or NO_TEAM for team in boxes["team"].to_list()})
    for team in teams:
        label = ElementTree.SubElement(names, "label")
        ElementTree.SubElement(label, "name").text = team
        attributes = ElementTree.SubElement(label, "attributes")
        for name in ("player", "number"):
            attribute = ElementTree.SubElement(attributes, "attribute")
            for key, text in (("name", name), ("mutable", "False"), ("input_type", "text"), ("default_value", ""),
                              ("values", "")):  # fmt: skip
                ElementTree.SubElement(attribute, key).text = text
    if "width" in video:
        size = ElementTree.SubElement(task, "original_size")
        for key in ("width", "height"):
            ElementTree.SubElement(size, key).text = str(video[key])
    for (track_id,), rows in boxes.sort("track_id", "frame").partition_by("track_id", as_dict=True).items():
        team, player = rows["team"][0] or NO_TEAM, rows["player"][0] or ""
        track = ElementTree.SubElement(root, "track", id=str(track_id), label=team, source="cleansheet")
        columns = rows.select("frame", "x1", "y1", "x2", "y2", "observed").rows()
        for place, (frame, x1, y1, x2, y2, observed) in enumerate(columns):
            _box(track, frame, (x1, y1, x2, y2), not observed, False, player, numbers)
            if place + 1 == len(columns) or columns[place + 1][0] != frame + 1:  # gone until it is seen again
                _box(track, frame + 1, (x1, y1, x2, y2), False, True, player, numbers)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _box(
    track: ElementTree.Element, frame: int, box: tuple[float, ...], occluded: bool, outside: bool, player: str,
    numbers: Mapping[str, str],
) -> None:  # fmt: skip
    corners: dict[str, str] = dict(zip(("xtl", "ytl", "xbr", "ybr"), (f"{value:.2f}" for value in box), strict=True))
    flags = {"keyframe": "1", "outside": str(int(outside)), "occluded": str(int(occluded)), "z_order": "0"}
    element = ElementTree.SubElement(track, "box", {"frame": str(frame), **flags, **corners})
    for name, text in (("player", player), ("number", numbers.get(player, ""))):
        ElementTree.SubElement(element, "attribute", name=name).text = text


def read_cvat(path: Path) -> tuple[CvatTrack, ...]:
    """The tracks of a CVAT for video file.

    Raises:
        BadInput: It is too large, no such XML, or a number in it is none.
    """
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(f"{path} is larger than {MOST_BYTES // 2**20} MiB")
    data = path.read_bytes()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # nothing that CVAT writes; entities can blow up a reader
        raise BadInput(f"{path} declares a document type: expected CVAT's own export")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise BadInput(f"{path} is no XML ({error}); expected CVAT for video 1.1") from None
    if root.tag != "annotations":
        raise BadInput(f"{path} begins with <{root.tag[:40]}>; expected <annotations> of CVAT for video 1.1")
    return tuple(_track(track, path) for track in root.iter("track"))


def _track(track: ElementTree.Element, path: Path) -> CvatTrack:
    where = f"{path}, track {track.get('id', '?')[:20]}"
    boxes, player = [], ""
    for box in track.iter("box"):
        try:
            frame = int(box.get("frame", ""))
            x1, y1, x2, y2 = (float(box.get(side, "")) for side in ("xtl", "ytl", "xbr", "ybr"))
        except ValueError:
            raise BadInput(f"{where}: a box without whole frame and four corners") from None
        if box.get("outside") != "1":
            boxes.append((frame, (x1, y1, x2, y2)))
        for attribute in box.iter("attribute"):
            if attribute.get("name") == "player" and (attribute.text or "").strip():
                player = checked_name(str(attribute.text), "player", where)
    return CvatTrack(checked_name(track.get("label", ""), "team", where), player, tuple(boxes))
