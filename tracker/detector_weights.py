"""From a file of weights to a network that is ready to run: the project's own, a user's fine-tuned, a foreign `.pt`.

The project's format is safetensors: tensors and a few strings, nothing that runs when it is opened. The network is
built from ultralytics' YOLOv8 description at the width and depth, with the activation, that the file states.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from classifier.errors import BadInput, CleansheetError
from tracker.assets import asset
from tracker.detector_ranges import Ranges, find_ranges

if TYPE_CHECKING:  # a detector that was exported runs without PyTorch, whose import takes seconds
    from torch import nn

log = logging.getLogger("cleansheet")

ROLES = ("player", "goalkeeper", "referee")
FORMAT = "cleansheet-detector-1"
ACTIVATIONS = {"silu": "SiLU", "hardswish": "Hardswish"}
"""Name in a file → class of `torch.nn`. YOLOv8's is SiLU; its exponential takes a CPU a third of the network's time."""
DEFAULT_WEIGHTS = "weights/cleansheet-n.safetensors"
DEFAULT_SHA256 = "c43dfa9d904bc8b8d0f6969e57f0448941672862213e21cc67bf124a210ffc4d"
DEFAULT_RANGES_SHA256 = "86d66d800fc4e0dedccdf75a4aa64d799c7f1f5bc245683dd3f37d3d5b23ff5c"

_GOALKEEPER = re.compile(r"goal\W*_?(keeper|ie|tender|minder)|^goaler$|^keeper$", re.IGNORECASE)
_REFEREE = re.compile(r"\bref\b|referee|line(s)?man|official", re.IGNORECASE)
_PLAYER = re.compile(r"person|player|skater|pedestrian|people", re.IGNORECASE)
_DOWNLOADABLE = re.compile(r"(yolo|yolov)\w+\.pt")


@dataclass(frozen=True)
class LoadedWeights:
    """A network with what is known about it."""

    model: "nn.Module"
    """Maps `(1, 3, H, W)` float RGB in [0, 1] to ultralytics' raw predictions; fused, in evaluation mode."""
    role_of_class: dict[int, int]
    """Index in `ROLES` of each of the network's classes that is a person."""
    name: str
    sha256: str
    """Of the file's bytes."""
    players_for_one: tuple[float, ...] = ()
    """Of each class, how many players its training pictures show for one of it; empty where it is not known."""
    ranges: Ranges | None = None
    """What int8 needs; None where it was not measured."""
    released = False

    def load(self) -> "LoadedWeights":
        return self


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights in the project's format, of which only the description was read."""

    path: Path
    role_of_class: dict[int, int]
    name: str
    sha256: str
    players_for_one: tuple[float, ...]
    """Of each class, how many players its training pictures show for one of it; empty where it is not known."""
    released: bool
    """Whether it is the file that this version was released with."""
    ranges: Ranges | None
    """What int8 needs; None where it was not measured."""

    def load(self) -> LoadedWeights:
        """The network.

        Raises:
            BadInput: the file is damaged.
        """
        model, _ = read_safetensors(self.path, proposals=True)
        return LoadedWeights(
            ready(model), self.role_of_class, self.name, self.sha256, self.players_for_one, self.ranges
        )


Weights = LoadedWeights | WeightsFile


def find_weights(weights: str | Path | None, roles: Mapping[str, str] | None = None) -> Weights:
    """Find the detector's weights and read what they are.

    Args:
        weights: None for the project's own; a `.safetensors` made by `weights.train`; a `.pt` of ultralytics; or the
            name of one that Ultralytics publishes (`yolo11n.pt`), which is downloaded once when online.
        roles: for a `.pt`, which of its class names is which of `ROLES`; by default guessed from the names.

    Raises:
        BadInput: the file is missing, damaged, something else, or knows no class that is a person.
        CleansheetError: the project's own file is not the one that this version was released with.
    """
    if weights is None:
        path = asset(DEFAULT_WEIGHTS)
        found = file_sha256(path)
        if found != DEFAULT_SHA256:
            raise CleansheetError(
                f"{path}: SHA-256 is {found[:12]}…, expected {DEFAULT_SHA256[:12]}…; the file was changed or is "
                "damaged: install cleansheet again"
            )
        return _weights_file(path, released=True)
    path = Path(weights)
    if path.suffix == ".safetensors":
        return _weights_file(_existing(path), released=False)
    if path.suffix != ".pt":
        raise BadInput(f"{path}: weights are a .safetensors or a .pt file, not '{path.suffix or path.name}'")
    if not path.exists() and path.name == str(weights) and _DOWNLOADABLE.fullmatch(path.name):
        path = _download(path.name)
    return _load_pt(_existing(path), roles)


