"""The page's drawings as plain values: path data, and places in percent of a panel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

from tracker.heat import density, ramp
from tracker.rink import Rink
from tracker.team_colours import Colour

Array = NDArray[np.float64]

WIDTH, HEIGHT = 1000.0, 100.0
"""A panel's own units; it is stretched to whatever room the page gives it."""
MOST_POINTS = 400
LEVELS = (0.05, 0.12, 0.22, 0.34, 0.48, 0.64, 0.82)
FEW_LEVELS = (0.08, 0.3, 0.6)


@dataclass(frozen=True)
class Axis:
    """What a panel spans."""

    start_s: float
    end_s: float
    low: float
    high: float

    def x(self, second: float) -> float:
        """Percent of the panel's width."""
        return 100 * (second - self.start_s) / max(self.end_s - self.start_s, 1e-9)

    def y(self, value: float) -> float:
        """Percent of the panel's height, from below."""
        return 100 * (value - self.low) / max(self.high - self.low, 1e-9)

    def place(self, second: float, value: float) -> str:
        """A point of a path."""
        return f"{self.x(second) / 100 * WIDTH:.1f} {(1 - self.y(value) / 100) * HEIGHT:.1f}"


def line(axis: Axis, seconds: Array, values: Array) -> str:
    """Path data of a line; where a value is not known it is interrupted."""
    parts: list[str] = []
    drawing = False
    for second, value in zip(*thinned(seconds, values), strict=True):
        if math.isfinite(value):
            parts.append(("L" if drawing else "M") + axis.place(second, value))
        drawing = bool(math.isfinite(value))
    return "".join(parts)


def steps(axis: Axis, seconds: Array, values: Array) -> str:
    """Path data of a line in steps, each value holding for its second."""
    parts: list[str] = []
    last = math.nan
    for second, value in zip(seconds, values, strict=True):
        if value != last:
            parts.append(("L" + axis.place(second, last) if parts else "") + ("L" if parts else "M")
                         + axis.place(second, value))  # fmt: skip
        last = value
    return "".join(parts) + ("L" + axis.place(seconds[-1] + 1, last) if parts else "")


def area(axis: Axis, seconds: Array, values: Array) -> str:
    """Path data of the area between a line and zero; not known counts as zero."""
    seconds, values = thinned(seconds, np.nan_to_num(values))
    if not len(seconds):
        return ""
    top = "L".join(axis.place(second, value) for second, value in zip(seconds, values, strict=True))
    return f"M{axis.place(seconds[0], 0)}L{top}L{axis.place(seconds[-1], 0)}Z"


def thinned(seconds: Array, values: Array) -> tuple[Array, Array]:
    """At most 400 points: means over equal stretches of the middle of their seconds."""
    stretch = -(-len(seconds) // MOST_POINTS)
    if stretch <= 1:
        return seconds + 0.5, values
    edges = np.arange(0, len(seconds), stretch)
    known = np.isfinite(values)
    weight = np.add.reduceat(known.astype(np.float64), edges)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.add.reduceat(np.where(known, values, 0.0), edges) / weight
    return np.add.reduceat(seconds + 0.5, edges) / np.diff(np.append(edges, len(seconds))), means


def time_ticks(start_s: float, end_s: float) -> list[float]:
    """Round times, five to ten of them."""
    wanted = max(end_s - start_s, 1) / 7
    step = next((s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800) if s >= wanted), 3600)
    return [float(t) for t in range(math.ceil(start_s / step) * step, math.floor(end_s) + 1, step)]


def heat(places: Array, rink: Rink, colour: Colour, levels: Sequence[float] = LEVELS) -> list[tuple[str, str, float]]:
    """Where somebody was, as layers of one tint each: (path data in rink metres, `y` downwards;
    #rrggbb; opacity).

    No picture is in it, only numbers: the search that follows an erasure can read every letter of the page.
    """
    dense = density([places], rink).astype(np.float64)
    if not dense.any():
        return []
    rows, columns = dense.shape
    x = (np.arange(columns) + 0.5) / columns * rink.length_m - rink.length_m / 2
    y = (np.arange(rows) + 0.5) / rows * rink.width_m - rink.width_m / 2
    x, y = (np.concatenate([[a[0] - 1], a, [a[-1] + 1]]) for a in (x, y))
    contours = contour_generator(x, y, np.pad(dense, 1, mode="edge"), fill_type=FillType.OuterOffset)
    tints = ramp(colour)
    layers = []
    for level in levels:
        filled: Any = contours.filled(level, 2.0)
        polygons, offsets = filled
        path = "".join(
            "M" + "L".join(f"{u:g} {v:g}" for u, v in np.round(points[start:end], 1) + 0.0) + "Z"
            for points, holes in zip(polygons, offsets, strict=True)
            for start, end in pairwise(holes)
        )
        blue, green, red = (round(float(part)) for part in tints[round(level * 255)])
        if path:
            layers.append((path, f"#{red:02x}{green:02x}{blue:02x}", round(0.26 + 0.4 * level, 2)))
    return layers
