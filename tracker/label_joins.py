"""Who is on a card: two cards of one person are joined, a card of two people is cut in time."""

from dataclasses import replace

from classifier.errors import BadInput
from tracker.label_actions import Done, Given, cards_there
from tracker.label_state import DeskState
from tracker.label_store import Card, Cut

SAME_MOMENT_S = 0.5
"""Two tracks that are in the picture together for longer are two people."""


def join(state: DeskState, given: Given) -> Done:
    """Lay a card onto another one, which speaks for both from then on."""
    card, onto = cards_there(state, {"cards": [given.get("card"), given.get("onto")]})
    now = state.now()
    one, other = now.labels.players.get(card), now.labels.players.get(onto)
    if one and other and one != other:
        raise BadInput(f"these are {one} and {other}: take one name away first")
    _refuse_same_moment(state, card, onto)
    target, source = now.row(onto), now.row(card)
    with state.acting("two cards joined") as action:
        action.put(replace(target, team=target.team or source.team, player=target.player or source.player))
        action.put(Card(now.run, card, joined=onto))
        for row in now.rows.values():
            if row.joined == card:
                action.put(replace(row, joined=onto))
    return Done("two cards joined: one person", frozenset({card, onto}))


def cut(state: DeskState, given: Given) -> Done:
    """From a frame on a card shows somebody else, of whom nothing is known yet."""
    card = cards_there(state, {"cards": [given.get("card")]})[0]
    frame = given.get("frame")
    if not isinstance(frame, int):
        raise BadInput("expected the frame at which to cut")
    now = state.now()
    pieces, mine = now.layout.pieces, now.layout.members[card]
    if not min(pieces[track].first_frame for track in mine) < frame <= max(pieces[track].last_frame for track in mine):
        raise BadInput(f"frame {frame} is not inside this track")
    track_of = {part: track for track, parts in now.labels.cuts.items() for _, part in parts}
    free = max([*pieces, *state.tracks().files, *track_of]) + 1
    row = now.row(card)
    later: list[int] = []
    with state.acting("a card cut in two") as action:
        for track in mine:
            if pieces[track].first_frame >= frame:
                later.append(track)
            elif pieces[track].last_frame >= frame:
                action.put(Cut(now.run, free, track_of.get(track, track), frame))
                later.append(free)
                free += 1
        earlier = [track for track in mine if track not in later]
        for group, said in ((earlier, row), (later, replace(row, player=None, team=None))):
            head = card if card in group else group[0]
            action.put(replace(said, track=head, joined=None))
            for track in group:
                if track != head:
                    action.put(Card(now.run, track, joined=head))
    state.inherit_guess(card, [*earlier, *later])
    return Done("one card cut in two", frozenset(), everything=True)


def _refuse_same_moment(state: DeskState, card: int, onto: int) -> None:
    layout = state.now().layout
    here, there = ([layout.pieces[track] for track in layout.members[each]] for each in (card, onto))
    shared = state.tracks().together_s(here, there)
    if len(shared) > 1 and shared[-1] - shared[0] > SAME_MOMENT_S:
        minutes, seconds = divmod(shared[0], 60)
        raise BadInput(f"both are in the picture at {minutes:.0f}:{seconds:04.1f}, so these are two people")
