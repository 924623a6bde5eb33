"""A run held against the truth of a rendered match: identities, teams and the statistics, as a few plain figures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import supervision as sv
from scipy.optimize import linear_sum_assignment

from classifier.errors import BadInput
from tracker.tables import TEAMS, TRACKS, read_csv

MATCH_IOU = 0.5


@dataclass(frozen=True)
class AgainstTruth:
    """How near a run came. Shares are 0 to 1; relative errors are (run - truth) / truth."""

    idf1: float
    hota: float
    mota: float
    id_switches: int
    recall: float
    """Share of the truth's boxes that a track covers (IoU of 0.5 or more)."""
    precision: float
    """Share of the tracks' boxes that cover someone."""
    team_right: float
    """Share of the covered boxes, frame by frame, whose track has the right team."""
    distance_error: dict[str, float]
    """By team."""
    top_speed_error: dict[str, float]
    """By team."""


def against_truth(run: Path, truth: Path) -> AgainstTruth:
    """Compare a run's folder with a truth folder written by `videos.render`.

    HOTA, IDF1, MOTA as TrackEval defines them, at an IoU of 0.5 (HOTA over all thresholds).

    Raises:
        BadInput: One of the folders lacks its files.
    """
    for path in (run / "tracks.csv", truth / "positions.parquet", truth / "gt.txt"):
        if not path.exists():
            raise BadInput(f"{path}: no such file; expected a finished run and the truth of a rendered match")
    from trackers.eval import evaluate_mot_sequence

    scores = evaluate_mot_sequence(truth / "gt.txt", run / "tracks.mot.txt", metrics=["CLEAR", "HOTA", "Identity"])
    assert scores.Identity is not None
    assert scores.HOTA is not None
    assert scores.CLEAR is not None
    mine, real = read_csv(TRACKS, run / "tracks.csv"), pl.read_parquet(truth / "positions.parquet")
    pairs, covered, missed, extra = match_teams(mine, real)
    return AgainstTruth(
        idf1=float(scores.Identity.IDF1),
        hota=float(scores.HOTA.HOTA),
        mota=float(scores.CLEAR.MOTA),
        id_switches=int(scores.CLEAR.IDSW),
        recall=covered / max(covered + missed, 1),
        precision=covered / max(covered + extra, 1),
        team_right=sum(a == b for a, b in pairs) / max(len(pairs), 1),
        distance_error=_errors(run, truth, "distance_m"),
        top_speed_error=_errors(run, truth, "top_speed_mps"),
    )


def match_teams(mine: pl.DataFrame, real: pl.DataFrame) -> tuple[list[tuple[str | None, str]], int, int, int]:
    """Match boxes frame by frame for the greatest summed IoU.

    Returns:
        (team in the run, team in truth) of each covered box; the numbers of covered, missed and extra boxes.
    """
    box = ["x1", "y1", "x2", "y2"]
    tracked = {key[0]: rows for key, rows in mine.partition_by("frame", as_dict=True).items()}
    pairs: list[tuple[str | None, str]] = []
    missed = 0
    for (frame,), people in real.partition_by("frame", as_dict=True).items():
        missed += len(people)
        rows = tracked.get(frame)
        if rows is None:
            continue
        iou = sv.box_iou_batch(people.select(box).to_numpy().astype(np.float64), rows.select(box).to_numpy())
        for person, track in zip(*linear_sum_assignment(-iou), strict=True):
            if iou[person, track] >= MATCH_IOU:
                pairs.append((rows["team"][int(track)], people["team"][int(person)]))
    covered = len(pairs)
    return pairs, covered, missed - covered, len(mine) - covered


def _errors(run: Path, truth: Path, column: str) -> dict[str, float]:
    stats = truth / "stats" / "teams.csv"
    if not stats.exists():
        return {}
    real = dict(read_csv(TEAMS, stats).select("team", column).iter_rows())
    mine = dict(read_csv(TEAMS, run / "teams.csv").select("team", column).iter_rows())
    known = [team for team in real if real[team] and mine.get(team) is not None]
    return {team: float(mine[team] / real[team] - 1) for team in known}
