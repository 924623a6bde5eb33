"""One frame of the annotated video: who is who on the ice, the teams' figures, the rink from above."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracker import rink_drawing
from tracker.attacks import OFFICIALS
from tracker.lettering import BOLD, Panel, pill, text_width, write
from tracker.planes import Box
from tracker.rink import Rink
from tracker.scoreboard import Scoreboard, TeamLine
from tracker.team_colours import OFFICIAL, UNKNOWN, Colour, text_on
from tracker.words import Part

Image = NDArray[np.uint8]

DARK: Colour = (34, 28, 24)
LIGHT: Colour = (248, 246, 244)
MUTED: Colour = (176, 168, 160)
_OPACITY = 0.88
_DRAWN = ("track_id", "team", "role", "x1", "x2", "y2", "observed", "x_m", "y_m", "speed_mps")
SLOWEST_KMH = 3
"""Slower than this a person stands, and no speed is written beside them."""
_SHIFT = 4
_LYING = 0.36
"""Height of a ring that lies on the ice, as a share of its width."""
_OPEN_BEHIND, _IN_FRONT = (-50, 230), (0, 180)
"""From where to where a ring is drawn, in degrees from the right on, by the front."""
_SAG_PX = 0.2
"""A ring is made of straight lines, none of which is farther from it than this: each costs as much as any other."""


class Annotator:
    """Draws frames of one video; holds nothing but pictures of what does not change.

    Args:
        frame_size: width and height of the frames in pixels.
        team_colours: see `tracker.team_colours.team_colours`.
        rink: draws the minimap; None where nobody's place on a rink is known.
        hide: what is left out.
    """

    def __init__(
        self,
        frame_size: tuple[int, int],
        team_colours: Mapping[str, Colour],
        rink: Rink | None = None,
        *,
        hide: Collection[Part] = (),
    ) -> None:
        self._size = frame_size
        self._colours = dict(team_colours)
        self._unit = max(0.5, min(frame_size[0] / 1280, frame_size[1] / 720))
        self._hide = frozenset(hide)
        shown = rink is not None and "minimap" not in self._hide
        self._minimap = _Minimap(rink, frame_size, self._unit) if rink is not None and shown else None
        self._shown: Scoreboard | None = None
        self._strip: Panel | None = None

    def draw(self, image: Image, rows: pl.DataFrame, scoreboard: Scoreboard | None = None) -> Image:
        """Draw on a copy of the frame; see `draw_on`."""
        drawn = image.copy()
        self.draw_on(drawn, rows, scoreboard)
        return drawn

    def draw_on(self, image: Image, rows: pl.DataFrame, scoreboard: Scoreboard | None = None) -> None:
        """Draw on the frame itself.

        Args:
            image: BGR `(H, W, 3)` uint8, contiguous.
            rows: this frame's rows of the table of tracks (`tracker.tables.TRACKS`), and perhaps `speed_mps`.
            scoreboard: the figures of this second.
        """
        draw_marks(self.marks(rows, scoreboard), image)

    def marks(self, rows: pl.DataFrame, scoreboard: Scoreboard | None = None) -> list["Mark"]:
        """What there is to draw on a frame, from the bottom up; arguments as of `draw_on`."""
        columns = (rows[n].to_list() if n in rows.columns else [None] * rows.height for n in _DRAWN)
        people = sorted(zip(*columns, strict=True), key=lambda person: person[5])
        marks = [
            self._person(track_id, team, role, (x1, x2, y2), observed, speed)
            for track_id, team, role, x1, x2, y2, observed, _x, _y, speed in people
        ]
        if self._minimap is not None:
            dots = [(x, y, self._colour(team, role)) for _, team, role, *_, x, y, _speed in people if x is not None]
            marks.append(Mark((self._minimap.of(dots),)))
        if "scoreboard" not in self._hide and scoreboard is not None and scoreboard.teams:
            marks.append(Mark((self._strip_of(scoreboard),)))
        return marks

    def _colour(self, team: str | None, role: str) -> Colour:
        if team is None:
            return OFFICIAL if role == "referee" else UNKNOWN
        return self._colours.get(team, UNKNOWN)

    def _person(
        self,
        track_id: int,
        team: str | None,
        role: str,
        feet: tuple[float, float, float],
        observed: bool,
        speed_mps: float | None,
    ) -> "Mark":
        """An ellipse at the feet, open behind so that it seems to lie on the ice; under it the track's id and speed."""
        left, right, bottom = feet
        unit = self._unit
        official = team == OFFICIALS or (team is None and role == "referee")
        colour = self._colour(team, role)
        edge = LIGHT if _is_dark(colour) else DARK
        half = min(max((right - left) * 0.55, 9 * unit), 46 * unit)
        parts: list[_Ring | _Laid] = []
        if "ellipses" not in self._hide:
            centre, thickness = ((left + right) / 2, bottom - 1.5 * unit), max(2, round(2.4 * unit))
            thin = official or not observed
            parts.append(_Ring(centre, half, 1 if thin else thickness, colour, None if official else edge, observed))
        if official:
            return Mark(tuple(parts))
        tags: list[Panel] = []
        if "ids" not in self._hide:
            tags.append(_tag(f"G {track_id}" if role == "goalkeeper" else str(track_id), colour, edge, unit))
        kmh = 0 if speed_mps is None else round(speed_mps * 3.6)
        if "speed" not in self._hide and kmh >= SLOWEST_KMH:
            tags.append(_speed_tag(kmh, unit))
        x = round((left + right) / 2 - (tags[0].picture.shape[1] / 2 if tags else 0))
        for tag in tags:
            parts.append(_Laid(tag, (x, round(bottom + half * _LYING - 3 * unit))))
            x += tag.picture.shape[1]
        return Mark(tuple(parts))

    def _strip_of(self, scoreboard: Scoreboard) -> "_Laid":
        if scoreboard != self._shown or self._strip is None:
            self._shown, self._strip = scoreboard, draw_strip(scoreboard, self._colours, self._unit)
        margin = round(16 * self._unit)
        return _Laid(self._strip, (margin, margin))


