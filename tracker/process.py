"""The main job, conducted: a video goes in, a run's folder comes out, whole or not at all."""

import logging
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from classifier.ensemble import Ensemble, NoEnsemble
from classifier.errors import BadInput
from tracker import __version__, calibration
from tracker.annotated_video import draw_video
from tracker.association import Tracks
from tracker.attacks import OFFICIALS, refuse_unknown_teams
from tracker.calibration import Calibration
from tracker.crops import crops_of_tracks
from tracker.detector import Detector
from tracker.environment import give_back_memory, give_large_memory_back_at_once
from tracker.hand_labels import HandLabels, corrected, labels_of_run, move_crops, tracks_key
from tracker.mot import write_mot
from tracker.periods import sides_in
from tracker.pictures import write_pictures
from tracker.places import describe, place
from tracker.progress import Report
from tracker.report import write_report
from tracker.roles import roles
from tracker.run import Run, RunPaths, locked, read_json, run_name, write_json
from tracker.settings import ProcessSettings
from tracker.stage_times import StageTimes
from tracker.statistics import compute
from tracker.tables import BURSTS, PLAYERS, TEAMS, TIMELINE, TRACKS, WRITTEN, write_table
from tracker.teams import Verdict, verdicts
from tracker.track_table import TrackTable
from tracker.video import VideoInfo, probe, sha256_of
from tracker.watch import watch

log = logging.getLogger("cleansheet")

LABELS_OF_OTHERS = (
    "the labels of this run were made for other tracks than are found now, so they are not used: label it again with "
    "`cleansheet label {run} --start-over`"
)
NOTHING_SEEN = "nobody was found in this video: the tables are empty"
PACKAGES = (
    "torch", "torchvision", "ultralytics", "openvino", "supervision", "opencv-python", "av", "numpy", "polars",
)  # fmt: skip


@dataclass(frozen=True)
class Tools:
    """What all videos of one command share, loaded once."""

    detector: Detector
    ensemble: Ensemble | None
    calibration: tuple[Calibration, ...]
    """One view for each calibrated frame; empty where there is no calibration."""


@dataclass(frozen=True)
class Job:
    """One video and the run that it becomes."""

    info: VideoInfo
    video_sha256: str
    run: Run
    settings: ProcessSettings
    labels: HandLabels

    def detection_key(self, detector: Detector) -> dict[str, Any]:
        """All that the detections depend on: a run with the same key can use them again."""
        return {
            "video_sha256": self.video_sha256,
            "weights_sha256": detector.weights_sha256,
            "runtime": detector.runtime,
            "detector": self.settings.detector.model_dump(mode="json"),
            "start_s": self.settings.start_s,
            "end_s": self.settings.end_s,
            "stride": self.settings.stride,
        }

    def key(self, tools: Tools) -> dict[str, Any]:
        """All that the run depends on: a finished run with the same key needs no work."""
        return {
            **self.detection_key(tools.detector),
            "settings": self.settings.model_dump(mode="json", exclude={"calibration"}),
            "calibration": _calibration(tools.calibration),
            "ensemble": tools.ensemble and tools.ensemble.version,
            **({"labels": self.labels.key} if self.labels.key else {}),
            "cleansheet": __version__,
        }


