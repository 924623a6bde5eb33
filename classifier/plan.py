"""Which player's crops are trained in which shard and slice: pure functions from a roster to a plan.

`balanced` deals each team's players over the shards, so that every shard sees every team; a recorded plan never moves
anyone again. `strict` takes shard and slice from the player's name alone, so that the plan itself would be the same
had another player never been there, at the price of shards that may lack a team.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from classifier.errors import BadInput

MODES = ("balanced", "strict")


@dataclass(frozen=True, order=True)
class Place:
    """Where crops are trained, both 0-based."""

    shard: int
    slice: int


@dataclass(frozen=True)
class Holding:
    """A player's share of the training crops."""

    player: str
    team: str
    crops: tuple[str, ...]
    """Digests."""
    leaving: int = 0
    """How likely they are to leave, beside others: 0 least. The likelier, the later their slice."""


@dataclass(frozen=True)
class Plan:
    """Who is trained where."""

    mode: str
    shards: int
    slices: int
    teams: tuple[str, ...]
    """The classes, sorted. They stay when their last player leaves: a team's name is no personal data."""
    asked: tuple[int, int]
    """How many shards and slices were asked for, when the roster allowed fewer."""
    places: Mapping[str, Place]
    """Player → place of all their crops."""
    spread: Mapping[str, Place] = field(default_factory=dict)
    """Digest → place, for the crops of those who alone make up a team."""
    spread_players: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What the user should know about this plan, one sentence each."""

    def place(self, player: str, digest: str) -> Place:
        """Where a crop is trained.

        Raises:
            KeyError: the plan does not know the player or, of a spread player, the crop.
        """
        return self.spread[digest] if player in self.spread_players else self.places[player]


def make_plan(holdings: Iterable[Holding], shards: int, slices: int, mode: str = "balanced") -> Plan:
    """Plan a roster afresh. The order of `holdings` does not matter.

    Raises:
        BadInput: fewer than two teams, more shards than players, or an unknown mode.
    """
    roster = sorted(holdings, key=lambda h: _rank(h.player))
    teams = tuple(sorted({h.team for h in roster}))
    if mode not in MODES:
        raise BadInput(f"unknown plan mode {mode!r}: expected {' or '.join(MODES)}.")
    if shards < 1 or slices < 1:
        raise BadInput(f"{shards} shards of {slices} slices: both must be at least 1.")
    if len(teams) < 2:
        known = f"only {teams[0]!r}" if teams else "no team"
        raise BadInput(f"there are training crops of {known}: a classifier needs two teams; import crops of another.")
    if shards > len(roster):
        raise BadInput(f"{shards} shards were asked for and there are {len(roster)} players: ask for at most as many.")
    empty = Plan(mode, shards, slices, teams, (shards, slices), {})
    if mode == "strict":
        return _with_notes(replace(empty, places={h.player: _strict_place(h.player, empty) for h in roster}), roster)
    count = Counter(h.team for h in roster)
    several = [n for n in count.values() if n > 1]
    shards = min(shards, *several) if several else min(shards, *(len(h.crops) for h in roster))
    whole = _deal([h for h in roster if count[h.team] > 1], shards)
    alone = [h for h in roster if count[h.team] == 1]
    spread_shard = {digest: shard for h in alone for digest, shard in _scatter(h.crops, shards, {}).items()}
    units = [_units(whole, alone, spread_shard, roster, shard) for shard in range(shards)]
    slices = min(slices, *(len(of_shard) for of_shard in units))
    places: dict[str, Place] = {}
    spread: dict[str, Place] = {}
    for shard, of_shard in enumerate(units):
        for unit, part in zip(of_shard, _cut([len(u.crops) for u in of_shard], slices), strict=True):
            if count[unit.team] > 1:
                places[unit.player] = Place(shard, part)
            else:
                spread |= dict.fromkeys(unit.crops, Place(shard, part))
    plan = replace(
        empty, shards=shards, slices=slices, places=places, spread=spread, spread_players=_names(alone),
    )  # fmt: skip
    return _with_notes(plan, roster)


def extend_plan(plan: Plan, holdings: Iterable[Holding]) -> Plan:
    """The recorded plan for the players of today: those who stay keep their place, those who left are gone, and new
    ones join the last slice of the shard that has fewest of their team, so that earlier slices stay trained."""
    roster = sorted(holdings, key=lambda h: _rank(h.player))
    known = {h.player for h in roster}
    places = {name: place for name, place in plan.places.items() if name in known}
    spread_players = {name for name in plan.spread_players if name in known}
    digests = {digest for h in roster if h.player in spread_players for digest in h.crops}
    spread = {digest: place for digest, place in plan.spread.items() if digest in digests}
    last = plan.slices - 1
    teammates = Counter(h.team for h in roster)
    new = [h for h in roster if h.player not in places and h.player not in spread_players]
    for h in new:
        if plan.mode == "strict":
            places[h.player] = _strict_place(h.player, plan)
        elif teammates[h.team] == 1:
            spread_players.add(h.player)
        else:
            team_of = {other.player: other.team for other in roster}
            here = Counter(place.shard for name, place in places.items() if team_of[name] == h.team)
            crops = Counter[int]()
            for other in roster:
                if other.player in places:
                    crops[places[other.player].shard] += len(other.crops)
            shard = min(range(plan.shards), key=lambda s: (here[s], crops[s], s))
            places[h.player] = Place(shard, last)
    for h in roster:
        if h.player in spread_players:
            there = {digest: spread[digest].shard for digest in h.crops if digest in spread}
            for digest, shard in _scatter(h.crops, plan.shards, there).items():
                spread.setdefault(digest, Place(shard, last))
    teams = tuple(sorted({*plan.teams, *(h.team for h in roster)}))
    changed = replace(
        plan, teams=teams, places=places, spread=spread, spread_players=tuple(sorted(spread_players)), notes=()
    )
    return _with_notes(changed, roster)


def forgetting_share(plan: Plan, holdings: Sequence[Holding], *, sums: bool = False) -> dict[str, float]:
    """Player → the share of a full training that is repeated when they are forgotten.

    Counted in crops that the optimizer sees, with equal epochs in every stage (Bourtoule et al., 2021, section V-B).

    Args:
        plan: The plan of these holdings.
        holdings: All players.
        sums: Whether training adds each slice's crops to the sums of the slices before, and does not see those again.
    """
    work = _added if sums else _work
    sizes = [[0] * plan.slices for _ in range(plan.shards)]
    parts: dict[str, Counter[Place]] = {}
    for h in holdings:
        parts[h.player] = Counter(plan.place(h.player, digest) for digest in h.crops)
        for place, crops in parts[h.player].items():
            sizes[place.shard][place.slice] += crops
    full = sum(work(of_shard, 0) for of_shard in sizes)
    shares = {}
    for name, mine in parts.items():
        cost = 0.0
        for shard in {place.shard for place in mine}:
            left = [n - mine[Place(shard, part)] for part, n in enumerate(sizes[shard])]
            cost += work(left, min(place.slice for place in mine if place.shard == shard))
        shares[name] = cost / full if full else 0.0
    return shares


def _work(sizes: Sequence[int], first: int) -> int:
    """Crops seen by the stages from slice `first` on; stage r sees those of slices 0 to r."""
    return sum(sum(sizes[: r + 1]) for r in range(first, len(sizes)))


def _added(sizes: Sequence[int], first: int) -> int:
    """Crops added by the slices from `first` on."""
    return sum(sizes[first:])


def _deal(players: Sequence[Holding], shards: int) -> dict[str, int]:
    """Player → shard: each team's players, those with most crops first, to the shard with fewest of the team."""
    crops = [0] * shards
    shard_of: dict[str, int] = {}
    for team in sorted({h.team for h in players}):
        here = [0] * shards
        for h in sorted((h for h in players if h.team == team), key=lambda h: -len(h.crops)):
            shard = min(range(shards), key=lambda s: (here[s], crops[s], s))
            shard_of[h.player] = shard
            here[shard] += 1
            crops[shard] += len(h.crops)
    return shard_of


