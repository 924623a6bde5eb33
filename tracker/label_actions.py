"""What can be done on the desk: each action is one transaction of the store, and says which cards it changed.

Here: what is said about cards, people and teams. Who is on a card is changed in `tracker/label_joins.py`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from classifier.discovery import checked_name
from classifier.errors import BadInput
from tracker.label_state import DeskState
from tracker.label_store import CONSENTS, Alias, Card, Change, Person, Row, Team

Given = Mapping[str, Any]
"""What the page sent along."""
MOST_NUMBER = 4


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


def give_team(state: DeskState, given: Given) -> Done:
    """Cards play for a team, and with them all other cards of the same players."""
    team = checked_name(text(given, "team"), "team", "the page")
    cards, now = cards_there(state, given), state.now()
    named = {now.labels.players[card] for card in cards if card in now.labels.players}
    chosen = {(now.run, card) for card in cards}
    others = [
        row for name in sorted(named) for row in state.store.rows(Card, player=name)
        if row.joined is None and (row.run, row.track) not in chosen
    ]  # fmt: skip
    said = f"{_cards(len(cards))} to {team}"
    with state.acting(said) as action:
        for card in cards:
            action.put(replace(now.row(card), team=team, aside=False))
        for row in others:
            if row.team not in (None, team):
                action.put(replace(row, team=team))
    more = sum(row.run == now.run for row in others)
    return Done(said + (f", and {more} more of the same player" if more else ""), *touched(action.changes))


def set_aside(state: DeskState, given: Given) -> Done:
    """Cards show nobody, or two people at once."""
    cards, now = cards_there(state, given), state.now()
    said = f"{_cards(len(cards))} set aside"
    with state.acting(said) as action:
        for card in cards:
            action.put(replace(now.row(card), aside=True))
    return Done(said, *touched(action.changes))


def unsay(state: DeskState, given: Given) -> Done:
    """Nothing is known of these cards."""
    cards, now = cards_there(state, given), state.now()
    said = f"{_cards(len(cards))} open again"
    with state.acting(said) as action:
        for card in cards:
            action.put(replace(now.row(card), team=None, player=None, aside=False))
    return Done(said, *touched(action.changes))


def name_player(state: DeskState, given: Given) -> Done:
    """A card shows this player, who has one team on all cards; an empty name takes the name away."""
    card = cards_there(state, {"cards": [given.get("card")]})[0]
    row, said = state.now().row(card), text(given, "player").strip()
    if not said:
        with state.acting("a name taken away") as action:
            action.put(replace(row, player=None))
        return Done("no name", *touched(action.changes))
    name = checked_name(said, "player", "the page")
    if ";" in name:
        raise BadInput("a name has no semicolon: it stands between the names of several people")
    own = row.team or (None if row.aside else state.guessed_team(card))
    elsewhere = [
        other.team for other in state.store.rows(Card, player=name)
        if other.team and not other.aside and (other.run, other.track) != (row.run, row.track)
    ]  # fmt: skip
    team = elsewhere[0] if elsewhere else own
    if team is None:
        raise BadInput("give the card a team first")
    known = name in state.now().people
    with state.acting(f"named {name}") as action:
        action.put(replace(row, player=name, team=team, aside=False))
        if not known:
            action.put(Person(name))
    moved = f", who plays for {team}: the card went there" if own not in (None, team) else ""
    return Done(f"named {name}{moved}", *touched(action.changes))


def about_person(state: DeskState, given: Given) -> Done:
    """A player's number and consent."""
    name = text(given, "player")
    known = state.now().people.get(name)
    if known is None:
        raise BadInput("there is no player of that name")
    number, consent = text(given, "number", known.number), text(given, "consent", known.consent)
    day = text(given, "consent_date", known.consent_date)
    if len(number) > MOST_NUMBER or not number.isprintable():
        raise BadInput(f"a jersey number has at most {MOST_NUMBER} signs")
    if consent not in CONSENTS:
        raise BadInput(f"consent is one of {', '.join(CONSENTS)}")
    if day:
        try:
            day = date.fromisoformat(day).isoformat()
        except ValueError:
            raise BadInput(f"{day!r} is no day; expected YYYY-MM-DD") from None
    with state.acting(f"about {name}") as action:
        action.put(Person(name, number.strip(), consent, day))
    mine = frozenset(card for card, player in state.now().labels.players.items() if player == name)
    return Done(f"noted about {name}", mine)


def rename_team(state: DeskState, given: Given) -> Done:
    """A team is called otherwise, on all runs; a guessed one on this run."""
    team, name = text(given, "team"), checked_name(text(given, "name"), "team", "the page")
    if team == name:
        return Done("", frozenset())
    aliases = state.now().aliases
    guessed = {guess.team for guess in state.guesses.teams.values()}
    colour = next((each["colour"] for each in state.teams() if each["name"] == team), None)
    with state.acting(f"{team} is called {name}") as action:
        for card in state.store.rows(Card, team=team):
            action.put(replace(card, team=name))
        for guess in sorted(guessed):
            if aliases.get(guess, guess) == team:
                action.put(Alias(state.run.name, guess, name))
        if colour and not state.store.rows(Team, name=name):
            action.put(Team(name, colour))
    state.extra_teams = [name if each == team else each for each in state.extra_teams]
    return Done(f"{team} is called {name} now", frozenset(), everything=True, renamed=(team, name))


def colour_team(state: DeskState, given: Given) -> Done:
    """A team is shown in another colour."""
    team, colour = text(given, "team"), text(given, "colour").lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", colour):
        raise BadInput(f"{colour!r} is no colour; expected #rrggbb")
    with state.acting(f"another colour for {team}") as action:
        action.put(Team(team, colour))
    return Done(f"another colour for {team}", frozenset(), everything=True)


def add_team(state: DeskState, given: Given) -> Done:
    """There is one more team, as long as the page is served or a card is in it."""
    name = checked_name(text(given, "name"), "team", "the page")
    if name not in state.extra_teams:
        state.extra_teams.append(name)
    return Done(f"a place for {name}", frozenset(), everything=True)


def cards_there(state: DeskState, given: Given) -> list[int]:
    """The cards that an action is about.

    Raises:
        BadInput: None is named, or one that is not on the board.
    """
    asked = given.get("cards")
    if not isinstance(asked, list) or not asked or not all(isinstance(card, int) for card in asked):
        raise BadInput("expected cards: a list of their numbers")
    there = state.now().layout.members
    for card in asked:
        if card not in there:
            raise BadInput(f"card {card} is not there any more: somebody joined it, or its player was forgotten")
    return list(dict.fromkeys(asked))


def touched(changes: Iterable[Change]) -> tuple[frozenset[int], bool]:
    """The cards of these changes, and whether anything else changed."""
    rows: list[Row] = [row for change in changes for row in (change.old, change.new) if row is not None]
    cards = frozenset(row.track for row in rows if isinstance(row, Card))
    cards |= frozenset(row.joined for row in rows if isinstance(row, Card) and row.joined is not None)
    return cards, any(not isinstance(row, Card | Person) for row in rows)


def text(given: Given, key: str, default: str | None = None) -> str:
    """A text that the page sent along.

    Raises:
        BadInput: There is none.
    """
    value = given.get(key, default)
    if not isinstance(value, str):
        raise BadInput(f"expected {key}, a text")
    return value


def _cards(count: int) -> str:
    return "one card" if count == 1 else f"{count} cards"
