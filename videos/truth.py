"""The truth beside a rendered video, in the formats that the tracker reads and is measured with.

X.truth/gt.txt               MOTChallenge: frame (from 1), id, left, top, width, height, 1, 1, visible share
X.truth/positions.parquet    one row per frame (from 0) and person seen: who, rink metres, box, visible share
X.truth/camera.npz           `homography` (F, 3, 3) float64: rink metres to pixels of every frame
X.truth/calibration.toml     points for `tracker.calibration` (fixed camera only)
X.truth/match.json           rink, frames a second, seed, teams and the end that each attacks, roster
X.truth/stats/               teams.csv, players.csv, timeline.csv, of what the camera sees
X.truth/stats-whole-ice/     the same of everybody on the ice, seen or not
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import polars as pl

from tracker import statistics, tables
from tracker.calibration import PointPair, from_points, save
from tracker.positions import at_border
from tracker.rink import Rink, Side
from videos.camera import Camera
from videos.match import Moment
from videos.renderer import Rendered
from videos.roster import Person, Roster

SCHEMA = {
    **{"frame": pl.Int64, "time_s": pl.Float64, "player_id": pl.Int64},
    **dict.fromkeys(("name", "team", "role"), pl.String),
    **dict.fromkeys(("x_m", "y_m", "x1", "y1", "x2", "y2", "visible"), pl.Float64),
}
ATTACKS: tuple[Side, Side] = ("right", "left")
"""Of the first and the second team."""
_CHUNK = 4096


class TruthWriter:
    """Takes frames as they are rendered; the folder is complete when the `with` block is left.

    What is kept in memory is the table of positions, some 100 bytes for each person and frame, never a picture.
    """

    def __init__(self, folder: Path, gt: TextIO, rink: Rink, roster: Roster, fps: float) -> None:
        self.folder, self.rink, self.roster, self.fps = folder, rink, roster, fps
        self._gt = gt
        self._rows: list[tuple[Any, ...]] = []
        self._everybody: list[tuple[Any, ...]] = []
        self._seen_tables: list[pl.DataFrame] = []
        self._all_tables: list[pl.DataFrame] = []
        self._homographies: list[np.ndarray] = []
        self._camera: Camera | None = None
        self._still = True

    def add(self, frame: Rendered, moment: Moment) -> None:
        """One frame's truth."""
        for seen in frame.seen:
            x1, y1, x2, y2 = seen.box
            person = seen.person
            box_text = f"{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f}"
            self._gt.write(f"{frame.frame + 1},{person.player_id},{box_text},1,1,{seen.visible:.3f}\n")
            place = (round(seen.stance.x, 3), round(seen.stance.y, 3))
            box = tuple(round(v, 2) for v in seen.box)
            self._rows.append((*_who(frame, person), *place, *box, round(seen.visible, 3)))
        nowhere = (None,) * 5
        self._everybody += [(*_who(frame, p), round(s.x, 3), round(s.y, 3), *nowhere) for p, s in moment.people]
        self._homographies.append(frame.camera.homography)
        self._still = self._still and (self._camera is None or self._camera is frame.camera)
        self._camera = frame.camera
        if len(self._rows) > _CHUNK:
            self._fold()

    def _fold(self) -> None:
        for rows, chunks in ((self._rows, self._seen_tables), (self._everybody, self._all_tables)):
            chunks.append(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
            rows.clear()

    def finish(self, about: dict[str, Any]) -> None:
        """Write everything but `gt.txt`, which is written along the way."""
        self._fold()
        seen, everybody = pl.concat(self._seen_tables), pl.concat(self._all_tables)
        seen.write_parquet(self.folder / "positions.parquet", compression="zstd", compression_level=15)
        np.savez_compressed(self.folder / "camera.npz", homography=np.array(self._homographies))
        if self._still and self._camera is not None:
            still_calibration(self._camera, self.rink, self.folder / "calibration.toml")
        (self.folder / "match.json").write_text(json.dumps(self._described(about), indent=1, ensure_ascii=False) + "\n")
        attacks = dict(zip(self.roster.teams, ATTACKS, strict=True))
        for name, table in (("stats", seen), ("stats-whole-ice", everybody)):
            write_statistics(table, self.rink, attacks, tuple(about["size"]), self.folder / name)

    def _described(self, about: dict[str, Any]) -> dict[str, Any]:
        rink = self.rink
        return {
            **about,
            "fps": self.fps,
            "frames": len(self._homographies),
            "rink": {"name": rink.name, "length_m": rink.length_m, "width_m": rink.width_m,
                     "surface": "inline" if rink.blue_line_x is None else "ice"},
            "teams": list(self.roster.teams),
            "attacks": dict(zip(self.roster.teams, ATTACKS, strict=True)),
            "roster": [
                {"player_id": p.player_id, "name": p.name, "team": p.team, "role": p.role, "number": p.number,
                 "position": p.position, "jersey": _hex(p.clothes.jersey)}
                for p in self.roster.people
            ],
        }  # fmt: skip


def _who(frame: Rendered, person: Person) -> tuple[Any, ...]:
    return frame.frame, round(frame.time_s, 6), person.player_id, person.name, person.team, person.role


def _hex(bgr: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(c):02x}" for c in reversed(bgr))


@contextmanager
def truth_folder(folder: Path, rink: Rink, roster: Roster, fps: float, about: dict[str, Any]) -> Iterator[TruthWriter]:
    """A `TruthWriter` on `folder`, finished unless an error ends the block."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "gt.txt").open("w", encoding="utf-8") as gt:
        writer = TruthWriter(folder, gt, rink, roster, fps)
        yield writer
    writer.finish(about)


def write_statistics(
    positions: pl.DataFrame, rink: Rink, attacks: dict[str, Side], frame_size: tuple[int, int], folder: Path
) -> None:
    """The tables of `tracker.statistics` of the true positions; a person is a track."""
    folder.mkdir(parents=True, exist_ok=True)
    near = at_border(positions.select("x1", "y1", "x2", "y2").to_numpy(), frame_size)
    rows = positions.rename({"player_id": "track_id"}).with_columns(observed=pl.lit(True), at_border=pl.Series(near))
    names = dict(positions.select("player_id", "name").unique().iter_rows())
    found = statistics.compute(rows, rink, attacks, players=names)
    for table, frame in (
        (tables.TEAMS, found.teams),
        (tables.PLAYERS, found.players),
        (tables.TIMELINE, found.timeline),
    ):
        tables.write_csv(frame, table, folder / f"{table.name}.csv")


def still_calibration(camera: Camera, rink: Rink, path: Path) -> None:
    """The rink's marks that the picture shows, with their pixels, as a calibration for the tracker."""
    across, goal = rink.width_m / 2, rink.goal_line_x
    marks: list[tuple[str, float, float]] = [
        ("centre line, far boards", 0.0, across),
        ("centre line, near boards", 0.0, -across),
        ("centre spot", 0.0, 0.0),
    ]
    for side, sign in (("left", -1.0), ("right", 1.0)):
        if rink.blue_line_x is not None:
            marks += [(f"{side} blue line, far boards", sign * rink.blue_line_x, across),
                      (f"{side} blue line, near boards", sign * rink.blue_line_x, -across)]  # fmt: skip
        x, y = rink.end_spot
        marks += [(f"{side} far end spot", sign * x, y), (f"{side} near end spot", sign * x, -y),
                  (f"{side} goal line, far post", sign * goal, rink.goal_width_m / 2),
                  (f"{side} goal line, far boards", sign * goal, float(rink.half_width_at(goal)))]  # fmt: skip
    pixels, _ = camera.project(np.array([(x, y, 0.0) for _, x, y in marks]))
    width, height = camera.size
    pairs = [
        PointPair(image=(round(float(u), 2), round(float(v), 2)), rink=(round(x, 4), round(y, 4)), name=name)
        for (name, x, y), (u, v) in zip(marks, pixels, strict=True)
        if 0 <= u <= width and 0 <= v <= height
    ]
    save(path, [from_points(rink, pairs, camera.size)])
