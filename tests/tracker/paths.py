"""Tables of positions and tracks with known answers."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracker.tables import POSITIONS

FPS = 30.0


def skater(
    x: Sequence[float] | NDArray[np.float64],
    y: float | NDArray[np.float64] = 0.0,
    *,
    track: int = 1,
    team: str | None = "white",
    role: str = "player",
    fps: float = FPS,
    first: int = 0,
) -> pl.DataFrame:
    """One track's rows of the table of positions; one place a frame."""
    places = np.asarray(x, np.float64)
    frames = np.arange(len(places)) + first
    table = pl.DataFrame({
        "frame": frames, "time_s": frames / fps, "track_id": np.full(len(places), track),
        "team": pl.Series([team] * len(places), dtype=pl.String), "role": [role] * len(places),
        "x_m": places, "y_m": np.broadcast_to(y, places.shape).astype(np.float64), "observed": [True] * len(places),
        "at_border": [False] * len(places),
    })  # fmt: skip
    return POSITIONS.fit(table)


def at_speeds(*stretches: tuple[float, float], start: float = 0.0, fps: float = FPS) -> NDArray[np.float64]:
    """Places along x of somebody who goes (metres a second, for seconds) one after the other."""
    steps = np.concatenate([np.full(round(seconds * fps), speed / fps) for speed, seconds in stretches])
    return start + np.concatenate([[0.0], np.cumsum(steps)])


def keeper(x: float, team: str, track: int, seconds: float = 10.0, fps: float = FPS) -> pl.DataFrame:
    """Somebody who stands in his crease."""
    return skater(np.full(round(seconds * fps), x), team=team, role="goalkeeper", track=track, fps=fps)


def hockey_path(rng: np.random.Generator, seconds: float = 40.0, fps: float = FPS) -> NDArray[np.float64]:
    """`(N, 2)` metres of somebody who chases places on the ice, never accelerating by more than 4 m/s²."""
    fine = 4
    dt = 1 / (fps * fine)
    place, velocity = np.array([rng.uniform(-25, 25), rng.uniform(-10, 10)]), np.zeros(2)
    goal, until, pace, path = place.copy(), 0.0, 5.0, []
    for step in range(round(seconds * fps) * fine):
        if step % fine == 0:
            path.append(place.copy())
        if step * dt > until or np.linalg.norm(goal - place) < 1.5:
            goal = np.array([rng.uniform(-27, 27), rng.uniform(-11, 11)])
            pace, until = float(rng.choice([0.3, 3, 5, 7, 9, 9.8])), step * dt + rng.uniform(1.5, 5)
        wish = (goal - place) / max(float(np.linalg.norm(goal - place)), 0.1) * pace
        push = (wish - velocity) / 0.4
        push *= min(1.0, 4.0 / max(float(np.linalg.norm(push)), 1e-9))
        velocity = velocity + push * dt
        place = place + velocity * dt
    return np.array(path)


def tracks(boxes: Sequence[NDArray[np.float64]], frames: Sequence[NDArray[np.int64]], fps: float = FPS) -> Any:
    """Tracks 1, 2, … from each one's boxes `(N, 4)` and frames `(N,)`, all players, all observed."""
    frame = np.concatenate(frames).astype(np.int64)
    ids = np.concatenate([np.full(len(f), i + 1) for i, f in enumerate(frames)]).astype(np.int64)
    return SimpleNamespace(
        frame=frame, time_s=frame / fps, track_id=ids, xyxy=np.concatenate(boxes).astype(np.float32),
        confidence=np.full(len(frame), 0.9, np.float32), class_id=np.zeros(len(frame), np.int64),
        observed=np.ones(len(frame), np.bool_),
    )  # fmt: skip