@dataclass(frozen=True)
class _Ring:
    """An ellipse that seems to lie on the ice, open behind; of who is only guessed to be there, its front half."""

    centre: tuple[float, float]
    half: float
    """Of its width [px]."""
    thickness: int
    colour: Colour
    edge: Colour | None
    observed: bool

    @property
    def box(self) -> Box:
        """x1, y1, x2, y2 [px]"""
        (x, y), around = self.centre, self.thickness + 3
        return x - self.half - around, y - self.half * _LYING - around, x + self.half + around, (
            y + self.half * _LYING + around)  # fmt: skip

    def draw(self, image: Image) -> None:
        step = 2 * math.degrees(math.acos(1 - _SAG_PX / max(self.half, 1)))
        first, last = _OPEN_BEHIND if self.observed else _IN_FRONT
        places = _arc(first, last, math.ceil((last - first) / step)) * self.half + self.centre
        limit = 1 << 16
        points = [np.round(places.clip(-limit, limit) * (1 << _SHIFT)).astype(np.int32)]
        if self.edge is not None:
            cv2.polylines(image, points, False, self.edge, self.thickness + 2, cv2.LINE_AA, _SHIFT)
        cv2.polylines(image, points, False, self.colour, self.thickness, cv2.LINE_AA, _SHIFT)


@lru_cache(maxsize=256)
def _arc(first: float, last: float, steps: int) -> NDArray[np.float64]:
    """Places (steps + 1, 2) on a ring of half the width 1 that lies on the ice, from one angle to another, in degrees;
    nobody may write on it."""
    angles = np.radians(np.linspace(first, last, steps + 1))
    return np.stack([np.cos(angles), _LYING * np.sin(angles)], axis=1)


@dataclass(frozen=True)
class _Laid:
    """A panel in its place."""

    panel: Panel
    at: tuple[int, int]

    @property
    def box(self) -> Box:
        """x1, y1, x2, y2 [px]"""
        height, width = self.panel.picture.shape[:2]
        return self.at[0], self.at[1], self.at[0] + width, self.at[1] + height

    def draw(self, image: Image) -> None:
        self.panel.lay(image, self.at)


@dataclass(frozen=True)
class Mark:
    """What belongs together of what is drawn."""

    parts: tuple[_Ring | _Laid, ...]

    @property
    def box(self) -> Box:
        """x1, y1, x2, y2 [px] of all that it changes; empty where it has no parts."""
        left, top, right, bottom = zip(*([part.box for part in self.parts] or [(0.0,) * 4]), strict=True)
        return min(left), min(top), max(right), max(bottom)

    def draw(self, image: Image) -> None:
        """Draw it on a BGR picture."""
        for part in self.parts:
            part.draw(image)


def draw_marks(marks: Iterable[Mark], image: Image) -> None:
    """Draw all of them on a BGR picture `(H, W, 3)`, contiguous."""
    for mark in marks:
        mark.draw(image)


def draw_strip(board: Scoreboard, colours: Mapping[str, Colour], unit: float) -> Panel:
    """The scoreboard as a picture; `unit` is 1 for a frame of 720 lines."""

    def px(value: float) -> int:
        return round(value * unit)

    columns = ["ON ICE", *(title for title, _, _ in _figures(board.teams[0], board))]
    name_w = max(px(104), max(text_width(line.team.upper(), px(17), BOLD) for line in board.teams) + px(40))
    column_w = px(98)
    row_h, head_h = px(30), px(24)
    width, height = name_w + column_w * len(columns) + px(8), head_h + row_h * len(board.teams) + px(6)
    panel = np.full((height, width, 3), DARK, np.uint8)
    clock = f"{board.second // 60:02d}:{board.second % 60:02d}"
    write(panel, clock, (px(14), px(18)), LIGHT, px(15), BOLD)
    if board.metres == "estimated":
        write(panel, "ESTIMATE", (px(22) + text_width(clock, px(15), BOLD), px(17)), (70, 190, 250), px(9), BOLD)
    for index, title in enumerate(columns):
        write(panel, title, (name_w + column_w * (index + 0.5), px(17)), MUTED, px(11), BOLD, "middle")
    for row, line in enumerate(board.teams):
        top = head_h + row * row_h
        colour = colours.get(line.team, UNKNOWN)
        cv2.line(panel, (px(10), top), (width - px(10), top), (66, 58, 52), 1)
        pill(panel, (px(11), top + px(5), px(19), top + row_h - px(5)), MUTED if _is_dark(colour) else DARK, px(4))
        pill(panel, (px(12), top + px(6), px(18), top + row_h - px(6)), colour, px(3))
        base = top + row_h / 2 + px(6)
        write(panel, line.team.upper(), (px(28), base), LIGHT, px(17), BOLD)
        values = [str(line.skaters), *(f"{value} {unit_}".strip() for _, value, unit_ in _figures(line, board))]
        for index, value in enumerate(values):
            write(panel, value, (name_w + column_w * (index + 0.5), base), LIGHT, px(16), 500, "middle")
    return Panel.rounded(panel, px(9), _OPACITY)


