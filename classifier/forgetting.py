"""Forgetting and correcting as a transaction that only rolls forward.

A journal says what was set out to be done; every step after it can be done twice; the journal goes last. Killed at any
instant, the next command finds the journal and does all steps again, to the same end.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from classifier import certificate
from classifier.atomic_file import is_partial, remove, write_whole
from classifier.catalog import Catalog, Crop, open_catalog
from classifier.certificate_page import page
from classifier.checkpoints import load_state, state_fingerprint
from classifier.ensemble import read_manifest
from classifier.environment import environment
from classifier.erasure import (
    Runs,
    RunsErased,
    Survey,
    catalog_root,
    cost,
    ensemble_root,
    missing_crops,
    recorded_recipe,
    survey,
)  # fmt: skip
from classifier.errors import BadInput, CleansheetError
from classifier.judgement import Seen, all_seen
from classifier.keys import signing_key, token
from classifier.leftovers import Found, Trace, search, trace_of
from classifier.likeness import THUMB
from classifier.plan import extend_plan
from classifier.processes import default_workers, run_jobs
from classifier.publishing import publish, withdraw
from classifier.recipe import Recipe
from classifier.roster import holdings, trainable
from classifier.shard import ShardJob
from classifier.training import TrainProgress, build_missing, shard_jobs, tidy
from classifier.training_page import clear_pages, write_pages
from classifier.workspace import Workspace

STEPS = 8


class JournalCrop(BaseModel):
    """A picture on its way out, and how it is known again."""

    model_config = ConfigDict(frozen=True)

    digest: str
    suffix: str
    probe: str
    look: str
    thumb: str
    """Base64 of `(16, 16, 3)` bytes."""


class Journal(BaseModel):
    """What a change has set out to do, complete: finishing it needs nothing else."""

    model_config = ConfigDict(frozen=True)

    request: str
    """Random id."""
    kind: str
    """`erasure` or `rectification`."""
    requested: str
    """Day and time, UTC."""
    subjects: tuple[str, ...]
    """Pseudonyms of those concerned."""
    players: tuple[str, ...]
    crops: tuple[JournalCrop, ...]
    names: tuple[str, ...]
    """What must not be found any more."""
    tokens: tuple[str, ...]
    tracks: tuple[tuple[str, int], ...]
    redact: bool
    totals: str
    team: str | None
    player: str | None
    touched: tuple[tuple[int, int], ...]
    share: float
    counts: dict[str, int]
    recipe: dict[str, Any]
    roots: dict[str, str]
    out_of_runs: RunsErased | None = None
    """What was taken out of runs, once it is: doing it again counts nothing."""


@dataclass(frozen=True)
class Options:
    """How to forget."""

    redact: bool = False
    """Blur the person in the runs' annotated videos."""
    totals: str = "recompute"
    """`recompute` the team totals of runs without the person, or `keep` them and mark the run."""


@dataclass(frozen=True)
class Outcome:
    """What was done."""

    certificate: Path
    page: Path
    content: dict[str, Any]
    leftovers: tuple[str, ...] = field(default=())


Say = Callable[[int, str], None]
"""Hears the number of each step, of `STEPS`, and what it does."""


def forget(
    workspace: Path, asked: Sequence[str], runs: Runs, options: Options | None = None, *,
    say: Say | None = None, workers: int | None = None, waiting: Callable[[], None] | None = None,
) -> Outcome:  # fmt: skip
    """Erase people: everything that came from them, with a certificate.

    Args:
        workspace: The workspace.
        asked: Of each person a name, a track `RUN/track-N` or a crop.
        runs: The processed videos.
        options: How.
        say: Hears of the steps.
        workers: Training processes.
        waiting: Called when another command holds the workspace.

    Raises:
        BadInput: somebody is unknown or forgotten already; nothing was changed.
        CleansheetError: it could not be finished; the next command goes on.
    """
    place, options = Workspace(workspace), options or Options()
    _require_people(place, runs)
    with place.writing(waiting, recovering=True):
        _finish(place, runs, None, workers)
        with open_catalog(place, write=True) as catalog:
            found = survey(place, catalog, asked, runs)
            journal = _erasure(place, catalog, found, options)
        write_whole(place.journal, journal.model_dump_json().encode(), mode=0o600)
        return _carry_out(place, journal, runs, say or _silent, workers)


