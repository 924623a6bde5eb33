"""The table of positions: where everybody is on the ice, frame by frame, smoothed; all statistics come from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracker import pieces
from tracker.movement import FASTEST_MPS, LONGEST_GAP_S
from tracker.roles import Seen, roles
from tracker.skated import skated
from tracker.skates import Boxes, Crowd, skate_points
from tracker.smoothing import breaks
from tracker.words import Metres

Array = NDArray[np.float64]

JITTER_OF_HEIGHT = 0.03
"""Standard deviation of a box's lower edge, as a share of the box's height: how far it is from the skates goes with how
tall somebody looks."""
JITTER_OF_SIDE = 1.75 / 1280
"""Standard deviation of a box's middle sideways, as a share of the picture's longer side: a pixel of what the detector
looks at, however near people are. It is off by 1.1 to 1.5 of 1280 pixels, and by much the same a moment later: as if
every frame's error were its own, and larger."""
NEARER_SKATE_M = 0.20
"""A box ends at the blade that is nearer to the camera; the body stands this much further away."""
BORDER_PX = 2.0
"""A box this near to the picture's border is cut off by it."""
HARDEST_MPS2, SPARED_MPS = 8.0, 1.0
"""What nobody is taken to brake harder than on skates, and by how much a speed may be over what that allows."""
AROUND_S = 20.0
"""Places are smoothed as if there were nothing farther away in time."""
FILLED_IN = 3.0
"""How many times less sure a box is that was filled in between two detections."""


class Tracks(Boxes, Seen, Protocol):
    """What this stage needs of `tracker.association`'s tracks: arrays with one element per frame and track."""


@dataclass(frozen=True, eq=False)
class _Some:
    """A few of the tracks."""

    frame: NDArray[np.int64]
    time_s: NDArray[np.float64]
    track_id: NDArray[np.int64]
    xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]
    observed: NDArray[np.bool_]

    @classmethod
    def of(cls, tracks: Tracks, rows: NDArray[np.integer]) -> "_Some":
        return cls(
            np.asarray(tracks.frame[rows], np.int64), np.asarray(tracks.time_s[rows], np.float64),
            np.asarray(tracks.track_id[rows], np.int64), tracks.xyxy[rows], tracks.confidence[rows],
            np.asarray(tracks.class_id[rows], np.int64), np.asarray(tracks.observed[rows], np.bool_),
        )  # fmt: skip


class Ground(Protocol):
    """What takes pixels on the ice to metres: a `Calibration` or a `Scale`."""

    @property
    def metres(self) -> Metres: ...

    def to_rink(self, points_px: Array, frames: NDArray[np.int64] | None = None) -> Array:
        """Pixels `(N, 2)` seen in `frames` `(N,)` to metres `(N, 2)`; NaN where that is not known."""
        ...


def feet(xyxy: NDArray[np.floating]) -> Array:
    """Where people stand: the middle of the lower edge of their boxes; `(N, 4)` to `(N, 2)` pixels."""
    boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)


