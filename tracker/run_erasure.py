"""People taken out of finished runs: their tracks leave every file of the run's folder, as if they had not been seen.

The order is such that being killed anywhere, and called again, ends in the same bytes:

1. unfinished and replaced folders of the run go, and what a killed writer left behind;
2. `.erasure.json` is written: what is to be done, how much there is of it, the SHA-256 of the video as it is now;
3. the video, since it needs the boxes of tracks.csv: drawn again beside, then renamed. Called again, a video that has
   another SHA-256 than in 2 is done already; it would lose quality by being encoded twice;
4. report.html, detections.bin, labels.csv, the contact sheet, the crops;
5. the tables of teams and seconds and the pictures from the rows of tracks.csv that stay; players.csv, bursts.csv,
   tracks.mot.txt and run.json; each table in all formats that it is there in;
6. the table of tracks, tracks.csv last, the source of 3 and 5; report.html from what is there now; last of all
   `.erasure.json` goes. Where it is found, it is finished first.

The run keeps its key, so that `cleansheet process` with the same settings takes it as finished; with others, or with
another ensemble, it detects again, and finds again whom the source video still shows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any, Literal

import polars as pl

from classifier.atomic_file import is_partial, remove, write_whole
from classifier.crash_points import crash_point
from classifier.errors import BadInput, CleansheetError
from tracker import redaction
from tracker.calibration import rink_of
from tracker.crop_erasure import count_crops, erase_crops, read_labels, track_of_crop
from tracker.hand_labels import labels_of_run, tracks_in_tables, tracks_named
from tracker.pictures import pictures_of, write_pictures
from tracker.report import NAME as REPORT
from tracker.report import write_report
from tracker.run import Run, RunPaths, flush, locked, read_json, run_name, write_json
from tracker.statistics import Statistics, compute
from tracker.tables import (
    BURSTS,
    PLAYERS,
    POSITIONS,
    TEAMS,
    TIMELINE,
    TRACKS,
    Table,
    formats_of,
    read_csv,
    write_table,
)
from tracker.video import sha256_of

TOTALS_KEPT = "team totals, the timeline and the pictures include erased people"
VIDEO_KEPT = "the annotated video still shows erased people"
JOURNAL = ".erasure.json"
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm"})
_SAID_BY_STATISTICS = (
    "no rink coordinates: ", "attack direction of ", " places lie outside the boards ", " are tracking errors and ",
)  # fmt: skip


@dataclass(frozen=True, order=True)
class RunTrack:
    """One track of one run of the workspace."""

    run: str
    track: int


@dataclass(frozen=True)
class RunErasure:
    """What was taken out of one run."""

    run: str
    tracks: tuple[int, ...]
    """As asked for, ascending, whether or not there was anything of them."""
    rows: int
    """Rows of tracks.csv that went; 0 where there was nothing to do any more."""
    crops: int
    """Pictures that went."""
    video_redacted: bool
    videos_kept: tuple[str, ...]
    """Files below the run's folder that still show the person, as far as the run knows."""
    totals: Literal["recomputed", "marked"]
    """Whether the team totals are without the person, or run.json says that they are not."""


@dataclass(frozen=True)
class _Erasure:
    """What `.erasure.json` holds."""

    tracks: tuple[int, ...]
    totals: str
    redact: bool
    rows: int
    crops: int
    video_sha256: str | None
    """Of the video before it is redacted; None where it is not to be."""


