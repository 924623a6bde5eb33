"""The rink as one geometry in metres: its size, its painted lines, its zones.

Origin at centre ice, `x` along the length, `y` across and away from the camera (docs/architecture.md).
Everything that paints, calibrates or divides a rink takes its numbers from here.

Sources: NHL Official Rules, section 1 (rules 1.2 to 1.9: 200 x 85 ft, goal lines 11 ft from the boards, zones 64 ft,
end spots 20 ft before the goal line and 44 ft apart, circles of 15 ft, creases 8 ft wide closed by an arc of 6 ft);
IIHF Official Rule Book, section 1 and its infographics (60 x 26-30 m, goal lines 4 m and the middle of the blue lines
22.86 m from the boards, spots 7 m off the middle, circles of 4.5 m). Ice rinks shorter than 58 m scale the blue lines
as the Finnish association's rule 8 does (60 / 22.86 = length / blue line). Inline rinks have no blue lines: their zones
are thirds of the length.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BadInput

Points = NDArray[np.float64]
"""(N, 2) float64, rink metres."""

Side = Literal["left", "right"]
"""The end of the rink that a team attacks: negative `x` is left, positive `x` is right."""

FOOT_M = 0.3048
RED = (48, 38, 200)
BLUE = (168, 84, 26)
CREASE_BLUE = (246, 214, 168)
BOARDS = (92, 84, 78)
WHITE = (250, 248, 246)

MIN_LENGTH_M, MAX_LENGTH_M = 15.0, 80.0
MIN_WIDTH_M, MAX_WIDTH_M = 8.0, 45.0


class RinkLine(NamedTuple):
    """A painted line: an open polyline, or a closed one whose last point repeats its first."""

    name: str
    colour: tuple[int, int, int]
    """BGR."""
    points: Points
    width_m: float


class RinkArea(NamedTuple):
    """A painted area: the polygon's corners, first not repeated."""

    name: str
    colour: tuple[int, int, int]
    """BGR."""
    points: Points