def positions(
    tracks: Tracks, teams: Mapping[int, str], ground: Ground | None, track_roles: Mapping[int, str] | None = None, *,
    frame_size: tuple[int, int],
) -> pl.DataFrame:  # fmt: skip
    """The table of positions, sorted by frame and track, as the tracks of an association are.

    It has the columns of `tracker.tables.POSITIONS` in narrower types, since a match has millions of rows and few words
    in them.

    Args:
        tracks: boxes, filled-in ones included.
        teams: team by track; a track without one has none in the table.
        ground: pixels to metres; None leaves `x_m` and `y_m` empty.
        track_roles: role by track; by default `roles(tracks, teams)`.
        frame_size: width and height of the picture in pixels.
    """
    known_roles = roles(tracks, teams) if track_roles is None else track_roles
    aside_px = JITTER_OF_SIDE * max(frame_size)
    x, y = (np.full(len(tracks.frame), np.nan) for _ in range(2))
    if ground is not None:
        _smooth_into(x, y, tracks, ground, aside_px)
    ids, row_of = pieces.numbered(tracks.track_id)
    words = pl.DataFrame(
        {"team": [teams.get(track) for track in ids.tolist()],
         "role": [known_roles.get(track, "player") for track in ids.tolist()]},
        schema={"team": pl.Categorical, "role": pl.Categorical},
    )[row_of]  # fmt: skip
    table = pl.DataFrame({
        "frame": np.asarray(tracks.frame, np.int32),
        "time_s": np.asarray(tracks.time_s, np.float64),
        "track_id": np.asarray(tracks.track_id, np.int32),
        "team": words["team"],
        "role": words["role"],
        "observed": np.asarray(tracks.observed, np.bool_),
        "at_border": np.concatenate([
            at_border(tracks.xyxy[part], frame_size) for part in pieces.slices(len(tracks.frame))
        ] or [np.zeros(0, np.bool_)]),
    })  # fmt: skip
    del words, row_of
    # One after the other, so that no more than one is there twice.
    table.insert_column(5, pl.Series("x_m", x, nan_to_null=True))
    del x
    table.insert_column(6, pl.Series("y_m", y, nan_to_null=True))
    del y
    in_order = _sorted(table["frame"].to_numpy(), table["track_id"].to_numpy())
    return table if in_order else table.sort("frame", "track_id")


def _sorted(frame: NDArray[np.integer], track_id: NDArray[np.integer]) -> bool:
    """Whether rows `(N,)` are sorted by frame, then by track."""
    later = frame[1:] > frame[:-1]
    return bool((later | ((frame[1:] == frame[:-1]) & (track_id[1:] >= track_id[:-1]))).all())