def load_weights(weights: str | Path | None, roles: Mapping[str, str] | None = None) -> LoadedWeights:
    """Load the detector's network; arguments and errors are those of `find_weights`."""
    return find_weights(weights, roles).load()


def cache_folder() -> Path:
    """Where this program keeps what it can make or fetch again, and what says nothing about anybody."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cleansheet"


def build_network(
    width: float, depth: float, classes: int, activation: str = "silu", proposal_channels: int | None = None
) -> "nn.Module":
    """YOLOv8 with random weights, `width` and `depth` as in its published scales (n is 0.25 and 0.33).

    Args:
        width, depth: shares of YOLOv8's greatest.
        classes: that it tells apart.
        activation: one of `ACTIVATIONS`.
        proposal_channels: of `add_proposals`; None for none.

    Raises:
        KeyError: an activation that is not one of `ACTIVATIONS`.
    """
    from tracker.environment import quiet_libraries

    quiet_libraries()
    from torch import nn
    from ultralytics.nn.tasks import DetectionModel, yaml_model_load

    description = yaml_model_load("yolov8n.yaml")
    description["scales"] = {"n": [depth, width, 1024]}
    model: Any = DetectionModel(description, ch=3, nc=classes, verbose=False)
    model.model[9].cv1.act = nn.SiLU()  # ultralytics took it out of SPPF along the way; YOLOv8 has it
    kind = getattr(nn, ACTIVATIONS[activation])
    for module in model.modules():
        if isinstance(getattr(module, "act", None), nn.SiLU):
            module.act = kind()
    if proposal_channels is not None:
        add_proposals(model, proposal_channels)
    return model


def add_proposals(model: Any, channels: int) -> "nn.ModuleList":
    """Give a network's head, for each map, a narrow branch that says where somebody may be; it starts at random.

    The network itself does not run it: `tracker.runtimes.head` may, before the head's own branch for scores.

    Args:
        model: made by `build_network`.
        channels: between its convolutions.

    Returns:
        What maps `(B, C, H, W)` to logits `(B, 1, H, W)`, the finest first.
    """
    from torch import nn

    head, kind = model.model[-1], type(model.model[0].act)
    head.proposals = nn.ModuleList(
        nn.Sequential(
            nn.Conv2d(branch[0].conv.in_channels, channels, 3, padding=1), kind(),
            nn.Conv2d(channels, channels, 3, padding=1), kind(),
            nn.Conv2d(channels, 1, 1),
        )
        for branch in head.cv3
    )  # fmt: skip
    proposals: nn.ModuleList = head.proposals
    return proposals


def activation_of(model: Any) -> str:
    """Which of `ACTIVATIONS` a network made by `build_network` has."""
    kind = type(model.model[0].act).__name__
    return next(name for name, class_name in ACTIVATIONS.items() if class_name == kind)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_safetensors(path: Path, *, proposals: bool = False) -> tuple["nn.Module", dict[str, str]]:
    """The network of a `.safetensors` of ours in float32, not fused, so that it can be trained on; and its metadata.

    Args:
        path: of the file.
        proposals: whether the network gets the file's, if it has any; they belong to its weights as they are.

    Raises:
        BadInput: not such a file, or cut off.
    """
    try:
        metadata, classes = _described(path)
        channels = int(metadata["proposal_channels"]) if "proposal_channels" in metadata else None
        shape = float(metadata["width"]), float(metadata["depth"]), len(classes), metadata.get("activation", "silu")
        model: Any = build_network(*shape, channels)
        state = model.state_dict()
        with safe_open(path, framework="pt") as file:
            if set(state) != set(file.keys()):
                raise BadInput(f"{path}: its tensors are not those of a YOLOv8 of the stated width and depth")
            model.load_state_dict(
                {key: file.get_tensor(key).to(tensor.dtype) for key, tensor in state.items()}, strict=True
            )
        if channels is not None and not proposals:
            del model.model[-1].proposals
    except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise _unreadable(path, error) from error
    return model, metadata


def _weights_file(path: Path, *, released: bool) -> WeightsFile:
    try:
        metadata, classes = _described(path)
        odds = tuple(float(value) for value in json.loads(metadata.get("players_for_one", "[]")))
        sha256 = file_sha256(path)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise _unreadable(path, error) from error
    role_of_class = {index: ROLES.index(name) for index, name in enumerate(classes) if name in ROLES}
    if odds and (len(odds) != len(classes) or min(odds) <= 0):
        raise BadInput(f"{path}: players_for_one holds {odds}: expected {len(classes)} positive numbers")
    ranges = find_ranges(path, sha256, DEFAULT_RANGES_SHA256 if released else None)
    return WeightsFile(path, role_of_class, path.name, sha256, odds, released, ranges)


def _described(path: Path) -> tuple[dict[str, str], list[str]]:
    """The metadata of a file of ours and its classes."""
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata() or {}
    if metadata.get("format") != FORMAT:
        raise BadInput(f"{path}: holds no cleansheet detector (format {metadata.get('format')!r})")
    classes = json.loads(metadata["classes"])
    if not isinstance(classes, list) or ROLES[0] not in classes:
        raise BadInput(f"{path}: finds no people; it needs a class 'player' and has: {classes!r:.80}")
    return metadata, classes


def _unreadable(path: Path, error: Exception) -> BadInput:
    return BadInput(f"{path}: not a readable weights file, or cut off ({_first_line(error)})")


def _load_pt(path: Path, roles: Mapping[str, str] | None) -> LoadedWeights:
    log.warning("%s is a .pt file, and such a file is a program: use only one whose maker you trust", path)
    from tracker.environment import quiet_libraries

    quiet_libraries()
    from ultralytics.nn.tasks import torch_safe_load

    try:
        checkpoint, _ = torch_safe_load(str(path), safe_only=True)
        model = checkpoint.get("ema") or checkpoint["model"]
        names: dict[int, str] = dict(model.names)
        model = model.float()
    except Exception as error:  # whatever a damaged or foreign pickle raises
        raise BadInput(f"{path}: not an Ultralytics model, or cut off ({_first_line(error)})") from error
    role_of_class = roles_of_names(names, roles)
    if ROLES.index("player") not in role_of_class.values():
        known = ", ".join(list(names.values())[:8])
        raise BadInput(f"{path}: finds no people; it needs a class such as 'person' or 'player' and has: {known}")
    return LoadedWeights(ready(model), role_of_class, path.name, file_sha256(path))


def roles_of_names(names: Mapping[int, str], roles: Mapping[str, str] | None = None) -> dict[int, int]:
    """Which role each class is, by `roles` (class name → role) or else by what the name says.

    Example:
        >>> roles_of_names({0: "ball", 1: "Goalie", 2: "person", 3: "linesman"})
        {1: 1, 2: 0, 3: 2}
    """
    if roles is not None:
        return {index: ROLES.index(roles[name]) for index, name in names.items() if name in roles}
    found: dict[int, int] = {}
    for index, name in names.items():
        for role, pattern in ((1, _GOALKEEPER), (2, _REFEREE), (0, _PLAYER)):
            if pattern.search(name.replace("_", " ").replace("-", " ")):
                found[index] = role
                break
    return found


def ready(model: Any) -> "nn.Module":
    """The network as it is run: evaluation mode, normalisation folded into the convolutions, without gradients."""
    import torch

    model.eval()
    model.fuse(verbose=False)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.to(memory_format=torch.channels_last)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise BadInput(
            f"{path}: no such weights file (looked in {path.absolute().parent}); names that Ultralytics publishes, "
            "such as yolo11n.pt, are downloaded when online"
        )
    return path


def _download(name: str) -> Path:
    """Fetch one of Ultralytics' published weights into the user's cache folder, or return what is there already."""
    cache = cache_folder()
    target = cache / name
    if target.is_file():
        return target
    from tracker.environment import quiet_libraries

    quiet_libraries()
    from ultralytics.utils.downloads import attempt_download_asset

    try:
        cache.mkdir(parents=True, exist_ok=True)
        attempt_download_asset(target)
    except Exception as error:  # no network, no such asset, no disk: all the same to the user
        target.unlink(missing_ok=True)
        raise BadInput(
            f"{name}: not in {Path.cwd()} nor in {cache}, and downloading it failed ({_first_line(error)}); "
            "names that Ultralytics publishes are downloaded when online"
        ) from error
    return target


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
