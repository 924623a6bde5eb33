"""The ensemble that inference loads: one constituent a shard, brought together into one calibrated answer.

`ensemble/manifest.json` names the constituents' files; `classifier.publishing` writes them. Only an ensemble of
networks brings PyTorch, when it is loaded.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from classifier.aggregation import Aggregation, Calibration
from classifier.errors import BadInput, CleansheetError
from classifier.members import member
from classifier.panel import Constituent, Panel
from classifier.pixels import Image
from classifier.state import fingerprint
from classifier.workspace import Workspace

MANIFEST = "manifest.json"
FORMAT = 2
BATCH = 256  # crops in one pass, so that memory does not grow with a video's length


class NoEnsemble(BadInput):
    """Nothing was trained in this workspace yet."""


@dataclass(frozen=True)
class Answering:
    """How the ensemble answers; nothing of it changes what is trained."""

    aggregation: Aggregation = "mean"
    threshold: float = 0.6
    """Below this confidence the verdict is `unknown`."""


class Ensemble:
    """A trained classifier in memory.

    Attributes:
        teams: The classes, in the order of a posterior's columns.
        version: Changes whenever any weight, class or way of answering does.
        member: The constituents' architecture.
        answering: How their answers become one.
        calibration: What makes its probabilities mean what they say.
    """

    def __init__(
        self, teams: tuple[str, ...], version: str, member: str, constituents: Sequence[Constituent],
        answering: Answering | None = None, calibration: Calibration | None = None,
    ) -> None:  # fmt: skip
        self.teams = teams
        self.version = version
        self.member = member
        self.answering = answering or Answering()
        self.calibration = calibration or Calibration()
        self._panel = Panel(member, constituents, len(teams))

    @classmethod
    def load(cls, workspace: Path) -> "Ensemble":
        """The workspace's ensemble.

        Raises:
            NoEnsemble: there is none yet; the message says how to get one.
            CleansheetError: it is damaged.
        """
        folder = Workspace(workspace).ensemble
        for attempt in range(3):
            manifest = read_manifest(workspace)
            try:
                constituents = [_load(folder, manifest, entry) for entry in manifest["constituents"]]
                if not constituents:
                    raise NoEnsemble(
                        f"the classifier in {workspace} knows nobody (any more): label and `cleansheet import` crops "
                        "of two teams, then `cleansheet train`."
                    )
                return cls(
                    tuple(manifest["teams"]), manifest["version"], manifest["recipe"]["member"], constituents,
                    recorded_answering(manifest), Calibration(**manifest.get("calibration", {})),
                )  # fmt: skip
            except (FileNotFoundError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
                if attempt < 2 and isinstance(error, FileNotFoundError):
                    continue  # replaced while we were reading
                raise CleansheetError(f"{folder} is damaged ({error}): run `cleansheet train`.") from error
        raise AssertionError

    @property
    def threshold(self) -> float:
        """Below this confidence a team is unknown."""
        return self.answering.threshold

    def alone(self) -> "tuple[Ensemble, ...]":
        """Each constituent as an ensemble of its own: what its shard alone would say, not calibrated."""
        return tuple(Ensemble(self.teams, self.version, self.member, [one]) for one in self._panel.constituents)

    def posterior(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Probability of each team for each crop, calibrated, `(N, teams)` float32; rows sum to 1.

        Args:
            crops: N BGR pictures, uint8 `(h, w, 3)`, of any size.
        """
        prepare = member(self.member).prepare
        out = np.empty((len(crops), len(self.teams)), np.float32)
        for start in range(0, len(crops), BATCH):
            part = np.stack([prepare(crop) for crop in crops[start : start + BATCH]])
            said = self._panel.posterior(part, self.answering.aggregation)
            out[start : start + len(part)] = self.calibration.applied(said)
        return out


def read_manifest(workspace: Path) -> dict[str, Any]:
    """What the ensemble consists of.

    Raises:
        NoEnsemble: there is none.
        BadInput: it was written by a newer program.
    """
    path = Workspace(workspace).ensemble / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise NoEnsemble(
            f"no classifier yet in {workspace}: label a run's crops with `cleansheet crops RUN`, then "
            "`cleansheet import` them and `cleansheet train`."
        ) from None
    except (json.JSONDecodeError, NotADirectoryError) as error:
        raise CleansheetError(f"{path} is damaged ({error}): run `cleansheet train`.") from error
    if manifest.get("format", 0) > FORMAT:
        raise BadInput(f"{path} was written by a newer program: install a newer cleansheet, or train again.")
    return manifest


def recorded_answering(manifest: dict[str, Any]) -> Answering:
    """How an ensemble answers, by its manifest; older ones know one way."""
    return Answering(**manifest.get("answering", {}))


def checked(aggregation: str | None, threshold: float | None, recorded: Answering) -> Answering:
    """What was asked for, over what is recorded.

    Raises:
        BadInput: no such way, or a threshold that is no probability.
    """
    if aggregation is not None and aggregation not in get_args(Aggregation):
        raise BadInput(f"unknown aggregation {aggregation!r}: expected {' or '.join(get_args(Aggregation))}.")
    if threshold is not None and not 0 <= threshold < 1:
        raise BadInput(f"a threshold of {threshold:g}: expected a confidence from 0 (never unknown) to below 1.")
    way = next((known for known in get_args(Aggregation) if known == aggregation), recorded.aggregation)
    return Answering(way, recorded.threshold if threshold is None else threshold)


def _load(folder: Path, manifest: dict[str, Any], entry: dict[str, Any]) -> Constituent:
    model = load_file(folder / entry["file"])
    if fingerprint(model) != entry["sha256"]:
        raise KeyError(f"{entry['file']} is not what was trained")
    return Constituent(model, tuple(manifest["teams"].index(team) for team in entry["known"]))