def tracks_of_sources(workspace: Path, locations: Iterable[str]) -> tuple[RunTrack, ...]:
    """The tracks whose crops were imported from these places, ascending.

    Args:
        workspace: Where the runs are.
        locations: As the catalog has them; of a crop of a run `RUN/<path below runs/RUN/crops>`. Others are ignored.
    """
    found: set[RunTrack] = set()
    labelled: dict[str, dict[str, frozenset[int]]] = {}
    for location in locations:
        run, _, crop = location.partition("/")
        if not crop or not _is_run(workspace, run):
            continue
        track = track_of_crop(crop)
        frame = Path(crop).stem
        if track is not None and frame.isdigit():
            track = labels_of_run(workspace, run).part(track, int(frame))
        if track is None:
            if run not in labelled:
                _, labels = read_labels(Run(workspace, run).final.crops)
                labelled[run] = {label.crop: label.tracks for label in labels}
            found |= {RunTrack(run, said) for said in labelled[run].get(crop, ())}
        else:
            found.add(RunTrack(run, track))
    return _as_in_tables(workspace, found)


def tracks_of_players(workspace: Path, players: Collection[str]) -> tuple[RunTrack, ...]:
    """The tracks that the page or any run's labels.csv gives to these players, imported or not, ascending."""
    runs = workspace / "runs"
    named = {RunTrack(*each) for each in tracks_named(workspace, players)}
    found = set(_as_in_tables(workspace, named)) | named
    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        if _is_run(workspace, folder.name):
            for label in read_labels(RunPaths(folder).crops)[1]:
                if not set(players).isdisjoint(label.players):
                    found |= {RunTrack(folder.name, track) for track in label.tracks}
    return tuple(sorted(found))


def erase_tracks(
    workspace: Path, tracks: Sequence[RunTrack], *, totals: str = "recompute", redact: bool = False
) -> tuple[RunErasure, ...]:
    """Take tracks out of runs; doing it twice is doing it once, and what was interrupted is finished first.

    Args:
        workspace: Where the runs are.
        tracks: Whom to take out; runs and tracks that are not there are no error.
        totals: `recompute` the teams' figures and pictures from the rest, or `keep` them and say so in run.json.
        redact: Blur these people in annotated.mp4.

    Returns:
        What was done, by run.

    Raises:
        BadInput: The annotated video cannot be read, `totals` is neither of the two, or a run's name is no folder name.
        CleansheetError: Another process is at work on a run; a run's tracks.csv or run.json is missing; the annotated
            video does not belong to the run's tables. The run that it is about still has all of its tables.
    """
    if totals not in ("recompute", "keep"):
        raise BadInput(f"totals {totals!r}: expected recompute or keep")
    by_run: dict[str, set[int]] = {}
    for each in tracks:
        by_run.setdefault(run_name(Path(each.run), each.run), set()).add(each.track)
    return tuple(
        _erase(Run(workspace, name), tuple(sorted(ids)), totals, redact) for name, ids in sorted(by_run.items())
    )


def _as_in_tables(workspace: Path, tracks: Collection[RunTrack]) -> tuple[RunTrack, ...]:
    """Tracks and parts of tracks, as the runs' tables know them, ascending."""
    found: set[RunTrack] = set()
    for run in {each.run for each in tracks}:
        table = Run(workspace, run).final.folder / "tracks.csv"
        present = set(read_csv(TRACKS, table)["track_id"].to_list()) if table.exists() else set()
        ids = [each.track for each in tracks if each.run == run]
        found |= {RunTrack(run, track) for track in tracks_in_tables(workspace, run, ids, present)}
    return tuple(sorted(found))


def _is_run(workspace: Path, name: str) -> bool:
    try:
        return Run(workspace, run_name(Path(name), name)).final.folder.is_dir()
    except BadInput:
        return False


def _erase(run: Run, tracks: tuple[int, ...], totals: str, redact: bool) -> RunErasure:
    unfinished = (run.partial.folder, run.final.folder.with_name(f"{run.name}.replaced"))
    if not any(folder.exists() for folder in (*unfinished, run.final.folder)):
        return RunErasure(run.name, tracks, 0, 0, False, (), "recomputed")
    with locked(run):
        for folder in unfinished:
            if folder.exists():
                rmtree(folder)
                flush(folder.parent)
        if not run.final.folder.exists():
            return RunErasure(run.name, tracks, 0, 0, False, (), "recomputed")
        for path in sorted(run.final.folder.rglob("*")):
            if path.suffix == ".part" or is_partial(path):
                remove(path)
        begun = _begun(run.final.folder)
        if begun is not None:
            done = _carry_out(run, begun)
            if (begun.tracks, begun.totals, begun.redact) == (tracks, totals, redact):
                return done
        to_do = _survey(run, tracks, totals, redact)
        if to_do is None:
            return _report(run, _Erasure(tracks, totals, redact, 0, 0, None), _summary(run.final))
        write_json(run.final.folder / JOURNAL, asdict(to_do))
        return _carry_out(run, to_do)


