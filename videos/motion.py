"""How bodies move on ice: bounded acceleration, wide turns, no walking through boards or through each other.

Speeds in m/s, accelerations in m/s², angles in radians. One array row for each person of the roster, on the ice or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.rink import Rink

FloatArray = NDArray[np.float64]

MAX_ACCELERATION = 4.6
"""Of skaters; sprint starts and hard stops of trained players are measured at 4 to 5 m/s²."""
SPEED_LIMIT = 10.5
BODY_M = 0.75
"""Distance that two players keep when they can."""
BOARDS_M = 0.45
"""Distance of a player's middle from the boards when leaning on them."""
RESPONSE_S = 0.14
TURN_RATE = 5.5
"""How fast the chest turns, rad/s."""


@dataclass
class Bodies:
    """The state of all bodies, advanced in place by `advance`."""

    position: FloatArray
    """(N, 2)."""
    velocity: FloatArray
    acceleration: FloatArray
    facing: FloatArray
    """(N,)."""
    phase: FloatArray
    """(N,) of the stride."""
    effort: FloatArray
    """(N,) 0 to 1."""
    on_ice: NDArray[np.bool_]

    @staticmethod
    def standing(count: int) -> Bodies:
        """`count` bodies off the ice."""
        zeros, flat = np.zeros((count, 2)), np.zeros(count)
        return Bodies(zeros, zeros.copy(), zeros.copy(), flat, flat.copy(), flat.copy(), np.zeros(count, bool))


def inside(rink: Rink, position: FloatArray, margin_m: float) -> tuple[FloatArray, FloatArray]:
    """For points (N, 2): the distance (N,) to the boards less `margin_m`, and the unit vectors (N, 2) towards them."""
    core = np.array([rink.length_m / 2, rink.width_m / 2]) - rink.corner_radius_m
    beyond = np.abs(position) - core
    outside = np.clip(beyond, 0, None)
    far = np.hypot(outside[:, 0], outside[:, 1])
    corner = (beyond > 0).all(1)
    gap_x, gap_y = rink.corner_radius_m - beyond[:, 0], rink.corner_radius_m - beyond[:, 1]
    sign = np.where(position >= 0, 1.0, -1.0)
    along_x = gap_x < gap_y
    straight = np.stack([np.where(along_x, sign[:, 0], 0), np.where(along_x, 0, sign[:, 1])], 1)
    round_ = sign * outside / np.maximum(far, 1e-9)[:, None]
    distance = np.where(corner, rink.corner_radius_m - far, np.minimum(gap_x, gap_y))
    return distance - margin_m, np.where(corner[:, None], round_, straight)


