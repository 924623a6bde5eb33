"""The desk at which a run's tracks are labelled: what lies on it, and everything that can be done there.

Each action is one transaction of the store, and answers with the cards that it changed. Nothing here knows of browsers.
"""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from classifier.discovery import Labelled, checked_name
from classifier.errors import BadInput, CleansheetError
from classifier.workspace import Workspace
from tracker.attacks import OFFICIALS
from tracker.crops import crops_of_tracks
from tracker.first_guess import Guesses
from tracker.hand_labels import HandLabels, hand_labels, tracks_key
from tracker.label_store import CONSENTS, Alias, Card, Change, Cut, LabelStore, Person, Row, Team
from tracker.run import Run, write_json
from tracker.tables import TRACKS, read_csv
from tracker.team_colours import team_colours

SAME_MOMENT_S = 0.5
"""Two tracks that are in the picture together for longer are two people."""
MOST_NUMBER = 4


@dataclass(frozen=True)
class Piece:
    """A track, or what of one lies before or after a cut."""

    first_frame: int
    last_frame: int
    first_s: float
    last_s: float


@dataclass(frozen=True)
class Done:
    """What an action did."""

    said: str
    """For people, in a few words."""
    cards: frozenset[int]
    """Whose card looks different now; empty where more than cards changed."""
    everything: bool = False
    """Whether the whole board is to be drawn again."""
    renamed: tuple[str, str] | None = None
    """A team's name before and now."""


