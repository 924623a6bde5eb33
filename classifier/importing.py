"""`import`: labelled pictures into the workspace's catalog, all of a folder or nothing of it."""

import hashlib
import io
import warnings
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from classifier.atomic_file import write_whole
from classifier.catalog import Catalog, Crop, Player, open_catalog
from classifier.discovery import Found, Labelled, discover
from classifier.errors import BadInput
from classifier.keys import token
from classifier.likeness import ALIKE_BITS, alike_pairs, look, same_picture, thumb
from classifier.workspace import Workspace

LEAST_SIDE_PX = 8
MOST_PIXELS = 40_000_000
MOST_BYTES = 64 * 2**20
SHOWN = 20  # examples listed of anything in a report


@dataclass(frozen=True)
class Unusable:
    """A file that is no crop."""

    file: str
    reason: str


@dataclass(frozen=True)
class ImportReport:
    """What an import found and did."""

    files: int
    """Pictures looked at."""
    pictures: int
    """Distinct ones, by content."""
    new: int
    """Of these, not in the catalog before."""
    crops_by_team: dict[str, int]
    """Distinct pictures of this import."""
    players_by_team: dict[str, int]
    exact_duplicates: int
    """Files whose content was there already, in this import."""
    on_both_sides: tuple[str, ...]
    """Validation files that are train pictures too; they are kept as train."""
    near_duplicates: tuple[tuple[str, str], ...]
    """Pairs that look alike."""
    near_duplicates_across_players: int
    near_duplicates_across_sides: tuple[tuple[str, str], ...]
    """Validation pictures that are near-copies of a train picture, with that one; they are kept as train."""
    several_people: tuple[str, ...]
    """Pictures of more than one person: kept, not trained on."""
    several_teams: tuple[str, ...]
    """Of these, pictures of people of different teams."""
    unusable: tuple[Unusable, ...]
    rows_without_team: int
    suppressed: int
    """Pictures of people who were forgotten: not taken in again."""
    teams_of_one: tuple[str, ...]
    """Teams of the catalog that one person makes up."""
    stand_ins: int
    """Pictures and tracks of this import whose player nobody named; each counts as a person of its own."""
    catalog_crops: int
    catalog_players: int


def import_tree(
    workspace: Path, folder: Path, players_csv: Path | None = None, *, skip_unusable: bool = False
) -> ImportReport:
    """Take a folder's labelled pictures into the workspace; see `classifier.discovery` for the layouts.

    Args:
        workspace: Made when missing.
        folder: Where the pictures are; it is not changed.
        players_csv: Who shows on them, if not `players.csv` or `labels.csv` in the folder.
        skip_unusable: Leave unusable pictures out instead of refusing the import.

    Raises:
        BadInput: anything that is wrong with the folder; the catalog is then as it was.
    """
    found = discover(folder, players_csv)
    return _take_in(workspace, found, str(folder), skip_unusable=skip_unusable)


def import_labels(workspace: Path, pictures: Sequence[Labelled], origins: Collection[str]) -> ImportReport:
    """Take in all labels there are of some origins, instead of what was taken in from them before.

    What is labelled otherwise now is changed, and what is not labelled any more leaves the catalog. Pictures that also
    came from elsewhere keep what was said there, which must agree.

    Args:
        workspace: Made when missing.
        pictures: All labelled pictures of these origins.
        origins: First parts of their locations: names of runs.

    Raises:
        BadInput: labels that contradict each other or the rest of the catalog; it is then as it was.
    """
    return _take_in(workspace, Found(tuple(pictures)), ", ".join(sorted(origins)), origins=frozenset(origins))


