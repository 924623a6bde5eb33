"""Paints one person: from the joints of a pose and someone's clothes to a small picture with transparency.

Limbs are shaded capsules, the torso is a stack of elliptic rings (so that stripes, yoke and numbers turn with the
body), everything sorted by depth. The box of the figure is the extent of all that is painted except the stick.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videos.brush import LIGHT, SHADES, Patch, capsules
from videos.camera import Camera
from videos.digits import strokes
from videos.pose import INDEX, Pose, Stance, pose_of
from videos.roster import Clothes, Colour, Person

FloatArray = NDArray[np.float64]
_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Painted:
    """A figure as it lies on the frame."""

    image: NDArray[np.uint8]
    """(h, w, 4) premultiplied BGRA at the frame's resolution."""
    left: int
    top: int
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in frame pixels of the body without its stick; may reach beyond the frame."""


class _Limbs:
    """Collects capsules and draws them in the order of their depth."""

    def __init__(self) -> None:
        self.a: list[FloatArray] = []
        self.b: list[FloatArray] = []
        self.radii: list[tuple[float, float]] = []
        self.caps: list[tuple[float, float]] = []
        self.colours: list[Colour] = []
        self.layer: list[float] = []
        self.body: list[bool] = []

    def add(
        self, a: FloatArray, b: FloatArray, ra: float, rb: float, colour: Colour, nearer: float = 0.0,
        caps: tuple[float, float] = (1.0, 1.0), body: bool = True,
    ) -> None:  # fmt: skip
        """A limb from `a` to `b`; `nearer` metres are taken off its depth in the painting order."""
        self.a.append(a)
        self.b.append(b)
        self.radii.append((ra, rb))
        self.caps.append(caps)
        self.colours.append(colour)
        self.layer.append(nearer)
        self.body.append(body)

    def banded(
        self, a: FloatArray, b: FloatArray, ra: float, rb: float, colour: Colour, band: Colour,
        at: tuple[float, float], nearer: float = 0.0,
    ) -> None:  # fmt: skip
        """A limb with a stripe of another colour between two shares of its length."""
        self.add(a, b, ra, rb, colour, nearer)
        t0, t1 = at
        r0, r1 = ra + (rb - ra) * t0, ra + (rb - ra) * t1
        self.add(a + (b - a) * t0, a + (b - a) * t1, r0 * 1.02, r1 * 1.02, band, nearer + 1e-3, (0.25, 0.25))


def paint(
    person: Person, stance: Stance, camera: Camera, light: float = 1.0, scale: int | None = None
) -> Painted | None:
    """The figure as `camera` sees it; None behind the camera.

    Args:
        person: who.
        stance: where and how they move.
        camera: the view.
        light: brightness of the light where the person is.
        scale: drawing resolution over the frame's; by default what a figure of this size needs.
    """
    pose = pose_of(person, stance)
    joints = pose.joints
    pelvis = joints[INDEX["pelvis"]]
    depth = float((pelvis - camera.position) @ camera.rotation[2])
    if depth < 2.0:
        return None
    per_metre = camera.focal / depth
    if scale is None:
        scale = int(np.clip(round(200.0 / (1.8 * per_metre)), 1, 4))
    clothes = person.clothes
    limbs = _Limbs()
    _dress_legs(limbs, person, pose)
    _dress_arms(limbs, person, pose)
    _dress_head(limbs, person, pose)
    torso = _Torso(person, pose, camera)

    a, b = np.array(limbs.a), np.array(limbs.b)
    points, depths = camera.project(np.concatenate([a, b]))
    count = len(a)
    pa, pb = points[:count], points[count:]
    order_key = (depths[:count] + depths[count:]) / 2 - np.array(limbs.layer)
    radii = np.array(limbs.radii)
    ra = radii[:, 0] * camera.focal / depths[:count]
    rb = radii[:, 1] * camera.focal / depths[count:]
    caps = np.array(limbs.caps)
    layers = []
    for share, shift, _ in SHADES:
        towards = LIGHT[None] * shift
        layers.append(
            capsules(
                pa + towards * ra[:, None], ra * share, pb + towards * rb[:, None], rb * share, caps[:, 0], caps[:, 1]
            )
        )
    body = np.array(limbs.body)
    outline = np.concatenate([layers[0][body].reshape(-1, 2), torso.outline])
    low, high = outline.min(0), outline.max(0)
    everything = np.concatenate([layers[0].reshape(-1, 2), torso.outline])
    patch = Patch.around(everything.min(0), everything.max(0), scale, 2)
    fixed = [patch.fixed(layer) for layer in layers]
    keys = sorted([(float(-k), i) for i, k in enumerate(order_key)] + [(-torso.depth, -1)])
    for _, i in keys:
        if i < 0:
            torso.draw(patch, clothes, light, per_metre)
            continue
        for polygons, (_, _, shade) in zip(fixed, SHADES, strict=True):
            patch.polygon(polygons[i], _lit(limbs.colours[i], shade * light))
    return Painted(patch.averaged(), patch.left, patch.top, (*low, *high))


def _lit(colour: Colour, shade: float) -> Colour:
    """A colour under more or less light; what is too bright bleaches."""
    return min(255.0, colour[0] * shade), min(255.0, colour[1] * shade), min(255.0, colour[2] * shade)


def _toward(a: FloatArray, b: FloatArray, t: float) -> FloatArray:
    return a + (b - a) * t


def _dress_legs(limbs: _Limbs, person: Person, pose: Pose) -> None:
    """Skates, socks or trousers, breezers, a goalkeeper's pads."""
    clothes, joints, bulk = person.clothes, pose.joints, 0.4 + 0.6 * person.bulk
    keeper, official = person.role == "goalkeeper", person.role == "referee"
    for i, side in enumerate("lr"):
        hip, knee, ankle = (joints[INDEX[f"{side}_{part}"]] for part in ("hip", "knee", "ankle"))
        toe = pose.toes[i]
        sole = ankle - _UP * 0.085
        blade = ankle - _UP * 0.145
        limbs.add(blade - toe * 0.09, blade + toe * 0.19, 0.012, 0.012, (205, 205, 200), -0.01)
        limbs.add(sole - toe * 0.06, sole + toe * 0.17, 0.050, 0.045, clothes.skates)
        limbs.add(ankle, sole, 0.060, 0.055, clothes.skates)
        if keeper:
            front = pose.forward * 0.07
            limbs.add(hip, knee, 0.13 * bulk, 0.12, clothes.pants)
            top, bottom = knee + front + _UP * 0.16, ankle + front * 0.6 - _UP * 0.04
            limbs.add(top, bottom, 0.150, 0.135, clothes.pads, 0.05, (0.45, 0.35))
            for t, colour in ((0.30, clothes.pad_trim), (0.62, clothes.pad_trim)):
                limbs.add(
                    _toward(top, bottom, t), _toward(top, bottom, t + 0.07), 0.148, 0.146, colour, 0.06, (0.1, 0.1)
                )
        elif official:
            limbs.add(hip, knee, 0.105 * bulk, 0.085, clothes.pants)
            limbs.add(knee, ankle, 0.085, 0.070, clothes.pants)
        else:
            limbs.banded(knee, ankle, 0.085, 0.066, clothes.socks, clothes.sock_stripe, (0.42, 0.62))
            limbs.add(_toward(hip, knee, 0.86), knee, 0.095, 0.092, clothes.socks, 0.0)
            limbs.add(hip, _toward(hip, knee, 0.84), 0.135 * bulk, 0.130 * bulk, clothes.pants, 0.004, (1.0, 0.3))


