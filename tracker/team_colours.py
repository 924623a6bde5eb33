"""A colour for each team in pictures and videos: the one that its name says, or one that is easy to tell apart."""

import re
from collections.abc import Iterable

from tracker.attacks import OFFICIALS

Colour = tuple[int, int, int]
"""BGR, 0 to 255."""

NAMED: dict[str, Colour] = {
    "white": (245, 245, 245),
    "yellow": (40, 205, 250),
    "gold": (50, 180, 225),
    "red": (60, 50, 220),
    "maroon": (50, 35, 140),
    "blue": (215, 110, 35),
    "navy": (120, 60, 25),
    "sky": (235, 185, 95),
    "teal": (150, 150, 30),
    "green": (85, 160, 45),
    "black": (38, 36, 34),
    "orange": (30, 125, 245),
    "purple": (170, 70, 130),
    "pink": (175, 110, 240),
    "grey": (150, 145, 140),
    "gray": (150, 145, 140),
    "silver": (195, 190, 185),
}
SPARE: tuple[Colour, ...] = (
    (214, 148, 24),
    (58, 108, 244),
    (184, 74, 188),
    (66, 178, 82),
    (64, 190, 250),
    (140, 128, 24),
)
"""For names that say no colour, in this order."""
OFFICIAL: Colour = (128, 122, 116)
UNKNOWN: Colour = (172, 168, 164)
"""Of somebody whose team is not known."""


def team_colours(teams: Iterable[str]) -> dict[str, Colour]:
    """A colour for each team name, all different; the same names give the same colours.

    A name says a colour when one of its words is one: `white`, `Team_white`, `red-u18`.
    """
    found: dict[str, Colour] = {}
    names = sorted(set(teams))
    for name in names:
        said = [NAMED[word] for word in re.split(r"[^a-z]+", name.lower()) if word in NAMED]
        if name == OFFICIALS:
            found[name] = OFFICIAL
        elif said and said[0] not in found.values():
            found[name] = said[0]
    spare = [colour for colour in SPARE if colour not in found.values()]
    for index, name in enumerate(name for name in names if name not in found):
        found[name] = spare[index % len(spare)]
    return dict(sorted(found.items()))


def text_on(colour: Colour) -> Colour:
    """Black or white, whichever is easier to read on this colour (luma of ITU-R BT.601)."""
    blue, green, red = colour
    return (24, 22, 20) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)