def _take_in(
    workspace: Path, found: Found, what: str, *, skip_unusable: bool = False, origins: frozenset[str] = frozenset()
) -> ImportReport:
    read, unusable = _read_all(found.pictures)
    if unusable and (not skip_unusable or not read):
        more = f" and {len(unusable) - 1} more" if len(unusable) > 1 else ""
        raise BadInput(
            f"{unusable[0].file}: {unusable[0].reason}{more}; remove what is no crop, or give --skip-unusable."
        )
    place = Workspace(workspace)
    new_here = not place.catalog.exists()
    with place.writing():
        made: list[Path] = []
        try:
            with open_catalog(place, write=True) as catalog:
                with catalog.transaction():
                    _sweep(place, catalog)
                    present = {crop.digest: crop for crop in catalog.crops()}
                    mine = _only_from(catalog, origins)
                    asked = len(read)
                    read = _without_the_forgotten(place, catalog, read)
                    suppressed = asked - len(read)
                    before = {digest: crop for digest, crop in present.items() if digest not in mine}
                    after, kinds = _merged(read, before)
                    after, moved = _on_one_side(place, read, after)
                    _refuse_players_of_two_teams(after.values())
                    _refuse_single_team(after.values(), what)
                    for digest, picture in read.items():
                        if digest not in present:
                            path = place.crop(digest, picture.suffix)
                            made.append(path)
                            write_whole(path, picture.data)
                    catalog.remove((), mine - set(read))
                    _write(catalog, read, before, after, kinds)
                    for digest in moved:
                        catalog.put_crop(after[digest])
                    players = catalog.players()
                if mine - set(read):
                    _sweep(place, catalog)
        except BaseException:
            for path in made:
                path.unlink(missing_ok=True)
            if new_here:
                place.catalog.unlink(missing_ok=True)
            raise
    return _report(read, present, after, kinds, moved, unusable, found.rows_without_team, suppressed, len(players))


def _only_from(catalog: Catalog, origins: Collection[str]) -> set[str]:
    """Digests of the crops that came from nowhere but these origins."""
    if not origins:
        return set()
    return {d for d, places in catalog.sources().items() if all(p.partition("/")[0] in origins for p in places)}


@dataclass(frozen=True)
class _Picture:
    """A distinct picture and all files that hold it."""

    data: bytes
    suffix: str
    width_px: int
    height_px: int
    look: str
    files: tuple[Labelled, ...]


def _read_all(labelled: Sequence[Labelled]) -> tuple[dict[str, _Picture], tuple[Unusable, ...]]:
    """Distinct pictures by SHA-256, and the files that are no crops."""
    pictures: dict[str, _Picture] = {}
    unusable: list[Unusable] = []
    for item in labelled:
        if item.path.stat().st_size > MOST_BYTES:
            unusable.append(Unusable(str(item.path), f"is larger than {MOST_BYTES // 2**20} MiB"))
            continue
        data = item.path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest in pictures:
            pictures[digest] = replace(pictures[digest], files=(*pictures[digest].files, item))
            continue
        reason = _why_unusable(data)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if reason is None else None
        if image is None:
            unusable.append(Unusable(str(item.path), reason or "cannot be decoded"))
            continue
        height, width = image.shape[:2]
        code = look(image.astype(np.uint8, copy=False))
        pictures[digest] = _Picture(data, item.path.suffix.lower(), width, height, code, (item,))
    return pictures, tuple(unusable)


def _without_the_forgotten(place: Workspace, catalog: Catalog, read: dict[str, _Picture]) -> dict[str, _Picture]:
    """The pictures of which neither the content, the look nor the person was erased on request."""
    tokens = catalog.suppressed()
    if not tokens:
        return read

    def kept(digest: str, picture: _Picture) -> bool:
        said = {("crop", digest), ("look", picture.look)}
        for file in picture.files:
            said |= {("player", name) for name in file.players}
            if file.track:
                said.add(("track", file.track))
        return not any(token(place, *pair) in tokens for pair in said)

    return {digest: picture for digest, picture in read.items() if kept(digest, picture)}


