"""The match second by second, as panels over one axis of time."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl

from tracker.movement import BURST_BEGINS_MPS
from tracker.pictures import moving_mean
from tracker.report import drawing
from tracker.report.drawing import Array, Axis
from tracker.report.words import KMH, clock


class Named(Protocol):
    """What is needed of a team here."""

    @property
    def name(self) -> str: ...
    @property
    def colour(self) -> str: ...


def timeline(
    seconds: pl.DataFrame, bursts: pl.DataFrame, teams: Sequence[Named], start_s: float, end_s: float
) -> dict[str, Any]:
    """Panels of zone time, speed with its bursts, and skaters on the ice; the seconds in which nothing is known."""
    span = float(np.floor(start_s)), end_s
    panels = []
    if seconds["offensive_time_share"].is_not_null().any():
        panels.append(_zones(seconds, teams, span))
    panels += [_speed(seconds, bursts, teams, span), _skaters(seconds, teams, span)]
    axis = Axis(*span, 0, 1)
    return {
        "panels": panels,
        "ticks": [{"x": round(axis.x(t), 2), "said": clock(t)} for t in drawing.time_ticks(*span)],
        "gaps": [{"x": round(axis.x(first), 2), "width": round(axis.x(last) - axis.x(first), 2), "first": first,
                  "last": last} for first, last in _gaps(seconds, span)],
    }  # fmt: skip


def _series(seconds: pl.DataFrame, team: Named, column: str) -> tuple[Array, Array]:
    """Every second from the first to the last, NaN where not known."""
    rows = seconds.filter(pl.col("team") == team.name).sort("second")
    known = rows["second"].to_numpy()
    if not len(known):
        return np.empty(0), np.empty(0)
    every = np.arange(known[0], known[-1] + 1)
    values = np.full(len(every), np.nan)
    values[known - known[0]] = rows[column].cast(pl.Float64).to_numpy()
    return every.astype(np.float64), values


def _zones(seconds: pl.DataFrame, teams: Sequence[Named], span: tuple[float, float]) -> dict[str, Any]:
    """Time in the offensive zone: of two teams one upwards and one downwards, of more as lines."""
    mirrored = len(teams) == 2
    series = [(team, *_series(seconds, team, "offensive_time_share")) for team in teams]
    smooth = [(team, at, moving_mean(values)) for team, at, values in series]
    most = max(float(np.nanmax(values, initial=0.0)) for _, _, values in smooth)
    high = min(1.0, max(0.5, np.ceil(4 * most) / 4))
    axis = Axis(*span, -high if mirrored else 0, high)
    form = drawing.area if mirrored else drawing.line
    shapes = [
        {"team": team, "path": form(axis, at, -values if mirrored and index else values), "filled": mirrored}
        for index, (team, at, values) in enumerate(smooth)
    ]
    marks = (-high, 0, high) if mirrored else (0, high / 2, high)
    ticks = [{"y": axis.y(value), "said": f"{abs(100 * value):.0f}"} for value in marks]
    note = f"{teams[0].name} upwards, {teams[1].name} downwards" if mirrored else ""
    return {"title": "In the offensive zone", "unit": "% of time", "note": note, "shapes": shapes, "ticks": ticks,
            "zero": axis.y(0), "dots": []}  # fmt: skip


def _speed(
    seconds: pl.DataFrame, bursts: pl.DataFrame, teams: Sequence[Named], span: tuple[float, float]
) -> dict[str, Any]:
    """Mean speed as lines, each speed burst as a dot at its highest speed."""
    by_name = {team.name: team for team in teams}
    fastest = bursts.filter(pl.col("team").is_in(list(by_name)))
    burst_tops = fastest["top_speed_mps"].to_numpy() * KMH
    series = [(team, *_series(seconds, team, "mean_speed_mps")) for team in teams]
    lines = [(team, at, moving_mean(values) * KMH) for team, at, values in series]
    tops = [*(float(np.nanmax(v, initial=0.0)) for _, _, v in lines), float(burst_tops.max(initial=0.0))]
    axis = Axis(*span, 0, max(10.0, 10 * np.ceil(max(tops) / 10 + 0.05)))
    shapes = [{"team": team, "path": drawing.line(axis, at, values), "filled": False} for team, at, values in lines]
    dots = [
        {"x": round(axis.x(start_s), 2), "y": round(axis.y(top * KMH), 2), "team": by_name[team],
         "said": f"{clock(start_s)}  {team}, track {track}: {top * KMH:.1f} km/h"}
        for start_s, team, track, top in
        fastest.select("start_s", "team", "track_id", "top_speed_mps").iter_rows()
    ]  # fmt: skip
    ticks = [{"y": axis.y(value), "said": f"{value:.0f}"} for value in np.arange(0, axis.high + 1, 10)]
    note = f"dots are bursts above {BURST_BEGINS_MPS * KMH:.0f} km/h (18 mph)"
    return {"title": "Mean speed", "unit": "km/h", "note": note, "shapes": shapes, "ticks": ticks, "zero": None,
            "dots": dots}  # fmt: skip


def _skaters(seconds: pl.DataFrame, teams: Sequence[Named], span: tuple[float, float]) -> dict[str, Any]:
    series = [(team, *_series(seconds, team, "skaters")) for team in teams]
    most = max([6.0, *(float(np.nanmax(values, initial=0.0)) for _, _, values in series)])
    axis = Axis(*span, 0, most + 0.5)
    shapes = []
    for index, (team, at, values) in enumerate(series):
        shift = 0.09 * (index - (len(series) - 1) / 2)  # lines that coincide lie beside each other
        shapes.append({"team": team, "path": drawing.steps(axis, at, np.nan_to_num(values) + shift), "filled": False})
    ticks = [{"y": axis.y(value), "said": f"{value:.0f}"} for value in np.arange(0, most + 0.5, 2)]
    return {"title": "Skaters on the ice", "unit": "", "note": "goalkeepers not counted", "shapes": shapes,
            "ticks": ticks, "zero": None, "dots": []}  # fmt: skip


def _gaps(seconds: pl.DataFrame, span: tuple[float, float]) -> list[tuple[int, int]]:
    """Stretches of seconds in which no team has a known distance: first and behind the last."""
    known = set(seconds.filter(pl.col("distance_m").is_not_null())["second"].to_list())
    missing = [second for second in range(int(span[0]), int(span[1])) if second not in known]
    gaps: list[tuple[int, int]] = []
    for second in missing:
        if gaps and gaps[-1][1] == second:
            gaps[-1] = (gaps[-1][0], second + 1)
        else:
            gaps.append((second, second + 1))
    return gaps
