"""Where everybody on the ice wants to be at this moment, how fast, and who faces the play."""

from __future__ import annotations

import math

import numpy as np

from videos import tactics
from videos.changes import door
from videos.game import Game
from videos.motion import FloatArray


def intentions(game: Game) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """For each row: target (N, 2) in metres, pace (N,) in m/s, and whether they face the puck while moving away."""
    bodies, puck, rink = game.bodies, game.puck, game.rink
    count = len(game.people)
    target = bodies.position.copy()
    top = np.array([p.top_speed_mps for p in game.people])
    pace = np.zeros(count)
    back = np.zeros(count, bool)
    owner_team = int(game.team[puck.owner]) if puck.owner is not None else -1
    aim = puck.position + puck.velocity * 0.45
    for team in (0, 1):
        sign = game.sign(team)
        seen = (float(sign * puck.position[0]), float(sign * puck.position[1]))
        rows = [row for row in game.slots[team].values() if row not in game.leaving]
        reach = np.hypot(*(bodies.position[rows] + 0.35 * bodies.velocity[rows] - aim).T) if rows else np.zeros(0)
        order = [rows[i] for i in np.argsort(reach)]
        for name, row in game.slots[team].items():
            if row in game.leaving:
                continue
            at = (float(sign * bodies.position[row, 0]), float(sign * bodies.position[row, 1]))
            if row == puck.owner:
                spot = tactics.carrying(name, at, float(game.lane[row]), rink)
                pace[row] = 0.96 * top[row]
                target[row] = _dodge(game, row, np.array(spot) * sign)
                continue
            spot = tactics.with_puck(name, seen, rink) if owner_team == team else tactics.without_puck(name, seen, rink)
            chase = order.index(row)
            goal = np.array(spot) * sign + game.drift[row] * 1.3
            if owner_team != team and chase == 0:
                goal = aim + (bodies.position[row] - aim) * 0.08
            elif owner_team == -1 and chase == 1 and puck.free_s > 0.5:
                goal = aim + np.array([-sign * 1.6, 0.4])
            target[row] = goal
            far = float(np.hypot(*(goal - bodies.position[row])))
            share = 1.0 if far > 5 or (chase == 0 and far > 2) else 0.75 if far > 2.5 else 0.5
            pace[row] = share * top[row]
            speed = float(np.hypot(*bodies.velocity[row]))
            retreating = float(bodies.velocity[row] @ (puck.position - bodies.position[row])) < 0
            back[row] = owner_team not in (team, -1) and retreating and speed < 5.2 and name in ("LD", "RD", "C")
        _keeper_intention(game, team, seen, target, pace, back)
    _official_intentions(game, target, pace, back)
    for row in game.leaving:
        target[row] = door(game, int(game.team[row]))
        pace[row] = 0.75 * top[row]
    return target, pace, back


def _keeper_intention(
    game: Game, team: int, seen: tuple[float, float], target: FloatArray, pace: FloatArray, back: np.ndarray
) -> None:
    keeper = game.keepers[team]
    if keeper is None:
        return
    sign = game.sign(team)
    target[keeper] = np.array(tactics.keeper(seen, game.rink)) * sign
    pace[keeper] = 3.2
    back[keeper] = True
    near = float(np.hypot(seen[0] + game.rink.goal_line_x, seen[1]))
    shot = game.puck.owner is None and float(np.hypot(*game.puck.velocity)) > 12 and near < 9
    wish = 1.0 if shot and abs(seen[1]) < 6 else 0.0
    game.down[keeper] += (wish - game.down[keeper]) * (0.16 if wish else 0.025)


def _official_intentions(game: Game, target: FloatArray, pace: FloatArray, back: np.ndarray) -> None:
    rink, puck = game.rink, game.puck.position
    wide = rink.width_m / 2
    for k, row in enumerate(np.flatnonzero(game.team == 2)):
        side = 1.0 if k % 2 == 0 else -1.0
        if k < 2:
            lag = -5.5 if (k == 0) == (puck[0] > 0) else 4.0
            x = float(np.clip(puck[0] + lag, -rink.goal_line_x + 1, rink.goal_line_x - 1))
            y = side * (wide - 1.6)
        else:
            x = (1.0 if k == 2 else -1.0) * rink.zone_x + float(np.clip(puck[0] * 0.15, -2, 2))
            y = side * (wide - 1.2)
        if abs(puck[1] - y) < 3.0 and abs(puck[0] - x) < 4.0:
            y -= side * 2.6
        target[row] = (x + 0.7 * game.drift[row, 0], y + 0.4 * game.drift[row, 1])
        far = float(np.hypot(*(target[row] - game.bodies.position[row])))
        pace[row] = 5.8 if far > 5 else 3.6 if far > 1.5 else 1.6
        back[row] = float(np.hypot(*game.bodies.velocity[row])) < 3.2


def _dodge(game: Game, row: int, goal: FloatArray) -> FloatArray:
    """Bend the carrier's way around the opponents ahead."""
    bodies = game.bodies
    way = goal - bodies.position[row]
    way /= max(1e-6, float(np.hypot(*way)))
    bend = np.zeros(2)
    for other in game.slots[1 - int(game.team[row])].values():
        delta = bodies.position[other] - bodies.position[row]
        far = float(np.hypot(*delta))
        if far < 4.5 and delta @ way > 0:
            side = np.array([-way[1], way[0]])
            bend -= side * math.copysign(1.0, float(delta @ side)) * (4.5 - far) * 0.9
    return goal + bend * 1.6
