"""Who is to be erased and everything that came from them: the survey that a dry run shows and a journal keeps."""

import difflib
import hashlib
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.catalog import Catalog, Crop
from classifier.ensemble import read_manifest
from classifier.errors import BadInput, CleansheetError
from classifier.keys import token
from classifier.likeness import ALIKE_BITS, same_picture, thumb
from classifier.members import member
from classifier.pixels import Image, read_crop
from classifier.plan import Plan, extend_plan
from classifier.recipe import Recipe
from classifier.ridge import add_crops, fresh_sums
from classifier.roster import holdings, trainable
from classifier.shard import ShardJob
from classifier.training import shard_jobs
from classifier.workspace import Workspace

SUGGESTED = 3


@dataclass(frozen=True)
class RunsErased:
    """What was taken out of processed videos."""

    runs: int = 0
    tracks: int = 0
    rows: int = 0
    crops: int = 0
    videos_redacted: int = 0
    videos_kept: tuple[str, ...] = ()
    """Videos in the workspace that still show the person."""


class Runs(Protocol):
    """Processed videos, which this package knows nothing about."""

    def tracks(
        self, workspace: Path, locations: Iterable[str], players: Collection[str]
    ) -> tuple[tuple[str, int], ...]:
        """Run and track of the crops from these places, and of those labelled as these players."""
        ...

    def people(self, workspace: Path) -> frozenset[str]:
        """Everybody who was named there, imported or not."""
        ...

    def erase(
        self, workspace: Path, tracks: Sequence[tuple[str, int]], *, players: Collection[str], totals: str,
        redact: bool,
    ) -> RunsErased:  # fmt: skip
        """Take tracks out of runs, and names out of what was labelled; doing it twice is doing it once."""
        ...

    def relabel(self, workspace: Path, locations: Iterable[str], team: str | None, player: str | None) -> None:
        """Correct what was labelled there of the crops from these places; None leaves that as it is."""
        ...


class NoRuns:
    """A workspace without processed videos."""

    def tracks(
        self, workspace: Path, locations: Iterable[str], players: Collection[str]
    ) -> tuple[tuple[str, int], ...]:
        del workspace, locations, players
        return ()

    def people(self, workspace: Path) -> frozenset[str]:
        del workspace
        return frozenset()

    def erase(
        self, workspace: Path, tracks: Sequence[tuple[str, int]], *, players: Collection[str], totals: str,
        redact: bool,
    ) -> RunsErased:  # fmt: skip
        del workspace, tracks, players, totals, redact
        return RunsErased()

    def relabel(self, workspace: Path, locations: Iterable[str], team: str | None, player: str | None) -> None:
        del workspace, locations, team, player


@dataclass(frozen=True)
class Touched:
    """A shard that must be trained again, from a slice on; both 0-based."""

    shard: int
    slice: int


@dataclass(frozen=True)
class Survey:
    """Everything that an erasure concerns, before anything is changed."""

    players: tuple[str, ...]
    crops: tuple[Crop, ...]
    """All that go, by digest."""
    with_others: tuple[str, ...]
    """Of these, pictures on which other people show too."""
    near_copies: tuple[str, ...]
    """Of these, pictures that nobody labelled as the person's and that are copies of one that is."""
    locations: tuple[str, ...]
    """Where the crops came from."""
    tracks: tuple[tuple[str, int], ...]
    """Run and track."""
    touched: tuple[Touched, ...]
    share: float
    """Share of a full training's optimizer steps that is repeated."""
    predicted_s: float
    """Seconds of training, from a few steps measured now."""
    thin: tuple[str, ...]
    """Warnings: teams that are left with one person or none."""


