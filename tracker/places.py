"""Where everybody is on the ice: by the calibration where it holds, by an estimate where it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tracker import scale
from tracker.association import Tracks
from tracker.calibration import Calibration
from tracker.camera_motion import CameraPath
from tracker.positions import Ground, positions
from tracker.rink import Rink
from tracker.tables import Metres
from tracker.teams import Verdict


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
    calibration: Sequence[Calibration],
    camera: CameraPath,
    frame_size: tuple[int, int],
) -> Places:
    """Put the tracks on the ice.

    Args:
        tracks: All boxes.
        verdicts: The team of each track that has one.
        calibration: Views of a camera that stands still, none or more; set aside, with a warning, where it moves.
        camera: How the camera moved.
        frame_size: (width, height) in pixels.
    """
    teams = {track: verdict.team for track, verdict in verdicts.items()}
    moving = camera.moves(frame_size[0])
    if calibration and not moving:
        view = calibration[0]
        return Places(positions(tracks, teams, view), view, view.rink, "measured", ())
    said = ["the camera moves, so the calibration of one frame does not hold"] if calibration else []
    estimate = scale.estimate(tracks, frame_size, camera if moving else None) if len(tracks) else None
    if estimate is None:
        if len(tracks):
            said.append("too few people were seen upright to estimate metres: distances and speeds are left out")
        return Places(positions(tracks, teams, None), None, None, "none", tuple(said))
    said.append(
        "metres are an estimate from players' height, good to about a quarter: no zones, and no place on the rink; "
        + ("a camera that moves cannot be calibrated yet" if moving else "calibrate the camera to measure them")
    )
    return Places(positions(tracks, teams, estimate), estimate, None, "estimated", tuple(said))
