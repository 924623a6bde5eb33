"""A first guess of who plays together, from colour alone: a suggestion to correct, never a label by itself.

Officials are those whom the detector mostly calls referees. Everyone else is divided into two groups by the colour of
the jersey, and each group is named after its colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

TORSO = (0.14, 0.50, 0.22, 0.78)  # top, bottom, left, right of the jersey as shares of the crop
OFFICIAL = "referee"
PALE = 18.0  # CIELAB chroma: below this a jersey is white, grey or black
ICE_DISTANCE = 18.0  # CIELAB: nearer than this to the colour at the crop's edges is background
COLOUR_NAMES = {  # CIELAB, D65 (L 0-100)
    "red": (45, 60, 40), "orange": (65, 45, 65),
    "yellow": (82, 5, 70), "green": (50, -45, 35), "teal": (55, -30, -8), "blue": (38, 10, -45), "navy": (18, 8, -25),
    "purple": (38, 45, -40), "pink": (70, 45, 5),
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
    guesses = {
        track: Guess(OFFICIAL, officials.get(track, 0.0))
        for track, pictures in crops.items()
        if pictures and officials.get(track, 0.0) > 0.5
    }
    others = [track for track, pictures in crops.items() if pictures and track not in guesses]
    if not others:
        return guesses
    features = np.array([np.median([jersey_features(picture) for picture in crops[t]], axis=0) for t in others])
    labels = _two_groups(features)
    centres = {label: np.median(features[labels == label], axis=0) for label in np.unique(labels)}
    names = _names({int(label): centre[:3] for label, centre in centres.items()})
    for track, feature, label in zip(others, features, labels, strict=True):
        guesses[track] = Guess(names[int(label)], _sureness(feature, int(label), centres))
    return guesses


def jersey_features(crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Median CIELAB of the jersey's upper and lower half and its spread in lightness: (7,).

    Pixels that look like the ice at the crop's edges are left out, unless the jersey is as white as the ice.

    Args:
        crop: (h, w, 3) BGR of one person.
    """
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_BGR2Lab).astype(np.float64)
    height, width = lab.shape[:2]
    edge = max(1, width // 12)
    sides = np.concatenate([lab[:, :edge].reshape(-1, 3), lab[:, -edge:].reshape(-1, 3)])
    ice = np.median(sides, axis=0)
    top, bottom, left, right = TORSO
    torso = lab[
        int(top * height) : max(int(bottom * height), int(top * height) + 2),
        int(left * width) : max(int(right * width), int(left * width) + 2),
    ]
    half = max(1, torso.shape[0] // 2)
    upper, lower = _jersey(torso[:half], ice), _jersey(torso[-half:], ice)
    spread = float(np.std(np.concatenate([upper[:, 0], lower[:, 0]])))
    return np.concatenate([np.median(upper, axis=0), np.median(lower, axis=0), [spread * 0.5]])


def _jersey(part: NDArray[np.float64], ice: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) pixels of a part of the torso that are not the ice behind it; all of them where most look like ice."""
    pixels = part.reshape(-1, 3)
    other = pixels[np.linalg.norm(pixels - ice, axis=1) > ICE_DISTANCE]
    return other if len(other) > 0.35 * len(pixels) else pixels


def _two_groups(features: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ward's clustering cut at two groups: (N,) of 1 and 2; deterministic, needs no starting points."""
    if len(features) < 2:
        return np.ones(len(features), dtype=np.int64)
    return fcluster(linkage(features, method="ward"), t=2, criterion="maxclust").astype(np.int64)


def _sureness(feature: NDArray[np.float64], label: int, centres: Mapping[int, NDArray[np.float64]]) -> float:
    own = float(np.linalg.norm(feature - centres[label]))
    other = min((float(np.linalg.norm(feature - c)) for other, c in centres.items() if other != label), default=np.inf)
    return float(np.clip(1 - own / other, 0, 1)) if other > 0 else 0.0


def _names(centres: Mapping[int, NDArray[np.float64]]) -> dict[int, str]:
    """A colour name a group, all different.

    A jersey without much colour is white or black: of two such groups the lighter one is white, whatever the light in
    the hall; a single one goes by its lightness.
    """
    pale = sorted((label for label, c in centres.items() if np.hypot(c[1], c[2]) < PALE), key=lambda t: -centres[t][0])
    names: dict[int, str] = {}
    if len(pale) == 2:
        names = {pale[0]: "white", pale[1]: "black"}
    elif pale:
        names = {pale[0]: "white" if centres[pale[0]][0] > 45 else "black"}
    for label, centre in sorted(centres.items()):
        if label not in names:
            by_distance = sorted(COLOUR_NAMES, key=lambda name: float(np.linalg.norm(centre - COLOUR_NAMES[name])))
            names[label] = next(name for name in by_distance if name not in names.values())
    return names
