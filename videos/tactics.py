"""Where hockey players go: the shape of a team with the puck, without it, and when nobody has it.

All in the team's own view: the attacked goal lies at +x. `side` is +1 for the left of that view.
"""

from __future__ import annotations

from tracker.rink import Rink

Point = tuple[float, float]
_SIDE = {"LW": 1.0, "LD": 1.0, "RW": -1.0, "RD": -1.0, "C": 0.0}


def with_puck(position: str, puck: Point, rink: Rink) -> Point:
    """Where a team mate of the carrier goes."""
    px, py = puck
    wide, blue, goal = rink.width_m / 2, rink.zone_x, rink.goal_line_x
    side = _SIDE[position]
    strong = 1.0 if py >= 0 else -1.0
    if px > blue:
        spots = {
            "LW": (goal - 1.8, 0.9) if strong < 0 else (goal - 0.5, wide * 0.62),
            "RW": (goal - 1.8, -0.9) if strong > 0 else (goal - 0.5, -wide * 0.62),
            "C": (goal - 5.5, -strong * 2.2),
            "LD": (blue + 1.2, wide * 0.42),
            "RD": (blue + 1.2, -wide * 0.42),
        }
        return spots[position]
    if px < -blue:
        spots = {
            "LW": (-blue - 1.0, wide * 0.72),
            "RW": (-blue - 1.0, -wide * 0.72),
            "C": (max(-goal + 4, px + 4), py * 0.35),
            "LD": (-goal + 2.0, wide * 0.45),
            "RD": (-goal + 2.0, -wide * 0.45),
        }
        return spots[position]
    if position in ("LD", "RD"):
        return px - 7.0, side * wide * 0.40
    if position == "C":
        return min(px + 1.0, blue - 0.5), -strong * wide * 0.12
    return min(px + 4.0, blue - 0.3), side * wide * 0.66


def without_puck(position: str, puck: Point, rink: Rink) -> Point:
    """Where a player goes while the other team has the puck; the nearest one leaves this shape to press."""
    px, py = puck
    wide, blue, goal = rink.width_m / 2, rink.zone_x, rink.goal_line_x
    side = _SIDE[position]
    strong = 1.0 if py >= 0 else -1.0
    if px < -blue:
        spots = {
            "LD": (-goal + (1.6 if strong < 0 else 1.0), 1.3 if strong < 0 else wide * 0.40),
            "RD": (-goal + (1.6 if strong > 0 else 1.0), -1.3 if strong > 0 else -wide * 0.40),
            "C": (-goal + 4.0, strong * 1.8),
            "LW": (-blue - 1.8, wide * 0.36),
            "RW": (-blue - 1.8, -wide * 0.36),
        }
        return spots[position]
    if px > blue:
        if position == "C":
            return px - 4.0, py * 0.4
        if position in ("LW", "RW"):
            return (px - 2.5, py * 0.8) if side == strong else (blue - 1.5, side * wide * 0.35)
        return blue - 2.0, side * wide * 0.38
    if position in ("LD", "RD"):
        return max(-goal + 3.0, px - 6.5), side * wide * 0.28 + 0.35 * py
    if position == "C":
        return px - 3.0, 0.5 * py
    return px - 2.5, side * wide * 0.50


def carrying(position: str, at: Point, lane: float, rink: Rink) -> Point:
    """Where the carrier heads; `lane` is the share of the half width on which they mean to go, -1 to 1."""
    x, _ = at
    goal, blue = rink.goal_line_x, rink.zone_x
    if position in ("LD", "RD") and x > blue - 1:
        return blue + 2.0, lane * rink.width_m * 0.35
    if x > blue:
        return goal - 1.5, lane * rink.width_m * 0.20
    if x < -goal + 0.5:
        return -goal + 3.0, (1.0 if lane >= 0 else -1.0) * rink.width_m * 0.36
    return x + 7.0, lane * rink.width_m * 0.38


def keeper(puck: Point, rink: Rink) -> Point:
    """Where a goalkeeper stands: on the line from the middle of the own goal to the puck, deeper when it is near."""
    dx, dy = puck[0] + rink.goal_line_x, puck[1]
    far = max(0.5, (dx * dx + dy * dy) ** 0.5)
    out = min(1.35, 0.55 + 0.05 * far)
    x = -rink.goal_line_x + max(0.35, out * dx / far)
    return x, max(-0.95, min(0.95, out * dy / far))