def look_up(workspace: Path, asked: Sequence[str], runs: Runs) -> Survey:
    """What `forget` would do, without doing it.

    Raises:
        BadInput: as `forget`.
    """
    place = Workspace(workspace)
    _require_people(place, runs)
    with open_catalog(place, write=not place.catalog.exists()) as catalog:
        return survey(place, catalog, asked, runs)


def _require_people(place: Workspace, runs: Runs) -> None:
    """Refuse a workspace in which nobody was ever imported or named."""
    if not runs.people(place.path):
        place.require_catalog()


def rectify(
    workspace: Path, asked: str, runs: Runs, *, team: str | None = None, player: str | None = None,
    say: Say | None = None, workers: int | None = None,
) -> Outcome:  # fmt: skip
    """Correct the team or the name on a player's crops, or on one crop: the wrong is forgotten, the right learnt.

    Args:
        workspace: The workspace.
        asked: A player's name, or 12 or more digits of a crop's SHA-256.
        runs: The processed videos, for finishing what was interrupted.
        team: The right team; None leaves it.
        player: The right player; None leaves it.
        say: Hears of the steps.
        workers: Training processes.

    Raises:
        BadInput: unknown, nothing to correct, or a player would have two teams; nothing was changed.
    """
    place = Workspace(workspace)
    place.require_catalog()
    if team is None and player is None:
        raise BadInput("nothing to correct: give --team, --player or both.")
    for what, text in (("team", team), ("player", player)):
        if text is not None and (not text.strip() or not text.isprintable() or len(text) > 100):
            raise BadInput(f"{text!r} is no {what}; expected 1 to 100 printable signs.")
    with place.writing(recovering=True):
        _finish(place, runs, None, workers)
        with open_catalog(place, write=True) as catalog:
            journal = _rectification(place, catalog, asked, team, player)
        write_whole(place.journal, journal.model_dump_json().encode(), mode=0o600)
        return _carry_out(place, journal, runs, say or _silent, workers)


def pending(workspace: Path) -> bool:
    """Whether a change was interrupted here."""
    return Workspace(workspace).journal.exists()


def finish(workspace: Path, runs: Runs, say: Say | None = None) -> Outcome | None:
    """Finish what was interrupted; None where there is nothing to finish."""
    place = Workspace(workspace)
    with place.writing(recovering=True):
        return _finish(place, runs, say, None)


def _finish(place: Workspace, runs: Runs, say: Say | None, workers: int | None) -> Outcome | None:
    if not place.journal.exists():
        return None
    try:
        journal = Journal.model_validate_json(place.journal.read_bytes())
    except ValidationError as error:
        raise CleansheetError(f"{place.journal} cannot be read; restore it: it says what was to be erased.") from error
    return _carry_out(place, journal, runs, say or _silent, workers)


def _erasure(place: Workspace, catalog: Catalog, found: Survey, options: Options) -> Journal:
    crops = catalog.crops()
    kept = [crop for crop in crops if crop.digest not in {gone.digest for gone in found.crops}]
    lost = missing_crops(place, crops)
    if lost:
        raise CleansheetError(
            f"{lost[0]} is missing, and {len(lost) - 1} more: this workspace is not whole; restore it."
        )
    sides = [crop.split for crop in found.crops]
    pairs = [("player", name) for name in found.players]
    pairs += [("track", f"{run}/track-{track}") for run, track in found.tracks]
    own = {crop.digest for crop in found.crops if set(crop.players) <= set(found.players)}
    pairs += [("crop", digest) for digest in sorted(own)]
    pairs += [("look", crop.look) for crop in found.crops if crop.digest in own]
    subjects = found.players or tuple(f"{run}/track-{track}" for run, track in found.tracks)
    names = {*found.players, *(f"{run}/track-{track}" for run, track in found.tracks)}
    return Journal(
        request=secrets.token_hex(16), kind="erasure", requested=_now(),
        subjects=tuple(token(place, "player" if found.players else "track", name) for name in subjects),
        players=found.players, crops=tuple(_journal_crop(place, crop) for crop in found.crops),
        names=tuple(sorted(names)), tokens=tuple(token(place, *pair) for pair in pairs), tracks=found.tracks,
        redact=options.redact, totals=options.totals, team=None, player=None,
        touched=tuple((t.shard, t.slice) for t in found.touched), share=found.share,
        counts={
            "people": len(subjects), "crops": len(found.crops), "training": sides.count("train"),
            "validation": sides.count("val"), "with_others": len(found.with_others),
            "near_copies": len(found.near_copies),
        },
        recipe=recorded_recipe(place).model_dump(mode="json"),
        roots={"catalog_before": catalog_root(crops), "catalog_after": catalog_root(kept),
               "ensemble_before": ensemble_root(place)},
    )  # fmt: skip


