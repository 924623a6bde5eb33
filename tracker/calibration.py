"""From pixels to rink metres by points that someone has placed: fitted, checked, loaded and saved.

A calibration's file holds the points, not the matrix, so that it can be read, corrected and checked by a person:

    rink = "nhl"                    # or { length_m = 56, width_m = 26, surface = "ice" }
    frame_size = [1280, 720]

    [[points]]
    image = [412.5, 318.0]          # pixels, from the top-left corner
    rink = [-7.77, 12.95]           # metres, from centre ice
    name = "left blue line, far boards"
"""

import csv
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.errors import BadInput
from tracker import homography
from tracker.rink import Rink
from tracker.tables import Metres

Array = NDArray[np.float64]

CSV_COLUMNS = ("u", "v", "x_m", "y_m")
OUTSIDE_M = 0.5
"""A rink point may lie this far outside the boards: people click the foot of the boards, not the ice."""


class PointPair(BaseModel):
    """One point, in the picture and on the rink."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    image: tuple[float, float] = Field(description="pixels (u, v), from the top-left corner")
    rink: tuple[float, float] = Field(description="metres (x, y), from centre ice")
    name: str = ""


class RinkSize(BaseModel):
    """A rink that has no name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    length_m: float
    width_m: float
    surface: Literal["ice", "inline"] = "ice"


class CalibrationFile(BaseModel):
    """What a calibration's TOML holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rink: str | RinkSize
    frame_size: tuple[int, int] = Field(description="width and height of the video in pixels")
    points: tuple[PointPair, ...]


@dataclass(frozen=True)
class Calibration:
    """A still camera's view of a rink. Make one with `from_points` or `load`."""

    rink: Rink
    homography: Array = field(repr=False)
    """(3, 3) float64, rink metres to pixels: s·(u, v, 1) = H·(x, y, 1), s > 0 in front of the camera."""
    frame_size: tuple[int, int]
    """Width and height in pixels."""
    points: tuple[PointPair, ...]
    reprojection_error_m: float
    """Root mean square over the points, metres on the ice; 0 with four points, which any four fit."""
    source: str = "points"

    metres: Metres = "measured"

    def to_rink(self, points_px: Array, frames: NDArray[np.int64] | None = None) -> Array:
        """Pixels `(N, 2)` on the ice to rink metres `(N, 2)`; NaN above the horizon.

        `frames`, the video's frame of each point, says nothing to a still camera.
        """
        del frames
        return homography.apply(homography.inverse(self.homography), points_px)

    def to_image(self, xy: Array, frames: NDArray[np.int64] | None = None) -> Array:
        """Rink metres `(N, 2)` to pixels `(N, 2)`; NaN behind the camera."""
        del frames
        return homography.apply(self.homography, xy)

    def refuse_other_size(self, frame_size: tuple[int, int]) -> None:
        """Raise BadInput unless the video has the size that was calibrated."""
        if frame_size != self.frame_size:
            (width, height), (w, h) = frame_size, self.frame_size
            raise BadInput(
                f"{self.source}: calibrated on {w}x{h}, but the video is {width}x{height}; calibrate it anew"
            )

    def save(self, path: Path) -> None:
        """Write the points as TOML, whole or not at all."""
        if self.rink == _named(self.rink.name):
            rink = json.dumps(self.rink.name)
        else:
            surface = "inline" if self.rink.blue_line_x is None else "ice"
            rink = f'{{ length_m = {self.rink.length_m}, width_m = {self.rink.width_m}, surface = "{surface}" }}'
        lines = [f"rink = {rink}", f"frame_size = [{self.frame_size[0]}, {self.frame_size[1]}]"]
        for pair in self.points:
            (u, v), (x, y) = pair.image, pair.rink
            lines += ["", "[[points]]", f"image = [{u}, {v}]", f"rink = [{x}, {y}]"]
            lines += [f"name = {json.dumps(pair.name)}"] if pair.name else []
        part = path.with_name(path.name + ".part")
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
        part.replace(path)


def from_points(
    rink: Rink, pairs: Sequence[PointPair], frame_size: tuple[int, int], source: str = "points"
) -> Calibration:
    """Fit a calibration.

    Raises:
        BadInput: fewer than 4 points, collinear ones, ones off the rink or the frame, ones that contradict each other.
    """
    width, height = frame_size
    if width < 1 or height < 1:
        raise BadInput(f"{source}: frame size {width}x{height}: expected width and height in pixels")
    rink_xy = np.array([pair.rink for pair in pairs], np.float64).reshape(-1, 2)
    image_uv = np.array([pair.image for pair in pairs], np.float64).reshape(-1, 2)
    for index, inside in enumerate(rink.contains(rink_xy, OUTSIDE_M)):
        if not inside:
            x, y = pairs[index].rink
            size = f"{rink.length_m:g} x {rink.width_m:g} m"
            raise BadInput(f"{source}: point {index + 1} at {x:g}, {y:g} m lies outside the rink of {size}")
    for index, (u, v) in enumerate(image_uv):
        if not (0 <= u <= width and 0 <= v <= height):
            raise BadInput(f"{source}: point {index + 1} at {u:g}, {v:g} px lies outside the {width}x{height} frame")
    try:
        matrix = homography.fit(rink_xy, image_uv)
    except BadInput as error:
        raise BadInput(f"{source}: {error}") from None
    errors = homography.errors_m(matrix, rink_xy, image_uv)
    return Calibration(rink, matrix, frame_size, tuple(pairs), float(np.sqrt(np.mean(errors**2))), source)


def load(path: Path) -> Calibration:
    """Read a calibration's TOML and fit it.

    Raises:
        BadInput: no such file, not TOML, an unknown key, a value of the wrong kind, or points that do not fit.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot read the calibration ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not a TOML file: {error}") from error
    try:
        described = CalibrationFile.model_validate(content)
    except ValidationError as error:
        raise BadInput(f"{path}: {_first(error)}") from error
    try:
        rink = (
            Rink.named(described.rink)
            if isinstance(described.rink, str)
            else Rink.sized(described.rink.length_m, described.rink.width_m, surface=described.rink.surface)
        )
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return from_points(rink, described.points, described.frame_size, str(path))


def read_csv(path: Path) -> list[PointPair]:
    """The points of a CSV with the columns `u,v,x_m,y_m` (pixels, metres).

    Raises:
        BadInput: no such file, other columns, or a field that is not a number.
    """
    pairs: list[PointPair] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream)
            if tuple(rows.fieldnames or ()) != CSV_COLUMNS:
                raise BadInput(f"{path}: expected the header {','.join(CSV_COLUMNS)}")
            for row in rows:
                try:
                    u, v, x, y = (float(row[name]) for name in CSV_COLUMNS)
                    pairs.append(PointPair(image=(u, v), rink=(x, y)))
                except (TypeError, ValueError):
                    raise BadInput(f"{path}, line {rows.line_num}: expected four numbers, {CSV_COLUMNS}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot read the points ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not a text file ({error.reason})") from error
    return pairs


def _named(name: str) -> Rink | None:
    try:
        return Rink.named(name)
    except BadInput:
        return None


def _first(error: ValidationError) -> str:
    """The first complaint in one line."""
    found = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        return f"unknown key {place!r}"
    return f"{place}: {found['msg'][0].lower()}{found['msg'][1:]}"
