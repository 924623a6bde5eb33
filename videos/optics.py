"""What lens, sensor and light do to a finished frame: softness, vignette, flicker, grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_SPARE = 96
"""Grain is drawn this much larger than the frame and cut out anew at a random place for every frame."""


@dataclass(frozen=True)
class Lens:
    """How good the camera is; `Lens()` is a decent one."""

    noise: float = 2.6
    """Standard deviation of the grain, grey levels."""
    softness: float = 0.55
    """Sigma of the blur, pixels."""
    vignette: float = 0.16
    """Light lost in the corners, 0–1."""
    flicker: float = 0.008
    """Relative brightness change from frame to frame."""
    shutter_s: float = 1 / 90
    """Exposure time: the length of motion blur."""
    gain: float = 1.0
    gamma: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """White balance: blue, green, red."""
    saturation: float = 1.0


def random_lens(rng: np.random.Generator) -> Lens:
    """Any camera from a phone in a dim hall to a broadcast one."""
    tint = 1 + rng.normal(0, 0.035, 3)
    return Lens(
        noise=float(rng.gamma(2.0, 1.8)),
        softness=float(rng.uniform(0.3, 1.3)),
        vignette=float(rng.uniform(0, 0.4)),
        flicker=0.0,
        shutter_s=float(1 / rng.uniform(30, 300)),
        gain=float(rng.uniform(0.55, 1.15)),
        gamma=float(rng.uniform(0.8, 1.35)),
        tint=(float(tint[0]), float(tint[1]), float(tint[2])),
        saturation=float(rng.uniform(0.6, 1.25)),
    )


class Sensor:
    """Applies a `Lens` to frames of one size; everything random comes from the seed and the frame's number."""

    def __init__(self, lens: Lens, size: tuple[int, int], seed: int) -> None:
        self.lens, self.seed = lens, seed
        width, height = size
        rng = np.random.default_rng([seed, 21])
        grain = rng.normal(0, lens.noise, (height + _SPARE, width + _SPARE, 1)).astype(np.float32)
        colour = rng.normal(0, lens.noise * 0.5, ((height + _SPARE) // 2, (width + _SPARE) // 2, 3)).astype(np.float32)
        grain = grain + cv2.resize(colour, (width + _SPARE, height + _SPARE), interpolation=cv2.INTER_LINEAR)
        grain = cv2.GaussianBlur(grain, (3, 3), 0.6) * 1.5
        self.lighter = np.clip(np.round(grain), 0, 60).astype(np.uint8)
        self.darker = np.clip(np.round(-grain), 0, 60).astype(np.uint8)
        u, v = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        shade = 1 - lens.vignette * np.clip((u * u + v * v * 0.6) / 1.6, 0, 1) ** 1.5
        self.vignette = cv2.merge([np.round(255 * shade).astype(np.uint8)] * 3)
        levels = np.arange(256) / 255
        self.curve = np.stack([255 * lens.gain * lens.tint[c] * levels**lens.gamma for c in range(3)], -1)

    def expose(self, image: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
        """The frame as the camera records it (H, W, 3)."""
        lens = self.lens
        rng = np.random.default_rng([self.seed, 22, frame])
        height, width = image.shape[:2]
        if lens.softness > 0.2:
            image = cv2.GaussianBlur(image, (5, 5) if lens.softness > 0.8 else (3, 3), lens.softness)
        if lens.vignette > 0:
            image = cv2.multiply(image, self.vignette, scale=1 / 255)
        if abs(lens.saturation - 1) > 0.02:
            grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            image = cv2.addWeighted(image, lens.saturation, grey, 1 - lens.saturation, 0)
        table = np.clip(self.curve * (1 + rng.normal(0, lens.flicker)), 0, 255).astype(np.uint8)
        image = cv2.LUT(image, table[None])
        y, x = (int(v) for v in rng.integers(0, _SPARE, 2))
        lighter, darker = (g[y : y + height, x : x + width] for g in (self.lighter, self.darker))
        if rng.random() < 0.5:
            lighter, darker = darker, lighter
        return np.asarray(cv2.subtract(cv2.add(image, lighter), darker), np.uint8)