def _begun(folder: Path) -> _Erasure | None:
    said = read_json(folder / JOURNAL)
    return None if said is None else _Erasure(**{**said, "tracks": tuple(said["tracks"])})


def _survey(run: Run, tracks: tuple[int, ...], totals: str, redact: bool) -> _Erasure | None:
    """What there is to do; None where nothing of the tracks is left."""
    paths = run.final
    rows = _table(paths).filter(pl.col("track_id").is_in(tracks)).height
    crops = count_crops(paths.crops, tracks)
    labelled = any(not label.tracks.isdisjoint(tracks) for label in read_labels(paths.crops)[1])
    stale = totals == "recompute" and TOTALS_KEPT in _summary(paths)["warnings"]
    if not (rows or crops or labelled or stale):
        return None
    video = None
    if redact and rows and paths.video.exists():
        video = sha256_of(paths.video)
    return _Erasure(tracks, totals, redact, rows, crops, video)


def _carry_out(run: Run, erasure: _Erasure) -> RunErasure:
    """All steps, whether for the first time or again."""
    paths = run.final
    table, summary = _table(paths), _summary(paths)
    rest = table.filter(~pl.col("track_id").is_in(erasure.tracks))
    if erasure.video_sha256 is not None and paths.video.exists() and sha256_of(paths.video) == erasure.video_sha256:
        _redact(paths, table, erasure.tracks, summary["settings"]["start_s"])
    remove(paths.folder / REPORT)
    remove(paths.detections)
    erase_crops(paths.crops, erasure.tracks)
    crash_point()
    statistics = _recompute(paths, rest, summary) if erasure.totals == "recompute" else None
    crash_point()
    for picture in pictures_of(paths.folder, erasure.tracks):
        remove(picture)
    for schema in (PLAYERS, BURSTS):
        _filter(paths, schema, erasure.tracks)
    _filter_mot(paths, erasure.tracks)
    summary = _said_after(summary, rest, statistics, erasure, paths)
    write_json(paths.summary, summary)
    flush(paths.folder)
    crash_point()
    _replace(rest, TRACKS, paths)
    flush(paths.folder)
    crash_point()
    if (paths.folder / f"{BURSTS.name}.csv").exists():  # a run of an earlier version has no report
        write_report(paths.folder, run.name)
        flush(paths.folder)
    remove(paths.folder / JOURNAL)
    return _report(run, erasure, summary)


def _redact(paths: RunPaths, table: pl.DataFrame, tracks: Collection[int], start_s: float) -> None:
    beside = paths.video.with_name(paths.video.name + ".part")
    try:
        redaction.redact(paths.video, beside, table, tracks, start_s)
    except CleansheetError:  # nothing was changed so far: the next call is free to ask for something else
        remove(beside)
        remove(paths.folder / JOURNAL)
        raise
    flush(beside)
    crash_point()
    beside.replace(paths.video)
    flush(paths.folder)
    crash_point()


def _report(run: Run, erasure: _Erasure, summary: dict[str, Any]) -> RunErasure:
    redacted = erasure.video_sha256 is not None
    folder = run.final.folder
    shows = erasure.rows > 0 or VIDEO_KEPT in summary["warnings"]
    kept = tuple(
        str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))
        if shows and path.suffix.lower() in VIDEOS and not (redacted and path == run.final.video)
    )  # fmt: skip
    totals: Literal["recomputed", "marked"] = "marked" if TOTALS_KEPT in summary["warnings"] else "recomputed"
    return RunErasure(run.name, erasure.tracks, erasure.rows, erasure.crops, redacted, kept, totals)