def _rectification(
    place: Workspace, catalog: Catalog, asked: str, team: str | None, player: str | None
) -> Journal:  # fmt: skip
    crops = catalog.crops()
    mine = [c for c in crops if c.players == (asked,)]
    if not mine and len(asked) >= 12:
        mine = [c for c in crops if c.digest.startswith(asked)]
    if not mine:
        raise BadInput(
            f"no crop of {asked!r} in {place.path}; nothing was changed; `cleansheet players` lists everybody."
        )
    if any(not crop.alone for crop in mine):
        raise BadInput(f"{asked} shows several people: correct players.csv and import it again.")
    digests = {crop.digest for crop in mine}
    after = tuple(
        Crop(c.digest, c.suffix, team or c.team, c.split, c.width_px, c.height_px, c.look,
             (player,) if player else c.players)
        if c.digest in digests else c
        for c in crops
    )  # fmt: skip
    team_of: dict[str, str] = {}
    for crop in after:
        if crop.alone and team_of.setdefault(crop.players[0], crop.team) != crop.team:
            name = crop.players[0]
            raise BadInput(
                f"{name} would be {team_of[name]} and {crop.team}: a player has one team; nothing was changed."
            )
    if after == crops:
        raise BadInput(f"{asked} is labelled so already; nothing was changed.")
    plan = catalog.plan()
    touched, share, _ = ((), 0.0, 0.0) if plan is None else cost(place, plan, crops, after)
    return Journal(
        request=secrets.token_hex(16), kind="rectification", requested=_now(),
        subjects=tuple(token(place, "player", name) for name in sorted({c.players[0] for c in mine})), players=(),
        crops=tuple(_journal_crop(place, crop) for crop in mine), names=(), tokens=(), tracks=(), redact=False,
        totals="keep", team=team, player=player, touched=tuple((t.shard, t.slice) for t in touched), share=share,
        counts={"crops": len(mine)}, recipe=recorded_recipe(place).model_dump(mode="json"),
        roots={"catalog_before": catalog_root(crops), "catalog_after": catalog_root(after),
               "ensemble_before": ensemble_root(place)},
    )  # fmt: skip


def _journal_crop(place: Workspace, crop: Crop) -> JournalCrop:
    trace = trace_of(place.crop(crop.digest, crop.suffix).read_bytes(), crop.digest, crop.look)
    small = base64.b64encode(trace.thumb.astype(np.uint8).tobytes()).decode()
    return JournalCrop(digest=crop.digest, suffix=crop.suffix, probe=trace.probe.hex(), look=crop.look, thumb=small)