def process_videos(
    videos: Sequence[Path], workspace: Path, settings: ProcessSettings, *, name: str | None, fresh: bool, force: bool,
    report: Report, resume: bool = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Process videos one after the other; all of them are looked at before the first one starts.

    Args:
        videos: Video files.
        workspace: Where runs are kept and the ensemble lies.
        settings: The same for all.
        name: The run's name, for a single video.
        fresh: Begin anew where an earlier attempt was stopped.
        force: Replace finished runs of the same name, whatever they were made from.
        report: Hears of the progress.
        resume: Refuse unless there is a stopped run to go on with; without it, one is gone on with if it is there.

    Returns:
        What run.json of each run says, with `folder` and whether a finished run was `reused`.

    Raises:
        BadInput: A video, a name, weights or a calibration that cannot be used.
    """
    if name is not None and len(videos) > 1:
        raise BadInput(f"--name {name!r} was given for {len(videos)} videos; name one video at a time")
    jobs = [_job(video, workspace, settings, name) for video in videos]
    names = [job.run.name for job in jobs]
    for twice in {n for n in names if names.count(n) > 1}:
        raise BadInput(f"two of the videos would both become the run {twice!r}; process them one by one with --name")
    tools = _tools(workspace, settings)
    for job in jobs:
        for view in tools.calibration:
            view.refuse_other_size((job.info.width, job.info.height))
            if view.frame is not None and view.frame >= job.info.frame_count:
                count = job.info.frame_count
                raise BadInput(f"{view.source}: frame {view.frame}, but {job.info.path} has frames 0 to {count - 1}")
    if tools.ensemble is not None:
        refuse_unknown_teams(settings.attacks, tools.ensemble.teams)
    return [_process(job, tools, fresh=fresh, force=force, resume=resume, report=report) for job in jobs]


def _job(video: Path, workspace: Path, settings: ProcessSettings, name: str | None) -> Job:
    info = probe(video, end_s=settings.end_s)
    if settings.start_s > info.times_s[-1]:
        raise BadInput(f"{video}: --start {settings.start_s:g} s lies behind its end at {info.duration_s:.1f} s")
    run = Run(workspace, run_name(video, name))
    return Job(info, sha256_of(video), run, settings, labels_of_run(workspace, run.name))


def _tools(workspace: Path, settings: ProcessSettings) -> Tools:
    try:
        ensemble: Ensemble | None = Ensemble.load(workspace)
    except NoEnsemble:
        ensemble = None
    points = () if settings.calibration is None else calibration.load(settings.calibration)
    chosen = settings.detector
    detector = Detector.load(  # in a video the frames around speak for a weak box, so it needs no company
        chosen.weights, confidence=chosen.confidence, company=0, image_size=chosen.image_size, runtime=chosen.runtime,
        threads=1, cache=workspace / "cache" / "detectors",
    )  # fmt: skip
    return Tools(detector, ensemble, points)


def _process(
    job: Job, tools: Tools, *, fresh: bool, force: bool, resume: bool, report: Report
) -> dict[str, Any]:
    with locked(job.run):
        key = job.key(tools)
        finished = job.run.summary()
        if finished is not None and not force:
            if finished["key"] == key and _whole(job.run.final, job.settings):
                return {**finished, "folder": str(job.run.final.folder), "reused": True}
            if finished["key"]["video_sha256"] != job.video_sha256:
                raise BadInput(
                    f"there is a run {job.run.name!r} already, of another video; choose another --name, "
                    "or --force to replace it"
                )
        if resume:
            _refuse_unless_stopped(job, tools)
        _prepare(job, tools, finished, fresh=fresh, force=force)
        summary = _make(job, tools, key, report)
        give_back_memory()  # the report reads the tables again, which are large: here nobody else holds them any more
        write_report(job.run.partial.folder, name=job.run.name)
        job.run.publish()
        return {**summary, "folder": str(job.run.final.folder), "reused": False}


def _refuse_unless_stopped(job: Job, tools: Tools) -> None:
    """For --resume: what was detected before the stop has to be there and still to hold."""
    partial = job.run.partial
    begun = read_json(partial.key)
    if begun is None or not partial.detections.exists():
        raise BadInput(f"--resume: no run {job.run.name!r} was stopped in {job.run.workspace}; leave --resume out")
    key = job.detection_key(tools.detector)
    other = [part for part in key if begun.get(part) != key[part]]
    if other:
        raise BadInput(
            f"--resume: the run {job.run.name!r} that was stopped had another {', '.join(other)}; give what it was "
            "begun with, or leave --resume out to begin anew"
        )


def _whole(paths: RunPaths, settings: ProcessSettings) -> bool:
    tables = all((paths.folder / f"{table.name}.csv").exists() for table in WRITTEN)
    return tables and paths.mot.exists() and (paths.video.exists() or not settings.video)


def _prepare(job: Job, tools: Tools, finished: dict[str, Any] | None, *, fresh: bool, force: bool) -> None:
    """Make the partial folder ready: keep detections that still hold, throw away the rest."""
    partial, final = job.run.partial, job.run.final
    key = job.detection_key(tools.detector)
    if fresh or read_json(partial.key) != key:
        shutil.rmtree(partial.folder, ignore_errors=True)
    partial.folder.mkdir(parents=True, exist_ok=True)
    reusable = final.detections.exists() and read_json(final.key) == key and not (force or fresh)
    if reusable and not partial.detections.exists():
        shutil.copyfile(final.detections, partial.detections)
    shutil.rmtree(partial.crops, ignore_errors=True)
    labels = final.crops / "labels.csv"
    if (labels.exists() or job.labels) and not force:
        same_tracks = finished is not None and all(
            finished["key"]["settings"][part] == job.settings.model_dump(mode="json")[part]
            for part in ("association", "crops")
        )
        if not (same_tracks and read_json(final.key) == key):
            raise BadInput(
                f"the labels of {job.run.name} belong to the tracks that are there now, and other settings make other "
                "tracks; "
                "give --name for a second run, or --force to replace it"
            )
        partial.crops.mkdir()
        for file in (labels, labels.with_name("contact-sheet.jpg")):
            if file.exists():
                shutil.copyfile(file, partial.crops / file.name)
    write_json(partial.key, key)
    write_json(partial.summary, {"complete": False, "video": str(job.info.path), "key": key})


def _make(job: Job, tools: Tools, key: dict[str, Any], report: Report) -> dict[str, Any]:
    paths, settings, times = job.run.partial, job.settings, StageTimes()
    give_large_memory_back_at_once()
    with times.timed("total"):
        seen = watch(
            job.info, paths, settings, tools.detector,
            [view.frame for view in tools.calibration if view.frame is not None], times, report,
        )  # fmt: skip
        made_of = tracks_key(seen.tracks.track_id, seen.tracks.frame)
        labels = job.labels if job.labels.tracks_key == made_of else HandLabels()
        seen = replace(seen, tracks=corrected(seen.tracks, labels))
        move_crops(paths.crops, labels)
        warnings = list(_warnings(job, tools, seen.frames, seen.tracks))
        if job.labels and not labels:
            warnings.append(LABELS_OF_OTHERS.format(run=job.run.name))
        with times.timed("classify"):
            crops = crops_of_tracks(paths.crops)
            officials = {track: float(role == OFFICIALS) for track, role in roles(seen.tracks, {}).items()}
            found = verdicts(crops, tools.ensemble, officials) if tools.ensemble is not None else {}
            found |= {
                track: Verdict(team, 1.0, len(crops.get(track, ()))) for track, team in labels.by_hand.items()
            }
        give_back_memory()
        with times.timed("measure"):
            placed = place(
                seen.tracks, found, tools.calibration, seen.camera, seen.background, (job.info.width, job.info.height)
            )
            give_back_memory()
            statistics = compute(
                placed.positions, placed.rink, settings.attacks or None, placed.metres,
                periods=settings.periods,
                team_confidence={track: verdict.confidence for track, verdict in found.items()}, players=labels.players,
            )  # fmt: skip
            warnings += [*placed.warnings, *statistics.warnings]
        give_back_memory()
        with times.timed("write"):
            table = TrackTable(seen.tracks, placed.positions, found)
            for rows, schema in ((statistics.teams, TEAMS), (statistics.players, PLAYERS), (table, TRACKS),
                                 (statistics.timeline, TIMELINE), (statistics.bursts, BURSTS)):  # fmt: skip
                write_table(rows, schema, paths.folder, settings.formats)
            write_mot(paths.mot, seen.tracks)
        give_back_memory()
        with times.timed("pictures"):
            write_pictures(statistics, placed.positions, placed.rink, paths.folder, settings.periods)
        give_back_memory()
        if settings.video:
            draw_video(job.info, paths.video, settings, table, statistics, placed, seen.frames, times, report)
    summary = {
        "complete": True,
        "video": {
            "path": str(job.info.path), "sha256": job.video_sha256, "width": job.info.width, "height": job.info.height,
            "fps": job.info.fps, "variable_rate": job.info.variable_rate, "duration_s": job.info.duration_s,
            "codec": job.info.codec,
        },
        "frames": seen.frames,
        "tracks_key": made_of,
        "labelled_by_hand": len(labels.teams),
        "detections": seen.detections,
        "tracks": len(statistics.players),
        "metres": placed.metres,
        "camera": describe(placed, seen.camera, job.info.width),
        "attacks": statistics.attacks,
        "periods": [
            {"start_s": start, "end_s": end, "attacks": sides_in(statistics.attacks, number)}
            for number, (start, end) in enumerate(settings.periods)
        ],
        "dropped_speed_samples": statistics.dropped,
        "warnings": warnings,
        "settings": settings.model_dump(mode="json"),
        "weights": {"name": tools.detector.weights_name, "sha256": tools.detector.weights_sha256},
        "runtime": tools.detector.runtime,
        "ensemble": tools.ensemble and {"version": tools.ensemble.version, "teams": list(tools.ensemble.teams)},
        "calibration": _calibration(tools.calibration),
        "seconds": times.rounded(),
        "shares": times.shares(),
        "versions": {
            "cleansheet": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
        "key": key,
    }  # fmt: skip
    write_json(paths.summary, summary)
    return summary


def _calibration(views: Sequence[Calibration]) -> dict[str, Any] | None:
    """A calibration as run.json tells it; None where there is none."""
    if not views:
        return None
    rink = views[0].rink
    return {
        "rink": rink.name,
        "length_m": rink.length_m,
        "width_m": rink.width_m,
        "painted": calibration.painted(rink),
        "views": [
            {
                "frame": view.frame,
                "reprojection_error_m": round(view.reprojection_error_m, 4),
                "points": [pair.model_dump(mode="json") for pair in view.points],
            }
            for view in views
        ],
    }


def _warnings(job: Job, tools: Tools, frames: int, tracks: Tracks) -> list[str]:
    said = []
    if len(tracks.track_id) == 0:
        said.append(NOTHING_SEEN)
    elif tools.ensemble is None:
        said.append(
            "no classifier yet, so no teams: say who plays for whom with "
            f"`cleansheet label {job.run.name}`, then process again"
        )
    if frames == 0:
        said.append("there was no frame between --start and --end")
    return said
