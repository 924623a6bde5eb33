"""`players`: what is held on whom, where it is trained, and what forgetting them would cost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier.catalog import open_catalog
from classifier.erasure import recorded_recipe
from classifier.errors import BadInput
from classifier.members import member
from classifier.plan import forgetting_share
from classifier.roster import holdings, trainable
from classifier.workspace import Workspace


@dataclass(frozen=True)
class PlayerHolding:
    """One player's row."""

    player: str
    kind: str
    """`named`; `track` or `picture` where only the source is known."""
    consent: str
    """`unknown`, `given` or `withdrawn`."""
    team: str | None
    """None for someone who shows on pictures of several people only."""
    crops: int
    """All pictures that they show on."""
    trained_crops: int
    """Those that a training sees."""
    shards: tuple[int, ...]
    """Where these lie; empty before the first training."""
    slices: tuple[int, ...]
    forgetting_share: float | None
    """Share of a full training that forgetting them repeats; None before they were trained."""


def list_players(workspace: Path) -> tuple[PlayerHolding, ...]:
    """Everyone in the catalog, by team and name.

    Raises:
        BadInput: nothing was imported.
    """
    place = Workspace(workspace)
    with open_catalog(place) as catalog:
        crops, players, plan = catalog.crops(), catalog.players(), catalog.plan()
    roster = {h.player: h for h in holdings(trainable(crops))}
    shows = Counter(name for crop in crops for name in crop.players)
    team_of = {crop.players[0]: crop.team for crop in crops if crop.alone}
    placed, shares = {}, {}
    if plan is not None:
        known = [h for h in roster.values() if h.player in plan.places or h.player in plan.spread_players]
        planned = [h for h in known if h.player in plan.places or all(digest in plan.spread for digest in h.crops)]
        placed = {h.player: {plan.place(h.player, digest) for digest in h.crops} for h in planned}
        shares = forgetting_share(plan, planned, sums=member(recorded_recipe(place).member).exact)
    rows = [
        PlayerHolding(
            p.name, p.kind, p.consent, team_of.get(p.name), shows[p.name],
            len(roster[p.name].crops) if p.name in roster else 0,
            tuple(sorted({place.shard for place in placed.get(p.name, ())})),
            tuple(sorted({place.slice for place in placed.get(p.name, ())})), shares.get(p.name),
        )
        for p in players
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (row.team or "~", row.player)))


CONSENTS = ("unknown", "given", "withdrawn")


def record_consent(workspace: Path, given: Mapping[str, str]) -> None:
    """Record whether players agreed to be held here; all of them, or on an error none.

    Args:
        workspace: The workspace.
        given: Player → `unknown`, `given` or `withdrawn`.

    Raises:
        BadInput: nobody is called so, or no such status.
    """
    place = Workspace(workspace)
    place.require_catalog()
    with place.writing(), open_catalog(place, write=True) as catalog, catalog.transaction():
        names = {player.name for player in catalog.players()}
        for name, consent in given.items():
            if name not in names:
                raise BadInput(f"nobody called {name!r} in {workspace}; `cleansheet players` lists everybody.")
            if consent not in CONSENTS:
                raise BadInput(f"{consent!r} is no consent: expected {', '.join(CONSENTS)}.")
            catalog.set_consent(name, consent)