class LabelDesk:
    """A run on the desk.

    Args:
        run: A finished run.
        store: The workspace's open store.

    Raises:
        BadInput: The store has labels of this run that were made for other tracks.
    """

    def __init__(self, run: Run, store: LabelStore) -> None:
        self.run = run
        self.store = store
        self.revision = 0
        """Grows with every change, so that of two boards it can be said which is newer."""
        self._guesses = Guesses("jersey", {})
        self.extra_teams: list[str] = []
        self._lock = threading.RLock()
        self._read_at: tuple[int, int] | None = None
        self._frames: dict[int, list[tuple[int, float]]] = {}
        self._crops: dict[int, list[Path]] = {}
        key = self._key()
        known = store.tracks_key(run.name)
        if known is None:
            store.begin_run(run.name, key)
        elif known != key:
            raise BadInput(
                f"the labels of {run.name!r} were made for other tracks than it has now; "
                f"`cleansheet label {run.name} --start-over` throws them away"
            )

    @property
    def guesses(self) -> Guesses:
        """Who plays for whom, perhaps."""
        return self._guesses

    @guesses.setter
    def guesses(self, guesses: Guesses) -> None:
        with self._lock:
            self._guesses = guesses
            self.revision += 1

    def changed_elsewhere(self) -> None:
        """Another process has written into the store."""
        with self._lock:
            self.revision += 1

    # -- what lies on the desk ---------------------------------------------------------------------------------------

    def labels(self) -> HandLabels:
        """What was said about this run so far."""
        return hand_labels(self.store, self.run.name)

    def pieces(self, labels: HandLabels) -> dict[int, Piece]:
        """Every track and part of a track."""
        self._read()
        found: dict[int, list[tuple[int, float]]] = {}
        for track, seen in self._frames.items():
            if track not in labels.cuts:
                found[track] = seen
                continue
            for frame, time_s in seen:
                found.setdefault(labels.part(track, frame), []).append((frame, time_s))
        return {t: Piece(seen[0][0], seen[-1][0], seen[0][1], seen[-1][1]) for t, seen in found.items()}

    def crops(self, labels: HandLabels) -> dict[int, list[Path]]:
        """The crop files of every card, by frame: those of all that were joined to it."""
        self._read()
        if not (labels.cuts or labels.joined):
            return dict(self._crops)
        found: dict[int, list[Path]] = {}
        for track, files in self._crops.items():
            for file in files:
                found.setdefault(labels.head(labels.part(track, int(file.stem))), []).append(file)
        return {card: sorted(files, key=lambda f: f.name) for card, files in found.items()}

    def board(self, only: Iterable[int] | None = None) -> dict[str, Any]:
        """All that the page shows; of the cards only some, where given."""
        with self._lock:
            return self._board(only)

    def _board(self, only: Iterable[int] | None) -> dict[str, Any]:
        labels = self.labels()
        pieces, crops = self.pieces(labels), self.crops(labels)
        members: dict[int, list[int]] = {}
        for track in sorted(pieces):
            members.setdefault(labels.head(track), []).append(track)
        people = {person.name: person for person in self.store.rows(Person)}
        aliases = self._aliases()
        wanted = set(members) if only is None else set(only)
        cards = [
            self._card(card, ids, labels, pieces, crops.get(card, []), people, aliases)
            for card, ids in sorted(members.items())
            if card in wanted and crops.get(card)
        ]
        shown = {card for card in members if crops.get(card)}
        return {
            "run": self.run.name,
            "revision": self.revision,
            "cards": cards,
            "gone": sorted(wanted - shown),
            "teams": self._teams(labels),
            "players": [
                {"name": p.name, "number": p.number, "consent": p.consent, "consent_date": p.consent_date,
                 "team": self._team_of(p.name)}
                for p in people.values()
            ],
            "undo": self.store.last_action(self.run.name),
            "guessed_by": self.guesses.by if self.guesses.teams else None,
            "without_pictures": len(members) - len(shown),
        }  # fmt: skip

    def labelled(self) -> list[Labelled]:
        """The crops of everybody who was given a team, as the catalog takes them in.

        People who withdrew their consent are left out.
        """
        labels = self.labels()
        withdrawn = {p.name for p in self.store.rows(Person) if p.consent == "withdrawn"}
        name = self.run.name
        return [
            Labelled(
                file.resolve(), f"{name}/{file.relative_to(self.run.final.crops).as_posix()}", labels.teams[card],
                "train", (labels.players[card],) if card in labels.players else (), f"{name}/track-{card}",
            )
            for card, files in sorted(self.crops(labels).items())
            if card in labels.teams and labels.players.get(card) not in withdrawn
            for file in files
        ]  # fmt: skip

    # -- what can be done --------------------------------------------------------------------------------------------

    def act(self, what: str, given: Mapping[str, Any]) -> Done:
        """Do one thing.

        Raises:
            BadInput: There is no such action, card or team, or what is given makes no sense.
            CleansheetError: An erasure is under way.
        """
        if Workspace(self.run.workspace).journal.exists():
            raise CleansheetError("a player is being forgotten in this workspace just now: try again when that is done")
        actions = {
            "team": self._give_team, "aside": self._set_aside, "unsay": self._unsay, "name": self._name,
            "join": self._join, "cut": self._cut, "rename-team": self._rename_team, "colour": self._colour,
            "add-team": self._add_team, "person": self._person,
        }  # fmt: skip
        if what not in actions:
            raise BadInput(f"unknown action {what!r}; expected one of {', '.join(actions)}")
        with self._lock:
            done = actions[what](given)
            self.revision += 1
            return done

    def undo(self) -> Done:
        """Take back the last action, whoever did it."""
        with self._lock:
            found = self.store.undo(self.run.name)
            self.revision += 1
        if found is None:
            raise BadInput("there is nothing to undo")
        said, changes = found
        return Done(f"undone: {said}", *_touched(changes))

    def _give_team(self, given: Mapping[str, Any]) -> Done:
        team = checked_name(_text(given, "team"), "team", "the page")
        cards = self._cards(given)
        labels = self.labels()
        named = {labels.players[card] for card in cards if card in labels.players}
        others = [c for c in self.store.rows(Card) if c.player in named and c.joined is None]
        said = f"{_cards(len(cards))} to {team}"
        with self.store.acting(self.run.name, said) as action:
            for card in cards:
                action.put(replace(self._row(card), team=team, aside=False))
            for card in others:
                if card.team not in (None, team):
                    action.put(replace(card, team=team))
        more = sum(c.run == self.run.name and c.track not in cards for c in others)
        return Done(said + (f", and {more} more of the same player" if more else ""), *_touched(action.changes))

    def _set_aside(self, given: Mapping[str, Any]) -> Done:
        cards = self._cards(given)
        with self.store.acting(self.run.name, f"{_cards(len(cards))} set aside") as action:
            for card in cards:
                action.put(replace(self._row(card), aside=True))
        return Done(f"{_cards(len(cards))} set aside", *_touched(action.changes))

    def _unsay(self, given: Mapping[str, Any]) -> Done:
        cards = self._cards(given)
        with self.store.acting(self.run.name, f"{_cards(len(cards))} open again") as action:
            for card in cards:
                action.put(replace(self._row(card), team=None, player=None, aside=False))
        return Done(f"{_cards(len(cards))} open again", *_touched(action.changes))

    def _name(self, given: Mapping[str, Any]) -> Done:
        card = self._cards({"cards": [given.get("card")]})[0]
        row, text = self._row(card), _text(given, "player").strip()
        if not text:
            with self.store.acting(self.run.name, "a name taken away") as action:
                action.put(replace(row, player=None))
            return Done("no name", *_touched(action.changes))
        name = checked_name(text, "player", "the page")
        if ";" in name:
            raise BadInput("a name has no semicolon: it stands between the names of several people")
        own = row.team or (None if row.aside else self._guess(card)[0])
        team = self._team_of(name, besides=(self.run.name, card)) or own
        if team is None:
            raise BadInput("give the card a team first")
        with self.store.acting(self.run.name, f"named {name}") as action:
            action.put(replace(row, player=name, team=team, aside=False))
            if not self.store.rows(Person, name=name):
                action.put(Person(name))
        moved = f", who plays for {team}: the card went there" if own not in (None, team) else ""
        return Done(f"named {name}{moved}", *_touched(action.changes))

    def _join(self, given: Mapping[str, Any]) -> Done:
        card, onto = self._cards({"cards": [given.get("card"), given.get("onto")]})
        labels = self.labels()
        if card == onto:
            raise BadInput("a card cannot be laid onto itself")
        one, other = labels.players.get(card), labels.players.get(onto)
        if one and other and one != other:
            raise BadInput(f"these are {one} and {other}: take one name away first")
        self._refuse_same_moment(card, onto, labels)
        rows: list[Card] = self.store.rows(Card, run=self.run.name)
        target, source = self._row(onto), self._row(card)
        team = target.team or source.team
        with self.store.acting(self.run.name, "two cards joined") as action:
            action.put(replace(target, team=team, player=target.player or source.player))
            action.put(Card(self.run.name, card, joined=onto))
            for row in rows:
                if row.joined == card:
                    action.put(replace(row, joined=onto))
        return Done("two cards joined: one person", frozenset({card, onto}))

    def _cut(self, given: Mapping[str, Any]) -> Done:
        card = self._cards({"cards": [given.get("card")]})[0]
        frame = given.get("frame")
        if not isinstance(frame, int):
            raise BadInput("expected the frame at which to cut")
        labels = self.labels()
        pieces = self.pieces(labels)
        mine = [track for track in sorted(pieces) if labels.head(track) == card]
        if not pieces_first(pieces, mine) < frame <= pieces_last(pieces, mine):
            raise BadInput(f"frame {frame} is not inside this track")
        track_of = {part: track for track, parts in labels.cuts.items() for _, part in parts}
        free = max([*pieces, *self._crops, *track_of, 0]) + 1
        row = self._row(card)
        later: list[int] = []
        with self.store.acting(self.run.name, "a card cut in two") as action:
            for track in mine:
                if pieces[track].first_frame >= frame:
                    later.append(track)
                elif pieces[track].last_frame >= frame:
                    action.put(Cut(self.run.name, free, track_of.get(track, track), frame))
                    later.append(free)
                    free += 1
            earlier = [track for track in mine if track not in later]
            for group, said in ((earlier, row), (later, replace(row, player=None, team=None))):
                head = card if card in group else group[0]
                action.put(replace(said, track=head, joined=None))
                for track in group:
                    if track != head:
                        action.put(Card(self.run.name, track, joined=head))
        self._inherit_guess(card, [*earlier, *later])
        return Done("one card cut in two", frozenset(), everything=True)

    def _rename_team(self, given: Mapping[str, Any]) -> Done:
        team, name = _text(given, "team"), checked_name(_text(given, "name"), "team", "the page")
        if team == name:
            return Done("", frozenset())
        aliases = self._aliases()
        guessed = {guess.team for guess in self.guesses.teams.values()}
        with self.store.acting(self.run.name, f"{team} is called {name}") as action:
            for card in self.store.rows(Card, team=team):
                action.put(replace(card, team=name))
            for guess in guessed:
                if aliases.get(guess, guess) == team:
                    action.put(Alias(self.run.name, guess, name))
            colour = next((t["colour"] for t in self._teams(self.labels()) if t["name"] == team), None)
            if colour and not self.store.rows(Team, name=name):
                action.put(Team(name, colour))
        self.extra_teams = [name if each == team else each for each in self.extra_teams]
        return Done(f"{team} is called {name} now", frozenset(), everything=True, renamed=(team, name))

    def _colour(self, given: Mapping[str, Any]) -> Done:
        team, colour = _text(given, "team"), _text(given, "colour").lower()
        if not re.fullmatch(r"#[0-9a-f]{6}", colour):
            raise BadInput(f"{colour!r} is no colour; expected #rrggbb")
        with self.store.acting(self.run.name, f"another colour for {team}") as action:
            action.put(Team(team, colour))
        return Done(f"another colour for {team}", frozenset(), everything=True)

    def _add_team(self, given: Mapping[str, Any]) -> Done:
        name = checked_name(_text(given, "name"), "team", "the page")
        if name not in self.extra_teams:
            self.extra_teams.append(name)
        return Done(f"a place for {name}", frozenset(), everything=True)

    def _person(self, given: Mapping[str, Any]) -> Done:
        name = _text(given, "player")
        known = self.store.rows(Person, name=name)
        if not known:
            raise BadInput("there is no player of that name")
        number, consent = _text(given, "number", known[0].number), _text(given, "consent", known[0].consent)
        day = _text(given, "consent_date", known[0].consent_date)
        if len(number) > MOST_NUMBER or not number.isprintable():
            raise BadInput(f"a jersey number has at most {MOST_NUMBER} signs")
        if consent not in CONSENTS:
            raise BadInput(f"consent is one of {', '.join(CONSENTS)}")
        if day:
            try:
                day = date.fromisoformat(day).isoformat()
            except ValueError:
                raise BadInput(f"{day!r} is no day; expected YYYY-MM-DD") from None
        with self.store.acting(self.run.name, f"about {name}") as action:
            action.put(Person(name, number.strip(), consent, day))
        mine = frozenset(card for card, player in self.labels().players.items() if player == name)
        return Done(f"noted about {name}", mine)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _key(self) -> str:
        """The fingerprint in run.json; where an earlier version left none, it is written there, since people may be
        erased from the tables later."""
        summary = self.run.summary() or {}
        if not isinstance(summary.get("tracks_key"), str):
            table = read_csv(TRACKS, self.run.final.folder / "tracks.csv")
            summary["tracks_key"] = tracks_key(table["track_id"].to_numpy(), table["frame"].to_numpy())
            write_json(self.run.final.summary, summary)
        return str(summary["tracks_key"])

    def _read(self) -> None:
        """Read the run's tables and the names of its crops, when they changed."""
        path = self.run.final.folder / "tracks.csv"
        with self._lock:
            at = (path.stat().st_mtime_ns, path.stat().st_ino)
            if at == self._read_at:
                return
            table = read_csv(TRACKS, path).select("track_id", "frame", "time_s").sort("track_id", "frame")
            self._frames = {
                key[0]: list(rows.select("frame", "time_s").iter_rows())
                for key, rows in table.partition_by("track_id", as_dict=True).items()
            }
            present = set(self._frames)
            self._crops = {t: files for t, files in crops_of_tracks(self.run.final.crops).items() if t in present}
            self._read_at = at

    def _card(
        self, card: int, ids: Sequence[int], labels: HandLabels, pieces: Mapping[int, Piece], files: Sequence[Path],
        people: Mapping[str, Person], aliases: Mapping[str, str],
    ) -> dict[str, Any]:  # fmt: skip
        guess = self.guesses.teams.get(card)
        player = labels.players.get(card)
        return {
            "id": card,
            "team": labels.teams.get(card),
            "guess": aliases.get(guess.team, guess.team) if guess else None,
            "sure": round(guess.sureness, 3) if guess else 0.0,
            "player": player,
            "number": people[player].number if player and player in people else "",
            "aside": card in labels.aside,
            "joined": [track for track in ids if track != card],
            "from_s": round(min(pieces[track].first_s for track in ids), 2),
            "to_s": round(max(pieces[track].last_s for track in ids), 2),
            "frames": [int(file.stem) for file in files],
        }

    def _teams(self, labels: HandLabels) -> list[dict[str, Any]]:
        aliases = self._aliases()
        guessed = [aliases.get(guess.team, guess.team) for guess in self.guesses.teams.values()]
        names = sorted({*labels.teams.values(), *guessed, *self.extra_teams} - {OFFICIALS})
        names = [*names, OFFICIALS]
        colours = {name: "#{2:02x}{1:02x}{0:02x}".format(*bgr) for name, bgr in team_colours(names).items()}
        colours |= {team.name: team.colour for team in self.store.rows(Team) if team.name in colours}
        return [{"name": name, "colour": colours[name]} for name in names]

    def _aliases(self) -> dict[str, str]:
        return {alias.guess: alias.team for alias in self.store.rows(Alias, run=self.run.name)}

    def _guess(self, card: int) -> tuple[str | None, float]:
        guess = self.guesses.teams.get(card)
        return (None, 0.0) if guess is None else (self._aliases().get(guess.team, guess.team), guess.sureness)

    def _inherit_guess(self, card: int, parts: Iterable[int]) -> None:
        """What was cut off looks, for now, like what it was cut from, and least certain of all."""
        guess = self.guesses.teams.get(card)
        if guess is not None:
            unsure = {part: replace(guess, sureness=0.0) for part in parts}
            self._guesses = Guesses(self.guesses.by, {**self.guesses.teams, **unsure})

    def _team_of(self, player: str, besides: tuple[str, int] | None = None) -> str | None:
        rows: list[Card] = self.store.rows(Card, player=player)
        teams = [row.team for row in rows if row.team and not row.aside and (row.run, row.track) != besides]
        return teams[0] if teams else None

    def _row(self, card: int) -> Card:
        found: list[Card] = self.store.rows(Card, run=self.run.name, track=card)
        return found[0] if found else Card(self.run.name, card)

    def _cards(self, given: Mapping[str, Any]) -> list[int]:
        """The cards that an action is about: heads that are there."""
        asked = given.get("cards")
        if not isinstance(asked, list) or not asked or not all(isinstance(card, int) for card in asked):
            raise BadInput("expected cards: a list of their numbers")
        labels = self.labels()
        there = self.pieces(labels)
        for card in asked:
            if card not in there or labels.head(card) != card:
                raise BadInput(f"card {card} is not there any more: somebody joined it, or its player was forgotten")
        return list(dict.fromkeys(asked))

    def _refuse_same_moment(self, card: int, onto: int, labels: HandLabels) -> None:
        times: dict[int, dict[int, float]] = {card: {}, onto: {}}
        for track, seen in self._frames.items():
            for frame, time_s in seen:
                head = labels.head(labels.part(track, frame))
                if head in times:
                    times[head][frame] = time_s
        shared = sorted(times[card][frame] for frame in set(times[card]) & set(times[onto]))
        if len(shared) > 1 and shared[-1] - shared[0] > SAME_MOMENT_S:
            minutes, seconds = divmod(shared[0], 60)
            raise BadInput(f"both are in the picture at {minutes:.0f}:{seconds:04.1f}, so these are two people")


def pieces_first(pieces: Mapping[int, Piece], mine: Iterable[int]) -> int:
    """The first frame of several pieces."""
    return min(pieces[track].first_frame for track in mine)


def pieces_last(pieces: Mapping[int, Piece], mine: Iterable[int]) -> int:
    """The last frame of several pieces."""
    return max(pieces[track].last_frame for track in mine)


def _touched(changes: Iterable[Change]) -> tuple[frozenset[int], bool]:
    """The cards of these changes, and whether anything else changed."""
    rows: list[Row] = [row for change in changes for row in (change.old, change.new) if row is not None]
    cards = frozenset(row.track for row in rows if isinstance(row, Card))
    cards |= frozenset(row.joined for row in rows if isinstance(row, Card) and row.joined is not None)
    return cards, any(not isinstance(row, Card | Person) for row in rows)


def _text(given: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = given.get(key, default)
    if not isinstance(value, str):
        raise BadInput(f"expected {key}, a text")
    return value


def _cards(count: int) -> str:
    return "one card" if count == 1 else f"{count} cards"