def _carry_out(place: Workspace, journal: Journal, runs: Runs, say: Say, workers: int | None) -> Outcome:
    """All steps, whether for the first time or again."""
    erasing = journal.kind == "erasure"
    say(1, "the classifier answers without the shards concerned")
    withdraw(place, {shard for shard, _ in journal.touched})
    clear_pages(place)
    say(2, "pictures and rows go" if erasing else "labels are corrected")
    out_of_runs = journal.out_of_runs
    if out_of_runs is None:
        out_of_runs = runs.erase(
            place.path, journal.tracks, players=journal.players, totals=journal.totals, redact=journal.redact
        )
        write_whole(
            place.journal,
            journal.model_copy(update={"out_of_runs": out_of_runs}).model_dump_json().encode(),
            mode=0o600,
        )
    remove(place.preview)
    _sweep(place)
    with open_catalog(place, write=True) as catalog:
        number = _number(catalog, journal)
        if erasing:
            for crop in journal.crops:
                remove(place.crop(crop.digest, crop.suffix))
            with catalog.transaction():
                catalog.remove(journal.players, [crop.digest for crop in journal.crops])
                catalog.suppress(journal.tokens, number)
        else:
            sources = catalog.sources()
            locations = [location for crop in journal.crops for location in sources.get(crop.digest, ())]
            runs.relabel(place.path, locations, journal.team, journal.player)
            with catalog.transaction():
                catalog.relabel([crop.digest for crop in journal.crops], journal.team, journal.player)
        catalog.rewrite()
        say(3, "the shards concerned are trained again, from the first slice that differs")
        jobs = _jobs(place, catalog, Recipe(**journal.recipe))
        if jobs:
            build_missing(jobs, workers, None)
            say(4, "the classifier takes them back")
            made = publish(
                place, jobs, jobs[0].teams, Recipe(**journal.recipe), _seen(place, catalog), even_empty=True
            )
        say(5, "checkpoints that nothing refers to any more go")
        tidy(place, jobs)
        if jobs:
            write_pages(place, jobs, made.judged, {c.digest: ", ".join(c.players) for c in catalog.crops()})
        catalog.rewrite()
        kept_texts = _texts(catalog)
    say(6, "every byte of the workspace is searched for what is left")
    found = search(place, journal.names, [_trace(crop) for crop in journal.crops], kept_texts) if erasing else None
    say(7, "a fresh process trains the same shards from nothing, and the bits are compared")
    proofs = _prove(place, [job for job in jobs if job.shard in {shard for shard, _ in journal.touched}], workers)
    say(8, "the certificate is signed and entered in the ledger")
    content = _content(place, journal, number, proofs, found, out_of_runs, _previous(place, number))
    outcome = _certify(place, journal, number, content, () if found is None else found.hits)
    remove(place.journal)
    return outcome


def _jobs(place: Workspace, catalog: Catalog, recipe: Recipe) -> tuple[ShardJob, ...]:
    """The shards under the recorded plan without those who left; none where nothing was ever trained."""
    plan = catalog.plan()
    if plan is None:
        return ()
    crops = trainable(catalog.crops())
    roster = holdings(crops)
    plan = extend_plan(plan, roster)
    with catalog.transaction():
        catalog.record_plan(plan, {digest: h.player for h in roster for digest in h.crops})
    return shard_jobs(place, plan, crops, recipe)


def _seen(place: Workspace, catalog: Catalog) -> tuple[Seen, ...]:
    plan = catalog.plan()
    return () if plan is None else all_seen(place, plan, catalog.crops())


def _prove(place: Workspace, jobs: Sequence[ShardJob], workers: int | None) -> list[dict[str, Any]]:
    """Of every slice of these shards, the fingerprint of its checkpoint and that of an independent training.

    Raises:
        CleansheetError: they differ.
    """
    proofs = compare_with_retraining(place, jobs, workers, None)
    wrong = [proof for proof in proofs if proof["rebuilt"] != proof["retrained"]]
    if wrong:
        shard, part = wrong[0]["shard"], wrong[0]["slice"]
        raise CleansheetError(
            f"shard {shard}, slice {part} does not come out the same when trained again: the disk, the memory or the "
            "software changed in between; run the command again."
        )
    return proofs


def compare_with_retraining(
    place: Workspace, jobs: Sequence[ShardJob], workers: int | None, progress: Callable[[TrainProgress], None] | None
) -> list[dict[str, Any]]:
    """Train shards from nothing in fresh processes, and put the fingerprints beside those of the checkpoints.

    Shards and slices count from 1 here, as on the certificate.
    """
    total, done = sum(job.steps(0) for job in jobs), 0

    def heard(message: dict[str, Any]) -> None:
        nonlocal done
        done += message["steps"]
        if progress is not None:
            progress(TrainProgress(done, total, message["shard"], message["slice"], message["loss"]))

    blind = [job.model_copy(update={"folder": None, "held_out": ()}) for job in jobs]
    count = (default_workers(total) if workers is None else workers) if blind else 1
    retrained = run_jobs("retrain", blind, count, heard, fresh=True) if blind else []
    proofs = []
    for job, prints in zip(jobs, retrained, strict=True):
        for part, (name, again) in enumerate(zip(job.names(), prints, strict=True)):
            state = load_state(place.shards, name)
            mine = None if state is None else state_fingerprint(state)
            proofs.append({"shard": job.shard + 1, "slice": part + 1, "checkpoint": name, "rebuilt": mine,
                           "retrained": again})  # fmt: skip
    return proofs