def _table(paths: RunPaths) -> pl.DataFrame:
    """tracks.csv."""
    path = paths.folder / "tracks.csv"
    if not path.exists():
        raise CleansheetError(f"{path} is missing, so that nobody can be told apart; delete {paths.folder}")
    return read_csv(TRACKS, path)


def _summary(paths: RunPaths) -> dict[str, Any]:
    """run.json."""
    summary = read_json(paths.summary)
    if summary is None:
        raise CleansheetError(f"{paths.summary} is missing or damaged; delete {paths.folder}, or process it again")
    return summary


def _recompute(paths: RunPaths, rest: pl.DataFrame, summary: dict[str, Any]) -> Statistics:
    """Write the teams' tables and pictures from the rows that stay.

    The ends that the teams attack are those that the run knew: they are facts of the match, also where a goalkeeper
    who goes now told them.
    """
    positions = rest.select(POSITIONS.names)
    metres = summary["metres"]
    rink = rink_of(summary["calibration"]) if metres == "measured" else None
    periods = [(period["start_s"], period["end_s"]) for period in summary.get("periods", ())]  # older runs know none
    statistics = compute(positions, rink, None, metres, periods=periods)
    known = {team: side for team, side in summary["attacks"].items() if team in statistics.teams["team"].to_list()}
    if known != statistics.attacks:
        statistics = compute(positions, rink, known, metres, periods=periods)
    _replace(statistics.teams, TEAMS, paths)
    crash_point()
    _replace(statistics.timeline, TIMELINE, paths)
    crash_point()
    drawn = write_pictures(statistics, positions, rink, paths.folder, periods).values()
    for picture in pictures_of(paths.folder):
        if picture not in drawn:
            remove(picture)
    return statistics


def _replace(rows: pl.DataFrame, schema: Table, paths: RunPaths) -> None:
    """Write a table in the formats that it is there in, CSV last: what the others are made from."""
    write_table(rows, schema, paths.folder, sorted({"csv", *formats_of(schema, paths.folder)}, reverse=True))


def _filter(paths: RunPaths, schema: Table, tracks: Collection[int]) -> None:
    path = paths.folder / f"{schema.name}.csv"
    if path.exists():
        _replace(read_csv(schema, path).filter(~pl.col("track_id").is_in(list(tracks))), schema, paths)


def _filter_mot(paths: RunPaths, tracks: Collection[int]) -> None:
    if paths.mot.exists():
        gone = {str(track).encode() for track in tracks}
        lines = paths.mot.read_bytes().splitlines(keepends=True)
        write_whole(paths.mot, b"".join(line for line in lines if line.split(b",", 2)[1] not in gone))


def _said_after(
    summary: dict[str, Any], rest: pl.DataFrame, statistics: Statistics | None, erasure: _Erasure, paths: RunPaths
) -> dict[str, Any]:
    """run.json without counts that the erased people are in; applied to its own result it changes nothing."""
    warnings = [said for said in summary["warnings"] if said != TOTALS_KEPT]
    after = {**summary, "detections": None, "tracks": rest["track_id"].n_unique()}
    if statistics is None:
        warnings.append(TOTALS_KEPT)
    else:
        warnings = [said for said in warnings if not any(part in said for part in _SAID_BY_STATISTICS)]
        warnings += statistics.warnings
        after |= {"attacks": statistics.attacks, "dropped_speed_samples": statistics.dropped}
    shown = erasure.rows > 0 and erasure.video_sha256 is None and paths.video.exists()
    if shown or VIDEO_KEPT in warnings:
        warnings = [*(said for said in warnings if said != VIDEO_KEPT), VIDEO_KEPT]
    return {**after, "warnings": warnings}
