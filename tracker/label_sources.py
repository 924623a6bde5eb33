"""From the desk into the catalog, and back: the one way that a label takes."""

from dataclasses import replace
from pathlib import Path

from classifier.catalog import open_catalog
from classifier.discovery import Labelled
from classifier.errors import BadInput
from classifier.holdings import record_consent
from classifier.importing import ImportReport, import_labels
from classifier.workspace import Workspace
from tracker.crop_erasure import track_of_crop
from tracker.label_desk import LabelDesk
from tracker.label_store import Card, LabelStore, Person
from tracker.run import Run


def take_in_labels(workspace: Path, store: LabelStore) -> ImportReport:
    """Bring the catalog up to date with everything that was labelled on any run of the workspace.

    Raises:
        BadInput: Nothing is labelled, only one team is, or the labels contradict what was imported from elsewhere.
    """
    pictures: list[Labelled] = []
    runs = sorted({card.run for card in store.rows(Card)})
    taken = []
    for name in runs:
        run = Run(workspace, name)
        if run.summary() is None:
            continue
        try:
            pictures += LabelDesk(run, store).labelled()
        except BadInput:  # made for other tracks: neither used nor thrown away
            continue
        taken.append(name)
    if len({picture.team for picture in pictures}) < 2:
        raise BadInput("confirm cards of at least two teams first: a classifier tells teams apart")
    report = import_labels(workspace, pictures, taken)
    push_consent(workspace, store)
    return report


def push_consent(workspace: Path, store: LabelStore) -> None:
    """Tell the catalog whether those whom it knows agreed, as the page has it."""
    place = Workspace(workspace)
    if not place.catalog.exists():
        return
    with open_catalog(place) as catalog:
        known = {player.name: player.consent for player in catalog.players()}
    said = {p.name: p.consent for p in store.rows(Person) if p.consent != "unknown"}
    changed = {name: consent for name, consent in said.items() if known.get(name, consent) != consent}
    if changed:
        record_consent(workspace, changed)


def pull_consent(workspace: Path, store: LabelStore) -> None:
    """Tell the page what `cleansheet players --consent` recorded; a consent that was withdrawn on the page stays so."""
    place = Workspace(workspace)
    if not place.catalog.exists():
        return
    with open_catalog(place) as catalog:
        known = {player.name: player.consent for player in catalog.players() if player.consent != "unknown"}
    with store.acting("", "consent recorded elsewhere") as action:
        for person in store.rows(Person):
            consent = known.get(person.name, person.consent)
            if person.consent not in (consent, "withdrawn"):
                action.put(replace(person, consent=consent, consent_date=""))


def adopt_catalog(desk: LabelDesk) -> int:
    """Lay on the desk what was imported of this run before (`cleansheet crops` and `import`), where nothing lies there.

    Returns:
        The cards that got a label.
    """
    place = Workspace(desk.run.workspace)
    if not place.catalog.exists() or desk.store.rows(Card, run=desk.run.name):
        return 0
    with open_catalog(place) as catalog:
        crops, sources = catalog.crops(), catalog.sources()
        named = {player.name for player in catalog.players() if player.kind == "named"}
    cards: dict[int, Card] = {}
    there = desk.pieces(desk.labels())
    for crop in crops:
        for location in sources.get(crop.digest, ()):
            run, _, inside = location.partition("/")
            track = track_of_crop(inside)
            if run == desk.run.name and track in there and crop.alone:
                player = crop.players[0] if crop.players[0] in named else None
                cards[track] = Card(run, track, crop.team, player)
    if cards:
        with desk.store.acting(desk.run.name, "labels imported earlier") as action:
            for card in cards.values():
                action.put(card)
                if card.player and not desk.store.rows(Person, name=card.player):
                    action.put(Person(card.player))
    return len(cards)


def trained_on(workspace: Path, run: str) -> bool:
    """Whether the catalog holds crops of a run."""
    place = Workspace(workspace)
    if not place.catalog.exists():
        return False
    with open_catalog(place) as catalog:
        return any(location.startswith(f"{run}/") for places in catalog.sources().values() for location in places)