def _scatter(crops: Sequence[str], shards: int, there: Mapping[str, int]) -> dict[str, int]:
    """Crop → shard for one person's crops, evenly; those of `there` stay."""
    shard_of = dict(there)
    count = Counter(there.values())
    for digest in sorted(set(crops) - set(there)):
        shard = min(range(shards), key=lambda s: (count[s], s))
        shard_of[digest] = shard
        count[shard] += 1
    return shard_of


def _units(
    shard_of: Mapping[str, int], alone: Sequence[Holding], spread: Mapping[str, int], roster: Sequence[Holding],
    shard: int,
) -> list[Holding]:  # fmt: skip
    """What a shard's slices are cut from, in order: its players, those least likely to leave first and teams taking
    turns, then its part of the spread people. Those come last since they touch every shard: forgetting them then costs
    one slice of each."""
    turn: Counter[str] = Counter()
    mine: list[tuple[int, int, Holding]] = []
    for h in roster:
        if shard_of.get(h.player) == shard:
            mine.append((h.leaving, turn[h.team], h))
            turn[h.team] += 1
    ordered = [h for *_, h in sorted(mine, key=lambda item: (item[0], item[1], item[2].team))]
    for h in alone:
        part = tuple(digest for digest in h.crops if spread[digest] == shard)
        if part:
            ordered.append(replace(h, crops=part))
    return ordered


