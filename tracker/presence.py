"""How many skaters of a team are on the ice: people come and go over the boards and the picture's border, nowhere else.

A track tells who is seen, and people are lost: behind others, in the crowd before the net, where two tracks cross. But
who vanishes in the middle of the ice is still there, and who appears there was there before. So the number that is
reported is the most likely one: it differs from the number seen where that costs less than a change of which no track
tells (a Viterbi path; Rabiner, Proc. IEEE 1989). What it costs is in the constants, in nats.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracker.movement import LONGEST_GAP_S
from tracker.rink import Rink

MISSED = 1.0
"""For each second in which somebody is on the ice and has no track there."""
TOO_MANY_SEEN = 3.0
"""For each second in which a track is on the ice and is nobody: two on one person, or a person of another team."""
TOO_MANY = 5.0
"""For each second and skater above five beside a goalkeeper: by the rules a team has no more than six on the ice."""
UNSEEN_CHANGE = 4.0
"""For a change that no track tells of."""
NEAR_BOARDS_M = 1.75
"""A track that begins or ends this near to the boards may have come or gone over them."""
TOLERANCE_S = 0.2
"""A change is told of by a track's beginning or end this near to it."""
SKATERS = 5
"""Of a team, beside its goalkeeper."""
_KEEPER_S = 1.0
"""A goalkeeper counts as there for this long before and after they are seen."""


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames that are covered, in order."""

    frame: NDArray[np.int64]
    """(F,) increasing."""
    time_s: NDArray[np.float64]
    """(F,)"""

    @staticmethod
    def of(frame: NDArray[np.integer], time_s: NDArray[np.float64]) -> "Frames":
        """Each frame of `(N,)` once; `time_s` `(N,)` are the frames' times."""
        if len(frame) and (frame[1:] >= frame[:-1]).all():  # as tables come from an association, with millions of rows
            first = np.flatnonzero(np.append(True, frame[1:] != frame[:-1]))
        else:
            first = np.unique(frame, return_index=True)[1]
        return Frames(frame[first].astype(np.int64), time_s[first].astype(np.float64))

    @property
    def second(self) -> NDArray[np.int64]:
        """(F,) which second of the match each lies in."""
        return np.floor(self.time_s).astype(np.int64)

    def covers(self, frame: pl.Series) -> pl.Series:
        """Which of the frames are covered."""
        wanted = frame.to_numpy()
        at = np.searchsorted(self.frame, wanted).clip(max=max(len(self.frame) - 1, 0))
        return pl.Series(self.frame[at] == wanted if len(self.frame) else np.zeros(len(wanted), bool))


def stretches(on_ice: pl.DataFrame, rink: Rink | None) -> pl.DataFrame:
    """From which frame to which each track of a team is on the ice, and whether it may have come or gone there.

    A track is there from the first to the last frame in which it stands inside the boards, but for gaps over 1 s and
    for when it stands outside: whom the detector misses for a moment has not left, but who climbs over the boards is
    not there yet, or no longer, and the one who goes off for them may have the same track.

    Args:
        on_ice: Whole tracks of a table of positions.
        rink: Its boards; None where they are not known, and people may come and go anywhere.

    Returns:
        team, role, first, last (frames), came, went (true: near the boards, at the picture's border, or place unknown).
    """
    people = on_ice.drop_nulls("team").sort("track_id", "time_s")
    inside, way_out = np.ones(people.height, np.bool_), np.ones(people.height, np.bool_)
    if rink is not None:
        xy = people.select("x_m", "y_m").to_numpy().astype(np.float64)
        unknown = ~np.isfinite(xy).all(axis=1)
        inside = unknown | rink.contains(xy)
        way_out = unknown | ~rink.contains(xy, -NEAR_BOARDS_M) | people["at_border"].fill_null(False).to_numpy()
    apart = pl.col("time_s").diff().over("track_id").fill_null(np.inf) > LONGEST_GAP_S
    return (
        people
        .with_columns(inside=pl.Series(inside, dtype=pl.Boolean), way_out=pl.Series(way_out, dtype=pl.Boolean))
        .with_columns(stretch=(apart | ~pl.col("inside").shift(fill_value=False)).cum_sum())
        .filter(pl.col("inside"))
        .group_by("stretch")
        .agg(
            pl.col("team", "role").first(), first=pl.col("frame").min(), last=pl.col("frame").max(),
            came=pl.col("way_out").first(), went=pl.col("way_out").last(),
        )
        .drop("stretch")
    )  # fmt: skip


