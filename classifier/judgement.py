"""What the constituents that never saw a person say of their crops: an honest look at the ensemble, for free.

Every shard is a stranger to the people of the others. Their answers about these people calibrate the ensemble's
confidence and fill the pages of `training/`. All is computed anew from the crops that are there, after every training
and every erasure, so that nothing of a person outlives them here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.aggregation import Aggregation, Calibration, Posteriors, calibrate, pooled
from classifier.catalog import Crop
from classifier.panel import Panel
from classifier.plan import Plan
from classifier.shard import LabelledCrop, member_pixels
from classifier.workspace import Workspace

MOST = 1000
"""Crops looked at, so that a large catalog does not take long; the first by digest, which is no choice."""
BATCH = 256


@dataclass(frozen=True)
class Judged:
    """Crops and what strangers to them say."""

    crops: tuple[LabelledCrop, ...]
    truth: NDArray[np.int64]
    posterior: Posteriors
    """`(N, teams)`, not calibrated."""
    calibration: Calibration


@dataclass(frozen=True)
class Seen:
    """A crop and which shards were trained on the person; of someone who is spread over all shards, on the crop."""

    crop: LabelledCrop
    shards: frozenset[int]


def all_seen(place: Workspace, plan: Plan, crops: Sequence[Crop]) -> tuple[Seen, ...]:
    """The catalog's crops of one person, for training and validation, under a plan that knows their people."""
    found = []
    for crop in crops:
        player = crop.players[0]
        known = player in plan.places or player in plan.spread_players
        if not crop.alone or crop.team not in plan.teams or not known:
            continue
        if player in plan.places:
            shards = {plan.places[player].shard}
        else:  # a validation crop of someone whom all shards know has been trained on by none
            shards = {plan.spread[crop.digest].shard} if crop.digest in plan.spread else set()
        path = place.crop(crop.digest, crop.suffix)
        found.append(Seen(LabelledCrop(digest=crop.digest, path=path, team=crop.team), frozenset(shards)))
    return tuple(found)


def judge(
    panel: Panel, shards: Sequence[int], seen: Sequence[Seen], teams: Sequence[str], member_name: str,
    aggregation: Aggregation,
) -> Judged:  # fmt: skip
    """Ask of each crop those constituents that were not trained on its person.

    Args:
        panel: The constituents.
        shards: The shard of each.
        seen: All crops that could be asked about.
        teams: The classes.
        member_name: The constituents' architecture.
        aggregation: How their answers are brought together.
    """
    outside = {one.crop.digest: np.array([shard not in one.shards for shard in shards]) for one in seen}
    chosen = sorted((s.crop for s in seen if outside[s.crop.digest].any()), key=lambda crop: crop.digest)[:MOST]
    parts = [np.empty((0, len(teams)))]
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        answers = panel.answers(member_pixels(batch, member_name))
        heard = np.stack([outside[crop.digest] for crop in batch], axis=1)[:, :, None] & panel.knows[:, None, :]
        parts.append(pooled(answers, heard, aggregation))
    posterior = np.concatenate(parts)
    truth = np.array([teams.index(crop.team) for crop in chosen], np.int64)
    return Judged(tuple(chosen), truth, posterior, calibrate(posterior, truth))