def _cut(sizes: Sequence[int], slices: int) -> list[int]:
    """Slice of each unit: in order, none empty, as even in crops as units allow."""
    part_of: list[int] = []
    part, filled, left = 0, 0, sum(sizes)
    for i, size in enumerate(sizes):
        to_open = slices - part - 1
        must = len(sizes) - i == to_open and filled > 0
        fair = filled > 0 and to_open > 0 and filled + size / 2 > (filled + left) / (to_open + 1)
        if must or fair:
            part, filled = part + 1, 0
        part_of.append(part)
        filled += size
        left -= size
    return part_of


def _with_notes(plan: Plan, roster: Sequence[Holding]) -> Plan:
    notes = []
    count = Counter(h.team for h in roster)
    if plan.shards < plan.asked[0]:
        small = min((n, team) for team, n in count.items() if n > 1) if max(count.values(), default=0) > 1 else None
        why = f"{small[1]} has {small[0]} players" if small else "each team is one person with few crops"
        notes.append(f"{plan.shards} shards instead of {plan.asked[0]}: {why}, and every shard is to see every team.")
    if plan.slices < plan.asked[1]:
        notes.append(f"{plan.slices} slices instead of {plan.asked[1]}: a shard has no more people to divide.")
    for h in roster:
        if h.player in plan.spread_players:
            notes.append(
                f"{h.player} alone is {h.team}, so their {len(h.crops)} crops are spread over "
                f"{len({plan.spread[d].shard for d in h.crops})} shards: forgetting them touches all of these."
            )
    for team in plan.teams:
        seen = {plan.place(h.player, digest).shard for h in roster if h.team == team for digest in h.crops}
        if len(seen) < plan.shards:
            notes.append(f"{team} is known to {len(seen)} of {plan.shards} shards; the others have no say about it.")
    return replace(plan, notes=tuple(notes))


def _strict_place(player: str, plan: Plan) -> Place:
    number = int(_rank(player), 16)
    return Place(number % plan.shards, number // plan.shards % plan.slices)


def _names(holdings: Iterable[Holding]) -> tuple[str, ...]:
    return tuple(sorted(h.player for h in holdings))


def _rank(player: str) -> str:
    """An order that has nothing to do with the alphabet, and in which no one's rank depends on another."""
    return hashlib.sha256(b"cleansheet plan\0" + player.encode()).hexdigest()
