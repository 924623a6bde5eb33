"""From pixels to rink metres by points that someone has placed: fitted, checked, loaded and saved.

A calibration's file holds the points, not the matrix, so that it can be read, corrected and checked by a person:

    rink = "nhl"                    # or { length_m = 56, width_m = 26, surface = "ice" }
    frame_size = [1280, 720]

    [[points]]
    image = [412.5, 318.0]          # pixels, from the top-left corner
    rink = [-7.77, 12.95]           # metres, from centre ice
    name = "left blue line, far boards"
    frame = 120                     # 0-based frame of the video on which it was placed; of a camera that stands
                                    # still it may be left out

Points of several frames of a panning shot lie in one file; every frame with points is a view of its own, needs four,
and becomes one `Calibration`. Either all points name their frame or none does.
"""

import csv
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.errors import BadInput
from tracker import homography
from tracker.rink import Rink
from tracker.words import Metres

Array = NDArray[np.float64]

CSV_COLUMNS = ("u", "v", "x_m", "y_m")
"""And, where the points lie on several frames or the camera moves, `frame`."""
OUTSIDE_M = 0.5
"""A rink point may lie this far outside the boards: people click the foot of the boards, not the ice."""


class PointPair(BaseModel):
    """One point, in the picture and on the rink."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    image: tuple[float, float] = Field(description="pixels (u, v), from the top-left corner")
    rink: tuple[float, float] = Field(description="metres (x, y), from centre ice")
    name: str = ""
    frame: int | None = Field(None, ge=0, strict=True, description="0-based frame of the video; None of a still camera")


class RinkSize(BaseModel):
    """A rink that has no name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    length_m: float
    width_m: float
    surface: Literal["ice", "inline"] = "ice"
    goal_line_x_m: float | None = Field(None, description="from the centre, where it is not where the size puts it")
    blue_line_x_m: float | None = Field(None, description="likewise, its middle")
    end_spot_x_m: float | None = Field(None, description="likewise, of the four spots with circles")

    def rink(self) -> Rink:
        """The rink; raises BadInput where there is none of this size."""
        sized = Rink.sized(self.length_m, self.width_m, surface=self.surface)
        return sized.painted_at(
            goal_line_x_m=self.goal_line_x_m, blue_line_x_m=self.blue_line_x_m, end_spot_x_m=self.end_spot_x_m
        )


