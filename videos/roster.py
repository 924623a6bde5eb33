"""Who is in the match: people with a number, a build and clothes. Drawn from a seed; nobody real."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, field, replace

import numpy as np

from classifier.errors import BadInput

Colour = tuple[float, float, float]
"""Blue, green, red, each 0–255."""

REFEREE = "referee"

JERSEYS: dict[str, str] = {
    "white": "#eceef0", "yellow": "#f2bf16", "red": "#b81f26", "blue": "#1f4fa8", "navy": "#17254a",
    "black": "#1b1c20", "green": "#12703f", "orange": "#ea6a1a", "purple": "#54308a", "teal": "#0f7d80",
    "sky": "#6fb4e3", "maroon": "#6a1a2b", "grey": "#8b9098", "gold": "#c89a3c", "pink": "#e0679b",
}  # fmt: skip
_KEEPER_NUMBERS = (1, 20, 29, 30, 31, 33, 35, 39, 40)
SKIN = ("#f1c9a5", "#e0ac80", "#c68a5c", "#8d5a3b", "#5b3a29", "#f5d3ba")


def colour_of(name: str) -> Colour:
    """A colour's name (one of `JERSEYS`) or `#rrggbb` as BGR.

    Raises:
        BadInput: neither.
    """
    text = JERSEYS.get(name.lower(), name)
    if len(text) == 7 and text[0] == "#":
        try:
            red, green, blue = (int(text[i : i + 2], 16) for i in (1, 3, 5))
        except ValueError:
            pass
        else:
            return float(blue), float(green), float(red)
    raise BadInput(f"colour {name!r}: expected #rrggbb or one of {', '.join(JERSEYS)}")


@dataclass(frozen=True)
class Clothes:
    """The colours that a figure is painted with."""

    jersey: Colour
    yoke: Colour
    stripe: Colour
    digits: Colour
    crest: Colour
    pants: Colour
    socks: Colour
    sock_stripe: Colour
    helmet: Colour
    gloves: Colour
    skates: Colour
    stick: Colour
    blade: Colour
    skin: Colour
    pads: Colour = (225.0, 228.0, 230.0)
    pad_trim: Colour = (40.0, 40.0, 40.0)
    hem_stripes: int = 2
    vertical_stripes: bool = False
    armband: bool = False


@dataclass(frozen=True)
class Person:
    """Someone of the match; `player_id` starts at 1 and never changes."""

    player_id: int
    name: str
    team: str
    role: str
    """`player`, `goalkeeper` or `referee`."""
    number: int
    clothes: Clothes
    height_m: float = 1.80
    bulk: float = 1.0
    shoots: int = 1
    """Side of the stick's blade: 1 left, -1 right."""
    top_speed_mps: float = 8.5
    position: str = "C"
    """`G`, `LD`, `RD`, `LW`, `C`, `RW` or `R`."""
    line: int = 0
    """Skaters of one line are on the ice together."""


@dataclass(frozen=True)
class Roster:
    """The people of a match and the two teams' names (attacking direction: first team to the right)."""

    teams: tuple[str, str]
    people: tuple[Person, ...] = field(default_factory=tuple)

    def of(self, team: str, role: str | None = None) -> list[Person]:
        """The people of one team, optionally of one role, in the order of their ids."""
        return [p for p in self.people if p.team == team and (role is None or p.role == role)]


def luminance(colour: Colour) -> float:
    """Perceived brightness of a BGR colour, 0–255."""
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