@dataclass(frozen=True)
class Rink:
    """The measures of one rink, all in metres. Make one with `Rink.named` or `Rink.sized`."""

    name: str
    length_m: float
    width_m: float
    corner_radius_m: float
    goal_line_x: float
    """Distance of both goal lines from centre ice."""
    blue_line_x: float | None
    """Distance of the middle of both blue lines from centre ice; None on an inline rink."""
    circle_radius_m: float
    end_spot: tuple[float, float]
    """|x| and |y| of the four face-off spots with circles."""
    neutral_spot: tuple[float, float] | None
    """|x| and |y| of the four face-off spots beside the blue lines."""
    crease_half_width_m: float
    """Half the crease's width at the goal line; equal to the radius where the crease is a plain half circle."""
    crease_radius_m: float
    """Radius, about the middle of the goal line, of the arc that closes the crease."""
    trapezoid: tuple[float, float] | None = None
    """Half widths, at the goal line and at the boards, of the area where a goalkeeper may play the puck."""
    goal_width_m: float = 1.83
    goal_depth_m: float = 1.12
    thick_line_m: float = 0.30
    thin_line_m: float = 0.05

    def __post_init__(self) -> None:
        for what, value, low, high in (
            ("length", self.length_m, MIN_LENGTH_M, MAX_LENGTH_M),
            ("width", self.width_m, MIN_WIDTH_M, MAX_WIDTH_M),
        ):
            if not (math.isfinite(value) and low <= value <= high):
                raise BadInput(f"rink {what} {value:g} m: expected {low:g} to {high:g} metres")
        if self.width_m > self.length_m:
            raise BadInput(f"rink {self.length_m:g} x {self.width_m:g} m: the length comes first and is the larger one")

    @staticmethod
    def sized(length_m: float, width_m: float, *, surface: Literal["ice", "inline"] = "ice") -> "Rink":
        """A rink of any size: the IIHF's markings brought to this length and width.

        Raises:
            BadInput: a size that no rink has.
        """
        name = f"{length_m:g}x{width_m:g}" if surface == "ice" else f"inline-{length_m:g}x{width_m:g}"
        if not (math.isfinite(length_m) and math.isfinite(width_m)):
            raise BadInput(f"rink {name}: length and width must be numbers of metres")
        along, across = length_m / 60.0, width_m / 30.0
        small = max(0.0, min(1.0, along, across))  # a negative size is refused below, by name
        goal_line_x = length_m / 2 - 4.0 * along
        blue_from_boards = 22.86 if length_m >= 58 else 22.86 * along
        ice = surface == "ice"
        blue_line_x = length_m / 2 - blue_from_boards if ice else None
        side = 7.0 * min(1.0, across)
        return Rink(
            name=name,
            length_m=length_m,
            width_m=width_m,
            corner_radius_m=min(8.5 * small, width_m / 2),
            goal_line_x=goal_line_x,
            blue_line_x=blue_line_x,
            circle_radius_m=4.5 * small,
            end_spot=(goal_line_x - 6.0 * min(1.0, along), side),
            neutral_spot=None if blue_line_x is None else (blue_line_x - 1.5 * min(1.0, along), side),
            crease_half_width_m=1.8 * math.sqrt(small),
            crease_radius_m=1.8 * math.sqrt(small),
        )

    def painted_at(
        self,
        *,
        goal_line_x_m: float | None = None,
        blue_line_x_m: float | None = None,
        end_spot_x_m: float | None = None,
    ) -> "Rink":
        """This rink with lines and end spots where they are really painted: many halls keep to no rule book.

        All are distances in metres from the centre line, to the middle of the line or spot.

        Raises:
            BadInput: an order of lines that no rink has, or blue lines on an inline rink.
        """
        if blue_line_x_m is not None and self.blue_line_x is None:
            raise BadInput(f"rink {self.name}: blue_line_x_m {blue_line_x_m:g}, but an inline rink has no blue lines")
        blue = self.blue_line_x if blue_line_x_m is None else blue_line_x_m
        goal = self.goal_line_x if goal_line_x_m is None else goal_line_x_m
        spot = goal - (self.goal_line_x - self.end_spot[0]) if end_spot_x_m is None else end_spot_x_m
        order = [0.0, *([] if blue is None else [blue]), spot, goal, self.length_m / 2]
        if not (all(map(math.isfinite, order)) and all(a < b for a, b in pairwise(order))):
            shown = ", ".join(f"{value:g}" for value in order)
            raise BadInput(
                f"rink {self.name}: from the centre, blue line, end spot, goal line and boards must follow "
                f"each other, but lie at {shown} m"
            )
        neutral = self.neutral_spot
        if neutral is not None and blue is not None and self.blue_line_x is not None:
            neutral = (blue - (self.blue_line_x - neutral[0]), neutral[1])
        return replace(
            self, goal_line_x=goal, blue_line_x=blue, end_spot=(spot, self.end_spot[1]), neutral_spot=neutral
        )

    @staticmethod
    def named(name: str) -> "Rink":
        """The rink of this name: `nhl`, `iihf`, `inline`, `56x26` (ice) or `inline-30x15`.

        Raises:
            BadInput: another name.
        """
        key = name.strip().lower()
        if key in PRESETS:
            return PRESETS[key]
        surface: Literal["ice", "inline"] = "inline" if key.startswith("inline-") else "ice"
        try:
            length, width = (float(part) for part in key.removeprefix("inline-").split("x"))
        except ValueError:
            raise BadInput(
                f"rink {name!r}: expected {', '.join(PRESETS)}, or a size in metres such as 56x26 or inline-30x15"
            ) from None
        return Rink.sized(length, width, surface=surface)

    @property
    def zone_x(self) -> float:
        """Distance from centre ice, in metres, at which the end zones begin."""
        return self.length_m / 6 if self.blue_line_x is None else self.blue_line_x

    def half_width_at(self, x: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Distance in metres from the long axis to the boards at `x`; 0 beyond the end boards."""
        radius = self.corner_radius_m
        into_corner = np.clip(np.abs(np.asarray(x, np.float64)) - (self.length_m / 2 - radius), 0, None)
        inside = into_corner <= radius
        corner = np.sqrt(np.clip(radius**2 - into_corner**2, 0, None))
        return np.where(inside, self.width_m / 2 - radius + corner, 0.0)

    def half_length_at(self, y: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Distance in metres from the centre line to the end boards at `y`; 0 beyond the side boards."""
        radius = self.corner_radius_m
        into_corner = np.clip(np.abs(np.asarray(y, np.float64)) - (self.width_m / 2 - radius), 0, None)
        corner = np.sqrt(np.clip(radius**2 - into_corner**2, 0, None))
        return np.where(into_corner <= radius, self.length_m / 2 - radius + corner, 0.0)

    def contains(self, xy: Points, margin_m: float = 0.0) -> NDArray[np.bool_]:
        """Which of `(N, 2)` rink metres lie on the rink, its rounded corners respected.

        A positive margin also admits points up to that many metres outside the boards. NaN lies outside.
        """
        points = np.abs(np.asarray(xy, np.float64).reshape(-1, 2))
        core = np.array([self.length_m / 2, self.width_m / 2]) - self.corner_radius_m
        beyond = np.clip(points - core, 0, None)
        distance = np.hypot(beyond[:, 0], beyond[:, 1]) - self.corner_radius_m
        return distance <= margin_m

    def areas(self) -> list[RinkArea]:
        """The painted areas, bottom first: ice, creases, face-off spots."""
        areas = [RinkArea("ice", WHITE, self.boards()[:-1])]
        for side, sign in (("left", -1.0), ("right", 1.0)):
            areas.append(RinkArea(f"{side} crease", CREASE_BLUE, self._crease(sign)))
        spot_m = 0.30
        areas.append(RinkArea("centre spot", BLUE, _arc((0.0, 0.0), 0.15, 0, 360)[:-1]))
        for name, spots in (("end spot", self._spots(self.end_spot)), ("neutral spot", self._spots(self.neutral_spot))):
            areas += [RinkArea(f"{where} {name}", RED, _arc(at, spot_m, 0, 360)[:-1]) for where, at in spots]
        return areas

    def lines(self) -> list[RinkLine]:
        """All painted lines, the boards last. Wide lines are given by their middle and their width."""
        thin, thick = self.thin_line_m, self.thick_line_m
        across = float(self.half_width_at(0.0))
        lines = [
            RinkLine("centre circle", BLUE, _arc((0.0, 0.0), self.circle_radius_m, 0, 360), thin),
            RinkLine("centre line", RED, _segment((0.0, -across), (0.0, across)), thick),
            RinkLine("officials' crease", RED, _arc((0.0, -across), 3.0 * min(1.0, self.width_m / 26), 0, 180), thin),
        ]
        if self.blue_line_x is not None:
            for side, sign in (("left", -1.0), ("right", 1.0)):
                x = sign * self.blue_line_x
                half = float(self.half_width_at(x))
                lines.append(RinkLine(f"{side} blue line", BLUE, _segment((x, -half), (x, half)), thick))
        for side, sign in (("left", -1.0), ("right", 1.0)):
            x = sign * self.goal_line_x
            half = float(self.half_width_at(x))
            crease = self._crease(sign)
            post, back = self.goal_width_m / 2, x + sign * self.goal_depth_m
            goal = np.array([(x, -post), (back, -post * 0.62), (back, post * 0.62), (x, post)])
            lines += [
                RinkLine(f"{side} goal line", RED, _segment((x, -half), (x, half)), thin),
                RinkLine(f"{side} crease", RED, crease, thin),
                RinkLine(f"{side} goal", RED, goal, thin),
            ]
            if self.trapezoid is not None:
                inner, outer = self.trapezoid
                for y, arm in ((1.0, "far"), (-1.0, "near")):
                    end = sign * float(self.half_length_at(outer))
                    name = f"{side} {arm} trapezoid line"
                    lines.append(RinkLine(name, RED, _segment((x, y * inner), (end, y * outer)), thin))
        for where, (x, y) in self._spots(self.end_spot):
            at = np.array([x, y])
            lines.append(RinkLine(f"{where} circle", RED, _arc((x, y), self.circle_radius_m, 0, 360), thin))
            lines += [RinkLine(f"{where} {name}", RED, at + mark, thin) for name, mark in self._circle_marks()]
        lines.append(RinkLine("boards", BOARDS, self.boards(), 0.12))
        return lines

    def boards(self) -> Points:
        """The inner edge of the boards as a closed polyline, counter-clockwise, first point repeated."""
        core_x, core_y = self.length_m / 2 - self.corner_radius_m, self.width_m / 2 - self.corner_radius_m
        corners = [
            _arc((x * core_x, y * core_y), self.corner_radius_m, start, start + 90)
            for x, y, start in ((1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270))
        ]
        return np.concatenate([*corners, corners[0][:1]])

    def _crease(self, sign: float) -> Points:
        """The crease's outline from the near to the far end of its edge on the goal line."""
        reach = math.degrees(math.acos(min(1.0, self.crease_half_width_m / self.crease_radius_m)))
        arc = _arc((0.0, 0.0), self.crease_radius_m, -90 + reach, 90 - reach)
        half = self.crease_half_width_m
        outline = np.concatenate([[(0.0, -half)], arc, [(0.0, half)]])
        return outline * (-sign, 1.0) + (sign * self.goal_line_x, 0.0)

    def _circle_marks(self) -> list[tuple[str, Points]]:
        """Hash marks outside an end circle and the four L marks about its spot, relative to the spot."""
        scale = self.circle_radius_m / 4.5
        marks: list[tuple[str, Points]] = []
        for x in (-0.85 * scale, 0.85 * scale):
            edge = math.sqrt(self.circle_radius_m**2 - x**2)
            marks += [(f"hash mark {i}", _segment((x, s * edge), (x, s * (edge + 0.6 * scale))))
                      for i, s in ((1 if x < 0 else 2, 1.0), (3 if x < 0 else 4, -1.0))]  # fmt: skip
        corner = np.array([(0.6 + 1.2, 0.25), (0.6, 0.25), (0.6, 0.25 + 0.9)]) * scale
        signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
        return marks + [(f"L mark {i}", corner * sign) for i, sign in enumerate(signs, start=1)]

    @staticmethod
    def _spots(at: tuple[float, float] | None) -> list[tuple[str, tuple[float, float]]]:
        if at is None:
            return []
        x, y = at
        return [("left near", (-x, -y)), ("left far", (-x, y)), ("right near", (x, -y)), ("right far", (x, y))]


def _segment(start: tuple[float, float], end: tuple[float, float]) -> Points:
    return np.array([start, end], dtype=np.float64)


def _arc(centre: tuple[float, float], radius: float, start_deg: float, end_deg: float) -> Points:
    """Points every 3 degrees or less, both ends included."""
    count = max(2, math.ceil(abs(end_deg - start_deg) / 3) + 1)
    angle = np.radians(np.linspace(start_deg, end_deg, count))
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)


NHL = Rink(
    name="nhl",
    length_m=60.96,  # 200 ft
    width_m=25.91,  # 85 ft
    corner_radius_m=28 * FOOT_M,
    goal_line_x=(100 - 11) * FOOT_M,
    blue_line_x=(100 - 11 - 64 + 0.5) * FOOT_M,  # 64 ft from the goal line include the line's 12 inches
    circle_radius_m=15 * FOOT_M,
    end_spot=((100 - 11 - 20) * FOOT_M, 22 * FOOT_M),
    neutral_spot=(20 * FOOT_M, 22 * FOOT_M),
    crease_half_width_m=4 * FOOT_M,
    crease_radius_m=6 * FOOT_M,
    trapezoid=(11 * FOOT_M, 14 * FOOT_M),
)
IIHF = replace(Rink.sized(60, 30), name="iihf")
INLINE = replace(Rink.sized(50, 25, surface="inline"), name="inline")
PRESETS: dict[str, Rink] = {"nhl": NHL, "iihf": IIHF, "inline": INLINE}