def _figures(line: TeamLine, board: Scoreboard) -> list[tuple[str, str, str]]:
    """Title, value and unit of the columns that rest on metres."""
    if board.metres == "none":
        return []
    about = "~" if board.metres == "estimated" else ""
    distance = line.distance_m or 0.0
    found = [
        ("DISTANCE", f"{about}{distance:.0f}" if distance < 1000 else f"{about}{distance / 1000:.2f}",
         "m" if distance < 1000 else "km"),
        ("TOP SPEED", f"{about}{(line.top_speed_mps or 0.0) * 3.6:.1f}", "km/h"),
    ]  # fmt: skip
    if any(other.pressure is not None for other in board.teams):
        found.append(("PRESSURE", "-" if line.pressure is None else f"{about}{100 * line.pressure:.0f}", "%"))
    return found


class _Minimap:
    """The rink in the right upper corner, over the stand and not over the ice, with a dot for everybody on it."""

    def __init__(self, rink: Rink, frame_size: tuple[int, int], unit: float) -> None:
        self._rink = rink
        self._scale = 0.21 * frame_size[0] / (rink.length_m + 2 * rink_drawing.MARGIN_M)
        picture = rink_drawing.draw(rink, self._scale)
        width, margin = picture.shape[1], round(16 * unit)
        self._at = (frame_size[0] - width - margin, margin)
        self._panel = Panel.rounded(picture, 8 * unit, 0.92)
        self._dot = max(2.5, 3.6 * unit)

    def of(self, dots: list[tuple[float, float, Colour]]) -> _Laid:
        panel = replace(self._panel, picture=self._panel.picture.copy())
        if dots:
            places = np.array([(x, y) for x, y, _ in dots])
            pixels = rink_drawing.to_pixels(self._rink, places, self._scale).tolist()
            for (u, v), (_, _, colour) in zip(pixels, dots, strict=True):
                size = (self._dot - 1.0) if colour == OFFICIAL else self._dot
                cv2.circle(panel.picture, _fixed(u, v), round((size + 1.1) * 16), DARK, -1, cv2.LINE_AA, _SHIFT)
                cv2.circle(panel.picture, _fixed(u, v), round(size * 16), colour, -1, cv2.LINE_AA, _SHIFT)
        return _Laid(panel, self._at)


@lru_cache(maxsize=256)
def _tag(text: str, colour: Colour, edge: Colour, unit: float) -> Panel:
    """A track's id on a pill of its team's colour."""
    size = max(9, round(12 * unit))
    width, height = text_width(text, size, BOLD) + round(8 * unit) + 2, size + round(3 * unit) + 2
    picture = np.full((height, width, 3), edge, np.uint8)
    pill(picture, (1, 1, width - 2, height - 2), colour, 4 * unit)
    write(picture, text, (width / 2, 1 + size - 0.4 * unit), text_on(colour), size, BOLD, "middle")
    return Panel.rounded(picture, 5 * unit, 1.0)


@lru_cache(maxsize=256)
def _speed_tag(kmh: int, unit: float) -> Panel:
    """A speed, to stand beside the id: dark, so that it is nobody's number."""
    size, small = max(9, round(12 * unit)), max(7, round(9 * unit))
    number = str(kmh)
    first = text_width(number, size, BOLD)
    width, height = first + text_width("km/h", small) + round(10 * unit), size + round(3 * unit) + 2
    picture = np.full((height, width, 3), DARK, np.uint8)
    base = 1 + size - 0.4 * unit
    write(picture, number, (4 * unit, base), LIGHT, size, BOLD)
    write(picture, "km/h", (4 * unit + first + 2 * unit, base), MUTED, small)
    return Panel.rounded(picture, 5 * unit, 0.8)


def _is_dark(colour: Colour) -> bool:
    return max(colour) < 90


def _fixed(u: float, v: float) -> tuple[int, int]:
    limit = 1 << 20
    return min(max(round(u * 16), -limit), limit), min(max(round(v * 16), -limit), limit)