class CalibrationFile(BaseModel):
    """What a calibration's TOML holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rink: str | RinkSize
    frame_size: tuple[int, int] = Field(description="width and height of the video in pixels")
    points: tuple[PointPair, ...]


@dataclass(frozen=True)
class Calibration:
    """The view of a rink that a still camera has, or a moving one in one frame.

    Make one with `from_points`, several with `by_frame` or `load`.
    """

    rink: Rink
    homography: Array = field(repr=False)
    """(3, 3) float64, rink metres to pixels: s·(u, v, 1) = H·(x, y, 1), s > 0 in front of the camera."""
    frame_size: tuple[int, int]
    """Width and height in pixels."""
    points: tuple[PointPair, ...]
    reprojection_error_m: float
    """Root mean square over the points, metres on the ice; 0 with four points, which any four fit."""
    source: str = "points"
    frame: int | None = None
    """0-based frame of the video that shows it; None where the file names none."""

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


def by_frame(
    rink: Rink, pairs: Sequence[PointPair], frame_size: tuple[int, int], source: str = "points"
) -> tuple[Calibration, ...]:
    """Fit one calibration for each frame that has points, in the order of the frames; one where none is named.

    Raises:
        BadInput: as `from_points`, or some points name a frame and others do not.
    """
    frames = sorted({pair.frame for pair in pairs if pair.frame is not None})
    if not frames:
        return (from_points(rink, pairs, frame_size, source),)
    for index, pair in enumerate(pairs):
        if pair.frame is None:
            raise BadInput(f"{source}: point {index + 1} names no frame, but others do; give every point its frame")
    return tuple(
        from_points(
            rink, [p for p in pairs if p.frame == frame], frame_size,
            source if len(frames) == 1 else f"{source}, frame {frame}", frame,
        )
        for frame in frames
    )  # fmt: skip


def save(path: Path, views: Sequence[Calibration]) -> None:
    """Write the points of one or more views of the same rink as TOML, whole or not at all."""
    first = views[0]
    if first.rink == _named(first.rink.name):
        rink = json.dumps(first.rink.name)
    else:
        surface = "inline" if first.rink.blue_line_x is None else "ice"
        rink = f'{{ length_m = {first.rink.length_m}, width_m = {first.rink.width_m}, surface = "{surface}"'
        rink += "".join(f", {key} = {real}" for key, real in painted(first.rink).items()) + " }"
    lines = [f"rink = {rink}", f"frame_size = [{first.frame_size[0]}, {first.frame_size[1]}]"]
    for pair in (pair for view in views for pair in view.points):
        (u, v), (x, y) = pair.image, pair.rink
        lines += ["", "[[points]]", f"image = [{u}, {v}]", f"rink = [{x}, {y}]"]
        lines += [f"name = {json.dumps(pair.name)}"] if pair.name else []
        lines += [f"frame = {pair.frame}"] if pair.frame is not None else []
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def painted(rink: Rink) -> dict[str, float]:
    """What of a rink is painted elsewhere than its size says, as `Rink.painted_at` takes it."""
    surface: Literal["ice", "inline"] = "inline" if rink.blue_line_x is None else "ice"
    usual = _named(rink.name) or Rink.sized(rink.length_m, rink.width_m, surface=surface)
    return {
        key: real
        for key, real, expected in (
            ("goal_line_x_m", rink.goal_line_x, usual.goal_line_x),
            ("blue_line_x_m", rink.blue_line_x, usual.blue_line_x),
            ("end_spot_x_m", rink.end_spot[0], usual.end_spot[0]),
        )
        if real is not None and real != expected
    }


def rink_of(said: Mapping[str, Any]) -> Rink:
    """The rink of a finished run: of its run.json's `calibration`."""
    return Rink.named(said["rink"]).painted_at(**said.get("painted", {}))


def from_points(
    rink: Rink,
    pairs: Sequence[PointPair],
    frame_size: tuple[int, int],
    source: str = "points",
    frame: int | None = None,
) -> Calibration:
    """Fit the calibration of one view, whichever frame its points name.

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
    return Calibration(rink, matrix, frame_size, tuple(pairs), float(np.sqrt(np.mean(errors**2))), source, frame)


def load(path: Path) -> tuple[Calibration, ...]:
    """Read a calibration's TOML and fit it: one view for each frame that has points.

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
        rink = Rink.named(described.rink) if isinstance(described.rink, str) else described.rink.rink()
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    return by_frame(rink, described.points, described.frame_size, str(path))


def read_csv(path: Path) -> list[PointPair]:
    """The points of a CSV with the columns `u,v,x_m,y_m` (pixels, metres), and perhaps `frame` (0-based).

    Raises:
        BadInput: no such file, other columns, or a field that is not a number.
    """
    pairs: list[PointPair] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream)
            header = tuple(rows.fieldnames or ())
            if header not in (CSV_COLUMNS, (*CSV_COLUMNS, "frame")):
                raise BadInput(f"{path}: expected the header {','.join(CSV_COLUMNS)}, or the same with ,frame")
            for row in rows:
                try:
                    u, v, x, y = (float(row[name]) for name in CSV_COLUMNS)
                    frame = int(row["frame"]) if row.get("frame") else None
                    pairs.append(PointPair(image=(u, v), rink=(x, y), frame=frame))
                except (TypeError, ValueError):
                    whole = " and the frame as a whole number" if "frame" in header else ""
                    raise BadInput(
                        f"{path}, line {rows.line_num}: expected four numbers, {', '.join(CSV_COLUMNS)}{whole}"
                    ) from None
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
