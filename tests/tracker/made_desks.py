"""Desks on which a made run lies, and what a workspace holds of people."""

from collections.abc import Iterator
from pathlib import Path

from classifier.holdings import list_players
from tests.tracker.made_runs import PEOPLE
from tracker.first_guess import first_guess
from tracker.label_desk import LabelDesk
from tracker.label_store import open_labels
from tracker.labels import official_shares
from tracker.run import find_run


def opened(workspace: Path, name: str = "saturday") -> Iterator[LabelDesk]:
    with open_labels(workspace, write=True) as store:
        assert store is not None
        desk = LabelDesk(find_run(workspace, name), store)
        desk.guesses = first_guess(desk.crops(desk.labels()), official_shares(desk.run), None)
        yield desk


def label_all(desk: LabelDesk) -> None:
    """Everybody's team and name, as they are."""
    for place, (team, name) in enumerate(PEOPLE):
        desk.act("team", {"cards": [place + 1], "team": team})
        desk.act("name", {"card": place + 1, "player": name})


def held(workspace: Path) -> dict[str, tuple[str | None, int]]:
    return {row.player: (row.team, row.crops) for row in list_players(workspace)}
