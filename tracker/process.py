"""The main job, conducted: a video goes in, a run's folder comes out, whole or not at all."""

import shutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from classifier.errors import BadInput
from classifier.pixels import single_thread
from tracker.environment import give_back_memory, give_large_memory_back_at_once, importing
from tracker.job import Job, Tools, job_of, load_tools
from tracker.progress import Report
from tracker.run import RunPaths, locked, read_json, write_json
from tracker.settings import ProcessSettings
from tracker.stage_times import StageTimes

if TYPE_CHECKING:
    from tracker.outcome import Measured
    from tracker.watch import Watched

IMPORTED_AHEAD = 60
"""Frames before the end of the first pass."""


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
    jobs = [job_of(video, workspace, settings, name) for video in videos]
    names = [job.run.name for job in jobs]
    for twice in {n for n in names if names.count(n) > 1}:
        raise BadInput(f"two of the videos would both become the run {twice!r}; process them one by one with --name")
    tools = load_tools(workspace, settings)
    for job in jobs:
        for view in tools.calibration:
            view.refuse_other_size((job.info.width, job.info.height))
            if view.frame is not None and view.frame >= job.info.frame_count:
                count = job.info.frame_count
                raise BadInput(f"{view.source}: frame {view.frame}, but {job.info.path} has frames 0 to {count - 1}")
    if tools.ensemble is not None and settings.attacks:
        from tracker.attacks import refuse_unknown_teams

        refuse_unknown_teams(settings.attacks, tools.ensemble.teams)
    return [_process(job, tools, fresh=fresh, force=force, resume=resume, report=report) for job in jobs]


def _process(job: Job, tools: Tools, *, fresh: bool, force: bool, resume: bool, report: Report) -> dict[str, Any]:
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
        from tracker.report import write_report

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
    from tracker.tables import WRITTEN

    tables = all((paths.folder / f"{table.name}.csv").exists() for table in WRITTEN)
    return tables and paths.mot.exists() and (paths.video.exists() or not settings.video)


def _prepare(job: Job, tools: Tools, finished: dict[str, Any] | None, *, fresh: bool, force: bool) -> None:
    """Make the partial folder ready: keep detections that still hold, throw away the rest."""
    partial, final = job.run.partial, job.run.final
    key = job.detection_key(tools.detector)
    if not force and _labelled(job):
        _refuse_to_lose_labels(job, finished, key)
    if fresh or read_json(partial.key) != key:
        shutil.rmtree(partial.folder, ignore_errors=True)
    partial.folder.mkdir(parents=True, exist_ok=True)
    reusable = final.detections.exists() and read_json(final.key) == key and not (force or fresh)
    if reusable and not partial.detections.exists():
        shutil.copyfile(final.detections, partial.detections)
    shutil.rmtree(partial.crops, ignore_errors=True)
    if not force and _labelled(job):
        partial.crops.mkdir()
        for file in (final.crops / name for name in ("labels.csv", "contact-sheet.jpg")):
            if file.exists():
                shutil.copyfile(file, partial.crops / file.name)
    write_json(partial.key, key)
    write_json(partial.summary, {"complete": False, "video": str(job.info.path), "key": key})


def _labelled(job: Job) -> bool:
    return bool(job.labels) or (job.run.final.crops / "labels.csv").exists()


def _refuse_to_lose_labels(job: Job, finished: dict[str, Any] | None, key: dict[str, Any]) -> None:
    """Labels belong to tracks; where others would be found, they would be lost."""
    before = read_json(job.run.final.key)
    if finished is None or before is None:
        raise BadInput(
            f"the labels of {job.run.name} belong to a run that is gone; give --name for a second run, or --force to "
            "begin anew"
        )
    other = _changed(job, finished, before, key)
    if other:
        raise BadInput(
            f"the labels of {job.run.name} belong to the tracks that are there now, and others would be found with "
            f"another {', '.join(other)}; give the same again, --name for a second run, or --force to replace it"
        )


def _changed(job: Job, finished: dict[str, Any], before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What decides the tracks and was not the same when the finished run was made; keys as of `Job.detection_key`."""
    names = {"video_sha256": "video", "weights_sha256": "detector", "start_s": "--start", "end_s": "--end"}
    said = [names.get(part, part) for part in now if part != "detector" and before.get(part) != now[part]]
    asked = {"every": "--detect-every", "image_size": "--image-size"}
    for part, value in now["detector"].items():
        was = before.get("detector", {}).get(part)
        if was != value and part != "weights":  # of which the hash speaks
            said.append(f"{asked.get(part, part)} ({was} then, {value} now)")
    settings = job.settings.model_dump(mode="json")
    return said + [part for part in ("association", "crops") if finished["key"]["settings"][part] != settings[part]]


def _make(job: Job, tools: Tools, key: dict[str, Any], report: Report) -> dict[str, Any]:
    times = StageTimes()
    give_large_memory_back_at_once()
    tools.detector.prepare(job.info.width, job.info.height)
    with importing():
        from tracker.watch import watch  # seconds of imports, in which the network gets ready
    calibrated = [view.frame for view in tools.calibration if view.frame is not None]
    with times.timed("total"), single_thread():  # the stages share the cores; OpenCV's threads wait for each other
        nearly = _importing_near_the_end(report)
        seen = watch(job.info, job.run.partial, job.settings, tools.detector, calibrated, times, nearly)
        made = _bring_out(job, tools, seen, times, report)
    from tracker.run_summary import summary_of

    summary = summary_of(job, tools, made, times, key)
    write_json(job.run.partial.summary, summary)
    return summary


def _bring_out(job: Job, tools: Tools, seen: "Watched", times: StageTimes, report: Report) -> "Measured":
    with importing():
        from tracker.outcome import bring_out  # a second of imports that the first frame need not wait for
    return bring_out(job, tools, seen, times, report)


def _importing_near_the_end(report: Report) -> Report:
    """The same report; beside the last frames that are watched, what is needed after them is imported."""

    def told(stage: str, done: int, total: int) -> None:
        if stage == "watch" and done == max(1, total - IMPORTED_AHEAD):
            Thread(target=import_module, args=("tracker.outcome",), daemon=True).start()
        report(stage, done, total)

    return told
