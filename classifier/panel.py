"""All constituents asked at once about a batch of crops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from classifier.aggregation import Aggregation, Posteriors, pooled
from classifier.members import build, member, to_tensor
from classifier.ridge import Scores
from classifier.stage import single_thread


@dataclass(frozen=True)
class Constituent:
    """One shard's model."""

    network: nn.Module
    known: tuple[int, ...]
    """The classes that its shard has seen."""


class Panel:
    """The constituents of an ensemble.

    Args:
        constituents: One or more, of one architecture.
        teams: Number of classes.
    """

    def __init__(self, constituents: Sequence[Constituent], teams: int) -> None:
        self.constituents = tuple(constituents)
        self.teams = teams
        self.knows = np.array([[team in one.known for team in range(teams)] for one in constituents], bool)
        networks = [one.network for one in constituents]
        self._linear = Scores.joined([n for n in networks if isinstance(n, Scores)])

    @torch.inference_mode()
    def answers(self, pixels: NDArray[np.uint8]) -> Posteriors:
        """What each says of each crop: `(N, H, W, 3)` of the member's size → `(constituents, N, teams)`; teams that one
        does not know have probability 0."""
        with single_thread():
            batch = to_tensor(pixels)
            if self._linear is not None:  # the features are the same for all
                logits = self._linear(batch).reshape(len(pixels), len(self.constituents), self.teams).transpose(0, 1)
            else:
                logits = torch.stack([one.network(batch) for one in self.constituents])
            unknown = torch.from_numpy(~self.knows)[:, None, :]
            return logits.double().masked_fill(unknown, -torch.inf).softmax(dim=2).numpy()

    def posterior(self, pixels: NDArray[np.uint8], aggregation: Aggregation = "mean") -> Posteriors:
        """`(N, H, W, 3)` → `(N, teams)`, not calibrated."""
        answers = self.answers(pixels)
        return pooled(answers, np.broadcast_to(self.knows[:, None, :], answers.shape), aggregation)


def for_inference(member_name: str, teams: int, model: dict[str, Tensor]) -> nn.Module:
    """A constituent ready to answer: batch norm folded into the convolutions before it."""
    network = build(member_name, teams, 0)
    network.load_state_dict(model)
    network.eval()
    if member(member_name).exact or not isinstance(features := getattr(network, "features", None), nn.Sequential):
        return network
    folded: list[nn.Module] = []
    for layer in features:
        if isinstance(layer, nn.BatchNorm2d) and isinstance(folded[-1], nn.Conv2d):
            folded[-1] = fuse_conv_bn_eval(folded[-1], layer)
        else:
            folded.append(layer)
    network.add_module("features", nn.Sequential(*folded))
    return network.to(memory_format=torch.channels_last)
