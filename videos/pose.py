"""The skeleton of a skater, a goalkeeper or an official at one moment: joints in rink metres.

A pose is built in the body's own frame (forward, left, up) from the skating phase, then sheared by the acceleration,
since a skater leans until gravity and acceleration balance, and turned and moved onto the ice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videos.roster import Person

FloatArray = NDArray[np.float64]
Vec = tuple[float, float, float]

GRAVITY = 9.81
ANKLE_M = 0.17
"""Height of the ankle above the ice, blade and boot included, of a person of 1.80 m."""


@dataclass(frozen=True)
class Stance:
    """What the body does; metres, seconds and radians."""

    x: float
    y: float
    facing: float
    """Direction of the chest, radians from +x."""
    vx: float = 0.0
    vy: float = 0.0
    ax: float = 0.0
    ay: float = 0.0
    phase: float = 0.0
    """Of the stride, radians."""
    effort: float = 0.0
    """0 glides, 1 sprints."""
    gaze: float = 0.0
    """Direction of the head, radians from +x."""
    crouch: float = 0.4
    """0 upright, 1 deep."""
    butterfly: float = 0.0
    """Goalkeepers: 1 on the knees."""
    one_hand: bool = False
    reach: float = 0.0
    """Side of the blade: -1 to 1 from the backhand to the forehand side."""
    raised: float = 0.0
    """0 stick on the ice, 1 in the air (also an official's arm)."""
    lift: float = 0.0
    """Height of the whole body above the ice, metres: over the boards."""


@dataclass(frozen=True)
class Pose:
    """Joints as (3,) arrays in rink metres, packed; see `NAMES` for the rows of `joints`."""

    joints: FloatArray
    """(len(NAMES), 3)."""
    forward: FloatArray
    left: FloatArray
    spine: FloatArray
    """Unit vectors of the torso."""
    gaze: FloatArray
    """Unit vector of the face."""
    toes: FloatArray
    """(2, 3) directions of the left and the right skate."""


NAMES = (
    "pelvis", "neck", "head", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle", "l_shoulder", "r_shoulder",
    "l_elbow", "r_elbow", "l_hand", "r_hand", "butt", "heel", "blade",
)  # fmt: skip
INDEX = {name: i for i, name in enumerate(NAMES)}


def _bend(a: Vec, b: Vec, first: float, second: float, pole: Vec) -> tuple[Vec, Vec]:
    """The middle joint between `a` and `b` for two bones, bent towards `pole`; and `b`, drawn in when out of reach."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    far = math.sqrt(dx * dx + dy * dy + dz * dz) or 1e-6
    ux, uy, uz = dx / far, dy / far, dz / far
    span = min(far, (first + second) * 0.998)
    end = (a[0] + ux * span, a[1] + uy * span, a[2] + uz * span)
    along = (first * first - second * second + span * span) / (2 * span)
    out = math.sqrt(max(0.0, first * first - along * along))
    dot = pole[0] * ux + pole[1] * uy + pole[2] * uz
    px, py, pz = pole[0] - dot * ux, pole[1] - dot * uy, pole[2] - dot * uz
    norm = math.sqrt(px * px + py * py + pz * pz) or 1e-6
    k = out / norm
    return (a[0] + ux * along + px * k, a[1] + uy * along + py * k, a[2] + uz * along + pz * k), end


def _legs(stance: Stance, role: str, scale: float) -> tuple[list[Vec], list[float], float, float]:
    """Ankles (left, right), toe angles, height and sideways shift of the pelvis."""
    ankles: list[Vec] = []
    toes: list[float] = []
    sway = 0.0
    if role == "goalkeeper":
        wide = 0.30 + 0.28 * stance.butterfly
        shuffle = 0.05 * math.sin(stance.phase) * (1 - stance.butterfly)
        for side in (1.0, -1.0):
            ankles.append((-0.22 * stance.butterfly, side * (wide + side * shuffle), ANKLE_M - 0.05 * stance.butterfly))
            toes.append(side * (0.35 + 0.9 * stance.butterfly))
        pelvis = 0.80 - 0.34 * stance.butterfly - 0.10 * stance.crouch
        return [(f * scale, s * scale, z * scale) for f, s, z in ankles], toes, pelvis * scale, 0.0
    amplitude = stance.effort
    for side, phase in ((1.0, stance.phase), (-1.0, stance.phase + math.pi)):
        turn = (phase / (2 * math.pi)) % 1.0
        extension = 0.5 - 0.5 * math.cos(2 * math.pi * turn)
        lift = math.sin(math.pi * (turn - 0.5) * 2) if turn > 0.5 else 0.0
        forward = 0.10 - 0.55 * amplitude * extension
        sideways = 0.12 + 0.04 * stance.crouch + 0.30 * amplitude * extension
        ankles.append((forward * scale, side * sideways * scale, (ANKLE_M + 0.13 * amplitude * max(0.0, lift)) * scale))
        toes.append(side * (0.10 + 0.5 * amplitude * extension))
        sway -= side * 0.10 * amplitude * extension
    pelvis = (0.97 - 0.24 * stance.crouch) * scale
    return ankles, toes, pelvis, sway * scale


def pose_of(person: Person, stance: Stance) -> Pose:
    """The joints of `person` in `stance`."""
    scale = person.height_m / 1.80
    role = person.role
    keeper, official = role == "goalkeeper", role == "referee"
    ankles, toes, pelvis_z, sway = _legs(stance, role, scale)
    crouch = stance.crouch
    bend = 0.10 + 0.30 * crouch if official else (0.45 + 0.2 * crouch if keeper else 0.22 + 0.75 * crouch)
    back = -0.16 * bend * scale
    pelvis: Vec = (back, sway, pelvis_z)
    spine: Vec = (math.sin(bend), 0.0, math.cos(bend))
    torso = 0.50 * scale
    neck: Vec = (pelvis[0] + spine[0] * torso, pelvis[1] * 0.6, pelvis[2] + spine[2] * torso)
    nod = bend * 0.45
    head: Vec = (neck[0] + math.sin(nod) * 0.20 * scale, neck[1], neck[2] + math.cos(nod) * 0.19 * scale)

    hips: list[Vec] = []
    knees: list[Vec] = []
    for i, side in enumerate((1.0, -1.0)):
        hip: Vec = (pelvis[0], pelvis[1] + side * 0.11 * scale, pelvis[2] - 0.03 * scale)
        inward = 0.9 * stance.butterfly if keeper else -0.25
        pole: Vec = (1.0, -side * inward, -0.9 * stance.butterfly)
        knee, ankle = _bend(hip, ankles[i], 0.45 * scale, 0.44 * scale, pole)
        hips.append(hip)
        knees.append(knee)
        ankles[i] = ankle

    half = (0.20 if not keeper else 0.24) * scale * (0.6 + 0.4 * person.bulk)
    twist = 0.25 * stance.effort * math.sin(stance.phase)
    shoulders: list[Vec] = [
        (neck[0] - 0.05 * scale * spine[0] - side * half * math.sin(twist), neck[1] + side * half * math.cos(twist),
         neck[2] - 0.06 * scale)
        for side in (1.0, -1.0)
    ]  # fmt: skip
    shoot = float(person.shoots)
    swing = math.sin(stance.phase) * stance.effort
    butt: Vec
    heel: Vec
    if official:
        relaxed = [
            (neck[0] + 0.06 + 0.22 * swing * side, side * 0.34 * scale, neck[2] - 0.46 * scale) for side in (1.0, -1.0)
        ]
        if stance.raised > 0:
            relaxed[0] = (neck[0] + 0.1, 0.25 * scale, neck[2] + 0.5 * stance.raised * scale)
        hands: list[Vec] = relaxed
        butt = heel = blade = (0.0, 0.0, 0.0)
    elif keeper:
        up = 0.10 * stance.raised
        catch: Vec = (neck[0] + 0.18 * scale, shoot * 0.50 * scale, (0.62 - 0.22 * stance.butterfly + up) * scale)
        block: Vec = (neck[0] + 0.16 * scale, -shoot * 0.44 * scale, (0.62 - 0.24 * stance.butterfly) * scale)
        hands = [catch, block] if shoot > 0 else [block, catch]
        butt = (block[0], block[1], block[2] + 0.28 * scale)
        heel = (block[0] + 0.30, block[1] * 0.35, 0.03)
        blade = (heel[0] + 0.06, heel[1] + shoot * 0.36, 0.04)
    else:
        out = 0.35 + 0.35 * abs(stance.reach)
        heel = (0.85 - 0.15 * abs(stance.reach), shoot * out * (1 if stance.reach >= 0 else -0.5), 0.04)
        if stance.raised > 0:
            heel = (heel[0] * (1 - 0.4 * stance.raised), heel[1], 0.04 + 0.8 * stance.raised)
        top: Vec = (neck[0] + 0.10 * scale, -shoot * 0.20 * scale, pelvis[2] + 0.10 * scale)
        length = 1.42 * scale
        shaft = length * 0.94
        rise = top[2] - heel[2]
        flat = math.sqrt(max(0.05, shaft * shaft - rise * rise))
        dx, dy = heel[0] - top[0], heel[1] - top[1]
        far = math.hypot(dx, dy) or 1e-6
        heel = (top[0] + dx / far * flat, top[1] + dy / far * flat, heel[2])
        butt = tuple(h + (t - h) / 0.94 for h, t in zip(heel, top, strict=True))  # type: ignore[assignment]
        if stance.one_hand:
            lower: Vec = (neck[0] - 0.05 - 0.30 * swing * shoot, shoot * 0.36 * scale, neck[2] - 0.44 * scale)
        else:
            lower = tuple(h + (t - h) * 0.60 for h, t in zip(heel, top, strict=True))  # type: ignore[assignment]
        hands = [lower, top] if shoot > 0 else [top, lower]
        length_blade = 0.30
        blade = (heel[0] + length_blade * 0.85, heel[1] + shoot * length_blade * 0.5, heel[2] * 0.75)
    elbows: list[Vec] = []
    for i, side in enumerate((1.0, -1.0)):
        elbow, hand = _bend(shoulders[i], hands[i], 0.31 * scale, 0.34 * scale, (-0.5, side * 0.8, -0.6))
        elbows.append(elbow)
        hands[i] = hand

    rows = [pelvis, neck, head, *hips, *knees, *ankles, *shoulders, *elbows, *hands, butt, heel, blade]
    local = np.array(rows, dtype=np.float64)
    return _onto_ice(local, stance, spine, toes)


def _onto_ice(local: FloatArray, stance: Stance, spine: Vec, toes: list[float]) -> Pose:
    """Turn, lean and move a pose from the body's frame onto the rink."""
    c, s = math.cos(stance.facing), math.sin(stance.facing)
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
    world = local @ turn
    lean = np.array([stance.ax, stance.ay]) * (0.85 / GRAVITY)
    size = float(np.hypot(lean[0], lean[1]))
    if size > 0.5:
        lean *= 0.5 / size
    world[:, :2] += world[:, 2:3] * lean
    world[:, 0] += stance.x
    world[:, 1] += stance.y
    world[:, 2] += stance.lift
    axis = np.array(spine) @ turn
    axis[:2] += axis[2] * lean
    axis /= np.linalg.norm(axis)
    left = np.array([-s, c, 0.0])
    left -= axis * (left @ axis)
    left /= np.linalg.norm(left)
    look = np.array([math.cos(stance.gaze), math.sin(stance.gaze), -0.25])
    skates = np.array([[math.cos(stance.facing + a), math.sin(stance.facing + a), 0.0] for a in toes])
    return Pose(world, np.cross(left, axis), left, axis, look / np.linalg.norm(look), skates)
