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
COLOUR_NAMES = {  # CIELAB, D65 (L 0-100)
    "white": (92, 0, 0), "grey": (60, 0, 0), "black": (20, 0, 0), "red": (45, 60, 40), "orange": (65, 45, 65),
    "yellow": (82, 5, 70), "green": (50, -45, 35), "teal": (55, -30, -8), "blue": (38, 10, -45), "navy": (18, 8, -25),
    "purple": (38, 45, -40), "pink": (70, 45, 5), "brown": (35, 20, 28),
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
    """Median CIELAB of the jersey's upper and lower half, and its spread in lightness: (7,).

    Args:
        crop: (h, w, 3) BGR of one person.
    """
    height, width = crop.shape[:2]
    top, bottom, left, right = TORSO
    torso = crop[
        int(top * height) : max(int(bottom * height), int(top * height) + 2),
        int(left * width) : max(int(right * width), int(left * width) + 2),
    ]
    lab = cv2.cvtColor(torso.astype(np.float32) / 255, cv2.COLOR_BGR2Lab).astype(np.float64)
    half = max(1, lab.shape[0] // 2)
    upper, lower = lab[:half].reshape(-1, 3), lab[-half:].reshape(-1, 3)
    spread = np.std(lab[..., 0])
    return np.concatenate([np.median(upper, axis=0), np.median(lower, axis=0), [spread * 0.5]])


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
    """A colour name a group, all different."""
    names: dict[int, str] = {}
    for label, centre in sorted(centres.items()):
        by_distance = sorted(COLOUR_NAMES, key=lambda name: float(np.linalg.norm(centre - COLOUR_NAMES[name])))
        names[label] = next(name for name in by_distance if name not in names.values())
    return names