def _content(
    place: Workspace, journal: Journal, number: int, proofs: list[dict[str, Any]], found: Found | None,
    out_of_runs: RunsErased, previous: str,
) -> dict[str, Any]:  # fmt: skip
    with open_catalog(place) as catalog:
        plan = catalog.plan()
    not_covered = list(certificate.NOT_COVERED)
    if out_of_runs.videos_kept:
        videos = ", ".join(out_of_runs.videos_kept)
        not_covered.insert(
            0, f"Annotated videos in this workspace still show the person: {videos} (--redact blurs them)."
        )
    if plan is None or plan.mode == "strict":
        not_covered = [text for text in not_covered if not text.startswith("The plan")]
    try:
        ensemble = [{"shard": e["shard"] + 1, "sha256": e["sha256"]} for e in read_manifest(place.path)["constituents"]]
    except CleansheetError:
        ensemble = []
    content: dict[str, Any] = {
        "format": certificate.FORMAT, "kind": journal.kind, "number": number, "request": journal.request,
        "requested": journal.requested, "issued": _now(), "previous": previous, "subjects": list(journal.subjects),
        "counts": journal.counts,
        "plan": None if plan is None else {"mode": plan.mode, "shards": plan.shards, "slices": plan.slices},
        "touched": [{"shard": shard + 1, "from_slice": part + 1} for shard, part in journal.touched],
        "share_of_a_full_training": round(journal.share, 6),
        "roots": {**journal.roots, "ensemble_after": ensemble_root(place)},
        "retrained_in_a_fresh_process": proofs, "ensemble": ensemble,
        "environment": environment(journal.recipe["member"]), "not_covered": not_covered,
    }  # fmt: skip
    if found is not None:
        content["runs"] = {"runs": out_of_runs.runs, "tracks": out_of_runs.tracks, "rows": out_of_runs.rows,
                           "crops": out_of_runs.crops, "videos_redacted": out_of_runs.videos_redacted,
                           "totals": journal.totals}  # fmt: skip
        content["leftovers"] = {"files_searched": found.files, "bytes_searched": found.bytes, "found": len(found.hits)}
        content["law"] = list(certificate.LAW)
    return content


def _certify(
    place: Workspace, journal: Journal, number: int, content: dict[str, Any], leftovers: tuple[str, ...]
) -> Outcome:
    """Write the certificate and its page, and enter it in the ledger; if it is entered already, leave it."""
    path = place.certificates / certificate.file_name(number)
    with open_catalog(place, write=True) as catalog:
        if any(entry.request == journal.request for entry in catalog.ledger()):
            return Outcome(path, path.with_suffix(".html"), certificate.read_certificate(path), leftovers)
        data = certificate.sign(content, signing_key(place))
        signed = json.loads(data)
        write_whole(path, data)
        write_whole(path.with_suffix(".html"), page(signed).encode())
        with catalog.transaction():
            catalog.append_to_ledger(certificate.ledger_entry(number, journal.request, data, content["previous"]))
    return Outcome(path, path.with_suffix(".html"), signed, leftovers)


def _number(catalog: Catalog, journal: Journal) -> int:
    entries = catalog.ledger()
    mine = [entry.number for entry in entries if entry.request == journal.request]
    return mine[0] if mine else len(entries) + 1


def _previous(place: Workspace, number: int) -> str:
    with open_catalog(place) as catalog:
        entries = [entry for entry in catalog.ledger() if entry.number == number - 1]
    return entries[0].entry if entries else certificate.FIRST


def _trace(crop: JournalCrop) -> Trace:
    small = np.frombuffer(base64.b64decode(crop.thumb), np.uint8).reshape(THUMB, THUMB, 3).astype(np.int16)
    return Trace(crop.digest, bytes.fromhex(crop.probe), crop.look, small)


def _texts(catalog: Catalog) -> set[str]:
    """Every text that stays in the catalog."""
    texts = {player.name for player in catalog.players()} | {crop.team for crop in catalog.crops()}
    return texts | {location for places in catalog.sources().values() for location in places}


def _sweep(place: Workspace) -> None:
    """Delete what killed writers left."""
    for path in [path for path in place.path.rglob(".*") if is_partial(path)]:
        remove(path)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _silent(step: int, what: str) -> None:
    pass
