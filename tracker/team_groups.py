"""A first guess of who plays together, from colour alone: a suggestion to correct, never a label by itself.

Officials are those whom the detector mostly calls referees, unless their jersey is colourful. Everyone else is divided
into two groups by the colours of the jersey, and each group is named after its colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.medoids import two_groups
from tracker.silhouette import Jersey, jersey

OFFICIAL = "referee"
COLOURFUL = 20.0  # CIELAB chroma: a pixel above this has a colour
OFFICIAL_COLOUR = 0.3  # officials wear black and white: more colourful pixels than this, and it is a player
PALE = 14.0  # CIELAB chroma: a team whose middle is below this is white, grey or black
LIGHTNESSES = np.array([0.0, 25.0, 50.0, 75.0, 100.0])  # of the histogram's bins without colour
HUES = np.arange(8) * np.pi / 4  # of those with
SHADES = np.array([30.0, 65.0])  # of each hue
VIVID = 45.0  # chroma at which hues are compared with those of the names
COLOUR_NAMES = {  # CIELAB, D65 (L 0-100)
    "red": (45, 60, 40), "maroon": (25, 38, 14), "orange": (65, 45, 65), "yellow": (82, 5, 70), "green": (50, -45, 35),
    "teal": (55, -30, -8), "blue": (38, 10, -45), "navy": (18, 8, -25), "purple": (38, 45, -40), "pink": (70, 45, 5),
}  # fmt: skip


@dataclass(frozen=True)
class Guess:
    """The suggested team of a track."""

    team: str
    sureness: float
    """0 (between the groups) to 1 (in the middle of its own)."""


def suggest_teams(crops: Mapping[int, Sequence[NDArray[np.uint8]]], officials: Mapping[int, float]) -> dict[int, Guess]:
    """Group tracks by the look of their crops.

    Args:
        crops: Track id → its BGR crops, each (h, w, 3); tracks without crops get no guess.
        officials: Track id → share of its boxes that the detector called a referee.
    """
    jerseys = {track: [jersey(picture) for picture in pictures] for track, pictures in crops.items() if pictures}
    guesses = {
        track: Guess(OFFICIAL, officials.get(track, 0.0))
        for track, seen in jerseys.items()
        if officials.get(track, 0.0) > 0.5 and np.mean([_colourful_share(j) for j in seen]) < OFFICIAL_COLOUR
    }
    others = [track for track in jerseys if track not in guesses]
    if not others:
        return guesses
    features = np.array([np.mean([colours(j) for j in jerseys[track]], axis=0) for track in others])
    groups, distances = two_groups(features)
    pixels: dict[int, list[NDArray[np.float64]]] = {}
    for track, group in zip(others, groups.tolist(), strict=True):
        pixels.setdefault(group, []).append(_typical(jerseys[track]))
    names = _names({group: np.concatenate(found) for group, found in pixels.items()})
    for track, group, apart in zip(others, groups, distances, strict=True):
        own, other = float(apart[group]), float(apart[1 - group])
        guesses[track] = Guess(names[int(group)], float(np.clip(1 - own / other, 0, 1)) if other > 0 else 0.0)
    return guesses


def colours(seen: Jersey) -> NDArray[np.float64]:
    """Which colours a jersey has: the square root of a histogram, so that distances are Hellinger's: (21,).

    Pixels without colour fall into bins of lightness, the others into hues, each light or dark; all bins overlap.
    """
    light, chroma, hue = _cylinder(seen.lab)
    colour = np.clip((chroma - COLOURFUL / 2) / COLOURFUL, 0, 1)
    grey = (1 - colour)[:, None] * np.clip(1 - np.abs(light[:, None] - LIGHTNESSES) / 25, 0, 1)
    turn = np.abs((hue[:, None] - HUES + np.pi) % (2 * np.pi) - np.pi)
    of_hue = colour[:, None] * np.clip(1 - turn / (np.pi / 4), 0, 1)
    of_shade = np.clip(1 - np.abs(light[:, None] - SHADES) / 35, 0, 1)
    bins = np.concatenate([grey.mean(axis=0), (of_hue[:, :, None] * of_shade[:, None, :]).mean(axis=0).ravel()])
    return np.asarray(np.sqrt(bins / max(float(bins.sum()), 1e-9)))


def _cylinder(lab: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Lightness, chroma and hue (radians) of (n, 3) CIELAB."""
    return lab[:, 0], np.hypot(lab[:, 1], lab[:, 2]), np.arctan2(lab[:, 2], lab[:, 1])


def _colourful_share(seen: Jersey) -> float:
    return float((_cylinder(seen.in_white_light)[1] > COLOURFUL).mean())


def _typical(seen: Sequence[Jersey], count: int = 200) -> NDArray[np.float64]:
    """(count, 3) colours of a track's jersey in white light, evenly from all its crops: every track counts the same."""
    pixels = np.concatenate([j.in_white_light for j in seen])
    return np.asarray(pixels[np.linspace(0, len(pixels) - 1, count).astype(int)])


def _names(pixels: Mapping[int, NDArray[np.float64]]) -> dict[int, str]:
    """A colour name for each group's pixels (n, 3), all different.

    A jersey without much colour is white or black: of two such groups the lighter one is white, whatever the light in
    the hall; a single one goes by its lightness. Others are named after their most colourful pixels.
    """
    middles = {group: np.median(lab, axis=0) for group, lab in pixels.items()}
    pale = sorted((g for g, c in middles.items() if np.hypot(c[1], c[2]) < PALE), key=lambda g: -middles[g][0])
    names: dict[int, str] = {}
    if len(pale) == 2:
        names = {pale[0]: "white", pale[1]: "black"}
    elif pale:
        names = {pale[0]: "white" if middles[pale[0]][0] > 45 else "black"}
    for group, lab in sorted(pixels.items()):
        if group not in names:
            weight = lab[:, 1] ** 2 + lab[:, 2] ** 2
            colour = (lab * weight[:, None]).sum(axis=0) / weight.sum()
            colour[1:] *= max(1.0, VIVID / float(np.hypot(colour[1], colour[2])))
            by_distance = sorted(COLOUR_NAMES, key=lambda name: float(np.linalg.norm(colour - COLOUR_NAMES[name])))
            names[group] = next(name for name in by_distance if name not in names.values())
    return names
