"""What happens to the puck: it is carried, passed, shot, lost, fought for, saved."""

from __future__ import annotations

import numpy as np

from videos.game import Game
from videos.puck import REACH_M


def play_puck(game: Game, dt: float) -> None:
    """Advance the puck by `dt` seconds, with what its carrier or whoever is near it decides."""
    puck, bodies = game.puck, game.bodies
    game.stolen_s = max(0.0, game.stolen_s - dt)
    if puck.owner is not None and (not bodies.on_ice[puck.owner] or puck.owner in game.leaving):
        puck.release(bodies.velocity[puck.owner] * 0.8)
    if puck.owner is None:
        puck.slide(game.rink, dt)
        _save(game)
        _pick_up(game)
        return
    row = puck.owner
    puck.carried(
        bodies.position[row],
        float(bodies.facing[row]),
        float(game.people[row].shoots),
        float(bodies.phase[row]),
        dt,
    )
    team = int(game.team[row])
    sign = game.sign(team)
    rivals = list(game.slots[1 - team].values())
    gaps = np.hypot(*(bodies.position[rivals] - puck.position).T) if rivals else np.array([9.0])
    pressure = float(gaps.min())
    roll = game.rng.random()
    to_goal = np.array([sign * game.rink.goal_line_x, 0.0]) - puck.position
    distance = float(np.hypot(*to_goal))
    in_front = sign * puck.position[0] < game.rink.goal_line_x - 1.0
    keeper = game.people[row].role == "goalkeeper"
    if pressure < 1.2 and puck.held_s > 0.35 and roll < 1.1 * dt and game.stolen_s == 0:
        puck.release(bodies.velocity[row] * 0.5 + game.rng.normal(0, 2.2, 2))
        game.stolen_s = 0.7
    elif (
        not keeper
        and in_front
        and distance < 11
        and puck.held_s > 0.5
        and roll < (0.9 if distance < 6.5 else 0.35) * dt
    ):
        spot = to_goal + np.array([0.0, game.rng.normal(0, 0.95)])
        puck.release(spot / np.hypot(*spot) * game.rng.uniform(18, 27))
    elif puck.held_s > 0.45 and roll < (2.4 if pressure < 2.2 or keeper else 0.5) * dt:
        _pass(game, row, team, sign)
    if game.rng.random() < 0.4 * dt:
        game.lane[row] = game.rng.uniform(-1, 1)


def _pass(game: Game, row: int, team: int, sign: float) -> None:
    """To the team mate who is freest and farthest up the ice; along the boards when nobody is."""
    bodies, puck = game.bodies, game.puck
    best, best_value = None, -1e9
    rivals = bodies.position[list(game.slots[1 - team].values())]
    for mate in game.slots[team].values():
        if mate == row or mate in game.leaving:
            continue
        spot = bodies.position[mate] + bodies.velocity[mate] * 0.5
        way = spot - puck.position
        far = float(np.hypot(*way))
        if far < 2.5 or far > 26:
            continue
        along = way / far
        rel = rivals - puck.position
        t = np.clip(rel @ along, 0, far)
        miss = float(np.hypot(*(rel - t[:, None] * along).T).min()) if len(rivals) else 5.0
        value = min(miss, 3.0) * 1.5 + 0.22 * sign * way[0] - 0.05 * far + game.rng.normal(0, 1.0)
        if value > best_value:
            best, best_value = mate, value
    if best is None:
        puck.release(np.array([sign * 14.0, game.rng.normal(0, 5)]))
        return
    spot = bodies.position[best] + bodies.velocity[best] * 0.55
    way = spot - puck.position
    far = float(np.hypot(*way))
    puck.release(way / far * float(np.clip(6 + far * 0.9, 9, 19)) + game.rng.normal(0, 0.5, 2))


def _pick_up(game: Game) -> None:
    puck, bodies = game.puck, game.bodies
    if puck.free_s < 0.22 or game.stolen_s > 0.35:
        return
    speed = float(np.hypot(*puck.velocity))
    if speed > 20:
        return
    rows = [r for t in (0, 1) for r in game.slots[t].values() if r not in game.leaving and bodies.on_ice[r]]
    if not rows:
        return
    blade = bodies.position[rows] + 0.5 * np.stack([np.cos(bodies.facing[rows]), np.sin(bodies.facing[rows])], 1)
    gaps = np.hypot(*(blade - puck.position).T)
    nearest = int(np.argmin(gaps))
    if gaps[nearest] < REACH_M:
        teams = {int(game.team[rows[i]]) for i in np.flatnonzero(gaps < 1.5)}
        if len(teams) == 2 and game.rng.random() < 0.97:
            gap_scramble = game.rng.normal(0, 1.2, 2)
            puck.velocity = puck.velocity * 0.9 + gap_scramble * 0.5
            return
        puck.taken_by(rows[nearest])


def _save(game: Game) -> None:
    """Shots at the goal stop at the goalkeeper and rebound towards a corner: it is a clean sheet."""
    puck = game.puck
    for team in (0, 1):
        sign = game.sign(team)
        x, y = -sign * puck.position[0], puck.position[1]
        line = game.rink.goal_line_x
        coming = -sign * puck.velocity[0]
        if coming > 2 and line - 1.4 < x < line + 0.3 and abs(y) < 1.5:
            side = 1.0 if game.rng.random() < 0.5 else -1.0
            puck.velocity = np.array([sign * game.rng.uniform(-2.5, 4.0), side * game.rng.uniform(5, 11)])
            puck.position = np.array([-sign * (line - 1.5), y])
