"""How things stand on the desk: what was said about a run's tracks so far, what was guessed, and what that makes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tracker.attacks import OFFICIALS
from tracker.first_guess import Guesses
from tracker.hand_labels import HandLabels, labels_of
from tracker.label_store import Action, Alias, Card, Change, Cut, LabelStore, Person, Team
from tracker.run import Run
from tracker.run_tracks import Piece, RunTracks, read_tracks, tracks_stamp
from tracker.team_colours import team_colours


@dataclass(frozen=True)
class Layout:
    """Which tracks, parts and crops make up which card: another one only when somebody cuts or joins."""

    pieces: Mapping[int, Piece]
    members: Mapping[int, Sequence[int]]
    """Card → its tracks and parts, itself included, in order; cards in order."""
    crops: Mapping[int, list[Path]]


@dataclass(frozen=True)
class Standing:
    """What was said about a run so far, at one moment."""

    run: str
    labels: HandLabels
    rows: Mapping[int, Card]
    """Track or part → what was said of it."""
    people: Mapping[str, Person]
    team_of: Mapping[str, str]
    """Player → team, on whatever run."""
    aliases: Mapping[str, str]
    """A guessed team → what the user calls it."""
    colours: Mapping[str, str]
    """Of the teams that were given one."""
    layout: Layout

    def row(self, card: int) -> Card:
        """What was said about a card."""
        return self.rows.get(card, Card(self.run, card))


class DeskState:
    """Knows how things stand, and reads only what has changed since it was asked last.

    Args:
        run: A finished run.
        store: The workspace's open store.
    """

    def __init__(self, run: Run, store: LabelStore) -> None:
        self.run = run
        self.store = store
        self.guesses = Guesses("", {})
        self.extra_teams: list[str] = []
        """Teams that were added and have no card yet."""
        self._read: tuple[tuple[int, int], RunTracks] | None = None
        self._laid: tuple[RunTracks, HandLabels, Layout] | None = None
        self._stood: tuple[tuple[int, int], RunTracks, Standing] | None = None

    def tracks(self) -> RunTracks:
        """The run's tracks, read again when they were written anew."""
        stamp = tracks_stamp(self.run)
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, read_tracks(self.run)
        return self._read[1]

    def now(self) -> Standing:
        """How things stand, read again after anybody has said something."""
        tracks, stamp = self.tracks(), self.store.stamp()
        if self._stood is None or self._stood[0] != stamp or self._stood[1] is not tracks:
            cards: list[Card] = self.store.rows(Card, run=self.run.name)
            self._stood = stamp, tracks, self._stand(tracks, {card.track: card for card in cards})
        return self._stood[2]

    def teams(self) -> list[dict[str, str]]:
        """Name and colour of every team, the officials last."""
        now = self.now()
        guessed = {guess.team for guess in self.guesses.teams.values()}
        called = {now.aliases.get(team, team) for team in guessed}
        names = [*sorted({*now.labels.teams.values(), *called, *self.extra_teams} - {OFFICIALS}), OFFICIALS]
        colours = {name: "#{2:02x}{1:02x}{0:02x}".format(*bgr) for name, bgr in team_colours(names).items()}
        return [{"name": name, "colour": now.colours.get(name, colours[name])} for name in names]

    def guessed_team(self, card: int) -> str | None:
        """The team that a card was guessed into, as the user calls it."""
        guess = self.guesses.teams.get(card)
        return None if guess is None else self.now().aliases.get(guess.team, guess.team)

    def inherit_guess(self, card: int, parts: Sequence[int]) -> None:
        """What was cut off looks, for now, like what it was cut from, and least certain of all."""
        guess = self.guesses.teams.get(card)
        if guess is not None:
            unsure = {part: replace(guess, sureness=0.0) for part in parts}
            self.guesses = Guesses(self.guesses.by, {**self.guesses.teams, **unsure})

    @contextmanager
    def acting(self, said: str) -> Iterator[Action]:
        """All of an action's changes at once, see `LabelStore.acting`; how things stand then is known without reading
        every card again."""
        with self.store.acting(self.run.name, said) as action:
            yield action
        self.changed(action.changes)

    def changed(self, changes: Iterable[Change]) -> None:
        """These are the changes of the store's last transaction."""
        if self._stood is None:
            return
        (version, written), tracks, before = self._stood
        stamp = self.store.stamp()
        if stamp != (version, written + 1):
            return  # somebody else has written as well: all is read again
        rows = dict(before.rows)
        for change in changes:
            for row in (change.old, change.new):
                if isinstance(row, Card) and row.run == self.run.name:
                    rows.pop(row.track, None)
                    if row is change.new:
                        rows[row.track] = row
        self._stood = stamp, tracks, self._stand(tracks, rows)

    def _stand(self, tracks: RunTracks, rows: Mapping[int, Card]) -> Standing:
        store, run = self.store, self.run.name
        labels = labels_of(store.tracks_key(run), store.rows(Cut, run=run), rows.values())
        return Standing(
            run, labels, rows,
            {person.name: person for person in store.rows(Person)},
            store.teams_of_players(),
            {alias.guess: alias.team for alias in store.rows(Alias, run=run)},
            {team.name: team.colour for team in store.rows(Team)},
            self._layout(tracks, labels),
        )  # fmt: skip

    def _layout(self, tracks: RunTracks, labels: HandLabels) -> Layout:
        if self._laid is not None:
            before, said, layout = self._laid
            if before is tracks and (said.cuts, said.joined) == (labels.cuts, labels.joined):
                return layout
        pieces = tracks.pieces(labels)
        members: dict[int, list[int]] = {}
        for track in sorted(pieces):
            members.setdefault(labels.head(track), []).append(track)
        layout = Layout(pieces, dict(sorted(members.items())), tracks.crops(labels))
        self._laid = tracks, labels, layout
        return layout
