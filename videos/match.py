"""A match as it goes: who is on the ice, who has the puck, line changes; one `Moment` a frame.

A pure function of roster, rink and seed: `Match(...).moments(fps)` yields the same moments whenever it is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tracker.rink import Rink
from videos import tactics
from videos.motion import Bodies, FloatArray, advance
from videos.pose import Stance
from videos.puck import REACH_M, Puck
from videos.roster import REFEREE, Person, Roster

WARM_UP_S = 6.0
CROSSING_S = 0.7
"""How long climbing over the boards takes."""


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


class Match:
    """The course of one match. Mutable inside; read it through `moments`."""

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
        sign = self._sign(team)
        self.bodies.position[row] = (sign * x, sign * y)
        self.bodies.facing[row] = 0.0 if sign > 0 else math.pi
        self.bodies.phase[row] = self.rng.uniform(0, 2 * np.pi)
        self.bodies.on_ice[row] = True

    @staticmethod
    def _sign(team: int) -> float:
        """The first team attacks the right goal (+x), the second the left one."""
        return 1.0 if team == 0 else -1.0

    def moments(self, fps: float) -> Iterator[Moment]:
        """The moments of the match at `fps`, without end."""
        steps = max(1, math.ceil(1 / fps / self.plan.step_s - 1e-9))
        dt = 1 / fps / steps
        while self.clock < -1e-9:
            self._step(min(self.plan.step_s, -self.clock))
        frame = 0
        while True:
            yield self._moment(frame, frame / fps)
            for _ in range(steps):
                self._step(dt)
            frame += 1

    def _step(self, dt: float) -> None:
        self.clock += dt
        self._change_lines()
        self._play_puck(dt)
        self.drift += -self.drift * dt / 2.2 + self.rng.normal(0, 1.15 * math.sqrt(dt), self.drift.shape)
        target, pace, back = self._intentions()
        look = np.broadcast_to(self.puck.position, target.shape)
        advance(self.bodies, self.rink, target, pace, look, back, dt)

    # -- who goes where -------------------------------------------------------------------------------------------

    def _intentions(self) -> tuple[FloatArray, FloatArray, np.ndarray]:
        bodies, puck, rink = self.bodies, self.puck, self.rink
        count = len(self.people)
        target = bodies.position.copy()
        top = np.array([p.top_speed_mps for p in self.people])
        pace = np.zeros(count)
        back = np.zeros(count, bool)
        owner_team = int(self.team[puck.owner]) if puck.owner is not None else -1
        aim = puck.position + puck.velocity * 0.45
        for team in (0, 1):
            sign = self._sign(team)
            seen = (float(sign * puck.position[0]), float(sign * puck.position[1]))
            rows = [row for row in self.slots[team].values() if row not in self.leaving]
            reach = np.hypot(*(bodies.position[rows] + 0.35 * bodies.velocity[rows] - aim).T) if rows else np.zeros(0)
            order = [rows[i] for i in np.argsort(reach)]
            for name, row in self.slots[team].items():
                if row in self.leaving:
                    continue
                at = (float(sign * bodies.position[row, 0]), float(sign * bodies.position[row, 1]))
                if row == puck.owner:
                    spot = tactics.carrying(name, at, float(self.lane[row]), rink)
                    pace[row] = 0.96 * top[row]
                    target[row] = self._dodge(row, np.array(spot) * sign)
                    continue
                spot = (
                    tactics.with_puck(name, seen, rink)
                    if owner_team == team
                    else tactics.without_puck(name, seen, rink)
                )
                chase = order.index(row)
                goal = np.array(spot) * sign + self.drift[row] * 1.3
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
            self._keeper_intention(team, seen, target, pace, back)
        self._official_intentions(target, pace, back)
        for row in self.leaving:
            target[row] = self._door(int(self.team[row]))
            pace[row] = 0.75 * top[row]
        return target, pace, back

    def _keeper_intention(
        self, team: int, seen: tuple[float, float], target: FloatArray, pace: FloatArray, back: np.ndarray
    ) -> None:
        keeper = self.keepers[team]
        if keeper is None:
            return
        sign = self._sign(team)
        target[keeper] = np.array(tactics.keeper(seen, self.rink)) * sign
        pace[keeper] = 3.2
        back[keeper] = True
        near = float(np.hypot(seen[0] + self.rink.goal_line_x, seen[1]))
        shot = self.puck.owner is None and float(np.hypot(*self.puck.velocity)) > 12 and near < 9
        wish = 1.0 if shot and abs(seen[1]) < 6 else 0.0
        self.down[keeper] += (wish - self.down[keeper]) * (0.16 if wish else 0.025)

    def _official_intentions(self, target: FloatArray, pace: FloatArray, back: np.ndarray) -> None:
        rink, puck = self.rink, self.puck.position
        wide = rink.width_m / 2
        for k, row in enumerate(np.flatnonzero(self.team == 2)):
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
            target[row] = (x + 0.7 * self.drift[row, 0], y + 0.4 * self.drift[row, 1])
            far = float(np.hypot(*(target[row] - self.bodies.position[row])))
            pace[row] = 5.8 if far > 5 else 3.6 if far > 1.5 else 1.6
            back[row] = float(np.hypot(*self.bodies.velocity[row])) < 3.2

    def _dodge(self, row: int, goal: FloatArray) -> FloatArray:
        """Bend the carrier's way around the opponents ahead."""
        bodies = self.bodies
        way = goal - bodies.position[row]
        way /= max(1e-6, float(np.hypot(*way)))
        bend = np.zeros(2)
        for other in self.slots[1 - int(self.team[row])].values():
            delta = bodies.position[other] - bodies.position[row]
            far = float(np.hypot(*delta))
            if far < 4.5 and delta @ way > 0:
                side = np.array([-way[1], way[0]])
                bend -= side * math.copysign(1.0, float(delta @ side)) * (4.5 - far) * 0.9
        return goal + bend * 1.6

    # -- the puck -------------------------------------------------------------------------------------------------

    def _play_puck(self, dt: float) -> None:
        puck, bodies = self.puck, self.bodies
        self.stolen_s = max(0.0, self.stolen_s - dt)
        if puck.owner is not None and (not bodies.on_ice[puck.owner] or puck.owner in self.leaving):
            puck.release(bodies.velocity[puck.owner] * 0.8)
        if puck.owner is None:
            puck.slide(self.rink, dt)
            self._save()
            self._pick_up()
            return
        row = puck.owner
        puck.carried(
            bodies.position[row],
            float(bodies.facing[row]),
            float(self.people[row].shoots),
            float(bodies.phase[row]),
            dt,
        )
        team = int(self.team[row])
        sign = self._sign(team)
        rivals = list(self.slots[1 - team].values())
        gaps = np.hypot(*(bodies.position[rivals] - puck.position).T) if rivals else np.array([9.0])
        pressure = float(gaps.min())
        roll = self.rng.random()
        to_goal = np.array([sign * self.rink.goal_line_x, 0.0]) - puck.position
        distance = float(np.hypot(*to_goal))
        in_front = sign * puck.position[0] < self.rink.goal_line_x - 1.0
        keeper = self.people[row].role == "goalkeeper"
        if pressure < 1.2 and puck.held_s > 0.35 and roll < 1.1 * dt and self.stolen_s == 0:
            puck.release(bodies.velocity[row] * 0.5 + self.rng.normal(0, 2.2, 2))
            self.stolen_s = 0.7
        elif (
            not keeper
            and in_front
            and distance < 11
            and puck.held_s > 0.5
            and roll < (0.9 if distance < 6.5 else 0.35) * dt
        ):
            spot = to_goal + np.array([0.0, self.rng.normal(0, 0.95)])
            puck.release(spot / np.hypot(*spot) * self.rng.uniform(18, 27))
        elif puck.held_s > 0.45 and roll < (2.4 if pressure < 2.2 or keeper else 0.5) * dt:
            self._pass(row, team, sign)
        if self.rng.random() < 0.4 * dt:
            self.lane[row] = self.rng.uniform(-1, 1)

    def _pass(self, row: int, team: int, sign: float) -> None:
        """To the team mate who is freest and farthest up the ice; along the boards when nobody is."""
        bodies, puck = self.bodies, self.puck
        best, best_value = None, -1e9
        rivals = bodies.position[list(self.slots[1 - team].values())]
        for mate in self.slots[team].values():
            if mate == row or mate in self.leaving:
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
            value = min(miss, 3.0) * 1.5 + 0.22 * sign * way[0] - 0.05 * far + self.rng.normal(0, 1.0)
            if value > best_value:
                best, best_value = mate, value
        if best is None:
            puck.release(np.array([sign * 14.0, self.rng.normal(0, 5)]))
            return
        spot = bodies.position[best] + bodies.velocity[best] * 0.55
        way = spot - puck.position
        far = float(np.hypot(*way))
        puck.release(way / far * float(np.clip(6 + far * 0.9, 9, 19)) + self.rng.normal(0, 0.5, 2))

    def _pick_up(self) -> None:
        puck, bodies = self.puck, self.bodies
        if puck.free_s < 0.22 or self.stolen_s > 0.35:
            return
        speed = float(np.hypot(*puck.velocity))
        if speed > 20:
            return
        rows = [r for t in (0, 1) for r in self.slots[t].values() if r not in self.leaving and bodies.on_ice[r]]
        if not rows:
            return
        blade = bodies.position[rows] + 0.5 * np.stack([np.cos(bodies.facing[rows]), np.sin(bodies.facing[rows])], 1)
        gaps = np.hypot(*(blade - puck.position).T)
        nearest = int(np.argmin(gaps))
        if gaps[nearest] < REACH_M:
            teams = {int(self.team[rows[i]]) for i in np.flatnonzero(gaps < 1.5)}
            if len(teams) == 2 and self.rng.random() < 0.97:
                gap_scramble = self.rng.normal(0, 1.2, 2)
                puck.velocity = puck.velocity * 0.9 + gap_scramble * 0.5
                return
            puck.taken_by(rows[nearest])

    def _save(self) -> None:
        """Shots at the goal stop at the goalkeeper and rebound towards a corner: it is a clean sheet."""
        puck = self.puck
        for team in (0, 1):
            sign = self._sign(team)
            x, y = -sign * puck.position[0], puck.position[1]
            line = self.rink.goal_line_x
            coming = -sign * puck.velocity[0]
            if coming > 2 and line - 1.4 < x < line + 0.3 and abs(y) < 1.5:
                side = 1.0 if self.rng.random() < 0.5 else -1.0
                puck.velocity = np.array([sign * self.rng.uniform(-2.5, 4.0), side * self.rng.uniform(5, 11)])
                puck.position = np.array([-sign * (line - 1.5), y])

    # -- line changes ---------------------------------------------------------------------------------------------

    def _door(self, team: int) -> FloatArray:
        """Where a team's bench is entered, at the far boards."""
        return np.array([-3.2 if team == 0 else 3.2, self.rink.width_m / 2 - 0.5])

    def _change_lines(self) -> None:
        bodies = self.bodies
        for team in (0, 1):
            if self.clock < self.changes[team]:
                continue
            danger = self._sign(team) * self.puck.position[0] < -self.rink.zone_x
            if danger and self.clock < self.changes[team] + 5:
                continue
            fresh = [i for i, p in enumerate(self.people) if self.team[i] == team and p.role == "player"
                     and not bodies.on_ice[i] and i not in {row for _, row, _ in self.entering}]  # fmt: skip
            group = self.groups[team]
            for name in group:
                row = self.slots[team].get(name)
                if row is not None and fresh and row not in self.leaving and row != self.puck.owner:
                    self.leaving[row] = name
                    substitute = fresh.pop(int(self.rng.integers(len(fresh))))
                    self.entering.append((math.inf, substitute, name))
            self.groups[team] = ["LD", "RD"] if "C" in group else ["LW", "C", "RW"]
            gap = self.plan.change_every_s if "C" not in group else (5.0, 9.0)
            self.changes[team] = self.clock + float(self.rng.uniform(*gap))
        for row in list(self.leaving):
            team = int(self.team[row])
            if float(np.hypot(*(bodies.position[row] - self._door(team)))) < 0.9:
                name = self.leaving.pop(row)
                bodies.on_ice[row] = False
                self.over[row] = (self.clock, float(bodies.position[row, 0]), 1.0)
                del self.slots[team][name]
                wait = self.clock + float(self.rng.uniform(0.75, 1.9))
                for k, (due, substitute, wanted) in enumerate(self.entering):
                    if wanted == name and due == math.inf and self.team[substitute] == team:
                        self.entering[k] = (wait, substitute, name)
                        break
        for due, row, name in list(self.entering):
            door = self._door(int(self.team[row]))
            if row not in self.over and due - CROSSING_S <= self.clock < due:
                self.over[row] = (self.clock, float(door[0] + self.rng.normal(0, 0.5)), -1.0)
            if due > self.clock:
                continue
            self.entering.remove((due, row, name))
            x = self.over.pop(row)[1] if row in self.over else float(door[0])
            self.slots[int(self.team[row])][name] = row
            bodies.position[row] = (x, door[1])
            bodies.velocity[row] = (0.0, -1.2)
            bodies.facing[row] = -math.pi / 2
            bodies.on_ice[row] = True
        for row in [r for r, (since, _, way) in self.over.items() if way > 0 and self.clock > since + CROSSING_S]:
            del self.over[row]

    def _climbing(self, row: int) -> Stance:
        """Somebody on their way over the boards."""
        since, x, way = self.over[row]
        done = min(1.0, max(0.0, (self.clock - since) / CROSSING_S))
        done = done if way > 0 else 1 - done
        y = self.rink.width_m / 2 - 0.5 + 1.3 * done
        facing = way * math.pi / 2
        return Stance(x=x, y=y, facing=facing, gaze=facing, phase=6.0 * done, effort=0.5, crouch=0.5,
                      lift=0.75 * math.sin(math.pi * min(1.0, done * 1.2)), raised=0.3)  # fmt: skip

    # -- what is seen ---------------------------------------------------------------------------------------------

    def _moment(self, frame: int, time_s: float) -> Moment:
        people = tuple((self.people[i], self._stance(i)) for i in np.flatnonzero(self.bodies.on_ice))
        owner = self.puck.owner
        return Moment(frame, time_s, people, (float(self.puck.position[0]), float(self.puck.position[1])),
                      None if owner is None else self.people[owner].player_id,
                      tuple((self.people[i], self._climbing(i)) for i in self.over))  # fmt: skip

    def _stance(self, row: int) -> Stance:
        bodies, person = self.bodies, self.people[row]
        x, y = (float(v) for v in bodies.position[row])
        vx, vy = (float(v) for v in bodies.velocity[row])
        facing = float(bodies.facing[row])
        speed = math.hypot(vx, vy)
        to_puck = math.atan2(self.puck.position[1] - y, self.puck.position[0] - x)
        turn = (to_puck - facing + math.pi) % (2 * math.pi) - math.pi
        effort = float(bodies.effort[row])
        near = math.hypot(self.puck.position[0] - x, self.puck.position[1] - y)
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
            butterfly=float(self.down[row]), one_hand=effort > 0.55 and speed > 3.5 and near > 3.0,
            reach=max(-1.0, min(1.0, turn * person.shoots * 0.9)) if near < 5 else 0.5,
        )  # fmt: skip