def _dress_arms(limbs: _Limbs, person: Person, pose: Pose) -> None:
    """Shoulders, sleeves, gloves, and the stick."""
    clothes, joints, bulk = person.clothes, pose.joints, 0.4 + 0.6 * person.bulk
    keeper, official = person.role == "goalkeeper", person.role == "referee"
    thick = bulk * (1.15 if keeper else 0.78 if official else 1.0)
    for side in "lr":
        shoulder, elbow, hand = (joints[INDEX[f"{side}_{part}"]] for part in ("shoulder", "elbow", "hand"))
        if official:
            limbs.add(shoulder, elbow, 0.105 * thick, 0.085 * thick, clothes.jersey)
            for t in (0.15, 0.42, 0.70):
                limbs.add(_toward(shoulder, elbow, t), _toward(shoulder, elbow, t + 0.12), 0.104 * thick, 0.098 * thick,
                          clothes.stripe, 0.002, (0.2, 0.2))  # fmt: skip
            limbs.banded(elbow, hand, 0.085 * thick, 0.062 * thick, clothes.jersey, clothes.stripe, (0.25, 0.5))
            if clothes.armband:
                limbs.add(_toward(shoulder, elbow, 0.55), _toward(shoulder, elbow, 0.9), 0.11 * thick, 0.10 * thick,
                          (20, 110, 240), 0.004, (0.2, 0.2))  # fmt: skip
            limbs.add(hand, hand + (hand - elbow) * 0.22, 0.048, 0.042, clothes.skin)
            continue
        limbs.add(shoulder, elbow, 0.110 * thick, 0.088 * thick, clothes.jersey)
        limbs.add(shoulder, _toward(shoulder, elbow, 0.22), 0.116 * thick, 0.112 * thick, clothes.yoke, 0.01)
        limbs.banded(
            elbow, _toward(elbow, hand, 0.85), 0.088 * thick, 0.068 * thick, clothes.jersey, clothes.stripe, (0.35, 0.6)
        )
        catching = keeper and (side == "l") == (person.shoots > 0)
        if keeper and catching:
            limbs.add(hand - pose.left * 0.02, hand + pose.forward * 0.10 + _UP * 0.06, 0.12, 0.15, clothes.pads, 0.06)
            limbs.add(hand, hand + pose.forward * 0.13 + _UP * 0.04, 0.05, 0.07, clothes.pad_trim, 0.10)
        elif keeper:
            limbs.add(hand + _UP * 0.16, hand - _UP * 0.16, 0.11, 0.11, clothes.pads, 0.07, (0.2, 0.2))
            limbs.add(hand + _UP * 0.12, hand + _UP * 0.05, 0.10, 0.10, clothes.pad_trim, 0.08, (0.1, 0.1))
        else:
            limbs.add(_toward(elbow, hand, 0.80), hand + (hand - elbow) * 0.14, 0.070, 0.078, clothes.gloves, 0.02)
    if official:
        return
    butt, heel, blade = (joints[INDEX[part]] for part in ("butt", "heel", "blade"))
    if keeper:
        limbs.add(butt, _toward(butt, heel, 0.45), 0.014, 0.014, clothes.stick, 0.0, body=False)
        limbs.add(_toward(butt, heel, 0.45), heel, 0.045, 0.045, clothes.pads, 0.02, (0.3, 0.3), body=False)
        limbs.add(heel, blade, 0.045, 0.040, clothes.blade, 0.02, body=False)
    else:
        limbs.add(butt, heel, 0.016, 0.016, clothes.stick, 0.01, body=False)
        limbs.add(heel, blade, 0.036, 0.032, clothes.blade, 0.01, body=False)


