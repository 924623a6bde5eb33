"""The puck: carried, passed, shot, saved, fought for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tracker.rink import Rink
from videos.motion import FloatArray, inside

FRICTION = 0.7
"""Deceleration of a sliding puck, m/s²."""
REACH_M = 1.15
RADIUS_M = 0.06


@dataclass
class Puck:
    """Where the puck is and who has it; advanced in place."""

    position: FloatArray = field(default_factory=lambda: np.zeros(2))
    velocity: FloatArray = field(default_factory=lambda: np.zeros(2))
    owner: int | None = None
    """Row of the carrier."""
    held_s: float = 0.0
    """How long the present owner has had it."""
    free_s: float = 0.0
    """How long nobody has had it."""
    last_touch: int | None = None

    def release(self, velocity: FloatArray) -> None:
        """The owner lets go."""
        self.last_touch, self.owner = self.owner, None
        self.velocity = np.asarray(velocity, np.float64)
        self.held_s = self.free_s = 0.0

    def taken_by(self, row: int) -> None:
        """Somebody has it now."""
        self.owner = row
        self.held_s = 0.0
        self.velocity = np.zeros(2)

    def slide(self, rink: Rink, dt: float) -> None:
        """Move freely for `dt` seconds; boards return it with some loss."""
        speed = float(np.hypot(*self.velocity))
        if speed > 1e-6:
            self.velocity *= max(0.0, speed - FRICTION * dt) / speed
        self.position = self.position + self.velocity * dt
        gap, outward = inside(rink, self.position[None], RADIUS_M)
        if gap[0] < 0:
            self.position = self.position + outward[0] * gap[0]
            into = float(self.velocity @ outward[0])
            if into > 0:
                self.velocity = (self.velocity - 1.35 * into * outward[0]) * 0.92
        self.free_s += dt

    def carried(self, position: FloatArray, facing: float, side: float, phase: float, dt: float) -> None:
        """Follow the blade of the owner's stick."""
        along = np.array([math.cos(facing), math.sin(facing)])
        across = np.array([-along[1], along[0]])
        spot = position + along * 0.95 + across * (0.35 * side + 0.12 * math.sin(phase * 1.7))
        self.position = self.position + (spot - self.position) * min(1.0, dt / 0.06)
        self.held_s += dt
