"""The rink as a vector drawing, in metres: crisp at any size, in a report, on a page, on paper."""

import numpy as np

from tracker.rink import Points, Rink

MARGIN_M = 1.0


def view_box(rink: Rink, margin_m: float = MARGIN_M) -> str:
    """The `viewBox` of a drawing in rink metres, `y` downwards (an SVG's `y` is the rink's, negated)."""
    left, top = rink.length_m / 2 + margin_m, rink.width_m / 2 + margin_m
    return f"{-left:g} {-top:g} {2 * left:g} {2 * top:g}"


def drawing(rink: Rink, *, softness: float = 0.0, areas: bool = True) -> str:
    """The elements that draw the rink, without the `<svg>` around them; far side up.

    Args:
        rink: Which one.
        softness: 0 for the paint's own colours, up to 1 for lines that vanish in the ice (under a heat map).
        areas: whether ice, creases and spots are drawn, or the lines alone.
    """
    parts = []
    for area in rink.areas() if areas else ():
        colour = "#fbfcfd" if area.name == "ice" else _mixed(area.colour, softness)
        parts.append(f'<path d="{_path(area.points)}Z" fill="{colour}"/>')
    for line in rink.lines():
        colour = _mixed(line.colour, 0.0 if line.name == "boards" else softness)
        width = max(line.width_m, 0.09)
        parts.append(
            f'<path d="{_path(line.points)}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
            'stroke-linejoin="round"/>'
        )
    return "".join(parts)


def outline(rink: Rink) -> str:
    """The boards as the `d` of a path, to clip by."""
    return _path(rink.boards()[:-1]) + "Z"


def _path(points: Points) -> str:
    """A polyline of rink metres as path data, to the centimetre."""
    flipped = np.round(np.asarray(points) * (1, -1), 2) + 0.0
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in flipped)


def _mixed(bgr: tuple[int, int, int], softness: float) -> str:
    """A colour mixed with the ice, as #rrggbb."""
    blue, green, red = (round(value + (251 - value) * softness) for value in bgr)
    return f"#{red:02x}{green:02x}{blue:02x}"