def _dress_head(limbs: _Limbs, person: Person, pose: Pose) -> None:
    """Neck, face, visor or mask, helmet."""
    clothes, head = person.clothes, pose.joints[INDEX["head"]]
    neck, gaze = pose.joints[INDEX["neck"]], pose.gaze
    flat = np.array([gaze[0], gaze[1], 0.0])
    limbs.add(neck, head, 0.065, 0.07, clothes.skin, -0.02)
    if person.role == "goalkeeper":
        limbs.add(head - gaze * 0.03, head + _UP * 0.03, 0.130, 0.128, clothes.helmet, 0.10)
        face = head + flat * 0.085 - _UP * 0.03
        limbs.add(face, face - _UP * 0.05, 0.088, 0.075, (95, 95, 98), 0.14)
        limbs.add(face + flat * 0.01, face - _UP * 0.02, 0.055, 0.05, (45, 50, 62), 0.16)
        return
    limbs.add(head + flat * 0.035, head + flat * 0.045 - _UP * 0.075, 0.092, 0.070, clothes.skin, 0.08)
    limbs.add(head - flat * 0.035 + _UP * 0.030, head + flat * 0.025 + _UP * 0.050, 0.126, 0.122, clothes.helmet, 0.09)
    limbs.add(head - flat * 0.05 - _UP * 0.03, head - flat * 0.03, 0.105, 0.11, clothes.helmet, 0.07)
    brim = head + flat * 0.095 + _UP * 0.005
    limbs.add(brim - pose.left * 0.05, brim + pose.left * 0.05, 0.030, 0.030, (70, 66, 60), 0.13)


_AROUND = 20
_ANGLES = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
_RINGS = (
    # share of the spine, half width, half depth: hem, waist, belly, chest, shoulder line, collar
    (-0.30, 0.225, 0.175), (-0.14, 0.225, 0.170), (-0.03, 0.215, 0.165), (0.30, 0.215, 0.162), (0.62, 0.228, 0.165),
    (0.86, 0.215, 0.145), (1.00, 0.105, 0.085),
)  # fmt: skip


