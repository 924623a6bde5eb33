"""The recorded plan as it stands in the workspace, cell by cell."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifier.catalog import open_catalog
from classifier.errors import BadInput
from classifier.roster import holdings, trainable
from classifier.workspace import Workspace


@dataclass(frozen=True)
class PlannedCell:
    """One slice of one shard, both 0-based."""

    shard: int
    slice: int
    players: int
    crops_by_team: dict[str, int]


def planned_cells(workspace: Path) -> tuple[tuple[PlannedCell, ...], tuple[str, ...]]:
    """Every slice of every shard under the recorded plan, and the plan's notes.

    Raises:
        BadInput: nothing was imported, or nothing trained yet.
    """
    with open_catalog(Workspace(workspace)) as catalog:
        crops, plan = trainable(catalog.crops()), catalog.plan()
    if plan is None:
        raise BadInput(f"no plan yet in {workspace}: it is made by `cleansheet train`.")
    teams: dict[tuple[int, int], Counter[str]] = {}
    people: dict[tuple[int, int], set[str]] = {}
    for holding in holdings(crops):
        for digest in holding.crops:
            try:
                place = plan.place(holding.player, digest)
            except KeyError:  # imported since the last training
                continue
            cell = place.shard, place.slice
            teams.setdefault(cell, Counter())[holding.team] += 1
            people.setdefault(cell, set()).add(holding.player)
    every = [(shard, part) for shard in range(plan.shards) for part in range(plan.slices)]
    cells = tuple(PlannedCell(*cell, len(people.get(cell, ())), dict(teams.get(cell, {}))) for cell in every)
    return cells, plan.notes


def crops_of_players(workspace: Path) -> npt.NDArray[np.int64]:
    """How many training crops each player has, `(players,)`.

    Raises:
        BadInput: nothing was imported.
    """
    with open_catalog(Workspace(workspace)) as catalog:
        return np.array([len(holding.crops) for holding in holdings(trainable(catalog.crops()))], np.int64)