def advance(
    bodies: Bodies,
    rink: Rink,
    target: FloatArray,
    pace: FloatArray,
    look: FloatArray,
    backwards: NDArray[np.bool_],
    dt: float,
) -> None:
    """One step of `dt` seconds towards `target` (N, 2) at up to `pace` (N,) m/s.

    Args:
        bodies: advanced in place; those off the ice stay as they are.
        rink: its boards hold everybody in.
        target: where each wants to be, rink metres.
        pace: how fast each wants to be on the way.
        look: (N, 2) the point that each watches.
        backwards: who faces that point even when moving away from it.
        dt: seconds.
    """
    on = bodies.on_ice
    to = target - bodies.position
    far = np.hypot(to[:, 0], to[:, 1])
    wish_speed = np.minimum(pace, np.sqrt(2 * 3.0 * np.clip(far - 0.2, 0, None)))
    wish = to / np.maximum(far, 1e-6)[:, None] * wish_speed[:, None]
    wish += _apart(bodies)
    gap, outward = inside(rink, bodies.position, BOARDS_M)
    towards_wall = (wish * outward).sum(1)
    closing = np.clip((bodies.velocity * outward).sum(1), 0, None)
    allowed = np.sqrt(2 * 3.0 * np.clip(gap - 0.16 * closing, 0, None)) - 2.0 * np.clip(-gap, 0, None)
    wish -= outward * np.clip(towards_wall - allowed, 0, None)[:, None]
    acceleration = (wish - bodies.velocity) / 0.30
    acceleration = _capped(acceleration, MAX_ACCELERATION)
    blend = min(1.0, dt / RESPONSE_S)
    bodies.acceleration[on] += ((acceleration - bodies.acceleration) * blend)[on]
    brake = np.where(gap < 0.02, closing / 0.1, np.where(closing > 0, closing**2 / (2 * np.maximum(gap, 0.05)), 0.0))
    brake = np.clip(brake, 0, 7.0) * (brake > 2.4)
    into = (bodies.acceleration * outward).sum(1)
    bodies.acceleration -= outward * np.clip(into + brake, 0, None)[:, None] * (brake > 0)[:, None]
    velocity = _capped(bodies.velocity + bodies.acceleration * dt, SPEED_LIMIT)
    bodies.velocity[on] = velocity[on]
    bodies.position[on] += bodies.velocity[on] * dt
    gap, outward = inside(rink, bodies.position, 0.30)
    pushed = on & (gap < 0)
    bodies.position[pushed] += (outward * gap[:, None])[pushed]
    away = np.clip((bodies.velocity * outward).sum(1), 0, None)
    bodies.velocity[pushed] -= (outward * away[:, None])[pushed]
    _turn(bodies, wish_speed, look, backwards, dt)


def _capped(vectors: FloatArray, limit: float) -> FloatArray:
    size = np.hypot(vectors[:, 0], vectors[:, 1])
    return vectors * np.minimum(1.0, limit / np.maximum(size, 1e-9))[:, None]


def _apart(bodies: Bodies) -> FloatArray:
    """Velocities (N, 2) that keep bodies from running into each other."""
    on = bodies.on_ice
    ahead = bodies.position + bodies.velocity * 0.25
    delta = ahead[:, None] - ahead[None]
    far = np.hypot(delta[..., 0], delta[..., 1])
    near = (far < 2.0 * BODY_M) & on[:, None] & on[None]
    np.fill_diagonal(near, False)
    push = np.where(near, (2.0 * BODY_M - far) / (2.0 * BODY_M), 0.0) * 3.2
    return (delta / np.maximum(far, 1e-3)[..., None] * push[..., None]).sum(1)


def _turn(bodies: Bodies, wish_speed: FloatArray, look: FloatArray, backwards: NDArray[np.bool_], dt: float) -> None:
    """Turn the chests, and keep the strides going at the rhythm of the effort."""
    velocity = bodies.velocity
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    direction = velocity / np.maximum(speed, 1e-6)[:, None]
    watch = look - bodies.position
    to_look = np.arctan2(watch[:, 1], watch[:, 0])
    course = np.arctan2(velocity[:, 1], velocity[:, 0])
    thrust = (bodies.acceleration * direction).sum(1)
    stopping = (thrust < -3.2) & (speed > 2.0)
    side = np.where(np.sin(to_look - course) >= 0, 1.0, -1.0)
    wish = np.where(backwards | (speed < 1.0), to_look, np.where(stopping, course + side * 1.25, course))
    difference = (wish - bodies.facing + np.pi) % (2 * np.pi) - np.pi
    step = np.clip(difference * 5.0 * dt, -TURN_RATE * dt, TURN_RATE * dt)
    on = bodies.on_ice
    bodies.facing[on] += step[on]
    striving = np.clip(thrust / 3.0, 0, 1) + 0.45 * (wish_speed > speed + 0.2) * (speed > 0.8)
    effort = np.clip(striving, 0, 1) * np.where(backwards, 0.55, 1.0)
    bodies.effort += (effort - bodies.effort) * min(1.0, dt / 0.35)
    rhythm = 2 * np.pi * (0.45 + 0.75 * bodies.effort + 0.05 * speed)
    bodies.phase[on] += (rhythm * dt)[on]