def counted(present: pl.DataFrame, frames: Frames) -> dict[str, NDArray[np.int64]]:
    """How many skaters of each team are on the ice in each frame (F,), by its name; a team of which nobody is present
    at any time is not in it.

    Args:
        present: Of all tracks, by `stretches`.
        frames: Those that are covered.
    """
    return {
        str(team): _likely(rows.filter(role="player"), rows.filter(role="goalkeeper"), frames)
        for (team,), rows in present.group_by("team")
    }


def _likely(skaters: pl.DataFrame, keepers: pl.DataFrame, frames: Frames) -> NDArray[np.int64]:
    """The most likely number of skaters in each frame (F,)."""
    order, time_s = frames.frame, frames.time_s
    come, go = np.searchsorted(order, skaters["first"]), np.searchsorted(order, skaters["last"]) + 1
    seen = _depth(come, go, len(order))
    may_come = _around(time_s, come[skaters["came"].to_numpy()])
    may_go = _around(time_s, go[skaters["went"].to_numpy()])
    first, last = (np.searchsorted(order, keepers[end]) for end in ("first", "last"))
    keeper = _depth(
        np.searchsorted(time_s, time_s[first] - _KEEPER_S),
        np.searchsorted(time_s, time_s[last] + _KEEPER_S, side="right"), len(order),
    ) > 0  # fmt: skip
    gap = np.diff(time_s, prepend=time_s[:1]) > LONGEST_GAP_S
    same = (np.diff(seen) == 0) & ~gap[1:]
    for flag in (may_come, may_go, keeper):
        same &= flag[1:] == flag[:-1]
    begin = np.flatnonzero(np.append(True, ~same))  # of parts in which nothing changes, so that the number does not
    lasts = np.diff(np.append(begin, len(order))) * float(np.median(np.diff(time_s)) if len(time_s) > 1 else 0.0)
    states = np.arange(int(seen.max(initial=0)) + 2)
    away = states[None, :] - seen[begin, None]
    cost = np.where(away > 0, MISSED * away, -TOO_MANY_SEEN * away)
    cost = cost + TOO_MANY * np.where(keeper[begin, None], states[None, :] - SKATERS, 0).clip(0)
    may_change = [np.zeros(len(begin), np.bool_) | gap[begin] for _ in range(2)]
    for change, flag in zip(may_change, (may_come, may_go), strict=True):
        change |= flag[begin]
        change[1:] |= flag[begin[:-1]]  # at the end of the part before
    path = _cheapest(cost * lasts[:, None], *(np.where(change, 0.0, UNSEEN_CHANGE) for change in may_change))
    return np.repeat(path, np.diff(np.append(begin, len(order))))


def _cheapest(
    cost: NDArray[np.float64], up: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.int64]:  # fmt: skip
    """The path (P,) through states of `cost` (P, S) that costs least; `up`, `down` (P,): of a step into a part."""
    parts, states = cost.shape
    origin = np.zeros((parts, states), np.int64)
    total = cost[0]
    for part in range(1, parts):
        best, source = total.tolist(), list(range(states))
        for state in range(1, states):
            if best[state - 1] + up[part] < best[state]:
                best[state], source[state] = best[state - 1] + float(up[part]), source[state - 1]
        for state in range(states - 2, -1, -1):
            if best[state + 1] + down[part] < best[state]:
                best[state], source[state] = best[state + 1] + float(down[part]), source[state + 1]
        origin[part] = source
        total = np.array(best) + cost[part]
    path = np.empty(parts, np.int64)
    path[-1] = total.argmin()
    for part in range(parts - 1, 0, -1):
        path[part - 1] = origin[part, path[part]]
    return path


def _depth(begin: NDArray[np.integer], end: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """How many of the intervals `[begin, end)` lie over each of `count` places."""
    steps = np.bincount(begin, minlength=count + 1) - np.bincount(end, minlength=count + 1)
    return np.cumsum(steps)[:count]


def _around(time_s: NDArray[np.float64], at: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which frames (F,) lie near those at `at`, which may lie one behind the last."""
    when = time_s[np.minimum(at, len(time_s) - 1)]
    begin = np.searchsorted(time_s, when - TOLERANCE_S)
    end = np.searchsorted(time_s, when + TOLERANCE_S, side="right")
    return _depth(begin, end, len(time_s)) > 0