def survey(place: Workspace, catalog: Catalog, asked: Sequence[str], runs: Runs) -> Survey:
    """Find all that came from the people asked for.

    Args:
        place: The workspace.
        catalog: Its catalog.
        asked: Of each person a name, a track `RUN/track-N`, or a crop (12 or more digits of its SHA-256).
        runs: The processed videos.

    Raises:
        BadInput: somebody is unknown, or forgotten already.
    """
    crops, sources = catalog.crops(), catalog.sources()
    players: set[str] = set()
    tracks: set[tuple[str, int]] = set()
    for text in asked:
        who, where = _who(place, catalog, crops, sources, text, runs)
        players |= who
        tracks |= where
    mine = {crop.digest for crop in crops if players & set(crop.players)}
    copies = near_copies(place, crops, mine)
    gone = tuple(crop for crop in crops if crop.digest in mine | copies)
    locations = tuple(sorted({loc for crop in gone for loc in sources.get(crop.digest, ())}))
    own = [loc for crop in gone if set(crop.players) <= players for loc in sources.get(crop.digest, ())]
    tracks |= set(runs.tracks(place.path, own, players))
    kept = tuple(crop for crop in crops if crop.digest not in mine | copies)
    plan = catalog.plan()
    touched, share, seconds = ((), 0.0, 0.0) if plan is None else cost(place, plan, crops, kept)
    return Survey(
        tuple(sorted(players)), gone,
        tuple(crop.digest for crop in gone if set(crop.players) - players and crop.digest in mine),
        tuple(sorted(copies)), locations, tuple(sorted(tracks)), touched, share, seconds, _thin(crops, kept),
    )  # fmt: skip


def cost(
    place: Workspace, plan: Plan, before: Sequence[Crop], after: Sequence[Crop]
) -> tuple[tuple[Touched, ...], float, float]:
    """The shards that differ between two states of the catalog, the share of a full training, and seconds."""
    recipe = recorded_recipe(place)
    old = {job.shard: job.names() for job in _jobs(place, plan, before, recipe)}
    jobs = _jobs(place, plan, after, recipe)
    touched = []
    for job in jobs:
        differs = [part for part, (a, b) in enumerate(zip(old[job.shard], job.names(), strict=True)) if a != b]
        if differs:
            touched.append(Touched(job.shard, differs[0]))
    full = sum(job.steps(0) for job in jobs)
    first = {t.shard: t.slice for t in touched}
    steps = sum(job.steps(first[job.shard]) for job in jobs if job.shard in first)
    return tuple(touched), (steps / full if full else 0.0), steps * _step_s(recipe, len(plan.teams))


def recorded_recipe(place: Workspace) -> Recipe:
    """What the workspace's ensemble was trained with; the default where none is there."""
    try:
        return Recipe(**read_manifest(place.path)["recipe"])
    except CleansheetError:
        return Recipe()


def near_copies(place: Workspace, crops: Sequence[Crop], mine: Collection[str]) -> set[str]:
    """Digests of pictures outside `mine` that are copies of one of them: shrunk, re-encoded, a little brighter."""
    own = [crop for crop in crops if crop.digest in mine]
    others = [crop for crop in crops if crop.digest not in mine]
    if not own or not others:
        return set()
    codes = np.array([int(crop.look, 16) for crop in others], np.uint64)
    found: set[str] = set()
    thumbs: dict[str, NDArray[np.int16]] = {}

    def thumb_of(crop: Crop) -> NDArray[np.int16]:
        if crop.digest not in thumbs:
            thumbs[crop.digest] = thumb(read_crop(place.crop(crop.digest, crop.suffix)))
        return thumbs[crop.digest]

    for crop in own:
        for j in np.flatnonzero(np.bitwise_count(codes ^ np.uint64(int(crop.look, 16))) <= ALIKE_BITS):
            if same_picture(thumb_of(crop), thumb_of(others[int(j)])):
                found.add(others[int(j)].digest)
    return found


def look_alikes(place: Workspace, crops: Sequence[Crop], image: Image, most: int = 12) -> list[tuple[float, Crop]]:
    """The catalog's pictures most like an example, nearest first, each with its distance (0 to 255)."""
    example = thumb(image)
    ranked = [
        (float(np.abs(thumb(read_crop(place.crop(c.digest, c.suffix))) - example).mean()), c.digest, c) for c in crops
    ]
    return [(distance, crop) for distance, _, crop in sorted(ranked, key=lambda item: item[:2])[:most]]


def catalog_root(crops: Iterable[Crop]) -> str:
    """SHA-256 over every crop's content, label and people: two catalogs of equal roots are equal."""
    digest = hashlib.sha256()
    for crop in sorted(crops, key=lambda crop: crop.digest):
        digest.update(json.dumps([crop.digest, crop.team, crop.split, crop.players]).encode())
    return digest.hexdigest()


def ensemble_root(place: Workspace) -> str:
    """SHA-256 over the fingerprints of the ensemble's tensors."""
    try:
        entries = read_manifest(place.path)["constituents"]
    except CleansheetError:
        entries = []
    return hashlib.sha256(json.dumps([[e["shard"], e["sha256"]] for e in entries]).encode()).hexdigest()


