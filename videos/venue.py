"""The hall: which rink, which colours, how full, how bright. One frozen value, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracker.rink import Rink
from videos.roster import Colour, colour_of

BOARD_M = 1.10
"""Height of the boards."""
GLASS_M = 1.35
"""Height of the glass above the boards."""


@dataclass(frozen=True)
class Venue:
    """A rink in its hall; every number that the painters need and that is not geometry of the lines."""

    rink: Rink
    seed: int
    """Of the textures: marks on the ice, advertisements, spectators."""
    ice: Colour = (238.0, 234.0, 228.0)
    line_strength: float = 0.75
    """How clearly the painted lines show through the ice."""
    wear: float = 0.5
    """Skate marks and snow, 0–1."""
    board: Colour = (232.0, 232.0, 230.0)
    kick: Colour = (40.0, 190.0, 235.0)
    rail: Colour = (150.0, 60.0, 30.0)
    adverts: float = 0.8
    """Share of the boards that carries advertisements."""
    glass: bool = True
    rows: int = 9
    """Rows of seats on the far side."""
    crowd: float = 0.7
    """Share of the seats that are taken."""
    fans: tuple[Colour, Colour] = ((235.0, 235.0, 235.0), (30.0, 190.0, 240.0))
    """Colours that some spectators wear."""
    hall: Colour = (62.0, 54.0, 50.0)
    """Walls and floor."""
    seat: Colour = (110.0, 60.0, 30.0)
    brightness: float = 1.0
    """Of the light over the ice."""
    shine: float = 0.5
    """Reflections of the lamps in the ice, 0–1."""
    foreground: int = 14
    """Spectators' heads at the near edge of the picture."""
    netting: float = 0.0
    """Strength of a safety net in front of the camera, 0–1."""
    benches: bool = True

    @property
    def bench_x(self) -> tuple[float, float]:
        """Distance from centre ice, along the far boards, at which both teams' benches begin and end."""
        return 1.2, min(8.5, self.rink.length_m / 2 - self.rink.corner_radius_m)


def club_rink(rink: Rink, seed: int, fans: tuple[Colour, Colour]) -> Venue:
    """The friendly hall of the demo match: white boards, yellow kick plate, a good crowd."""
    return Venue(rink=rink, seed=seed, fans=fans, crowd=0.92, rows=10, hall=(74.0, 66.0, 60.0), foreground=26)


def random_venue(rng: np.random.Generator, rink: Rink, fans: tuple[Colour, Colour]) -> Venue:
    """Any hall: from a dim training rink to a bright arena."""

    def pick(*names: str) -> Colour:
        return colour_of(names[int(rng.integers(len(names)))])

    tone = float(rng.uniform(196, 246))
    cast = rng.normal(0, 5, 3)
    ice = (min(255.0, tone + 4 + cast[0]), min(252.0, tone + cast[1] / 2), min(252.0, tone - 4 + cast[2]))
    board_tone = float(rng.uniform(170, 240))
    dim = float(rng.uniform(20, 120))
    hall_cast = rng.normal(0, 8, 3)
    return Venue(
        rink=rink,
        seed=int(rng.integers(1 << 31)),
        ice=ice,
        line_strength=float(rng.uniform(0.25, 0.9)),
        wear=float(rng.uniform(0.1, 1.0)),
        board=(board_tone, board_tone, board_tone - 3) if rng.random() < 0.85 else pick("navy", "green", "red", "grey"),
        kick=pick("yellow", "yellow", "blue", "white", "red", "gold"),
        rail=pick("blue", "red", "white", "yellow", "orange", "green", "grey"),
        adverts=float(rng.uniform(0, 1)),
        glass=bool(rng.random() < 0.85),
        rows=int(rng.integers(0, 14)),
        crowd=float(rng.uniform(0, 1) ** 1.5),
        fans=fans,
        hall=(dim + hall_cast[0], dim + hall_cast[1], dim + hall_cast[2]),
        seat=pick("blue", "red", "grey", "green", "orange", "yellow", "navy", "maroon"),
        brightness=float(rng.uniform(0.7, 1.05)),
        shine=float(rng.uniform(0, 1)),
        foreground=int(rng.integers(0, 30)),
        netting=float(rng.uniform(0.15, 0.6)) if rng.random() < 0.2 else 0.0,
        benches=bool(rng.random() < 0.7),
    )