def at_border(xyxy: NDArray[np.floating], frame_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which boxes (N, 4) the border of the picture cuts off, or is no farther from to the side than they are wide: who
    skates into the picture is found a moment later."""
    room = np.stack([xyxy[:, 2] - xyxy[:, 0], np.zeros(len(xyxy), xyxy.dtype)], axis=1) + BORDER_PX
    near = (xyxy[:, :2] <= room) | (xyxy[:, 2:] >= np.array(frame_size) - room)
    return np.asarray(near.any(axis=1), np.bool_)


def _spread(
    ground: Ground, points_px: Array, heights_px: Array, aside_px: float, place: Array, frames: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Where one standard deviation of a box's jitter leads on the ice, to the right and upwards: metres `(N, 2)` each.

    From a low camera a pixel up or down is a long way on the far side of the ice: without this, people there dance.
    """
    none = np.zeros_like(heights_px)
    aside = ground.to_rink(points_px + np.array([aside_px, 0.0]), frames) - place
    ahead = ground.to_rink(points_px - np.stack([none, JITTER_OF_HEIGHT * heights_px], axis=1), frames) - place
    return aside, ahead


def _away(ground: Ground, points_px: Array, place: Array, frames: NDArray[np.int64]) -> Array:
    """Unit vectors `(N, 2)` on the ice, away from the camera: where the pixel above lies."""
    ahead = ground.to_rink(points_px - (0.0, 1.0), frames) - place
    length = np.linalg.norm(ahead, axis=1, keepdims=True)
    return np.nan_to_num(ahead / np.where(length > 0, length, 1.0))


def _smooth_into(x: Array, y: Array, tracks: Tracks, ground: Ground, aside_px: float) -> None:
    """Put places in metres into `x`, `y` `(N,)`, a few tracks or a part of a long one at a time: a long match does not
    fit into memory ten times over."""
    crowd = Crowd(tracks.frame, tracks.xyxy)
    for rows in pieces.by_track(tracks.track_id, tracks.time_s):
        for part, wide in _parts(tracks, rows):
            path = _smoothed(_Some.of(tracks, rows[wide]), ground, crowd, aside_px)
            x[rows[part]], y[rows[part]] = path[part.start - wide.start : part.stop - wide.start].T


def _parts(tracks: Tracks, rows: NDArray[np.integer]) -> Iterator[tuple[slice, slice]]:
    """What is smoothed of a piece `rows` `(K,)` at once, and what is looked at for that: a track that is longer than a
    piece is gone through in parts that overlap."""
    if tracks.track_id[rows[0]] != tracks.track_id[rows[-1]]:
        yield slice(0, len(rows)), slice(0, len(rows))
        return
    time_s = tracks.time_s[rows]
    for part in pieces.by_frame(tracks.frame[rows]):
        yield part, pieces.widened(part, time_s, AROUND_S)


def _smoothed(tracks: Tracks, ground: Ground, crowd: Crowd, aside_px: float) -> Array:
    frames = tracks.frame
    points, heights = skate_points(tracks, crowd)
    place = ground.to_rink(points, frames)
    less_sure = np.where(tracks.observed, 1.0, FILLED_IN)[:, None]
    aside, ahead = (less_sure * way for way in _spread(ground, points, heights, aside_px, place, frames))
    sigma = np.clip(np.nan_to_num(np.hypot(aside, ahead), nan=5.0), 0.02, 5.0)
    place = place + NEARER_SKATE_M * _away(ground, points, place, frames)
    result = np.full_like(place, np.nan)
    order = np.lexsort((tracks.time_s, tracks.track_id))
    starts = np.flatnonzero(np.diff(tracks.track_id[order], prepend=-1))
    for rows in np.split(order, starts[1:] if len(starts) else []):
        if len(rows) == 0:
            continue
        time = np.asarray(tracks.time_s, np.float64)[rows]
        rows = rows[np.diff(time, prepend=-np.inf) > 0]
        time = np.asarray(tracks.time_s, np.float64)[rows]
        cuts = breaks(time, place[rows], sigma[rows], longest_gap_s=LONGEST_GAP_S, fastest_mps=FASTEST_MPS)
        for part in np.split(np.arange(len(rows)), cuts):
            at = rows[part]
            path = skated(time[part], place[at], aside[at], ahead[at])
            kept = _near_seen(time[part], place[at]) & _sound_ends(time[part], path)
            result[at] = np.where(kept[:, None], path, np.nan)
    return result


def _sound_ends(time_s: Array, path: Array) -> NDArray[np.bool_]:
    """Which rows (N,) of a smoothed path (N, 2) are no tracking error at one of its ends.

    Where a track is about to be lost, its box slides to somebody else, and the path shoots off. Nobody brakes or speeds
    up so: from either end, rows are left out until the speed can be had with `HARDEST_MPS2` from what follows.
    """
    sound = np.ones(len(time_s), np.bool_)
    if len(time_s) < 3:
        return sound
    speed = np.linalg.norm(np.diff(path, axis=0), axis=1) / np.diff(time_s)
    since = (time_s[1:] + time_s[:-1]) / 2
    if not np.isfinite(speed).all():
        return sound
    ahead = np.minimum.accumulate((speed + HARDEST_MPS2 * since)[::-1])[::-1] - HARDEST_MPS2 * since
    behind = np.minimum.accumulate(speed - HARDEST_MPS2 * since) + HARDEST_MPS2 * since
    first = int(np.argmin(speed > ahead + SPARED_MPS))
    last = int(np.argmin((speed > behind + SPARED_MPS)[::-1]))
    sound[:first] = sound[len(sound) - last :] = False
    return sound


def _near_seen(time_s: Array, place: Array) -> NDArray[np.bool_]:
    """Which rows lie within the longest gap of a place that was known; further off a smoothed place is a guess."""
    seen = time_s[np.isfinite(place).all(axis=1)]
    if len(seen) == 0:
        return np.zeros(len(time_s), np.bool_)
    after = np.searchsorted(seen, time_s).clip(0, len(seen) - 1)
    before = (after - 1).clip(0)
    nearest = np.minimum(np.abs(seen[after] - time_s), np.abs(seen[before] - time_s))
    return nearest <= LONGEST_GAP_S / 2
