"""The state of a match: what is decided beforehand, who is where, who plays which position."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tracker.rink import Rink
from videos import tactics
from videos.motion import Bodies
from videos.puck import Puck
from videos.roster import Roster

WARM_UP_S = 6.0
"""Played before the first frame, so that nobody stands in line for a face-off."""


@dataclass(frozen=True)
class MatchPlan:
    """What is decided before the first face-off."""

    seed: int
    skaters: int = 5
    """On the ice, of each team."""
    first_change_s: tuple[float, float] = (7.0, 16.0)
    """When each team's first line change begins (earliest, latest)."""
    change_every_s: tuple[float, float] = (22.0, 34.0)
    step_s: float = 1 / 60
    """The longest step of the simulation."""
    penalty: tuple[int, float] | None = None
    """(team 0 or 1, seconds): that team plays one skater short until then."""


class Game:
    """Everything that changes while a match is played; rows are those of the roster."""

    def __init__(self, roster: Roster, rink: Rink, plan: MatchPlan) -> None:
        self.roster, self.rink, self.plan = roster, rink, plan
        self.rng = np.random.default_rng([plan.seed, 11])
        self.people = roster.people
        count = len(self.people)
        self.bodies = Bodies.standing(count)
        self.puck = Puck()
        self.drift = np.zeros((count, 2))
        self.lane = self.rng.uniform(-1, 1, count)
        self.team = np.array([roster.teams.index(p.team) if p.team in roster.teams else 2 for p in self.people])
        keepers = [i for i, p in enumerate(self.people) if p.role == "goalkeeper"]
        self.keepers = [next((i for i in keepers if self.team[i] == t), None) for t in (0, 1)]
        self.slots: list[dict[str, int]] = [{}, {}]
        """For each team: which row plays which position."""
        self.leaving: dict[int, str] = {}
        self.entering: list[tuple[float, int, str]] = []
        self.over: dict[int, tuple[float, float, float]] = {}
        """Rows that climb over the boards: when they began, where (x), 1 off the ice or -1 onto it."""
        self.clock = -WARM_UP_S
        self.changes = [self.rng.uniform(*plan.first_change_s) for _ in (0, 1)]
        self.groups = [["LW", "C", "RW"], ["LW", "C", "RW"]]
        self.stolen_s = 0.0
        self.down = np.zeros(count)
        self._line_up()

    def _line_up(self) -> None:
        """Everybody to the first face-off."""
        for team in (0, 1):
            lines = [i for i, p in enumerate(self.people) if self.team[i] == team and p.role == "player"]
            names = ("C", "LW", "RW", "LD", "RD")[: self.plan.skaters]
            short = self.plan.penalty is not None and self.plan.penalty[0] == team
            for k, name in enumerate(names[: -1 if short else None]):
                if k < len(lines):
                    self.slots[team][name] = lines[k]
            if short and self.plan.penalty is not None and len(lines) >= len(names):
                self.entering.append((self.plan.penalty[1], lines[len(names) - 1], names[-1]))
            for name, row in self.slots[team].items():
                x, y = tactics.without_puck(name, (1.0, 0.0), self.rink)
                self._place(row, team, min(x, -1.2), y)
            keeper = self.keepers[team]
            if keeper is not None:
                self._place(keeper, team, -self.rink.goal_line_x + 1.0, 0.0)
        for k, row in enumerate(np.flatnonzero(self.team == 2)):
            self._place(int(row), 0, (-4.0, 4.0, 0.5, -0.5)[k % 4], (0.36, -0.36, 0.4, -0.4)[k % 4] * self.rink.width_m)
        self.puck.velocity = self.rng.normal(0, 3.0, 2)

    def _place(self, row: int, team: int, x: float, y: float) -> None:
        sign = self.sign(team)
        self.bodies.position[row] = (sign * x, sign * y)
        self.bodies.facing[row] = 0.0 if sign > 0 else math.pi
        self.bodies.phase[row] = self.rng.uniform(0, 2 * np.pi)
        self.bodies.on_ice[row] = True

    @staticmethod
    def sign(team: int) -> float:
        """The first team attacks the right goal (+x), the second the left one."""
        return 1.0 if team == 0 else -1.0
