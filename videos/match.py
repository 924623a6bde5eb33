"""A match as it goes: one `Moment` a frame.

A pure function of roster, rink and plan: `Match(...).moments(fps)` gives the same moments each time one is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tracker.rink import Rink
from videos.changes import change_lines, climbing
from videos.game import Game, MatchPlan
from videos.intentions import intentions
from videos.motion import advance
from videos.pose import Stance
from videos.possession import play_puck
from videos.roster import REFEREE, Person, Roster


@dataclass(frozen=True)
class Moment:
    """Everybody on the ice at one frame."""

    frame: int
    time_s: float
    people: tuple[tuple[Person, Stance], ...]
    puck: tuple[float, float]
    carrier: int | None
    """Player id of who has the puck."""
    crossing: tuple[tuple[Person, Stance], ...] = ()
    """Who is just climbing over the boards; no longer, or not yet, on the ice."""


class Match:
    """The course of one match; read it once, through `moments`."""

    def __init__(self, roster: Roster, rink: Rink, plan: MatchPlan) -> None:
        self.game = Game(roster, rink, plan)

    def moments(self, fps: float) -> Iterator[Moment]:
        """The moments of the match at `fps`, without end."""
        steps = max(1, math.ceil(1 / fps / self.game.plan.step_s - 1e-9))
        dt = 1 / fps / steps
        while self.game.clock < -1e-9:
            self._step(min(self.game.plan.step_s, -self.game.clock))
        frame = 0
        while True:
            yield self._moment(frame, frame / fps)
            for _ in range(steps):
                self._step(dt)
            frame += 1

    def _step(self, dt: float) -> None:
        game = self.game
        game.clock += dt
        change_lines(game)
        play_puck(game, dt)
        game.drift += -game.drift * dt / 2.2 + game.rng.normal(0, 1.15 * math.sqrt(dt), game.drift.shape)
        target, pace, back = intentions(game)
        look = np.broadcast_to(game.puck.position, target.shape)
        advance(game.bodies, game.rink, target, pace, look, back, dt)

    def _moment(self, frame: int, time_s: float) -> Moment:
        game = self.game
        people = tuple((game.people[i], self._stance(i)) for i in np.flatnonzero(game.bodies.on_ice))
        owner = game.puck.owner
        return Moment(frame, time_s, people, (float(game.puck.position[0]), float(game.puck.position[1])),
                      None if owner is None else game.people[owner].player_id,
                      tuple((game.people[i], climbing(game, i)) for i in game.over))  # fmt: skip

    def _stance(self, row: int) -> Stance:
        game = self.game
        bodies, person = game.bodies, game.people[row]
        x, y = (float(v) for v in bodies.position[row])
        vx, vy = (float(v) for v in bodies.velocity[row])
        facing = float(bodies.facing[row])
        speed = math.hypot(vx, vy)
        to_puck = math.atan2(game.puck.position[1] - y, game.puck.position[0] - x)
        turn = (to_puck - facing + math.pi) % (2 * math.pi) - math.pi
        effort = float(bodies.effort[row])
        near = math.hypot(game.puck.position[0] - x, game.puck.position[1] - y)
        if person.role == REFEREE:
            crouch = 0.08 + 0.25 * effort
        elif person.role == "goalkeeper":
            crouch = 0.9 if near < 18 else 0.3
        else:
            crouch = min(1.0, 0.22 + 0.38 * effort + 0.05 * min(speed, 6) + (0.15 if near < 4 else 0.0))
        return Stance(
            x=x, y=y, facing=facing, vx=vx, vy=vy,
            ax=float(bodies.acceleration[row, 0]), ay=float(bodies.acceleration[row, 1]),
            phase=float(bodies.phase[row]), effort=effort, gaze=facing + max(-1.1, min(1.1, turn)), crouch=crouch,
            butterfly=float(game.down[row]), one_hand=effort > 0.55 and speed > 3.5 and near > 3.0,
            reach=max(-1.0, min(1.0, turn * person.shoots * 0.9)) if near < 5 else 0.5,
        )  # fmt: skip
