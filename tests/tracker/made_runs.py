"""Finished runs that no video was processed for: tables and crops of coloured figures, in a moment."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import polars as pl

from tests.classifier.figures import figure
from tracker.run import write_json
from tracker.tables import PLAYERS, TEAMS, TIMELINE, TRACKS, write_csv

FRAMES = 60
CROPS = 4

PEOPLE = (
    *(("white", name) for name in ("Ann", "Bea", "Cid", "Gus")),
    *(("yellow", name) for name in ("Dov", "Eli", "Fay", "Hal")), ("referee", "Ref"),
)  # fmt: skip
"""Of the made match, tracks 1 to 9: two teams and an official."""


def write_run(
    workspace: Path, name: str = "saturday", people: Sequence[tuple[str, str]] = PEOPLE, together: bool = True
) -> Path:
    """A run of tracks 1, 2, … of these people (team, name), 60 frames at 30 fps each, with 4 crops.

    Args:
        workspace: Where its folder goes.
        name: The run's.
        people: Whom the tracks show.
        together: Whether they are all seen at the same time, or one after the other.
    """
    folder = workspace / "runs" / name
    rows = []
    for place, (team, who) in enumerate(people):
        track, first = place + 1, 0 if together else place * FRAMES
        for step in range(FRAMES):
            role = "referee" if team == "referee" else "player"
            rows.append((first + step, track, 10.0 + 60 * place + step / 10, role))
        for number in range(CROPS):
            path = folder / "crops" / f"track-{track:04d}" / f"{first + 7 + 15 * number:06d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), figure(team, who, number), [cv2.IMWRITE_JPEG_QUALITY, 95])
    table = pl.DataFrame(rows, schema=["frame", "track_id", "x1", "role"], orient="row").sort("frame", "track_id")
    table = table.with_columns(
        time_s=pl.col("frame") / 30, team=pl.lit(None, pl.String), observed=pl.lit(True), confidence=pl.lit(0.9),
        y1=pl.lit(100.0), x2=pl.col("x1") + 40, y2=pl.lit(190.0), x_m=pl.lit(None, pl.Float64),
        y_m=pl.lit(None, pl.Float64), team_confidence=pl.lit(None, pl.Float64),
    )  # fmt: skip
    empty = {c: pl.lit(None) for c in TRACKS.names if c not in table.columns}
    write_csv(table.with_columns(**empty), TRACKS, folder / "tracks.csv")
    players = table.group_by("track_id").agg(pl.col("role").first()).sort("track_id")
    empty = {c: pl.lit(None) for c in PLAYERS.names if c not in players.columns}
    write_csv(players.with_columns(**empty), PLAYERS, folder / "players.csv")
    for schema in (TEAMS, TIMELINE):
        write_csv(pl.DataFrame({c: [] for c in schema.names}), schema, folder / f"{schema.name}.csv")
    write_json(folder / "run.json", {
        "complete": True, "frames": FRAMES,
        "video": {"path": str(workspace / f"{name}.mp4"), "width": 640, "height": 360},
        "tracks": len(people), "metres": "none", "attacks": {}, "warnings": [], "calibration": None,
        "settings": {"start_s": 0.0}, "dropped_speed_samples": 0,
    })  # fmt: skip
    return folder
