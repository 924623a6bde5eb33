"""Where everybody is on the ice: by the calibration where it holds, by an estimate where it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tracker import scale
from tracker.association.tracks import Tracks
from tracker.background import Sightings
from tracker.calibration import Calibration
from tracker.camera_motion import CameraPath
from tracker.carried import Carried, carry
from tracker.positions import Ground, positions
from tracker.rink import Rink
from tracker.teams import Verdict
from tracker.words import Metres


@dataclass(frozen=True)
class Places:
    """The table of positions and what its metres rest on."""

    positions: pl.DataFrame
    """`tracker.tables.POSITIONS`."""
    ground: Ground | None
    """What took pixels to metres."""
    rink: Rink | None
    """The rink that the metres lie on; None where only distances are known."""
    metres: Metres
    warnings: tuple[str, ...]


def place(
    tracks: Tracks,
    verdicts: Mapping[int, Verdict],
    measured: Calibration | Carried | None,
    camera: CameraPath,
    frame_size: tuple[int, int],
) -> Places:
    """Put the tracks on the ice.

    Args:
        tracks: All boxes.
        verdicts: The team of each track that has one.
        measured: What the calibration says of every frame; None where it says nothing: then metres are estimated.
        camera: How the camera moved.
        frame_size: (width, height) in pixels.
    """
    teams = {track: verdict.team for track, verdict in verdicts.items() if verdict.team is not None}
    if measured is not None:
        table = positions(tracks, teams, measured, frame_size=frame_size)
        if isinstance(measured, Carried):  # who is seen before and after a close-up has no place in it all the same
            known = pl.Series(measured.known(table["frame"].to_numpy()))
            table = table.with_columns(pl.when(known).then(pl.col("x_m", "y_m")))
        return Places(table, measured, measured.rink, "measured", ())
    moving = camera.moves(frame_size[0])
    estimate = scale.estimate(tracks, frame_size, camera if moving else None) if len(tracks) else None
    if estimate is None:
        said = "too few people were seen upright to estimate metres: distances and speeds are left out"
        table = positions(tracks, teams, None, frame_size=frame_size)
        return Places(table, None, None, "none", (said,) if len(tracks) else ())
    said = (
        "metres are an estimate from players' height, good to about a quarter: no zones, and no place on the rink; "
        "calibrate the camera to measure them"
    )
    return Places(positions(tracks, teams, estimate, frame_size=frame_size), estimate, None, "estimated", (said,))


def calibrated(
    views: Sequence[Calibration], background: Sightings, camera: CameraPath, width: int
) -> tuple[Calibration | Carried | None, list[str]]:
    """What the calibration says of every frame, None where it says nothing; and what must be said about that.

    Args:
        views: One for each calibrated frame, or one that names no frame; none or more.
        background: What the frames show of it; where the camera moves, it carries the calibration.
        camera: How the camera moved.
        width: Of the frames [px].
    """
    if not views:
        return None, []
    if not camera.moves(width):
        return max(views, key=lambda view: len(view.points)), []
    if views[0].frame is None:
        return None, ["the camera moves and the calibration does not say on which frame its points were placed, so it "
                      "is set aside: add frame = N to its points"]  # fmt: skip
    carried = carry(views, background)
    known = 0 if carried is None else int(np.isfinite(carried.uncertainty_m).sum())
    if carried is None or known == 0:
        return None, ["no frame could be registered to a calibrated one, so the calibration is set aside"]
    lost = len(carried.frame) - known
    if not lost:
        return carried, []
    longest = sorted(carried.lost, key=lambda stretch: stretch.first - stretch.last)[:3]
    where = ", ".join(f"{s.first}–{s.last} {s.why}" for s in sorted(longest, key=lambda stretch: stretch.first))
    more = "" if len(carried.lost) <= 3 else f" and {len(carried.lost) - 3} more stretches, all in run.json"
    return carried, [
        f"{lost} of {len(carried.frame)} frames have no place on the rink, so no metres (frames {where}{more})"
    ]


def describe(places: Places, camera: CameraPath, width: int) -> dict[str, Any]:
    """The camera as run.json tells it; `width` of the video in pixels."""
    said: dict[str, Any] = {"moves": camera.moves(width)}
    ground = places.ground
    if isinstance(ground, Carried):
        known = np.isfinite(ground.uncertainty_m)
        said |= {
            "place_m": [round(value, 2) for value in ground.centre],
            "key_frames": list(ground.key_frames),
            "lines_off_px": None if np.isnan(ground.line_px) else round(ground.line_px, 2),
            "line_points": ground.line_points,
            "uncertainty_m": round(float(np.median(ground.uncertainty_m[known])), 3),
            "frames_lost": int((~known).sum()),
            "lost": [{"first_frame": s.first, "last_frame": s.last, "why": s.why} for s in ground.lost],
        }
    return said