def _why_unusable(data: bytes) -> str | None:
    """What the header says against a picture, before it is decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data)) as picture:
                width, height = picture.size
    except (OSError, Pillow.DecompressionBombError, ValueError, SyntaxError, ImportError):
        # ImportError: where ultralytics is loaded it has replaced `open` by one that wants a plug-in for what it
        # cannot read.
        return "is no picture that can be read"
    if min(width, height) < LEAST_SIDE_PX:
        return f"is {width}×{height} pixels; a crop has at least {LEAST_SIDE_PX} on each side"
    if width * height > MOST_PIXELS:
        return f"is {width}×{height} pixels; a crop has at most {MOST_PIXELS // 10**6} million"
    return None


def _merged(
    read: dict[str, _Picture], before: dict[str, Crop]
) -> tuple[dict[str, Crop], dict[str, str]]:  # fmt: skip
    """The catalog's crops after the import, and the kind of each player of it.

    The result does not depend on the order in which folders are imported: a named player replaces a stand-in,
    the train side wins over the validation side, and what contradicts is refused.
    """
    after = dict(before)
    kinds: dict[str, str] = {}
    for digest, picture in sorted(read.items()):
        known = before.get(digest)
        teams = {file.team: file.location for file in picture.files}
        if known is not None:
            teams.setdefault(known.team, "the catalog")
        if len(teams) > 1:
            (one, here), (other, there) = sorted(teams.items())[:2]
            raise BadInput(f"the same picture is {one} ({here}) and {other} ({there}): one label must go.")
        players = _players(digest, picture, known)
        kinds |= dict(players)
        train = any(file.split == "train" for file in picture.files) or (known is not None and known.split == "train")
        after[digest] = Crop(
            digest, picture.suffix if known is None else known.suffix, next(iter(teams)), "train" if train else "val",
            picture.width_px, picture.height_px, picture.look, tuple(sorted(name for name, _ in players)),
        )  # fmt: skip
    return after, kinds


def _on_one_side(
    place: Workspace, read: dict[str, _Picture], crops: dict[str, Crop]
) -> tuple[dict[str, Crop], dict[str, str]]:  # fmt: skip
    """Keep validation pictures that are near-copies of train pictures as train, and their near-copies in turn.

    Returns:
        The crops, and of each that changed sides the train picture that it is a copy of.
    """
    after, moved = dict(crops), dict[str, str]()
    thumbs: dict[str, NDArray[np.int16]] = {}

    def thumb_of(digest: str) -> NDArray[np.int16]:
        if digest not in thumbs:
            path = place.crop(digest, after[digest].suffix)
            data = read[digest].data if digest in read else path.read_bytes() if path.exists() else b""
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
            blank = np.full((1, 1, 3), 0, np.uint8)
            thumbs[digest] = thumb(blank if image is None else image.astype(np.uint8, copy=False))
        return thumbs[digest]

    held_out = {digest: np.uint64(int(crop.look, 16)) for digest, crop in sorted(after.items()) if crop.split == "val"}
    others = [digest for digest, crop in sorted(after.items()) if crop.split == "train"]
    while others and held_out:
        codes = np.array([int(after[digest].look, 16) for digest in others], np.uint64)
        found: dict[str, str] = {}
        for digest, code in held_out.items():
            near = np.flatnonzero(np.bitwise_count(codes ^ code) <= ALIKE_BITS)
            copies = [others[int(i)] for i in near if same_picture(thumb_of(digest), thumb_of(others[int(i)]))]
            if copies:
                found[digest] = copies[0]
        for digest in found:
            after[digest] = replace(after[digest], split="train")
            del held_out[digest]
        moved |= found
        others = sorted(found)
    return after, moved


def _players(digest: str, picture: _Picture, known: Crop | None) -> list[tuple[str, str]]:
    """Who shows on a picture, each with the kind of player."""
    named = {file.players: file.location for file in picture.files if file.players}
    if known is not None and not is_stand_in(known):
        named.setdefault(known.players, "the catalog")
    if len(named) > 1:
        (one, here), (other, there) = sorted(named.items())[:2]
        raise BadInput(
            f"the same picture shows {', '.join(one)} ({here}) and {', '.join(other)} ({there}): one label must go."
        )
    if named:
        return [(name, "named") for name in next(iter(named))]
    tracks = sorted({file.track for file in picture.files if file.track})
    if tracks:
        return [(tracks[0], "track")]
    if known is not None:
        return [(known.players[0], "track" if "/track-" in known.players[0] else "picture")]
    return [(_picture_name(digest), "picture")]


def is_stand_in(crop: Crop) -> bool:
    """Whether nobody has said who shows on the crop."""
    return len(crop.players) == 1 and (crop.players[0] == _picture_name(crop.digest) or "/track-" in crop.players[0])


def _picture_name(digest: str) -> str:
    return f"picture-{digest[:16]}"


def _refuse_players_of_two_teams(crops: Iterable[Crop]) -> None:
    team_of: dict[str, str] = {}
    for crop in crops:
        if crop.alone and team_of.setdefault(crop.players[0], crop.team) != crop.team:
            player = crop.players[0]
            raise BadInput(
                f"player {player!r} is labelled {team_of[player]} and {crop.team}: a player has one team; correct the "
                "label, or use two names (such as NAME-home and NAME-away)."
            )


def _refuse_single_team(crops: Iterable[Crop], what: str) -> None:
    teams = {crop.team for crop in crops}
    if len(teams) == 1:
        raise BadInput(f"{what} holds one class, {next(iter(teams))!r}: a classifier needs at least two teams.")


def _write(
    catalog: Catalog, read: dict[str, _Picture], before: dict[str, Crop], after: dict[str, Crop], kinds: dict[str, str]
) -> None:
    catalog.put_players(Player(name, kind) for name, kind in sorted(kinds.items()))
    for digest, picture in sorted(read.items()):
        if before.get(digest) != after[digest]:
            catalog.put_crop(after[digest])
        for file in picture.files:
            catalog.put_source(digest, file.location)
    catalog.drop_players_without_crops()


def _sweep(place: Workspace, catalog: Catalog) -> None:
    """Remove pictures that a killed import left without a row."""
    known = {place.crop(crop.digest, crop.suffix) for crop in catalog.crops()}
    for path in place.crops.glob("*/*") if place.crops.exists() else ():
        if path not in known:
            path.unlink()


def _report(
    read: dict[str, _Picture], before: dict[str, Crop], after: dict[str, Crop], kinds: dict[str, str],
    moved: dict[str, str], unusable: tuple[Unusable, ...], rows_without_team: int, suppressed: int, players: int,
) -> ImportReport:  # fmt: skip
    mine = [after[digest] for digest in sorted(read)]
    name = {digest: picture.files[0].location for digest, picture in read.items()}
    files = sum(len(picture.files) for picture in read.values())
    both = [
        file.location
        for digest, picture in sorted(read.items())
        for file in picture.files
        if file.split == "val" and after[digest].split == "train" and digest not in moved
    ]
    everything = mine + [crop for digest, crop in sorted(after.items()) if digest not in read]
    pairs = [(everything[i], everything[j]) for i, j in alike_pairs([c.look for c in everything], len(mine))]
    team_of = {crop.players[0]: crop.team for crop in after.values() if crop.alone}
    several = [crop for crop in mine if not crop.alone]
    mixed = [crop for crop in several if {team_of.get(p, crop.team) for p in crop.players} != {crop.team}]
    roster: dict[str, set[str]] = defaultdict(set)
    for crop in after.values():
        if crop.alone:
            roster[crop.team].update(crop.players)
    return ImportReport(
        files=files + len(unusable),
        pictures=len(mine),
        new=sum(digest not in before for digest in read),
        crops_by_team=dict(sorted(Counter(crop.team for crop in mine).items())),
        players_by_team={team: len(names) for team, names in sorted(roster.items())},
        exact_duplicates=files - len(mine),
        on_both_sides=tuple(sorted(both)),
        near_duplicates=tuple((name.get(a.digest, a.digest), name.get(b.digest, b.digest)) for a, b in pairs),
        near_duplicates_across_players=sum(not set(a.players) & set(b.players) for a, b in pairs),
        near_duplicates_across_sides=tuple(
            (name.get(digest, digest), name.get(copy, copy)) for digest, copy in sorted(moved.items())
        ),
        several_people=tuple(sorted(name[crop.digest] for crop in several)),
        several_teams=tuple(sorted(name[crop.digest] for crop in mixed)),
        unusable=unusable,
        rows_without_team=rows_without_team,
        suppressed=suppressed,
        teams_of_one=tuple(team for team, names in sorted(roster.items()) if len(names) == 1),
        stand_ins=sum(kind != "named" for kind in kinds.values()),
        catalog_crops=len(after),
        catalog_players=players,
    )