def _who(
    place: Workspace, catalog: Catalog, crops: Sequence[Crop], sources: Mapping[str, tuple[str, ...]], text: str,
    runs: Runs,
) -> tuple[set[str], set[tuple[str, int]]]:  # fmt: skip
    """The players and tracks that one word of the request names."""
    names = {player.name for player in catalog.players()} | runs.people(place.path)
    if not text.strip():
        raise BadInput("an empty name: give a player's name, RUN/track-N, or a crop's digits; `cleansheet players`.")
    if text in names:
        return {text}, set()
    run, _, number = text.partition("/track-")
    if run and number.isdigit():
        wanted = (run, int(number))
        of_track = [
            c for c in crops if any(wanted in runs.tracks(place.path, [loc], ()) for loc in sources.get(c.digest, ()))
        ]
        people = {name for crop in of_track if crop.alone for name in crop.players}
        if len(people) > 1:
            raise BadInput(f"{text} carries crops of {', '.join(sorted(people))}: name the one who is meant.")
        if people or (place.runs / run / "tracks.csv").exists():
            _refuse_forgotten(place, catalog, "track", text)
            return people, {wanted}
    if len(text) >= 12 and all(sign in "0123456789abcdef" for sign in text):
        found = [crop for crop in crops if crop.digest.startswith(text)]
        if len(found) == 1:
            if found[0].alone:
                return set(found[0].players), set()
            raise BadInput(f"crop {text} shows {', '.join(found[0].players)}: name the one who is meant.")
    _refuse_forgotten(place, catalog, "player", text)
    if "/" in text or "\\" in text or Path(text).suffix:
        raise BadInput(f"{text!r} looks like a path: give a player's name (`cleansheet players`), or --like PICTURE.")
    near = difflib.get_close_matches(text, sorted(names), SUGGESTED, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`cleansheet players` lists everybody."
    raise BadInput(f"nobody called {text!r} in {place.path}; nothing was changed; {hint}")


def _refuse_forgotten(place: Workspace, catalog: Catalog, kind: str, text: str) -> None:
    tokens = catalog.suppressed()
    if tokens:
        number = tokens.get(token(place, kind, text))
        if number is not None:
            raise BadInput(f"{text!r} was forgotten already: certificate {number} in {place.certificates}.")


def _jobs(place: Workspace, plan: Plan, crops: Sequence[Crop], recipe: Recipe) -> tuple[ShardJob, ...]:
    used = trainable(crops)
    return shard_jobs(place, extend_plan(plan, holdings(used)), used, recipe)


def _thin(before: Sequence[Crop], after: Sequence[Crop]) -> tuple[str, ...]:
    def rosters(crops: Sequence[Crop]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for crop in trainable(crops):
            found.setdefault(crop.team, set()).update(crop.players)
        return found

    left = rosters(after)
    notes = []
    for team, people in sorted(rosters(before).items()):
        now = left.get(team, set())
        if not now:
            notes.append(f"{team} is left with nobody: the classifier will not know this team any more.")
        elif len(now) == 1 < len(people):
            notes.append(f"{team} is left with one person.")
    return tuple(notes)


def _step_s(recipe: Recipe, teams: int) -> float:
    """Seconds of one optimizer step, or of adding a crop, measured on grey pictures."""
    size, classes, steps = member(recipe.member), max(teams, 2), 4
    pixels = np.full((recipe.batch, size.height, size.width, 3), 128, np.uint8)
    labels = np.arange(recipe.batch) % classes
    short = recipe.model_copy(update={"epochs": 1e-3, "least_steps": steps})
    if size.exact:
        start, steps = time.perf_counter(), len(pixels)
        add_crops(fresh_sums(classes), pixels, labels)
    else:
        from classifier.stage import Position, fresh_state, run_stage  # brings PyTorch

        start = time.perf_counter()
        run_stage(fresh_state(short, classes, 0), pixels, labels, classes, short, Position(0, 0, 1))
    return (time.perf_counter() - start) / steps


def missing_crops(place: Workspace, crops: Iterable[Crop]) -> list[Path]:
    """Pictures that the catalog knows and the disk does not: a workspace that was copied by half."""
    return [path for crop in crops if not (path := place.crop(crop.digest, crop.suffix)).exists()]
