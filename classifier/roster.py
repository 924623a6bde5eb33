"""Who is trained on: the catalog's crops as the plan wants them."""

from collections.abc import Sequence

from classifier.catalog import Crop, Player
from classifier.plan import Holding


def trainable(crops: Sequence[Crop]) -> tuple[Crop, ...]:
    """The crops that a training may see: of the train side, and of one person."""
    return tuple(crop for crop in crops if crop.split == "train" and crop.alone)


LEAVING = {"given": 0, "unknown": 1, "withdrawn": 2}
"""How likely somebody is to leave, by their consent."""


def holdings(crops: Sequence[Crop], players: Sequence[Player] = ()) -> tuple[Holding, ...]:
    """The roster of training crops, each of one person; `players` tell who is likely to leave."""
    leaving = {player.name: LEAVING[player.consent] for player in players}
    mine: dict[tuple[str, str], list[str]] = {}
    for crop in crops:
        mine.setdefault((crop.players[0], crop.team), []).append(crop.digest)
    return tuple(
        Holding(player, team, tuple(sorted(digests)), leaving.get(player, 0))
        for (player, team), digests in sorted(mine.items())
    )
