"""The board as the page shows it: cards, teams, players, and what could be taken back."""

from collections.abc import Iterable
from typing import Any

from tracker.label_state import DeskState, Standing
from tracker.run_tracks import picture_name


def board(state: DeskState, revision: int, only: Iterable[int] | None) -> dict[str, Any]:
    """All that the page shows; of the cards only some, where given.

    Args:
        state: How things stand.
        revision: Of the desk; of two boards the page believes the newer one.
        only: Cards that may look different now; None for all.
    """
    now = state.now()
    members, crops = now.layout.members, now.layout.crops
    wanted = list(members) if only is None else sorted(set(only))
    shown = [card for card in wanted if card in members and crops.get(card)]
    return {
        "run": state.run.name,
        "revision": revision,
        "cards": [_card(state, now, card) for card in shown],
        "gone": sorted(set(wanted) - set(shown)),
        "teams": state.teams(),
        "players": [
            {"name": p.name, "number": p.number, "consent": p.consent, "consent_date": p.consent_date,
             "team": now.team_of.get(p.name)}
            for p in now.people.values()
        ],
        "undo": state.store.last_action(state.run.name),
        "guessed_by": state.guesses.by,
        "without_pictures": sum(not crops.get(card) for card in members),
    }  # fmt: skip


def _card(state: DeskState, now: Standing, card: int) -> dict[str, Any]:
    labels, pieces, members = now.labels, now.layout.pieces, now.layout.members[card]
    guess = state.guesses.teams.get(card)
    player = labels.players.get(card)
    return {
        "id": card,
        "team": labels.teams.get(card),
        "guess": now.aliases.get(guess.team, guess.team) if guess else None,
        "sure": round(guess.sureness, 3) if guess else 0.0,
        "player": player,
        "number": now.people[player].number if player and player in now.people else "",
        "aside": card in labels.aside,
        "joined": [track for track in members if track != card],
        "from_s": round(min(pieces[track].first_s for track in members), 2),
        "to_s": round(max(pieces[track].last_s for track in members), 2),
        "pictures": [picture_name(file) for file in now.layout.crops[card]],
    }
