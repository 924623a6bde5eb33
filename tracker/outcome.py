"""From what was seen of a match to what a run consists of: tables, pictures, the annotated video, run.json.

Imported when the video has been watched: nothing here, nor what it imports, is needed for the first frame.
"""

from dataclasses import dataclass
from typing import Any

from tracker.annotated_video import draw_video
from tracker.association.tracks import Tracks
from tracker.attacks import OFFICIALS
from tracker.crops import crops_of_tracks, gather_by_track
from tracker.environment import give_back_memory
from tracker.hand_labels import HandLabels, corrected, move_crops, tracks_key
from tracker.job import Job, Tools
from tracker.line_changes import LineChange, divided, line_changes
from tracker.mot import write_mot
from tracker.pictures import write_pictures
from tracker.places import calibrated, describe, place
from tracker.progress import Report
from tracker.rink import Rink
from tracker.roles import roles
from tracker.stage_times import StageTimes
from tracker.statistics import Statistics, compute
from tracker.table_spool import TableSpool
from tracker.tables import BURSTS, PLAYERS, TEAMS, TIMELINE, TRACKS, write_table
from tracker.teams import Verdict, verdicts
from tracker.track_table import TrackTable
from tracker.watch import Watched
from tracker.words import Metres

LABELS_OF_OTHERS = (
    "the labels of this run were made for other tracks than are found now, so they are not used: label it again with "
    "`cleansheet label {run} --start-over`"
)
NOTHING_SEEN = "nobody was found in this video: the tables are empty"


@dataclass(frozen=True)
class Measured:
    """What is left to draw and to tell when the tables are written. The tracks are not: a long match has millions."""

    frames: int
    detections: int
    tracks_key: str
    line_changes: tuple[LineChange, ...]
    labelled_by_hand: int
    statistics: Statistics
    warnings: tuple[str, ...]
    metres: Metres
    rink: Rink | None
    camera: dict[str, Any]
    """See `tracker.places.describe`."""
    teams: tuple[str, ...]
    rows: TableSpool | None
    """The table of tracks, with speeds where they are shown; None where nothing is drawn."""


def bring_out(job: Job, tools: Tools, seen: Watched, times: StageTimes, report: Report) -> Measured:
    """Write everything into the run's folder but run.json.

    Args:
        job, tools: What the run is made from.
        seen: What the first pass saw; its tracks are taken over.
        times, report: As everywhere.
    """
    made = _measure(job, tools, seen, times)
    give_back_memory()
    if made.rows is not None:
        draw_video(
            job.info, job.run.partial.video, job.settings, made.rows, made.teams, made.statistics.timeline, made.rink,
            made.frames, times, report,
        )  # fmt: skip
    return made


def _measure(job: Job, tools: Tools, seen: Watched, times: StageTimes) -> Measured:
    """The tables and the pictures. The tracks are let go of as soon as the table of them is on disk."""
    paths, settings = job.run.partial, job.settings
    with times.timed("measure"):
        measured, said = calibrated(tools.calibration, seen.background, seen.camera, job.info.width)
    with times.timed("associate"):
        tracks = seen.hand_over_tracks()
        tracks, changes = _divided(
            tracks, line_changes(tracks, measured, measured.rink) if measured is not None else (), job
        )
        made_of = tracks_key(tracks.track_id, tracks.frame)
        labels = job.labels if job.labels.tracks_key == made_of else HandLabels()
    with times.timed("crops"):
        gather_by_track(paths.crops, tracks.track_of, settings.crops.per_track)
        move_crops(paths.crops, labels)
    tracks = corrected(tracks, labels)
    warnings = [*_warnings(tools, job.run.name, seen.frames, tracks), *said]
    if job.labels and not labels:
        warnings.append(LABELS_OF_OTHERS.format(run=job.run.name))
    with times.timed("classify"):
        crops = crops_of_tracks(paths.crops)
        officials = {track: float(role == OFFICIALS) for track, role in roles(tracks, {}).items()}
        found = verdicts(crops, tools.ensemble, officials) if tools.ensemble is not None else {}
        found |= {track: Verdict(team, 1.0, len(crops.get(track, ()))) for track, team in labels.by_hand.items()}
    give_back_memory()
    with times.timed("measure"):
        placed = place(tracks, found, measured, seen.camera, (job.info.width, job.info.height))
    give_back_memory()
    with times.timed("write"):
        table = TrackTable(tracks, placed.positions, found)
        speeds = settings.video and placed.metres != "none" and "speed" not in settings.hide
        rows, teams = TableSpool(table.with_speeds() if speeds else table), tuple(table.teams())
        write_mot(paths.mot, tracks)
        del tracks, table
    give_back_memory()
    with times.timed("measure"):
        statistics = compute(
            placed.positions, placed.rink, settings.attacks or None, placed.metres,
            periods=settings.periods,
            team_confidence={track: verdict.confidence for track, verdict in found.items()}, players=labels.players,
        )  # fmt: skip
    give_back_memory()
    with times.timed("write"):
        for content, schema in ((statistics.teams, TEAMS), (statistics.players, PLAYERS), (rows, TRACKS),
                                (statistics.timeline, TIMELINE), (statistics.bursts, BURSTS)):  # fmt: skip
            write_table(content, schema, paths.folder, settings.formats)
    with times.timed("pictures"):
        write_pictures(statistics, placed.positions, placed.rink, paths.folder, settings.periods)
    return Measured(
        seen.frames, seen.detections, made_of, changes, len(labels.teams), statistics,
        (*warnings, *placed.warnings, *statistics.warnings), placed.metres, placed.rink,
        describe(placed, seen.camera, job.info.width), teams, rows if settings.video else None,
    )  # fmt: skip


def _divided(tracks: Tracks, found: tuple[LineChange, ...], job: Job) -> tuple[Tracks, tuple[LineChange, ...]]:
    """The tracks, divided at line changes; those that labels are about, where there are labels.

    Another calibration finds other line changes, and none where there is none. What was labelled before it came stays
    labelled: then the tracks are divided as they were in the finished run, or not at all.
    """
    known = job.labels.tracks_key
    before = tuple(LineChange(**each) for each in (job.run.summary() or {}).get("line_changes", ()))
    for changes in (found, before, ()):
        them = divided(tracks, changes)
        if known is None or tracks_key(them.track_id, them.frame) == known:
            return them, changes
    return divided(tracks, found), found


def _warnings(tools: Tools, run: str, frames: int, tracks: Tracks) -> list[str]:
    said = []
    if len(tracks.track_id) == 0:
        said.append(NOTHING_SEEN)
    elif tools.ensemble is None:
        said.append(
            f"no classifier yet, so no teams: say who plays for whom with `cleansheet label {run}`, then process again"
        )
    if frames == 0:
        said.append("there was no frame between --start and --end")
    return said
