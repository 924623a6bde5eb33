"""What was said by hand about a run's tracks, as `process` and an erasure need it: cuts, joins, teams and names."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tracker import pieces
from tracker.crops import track_folder_name
from tracker.label_store import Card, Cut, LabelStore, Person, open_labels

if TYPE_CHECKING:  # its import takes a second
    from tracker.association.tracks import Tracks


@dataclass(frozen=True)
class HandLabels:
    """The labels of one run. Tracks are the association's, parts what begins at a cut."""

    tracks_key: str | None = None
    """Fingerprint of the tracks that they are about, see `tracks_key`."""
    cuts: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Track → (first frame, part), by frame."""
    joined: Mapping[int, int] = field(default_factory=dict)
    """Track or part → the one that speaks for both."""
    teams: Mapping[int, str] = field(default_factory=dict)
    """Of those that speak for themselves."""
    players: Mapping[int, str] = field(default_factory=dict)
    aside: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.cuts or self.joined or self.teams or self.players or self.aside)

    @property
    def key(self) -> str | None:
        """Changes whenever `process` would make something else of it; None where there is nothing to make."""
        if not (self.cuts or self.joined or self.by_hand):
            return None
        said = [sorted(each.items()) for each in (self.cuts, self.joined, self.by_hand, self.players)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    @property
    def by_hand(self) -> dict[int, str | None]:
        """The team of every card that is done; None of those that were set aside, which count for no team."""
        return {**self.teams, **dict.fromkeys(self.aside)}

    def part(self, track: int, frame: int) -> int:
        """The track or part that a track's box in a frame belongs to."""
        begun = [part for first, part in self.cuts.get(track, ()) if first <= frame]
        return begun[-1] if begun else track

    def head(self, part: int) -> int:
        """The card that speaks for a track or part."""
        return self.joined.get(part, part)


def hand_labels(store: LabelStore | None, run: str) -> HandLabels:
    """The labels of a run in an open store."""
    if store is None:
        return HandLabels()
    return labels_of(store.tracks_key(run), store.rows(Cut, run=run), store.rows(Card, run=run))


def labels_of(tracks_key: str | None, cut_rows: Iterable[Cut], cards: Collection[Card]) -> HandLabels:
    """What a run's rows of the store say."""
    cuts: dict[int, list[tuple[int, int]]] = {}
    for cut in cut_rows:
        cuts.setdefault(cut.track, []).append((cut.frame, cut.part))
    alone = [card for card in cards if card.joined is None]
    return HandLabels(
        tracks_key,
        {track: tuple(sorted(parts)) for track, parts in cuts.items()},
        {card.track: card.joined for card in cards if card.joined is not None},
        {card.track: card.team for card in alone if card.team is not None and not card.aside},
        {card.track: card.player for card in alone if card.player is not None},
        frozenset(card.track for card in alone if card.aside),
    )


def labels_of_run(workspace: Path, run: str) -> HandLabels:
    """The labels of a run of a workspace; nothing where there are none."""
    with open_labels(workspace) as store:
        return hand_labels(store, run)


def tracks_key(track_id: np.ndarray, frame: np.ndarray) -> str:
    """A fingerprint of tracks: which ids there are, from which frame to which.

    Args:
        track_id: (N,) of every box.
        frame: (N,) of every box.
    """
    ids, index = pieces.numbered(track_id)
    first, last = np.full(len(ids), np.iinfo(np.int64).max), np.full(len(ids), -1)
    for part in pieces.slices(len(index)):
        np.minimum.at(first, index[part], frame[part])
        np.maximum.at(last, index[part], frame[part])
    spans = np.stack([ids, first, last], axis=1).tolist()
    return hashlib.sha256(json.dumps(spans).encode()).hexdigest()


def corrected(tracks: "Tracks", labels: HandLabels) -> "Tracks":
    """Tracks as they were cut and joined by hand. Where two that were joined have a box, the observed one stays."""
    if not (labels.cuts or labels.joined):
        return tracks
    ids = tracks.track_id.copy()
    for track, parts in labels.cuts.items():
        mine = tracks.track_id == track
        for first, part in parts:
            ids[mine & (tracks.frame >= first)] = part
    for part, head in labels.joined.items():
        ids[ids == part] = head
    order = np.lexsort((-tracks.confidence, ~tracks.observed, ids, tracks.frame))
    best = np.ones(len(order), bool)
    best[1:] = (np.diff(tracks.frame[order]) != 0) | (np.diff(ids[order]) != 0)
    keep = order[best]
    return replace(
        tracks, frame=tracks.frame[keep], time_s=tracks.time_s[keep], track_id=ids[keep], xyxy=tracks.xyxy[keep],
        confidence=tracks.confidence[keep], class_id=tracks.class_id[keep], observed=tracks.observed[keep],
    )  # fmt: skip


def move_crops(folder: Path, labels: HandLabels) -> None:
    """Lay the crops of cut and joined tracks into the folders of those they belong to now."""
    for source in sorted(folder.glob("track-*")) if labels.cuts or labels.joined else ():
        track = int(source.name.removeprefix("track-"))
        for path in sorted(source.glob("*.jpg")):
            target = folder / track_folder_name(labels.head(labels.part(track, int(path.stem))))
            if target != source:
                target.mkdir(exist_ok=True)
                path.rename(target / path.name)
        if not any(source.iterdir()):
            source.rmdir()


def people_named(workspace: Path) -> frozenset[str]:
    """Everybody who was named on any run."""
    with open_labels(workspace) as store:
        if store is None:
            return frozenset()
        return frozenset({p.name for p in store.rows(Person)} | {c.player for c in store.rows(Card) if c.player})


def tracks_named(workspace: Path, players: Collection[str]) -> set[tuple[str, int]]:
    """Run and id of every track and part that was said to show these players, those that were joined included."""
    with open_labels(workspace) as store:
        if store is None:
            return set()
        cards: list[Card] = store.rows(Card)
    heads = {(card.run, card.track) for card in cards if card.player in players}
    return heads | {(card.run, card.track) for card in cards if (card.run, card.joined) in heads}


def tracks_in_tables(workspace: Path, run: str, ids: Iterable[int], present: Collection[int]) -> set[int]:
    """The ids under which tracks and parts stand in a run's tables.

    Args:
        workspace: Where the store is.
        run: The run's name.
        ids: Of tracks and parts.
        present: The ids in tracks.csv. A part that is not among them was cut off after the run was made: its rows are
            still its track's.
    """
    track_of = {part: track for track, parts in labels_of_run(workspace, run).cuts.items() for _, part in parts}
    return {track_of.get(each, each) if each not in present else each for each in ids}


def erase_labels(workspace: Path, tracks: Iterable[tuple[str, int]], players: Collection[str]) -> None:
    """Take tracks and people out of the store; doing it twice is doing it once."""
    with open_labels(workspace) as store:
        if store is not None:
            store.erase(set(tracks), players)


def relabel_tracks(
    workspace: Path, tracks: Iterable[tuple[str, int]], team: str | None, player: str | None
) -> None:  # fmt: skip
    """Give labelled tracks another team or player, where somebody labelled them; None leaves that as it is."""
    with open_labels(workspace) as store:
        if store is None:
            return
        for run, track in tracks:
            heads = {hand_labels(store, run).head(track)}
            with store.acting(run, "corrected") as action:
                for card in store.rows(Card, run=run):
                    if card.track in heads and not card.aside:
                        action.put(replace(card, team=team or card.team, player=player or card.player))
                        if player is not None and not store.rows(Person, name=player):
                            action.put(Person(player))
