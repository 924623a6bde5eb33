"""Who is trained on: the catalog's crops as the plan wants them."""

from collections.abc import Sequence

from classifier.catalog import Crop
from classifier.plan import Holding


def trainable(crops: Sequence[Crop]) -> tuple[Crop, ...]:
    """The crops that a training may see: of the train side, and of one person."""
    return tuple(crop for crop in crops if crop.split == "train" and crop.alone)


def holdings(crops: Sequence[Crop]) -> tuple[Holding, ...]:
    """The roster of training crops, each of one person."""
    mine: dict[tuple[str, str], list[str]] = {}
    for crop in crops:
        mine.setdefault((crop.players[0], crop.team), []).append(crop.digest)
    return tuple(Holding(player, team, tuple(sorted(digests))) for (player, team), digests in sorted(mine.items()))
