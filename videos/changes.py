"""Line changes: who leaves for the bench, climbs over the boards, and comes on instead."""

from __future__ import annotations

import math

import numpy as np

from videos.game import Game
from videos.motion import FloatArray
from videos.pose import Stance

CROSSING_S = 0.7
"""How long climbing over the boards takes."""


def door(game: Game, team: int) -> FloatArray:
    """Where a team's bench is entered, at the far boards."""
    return np.array([-3.2 if team == 0 else 3.2, game.rink.width_m / 2 - 0.5])


def change_lines(game: Game) -> None:
    """Begin the changes that are due, and bring those on their way a step further."""
    bodies = game.bodies
    for team in (0, 1):
        if game.clock < game.changes[team]:
            continue
        danger = game.sign(team) * game.puck.position[0] < -game.rink.zone_x
        if danger and game.clock < game.changes[team] + 5:
            continue
        fresh = [i for i, p in enumerate(game.people) if game.team[i] == team and p.role == "player"
                 and not bodies.on_ice[i] and i not in {row for _, row, _ in game.entering}]  # fmt: skip
        group = game.groups[team]
        for name in group:
            row = game.slots[team].get(name)
            if row is not None and fresh and row not in game.leaving and row != game.puck.owner:
                game.leaving[row] = name
                substitute = fresh.pop(int(game.rng.integers(len(fresh))))
                game.entering.append((math.inf, substitute, name))
        game.groups[team] = ["LD", "RD"] if "C" in group else ["LW", "C", "RW"]
        gap = game.plan.change_every_s if "C" not in group else (5.0, 9.0)
        game.changes[team] = game.clock + float(game.rng.uniform(*gap))
    for row in list(game.leaving):
        team = int(game.team[row])
        if float(np.hypot(*(bodies.position[row] - door(game, team)))) < 0.9:
            name = game.leaving.pop(row)
            bodies.on_ice[row] = False
            game.over[row] = (game.clock, float(bodies.position[row, 0]), 1.0)
            del game.slots[team][name]
            wait = game.clock + float(game.rng.uniform(0.75, 1.9))
            for k, (due, substitute, wanted) in enumerate(game.entering):
                if wanted == name and due == math.inf and game.team[substitute] == team:
                    game.entering[k] = (wait, substitute, name)
                    break
    for due, row, name in list(game.entering):
        way_on = door(game, int(game.team[row]))
        if row not in game.over and due - CROSSING_S <= game.clock < due:
            game.over[row] = (game.clock, float(way_on[0] + game.rng.normal(0, 0.5)), -1.0)
        if due > game.clock:
            continue
        game.entering.remove((due, row, name))
        x = game.over.pop(row)[1] if row in game.over else float(way_on[0])
        game.slots[int(game.team[row])][name] = row
        bodies.position[row] = (x, way_on[1])
        bodies.velocity[row] = (0.0, -1.2)
        bodies.facing[row] = -math.pi / 2
        bodies.on_ice[row] = True
    for row in [r for r, (since, _, way) in game.over.items() if way > 0 and game.clock > since + CROSSING_S]:
        del game.over[row]


def climbing(game: Game, row: int) -> Stance:
    """Somebody on their way over the boards."""
    since, x, way = game.over[row]
    done = min(1.0, max(0.0, (game.clock - since) / CROSSING_S))
    done = done if way > 0 else 1 - done
    y = game.rink.width_m / 2 - 0.5 + 1.3 * done
    facing = way * math.pi / 2
    return Stance(x=x, y=y, facing=facing, gaze=facing, phase=6.0 * done, effort=0.5, crouch=0.5,
                  lift=0.75 * math.sin(math.pi * min(1.0, done * 1.2)), raised=0.3)  # fmt: skip