def _mix(a: Colour, b: Colour, t: float) -> Colour:
    return tuple(x + (y - x) * t for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _vary(colour: Colour, rng: np.random.Generator, amount: float) -> Colour:
    """A slightly different dye: the same hue, saturation and brightness shaken by `amount`."""
    blue, green, red = (c / 255 for c in colour)
    h, s, v = colorsys.rgb_to_hsv(red, green, blue)
    s = min(1.0, max(0.0, s * (1 + rng.normal(0, amount))))
    v = min(1.0, max(0.03, v * (1 + rng.normal(0, amount))))
    red, green, blue = colorsys.hsv_to_rgb((h + rng.normal(0, amount * 0.06)) % 1.0, s, v)
    return blue * 255, green * 255, red * 255


def _pick(rng: np.random.Generator, *names: str) -> Colour:
    return colour_of(names[int(rng.integers(len(names)))])


def team_clothes(jersey: Colour, rng: np.random.Generator) -> Clothes:
    """A team's kit around its jersey colour: trim, pants, socks and helmets that go with it."""
    dark = luminance(jersey) < 110
    accent = _pick(rng, "red", "blue", "navy", "black", "green", "teal", "orange", "yellow", "white", "maroon")
    if abs(luminance(accent) - luminance(jersey)) < 45:
        accent = colour_of("white") if dark else _pick(rng, "navy", "blue", "black", "red")
    digits = accent if abs(luminance(accent) - luminance(jersey)) > 80 else colour_of("white" if dark else "black")
    plain = rng.random() < 0.6
    return Clothes(
        jersey=jersey,
        yoke=jersey if plain else accent,
        stripe=accent,
        digits=digits,
        crest=_mix(accent, digits, float(rng.random())),
        pants=_pick(rng, "black", "black", "black", "navy", "navy", "blue")
        if not dark
        else _mix(jersey, (20, 20, 20), 0.6),
        socks=jersey if rng.random() < 0.6 else accent,
        sock_stripe=accent if rng.random() < 0.6 else colour_of("white"),
        helmet=_pick(rng, "white", "black", "navy", "blue", "red") if not dark else _mix(jersey, (25, 25, 25), 0.3),
        gloves=_pick(rng, "black", "black", "navy", "red", "blue"),
        skates=colour_of("black"),
        stick=colour_of("black"),
        blade=colour_of("black"),
        skin=colour_of(SKIN[0]),
        hem_stripes=int(rng.integers(0, 3)),
    )


def _dress(base: Clothes, rng: np.random.Generator, club: float = 0.25) -> Clothes:
    """One player's own variant of the kit; `club` is the chance that a piece is not the team's."""

    def own(colour: Colour, *names: str) -> Colour:
        return _vary(_pick(rng, *names) if rng.random() < club else colour, rng, 0.06)

    return replace(
        base,
        jersey=_vary(base.jersey, rng, 0.02),
        pants=own(base.pants, "black", "navy", "black"),
        socks=own(base.socks, "white", "black", "navy"),
        helmet=own(base.helmet, "black", "white", "red", "blue"),
        gloves=own(base.gloves, "black", "red", "yellow", "navy", "white"),
        skates=_vary((32, 30, 30), rng, 0.2),
        stick=_vary(_pick(rng, "black", "black", "#a98a5a", "white", "red", "yellow", "grey"), rng, 0.1),
        blade=_pick(rng, "black", "black", "white"),
        skin=_vary(colour_of(SKIN[int(rng.integers(len(SKIN)))]), rng, 0.05),
        pads=_vary(_pick(rng, "white", "white", "white", "navy", "black", "#d8d2c0"), rng, 0.05),
        pad_trim=base.stripe,
    )


def referee_clothes(rng: np.random.Generator) -> Clothes:
    """Black and white stripes, black trousers and helmet; an orange armband on half of them."""
    black, white = colour_of("#17171a"), colour_of("#e9e9ea")
    helmet = black if rng.random() < 0.8 else white
    return Clothes(
        jersey=white, yoke=white, stripe=black, digits=black, crest=white, pants=_vary(black, rng, 0.2), socks=black,
        sock_stripe=black, helmet=helmet, gloves=colour_of(SKIN[int(rng.integers(len(SKIN)))]), skates=black,
        stick=black, blade=black, skin=colour_of(SKIN[int(rng.integers(len(SKIN)))]), hem_stripes=0,
        vertical_stripes=True, armband=bool(rng.random() < 0.5),
    )  # fmt: skip


def make_roster(
    rng: np.random.Generator,
    teams: tuple[str, str] = ("white", "yellow"),
    colours: tuple[Colour, Colour] | None = None,
    skaters: int = 15,
    goalkeepers: int = 1,
    officials: int = 2,
) -> Roster:
    """Two teams and the officials. How many are asked for changes nobody: the first ones are the same people.

    Args:
        rng: the source of all variety.
        teams: the teams' names.
        colours: BGR jersey colours; by default each team's name is its colour.
        skaters: skaters of each team, in lines of five.
        goalkeepers: goalkeepers of each team, at most 9.
        officials: referees and linesmen.
    """
    if colours is None:
        colours = (colour_of(teams[0]), colour_of(teams[1]))
    people: list[Person] = []
    base = int(rng.integers(1 << 31))
    for side, (team, colour) in enumerate(zip(teams, colours, strict=True)):
        rng = np.random.default_rng([base, side])
        kit = team_clothes(colour, rng)
        backs = [int(n) for n in rng.permutation(_KEEPER_NUMBERS)[:goalkeepers]]
        backs += [int(n) for n in 1 + rng.permutation(98) if n not in _KEEPER_NUMBERS][:skaters]
        for i in range(skaters + goalkeepers):
            keeper = i < goalkeepers
            number = backs[i]
            k = i - goalkeepers
            rng = np.random.default_rng([base, side, number])
            people.append(
                Person(
                    player_id=len(people) + 1,
                    name=f"{team}-{number}",
                    team=team,
                    role="goalkeeper" if keeper else "player",
                    number=number,
                    clothes=_dress(kit, rng),
                    height_m=float(np.clip(rng.normal(1.80, 0.06), 1.64, 1.96)),
                    bulk=float(np.clip(rng.normal(1.0, 0.07), 0.85, 1.2)),
                    shoots=1 if rng.random() < 0.6 else -1,
                    top_speed_mps=float(np.clip(rng.normal(9.0, 0.6), 7.6, 10.3)),
                    position="G" if keeper else ("C", "LW", "RW", "LD", "RD")[k % 5],
                    line=0 if keeper else k // 5,
                )
            )
    for i in range(officials):
        rng = np.random.default_rng([base, 2, i])
        people.append(
            Person(
                player_id=len(people) + 1,
                name=f"referee-{i + 1}",
                team=REFEREE,
                role=REFEREE,
                number=i + 1,
                clothes=referee_clothes(rng),
                height_m=float(np.clip(rng.normal(1.81, 0.06), 1.66, 1.95)),
                bulk=float(np.clip(rng.normal(0.95, 0.08), 0.8, 1.15)),
                top_speed_mps=7.0,
                position="R",
            )
        )
    return Roster(teams, tuple(people))