class _Torso:
    """The jersey: rings about the spine, drawn as strips of the side that is seen."""

    def __init__(self, person: Person, pose: Pose, camera: Camera) -> None:
        self.person = person
        self.pose = pose
        self.camera = camera
        slim = 0.84 if person.role == "referee" else 1.12 if person.role == "goalkeeper" else 1.0
        wide = (0.35 + 0.65 * person.bulk) * slim * person.height_m / 1.80
        pelvis, neck = pose.joints[INDEX["pelvis"]], pose.joints[INDEX["neck"]]
        self.centres = np.array([pelvis + (neck - pelvis) * t for t, _, _ in _RINGS])
        self.widths = np.array([w for _, w, _ in _RINGS]) * wide
        self.depths = np.array([d for _, _, d in _RINGS]) * wide
        side = np.cos(_ANGLES)[None, :, None] * self.widths[:, None, None] * pose.left
        front = np.sin(_ANGLES)[None, :, None] * self.depths[:, None, None] * pose.forward
        world = self.centres[:, None] + side + front
        flat, depth = camera.project(world.reshape(-1, 3))
        self.points = flat.reshape(len(_RINGS), _AROUND, 2)
        self.outline = flat
        self.depth = float(depth.mean()) - 0.04
        normal = np.cos(_ANGLES)[:, None] / 0.8 * pose.left + np.sin(_ANGLES)[:, None] * 1.2 * pose.forward
        normal /= np.linalg.norm(normal, axis=1)[:, None]
        mid = (normal + np.roll(normal, -1, axis=0)) / 2
        to_camera = camera.position - self.centres[3]
        self.to_camera = to_camera / np.linalg.norm(to_camera)
        self.seen = mid @ self.to_camera
        lamp = self.to_camera * 0.45 + np.array([-0.25, 0.0, 0.85])
        self.lambert = 0.70 + 0.34 * np.clip(mid @ (lamp / np.linalg.norm(lamp)), -0.2, 1)

    def draw(self, patch: Patch, clothes: Clothes, light: float, per_metre: float) -> None:
        fixed = patch.fixed(self.points)
        beside = np.roll(fixed, -1, axis=1)
        quads = np.stack([fixed[:-1], beside[:-1], beside[1:], fixed[1:]], axis=2)
        lambert, seen = self.lambert.tolist(), self.seen.tolist()
        bands: list[Colour] = [clothes.jersey] * (len(_RINGS) - 1)
        if clothes.hem_stripes:
            bands[1] = clothes.stripe
        bands[-1] = clothes.yoke
        for ring in range(len(_RINGS) - 1):
            dim = light * (0.86 if ring == 0 else 0.95 if ring < 3 else 1.06 if ring >= 4 else 1.0)
            for k in range(_AROUND):
                if seen[k] < -0.25:
                    continue
                colour = bands[ring]
                if clothes.vertical_stripes and (k % 2 == 0):
                    colour = clothes.stripe
                patch.polygon(quads[ring, k], _lit(colour, lambert[k] * dim))
        if clothes.vertical_stripes:
            return
        back = float(-self.pose.forward @ self.to_camera)
        if back > 0.12 and per_metre > 16:
            self._number(patch, clothes, light * (0.75 + 0.25 * back), per_metre)
        elif back < -0.12 and per_metre > 12 and self.person.role != "referee":
            self._crest(patch, clothes, light)

    def _surface(self, across: FloatArray, up: FloatArray, facing: float) -> FloatArray:
        """Pixels of points on the back (facing -1) or chest (+1): metres left of the spine, share of the spine."""
        shares = np.array([t for t, _, _ in _RINGS])
        centre = np.stack([np.interp(up, shares, self.centres[:, i]) for i in range(3)], axis=1)
        width, deep = np.interp(up, shares, self.widths), np.interp(up, shares, self.depths)
        out = np.sqrt(np.clip(1 - (across / width) ** 2, 0.05, 1)) * deep * facing
        world = centre + across[:, None] * self.pose.left + out[:, None] * self.pose.forward
        return self.camera.project(world)[0]

    def _number(self, patch: Patch, clothes: Clothes, light: float, per_metre: float) -> None:
        """The number on the back."""
        text = str(self.person.number)
        wide = 0.13
        for i, digit in enumerate(text):
            start = (i - len(text) / 2) * (wide + 0.035) + 0.0175
            for line in strokes(digit):
                points = np.array(line)
                across = -(start + points[:, 0] * wide)
                up = 0.22 + points[:, 1] * 0.55
                pixels = patch.fixed(self._surface(across, up, -1.0))
                patch.stroke(pixels, _lit(clothes.digits, light), 0.042 * per_metre)

    def _crest(self, patch: Patch, clothes: Clothes, light: float) -> None:
        """A round badge on the chest."""
        angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
        across, up = 0.085 * np.cos(angles), 0.50 + 0.19 * np.sin(angles)
        patch.polygon(patch.fixed(self._surface(across, up, 1.0)), _lit(clothes.crest, light * 0.95))
        inner = self._surface(across * 0.55, 0.50 + (up - 0.50) * 0.55, 1.0)
        patch.polygon(patch.fixed(inner), _lit(clothes.digits, light * 0.95))
