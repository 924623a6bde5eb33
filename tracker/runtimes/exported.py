"""The network as OpenVINO reads it: converted from PyTorch once for each shape, and kept.

Where its head is of the usual kind, it is kept apart and the network ends with who is where, or where somebody may be,
and the maps that the head reads; see `tracker.runtimes.head`.

The project's own weights are the same for everybody, so their export lies in the user's cache folder. Others may have
been trained on people's pictures: their export lies where the caller says, in the workspace, or nowhere.
"""

import copy
import hashlib
import logging
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from tracker.detector_ranges import Ranges
from tracker.detector_weights import Weights, cache_folder
from tracker.environment import quiet_libraries
from tracker.runtimes.head import Head

quiet_libraries()  # before the import, which would otherwise leave an id in the home directory

import openvino as ov  # noqa: E402

log = logging.getLogger("cleansheet")

FORMAT = 4
"""Counted up when what is exported changes."""
KEPT = 8
"""Exports in a folder; the one that was used longest ago goes first."""
_HEAD = "head.npz"


@dataclass(frozen=True)
class Exported:
    """A network for `(1, height, width, 3)` uint8 BGR pictures."""

    model: Any
    """The `openvino.Model`. With a head apart it gives scores `(1, classes, N)` or proposals `(1, 1, N)`, and maps
    `(1, H, W, C)`, the finest first; without, what `tracker.runtimes.Runtime` says."""
    head: Head | None


def exported(weights: Weights, height: int, width: int, cache: Path | None, ranges: Ranges | None = None) -> Exported:
    """The network for one size of pictures.

    Args:
        weights: the network; it is loaded only where it was not exported before.
        height, width: multiples of 32.
        cache: folder for exports of weights that are not the project's own; None to keep nothing.
        ranges: for int8; None to compute in floating point.
    """
    folder = cache_folder() / "detectors" if weights.released else cache
    if folder is None:
        return _convert(weights, height, width, ranges)
    kept = folder / _name(weights, height, width, ranges)
    if (kept / "network.xml").exists():
        try:
            os.utime(kept)
            return _read(kept)
        except (RuntimeError, OSError, ValueError, KeyError, BadZipFile) as error:
            log.warning("%s: cannot be read (%s); exported again", kept, str(error).splitlines()[0][:120])
            shutil.rmtree(kept, ignore_errors=True)
    made = _convert(weights, height, width, ranges)
    try:
        _keep(made, kept)
    except OSError as error:
        log.warning("%s: the exported detector cannot be kept (%s), so each start takes longer", kept, error.strerror)
    return made


def _name(weights: Weights, height: int, width: int, ranges: Ranges | None) -> str:
    """Hash of all that the export depends on."""
    made_of = f"{FORMAT} {weights.sha256} {ranges and ranges.sha256} {height}x{width} openvino {ov.__version__}"
    return hashlib.sha256(made_of.encode()).hexdigest()[:32]


def _read(kept: Path) -> Exported:
    model = ov.Core().read_model(kept / "network.xml")
    return Exported(model, Head.read(kept / _HEAD) if len(model.outputs) > 1 else None)


def _keep(made: Exported, kept: Path) -> None:
    """Write beside and rename, so that of two processes at once one wins and neither reads half a file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix="part-", dir=kept.parent))
    try:
        ov.save_model(made.model, beside / "network.xml", compress_to_fp16=False)
        if made.head is not None:
            made.head.write(beside / _HEAD)
        for file in beside.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        try:
            beside.rename(kept)
        except OSError:
            if not (kept / "network.xml").exists():
                raise
    except RuntimeError as error:
        raise OSError(0, str(error).splitlines()[0]) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    used = sorted((path for path in kept.parent.iterdir() if not path.name.startswith("part-")), key=_last_use)
    for old in used[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _last_use(path: Path) -> float:
    return path.stat().st_mtime


def _convert(weights: Weights, height: int, width: int, ranges: Ranges | None) -> Exported:
    import torch

    from tracker.runtimes.halves import in_halves
    from tracker.runtimes.pytorch import first_tensor
    from tracker.runtimes.quantised import quantised

    class WhoIsWhere(torch.nn.Module):
        """In place of a head: its scores or proposals for each place, and the maps that it was given."""

        def __init__(self, head: Any) -> None:
            super().__init__()
            self.i, self.f = head.i, head.f
            self.branches = getattr(head, "proposals", head.cv3)

        def forward(self, maps: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
            scores = [branch(features).flatten(2) for branch, features in zip(self.branches, maps, strict=True)]
            return torch.cat(scores, 2).sigmoid(), *maps

    class Plain(torch.nn.Module):
        def __init__(self, model: torch.nn.Module) -> None:
            super().__init__()
            self.model = model

        def forward(self, picture: torch.Tensor) -> Any:
            given = self.model(picture)
            return first_tensor(given) if head is None else given

    model: Any = copy.deepcopy(weights.load().model)
    head = Head.of(model.model[-1])
    model = in_halves(model if ranges is None else quantised(model, ranges))
    if head is not None:
        model.model[-1] = WhoIsWhere(model.model[-1])
    network = Plain(model)
    picture = torch.zeros(1, 3, height, width)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network(picture)  # ultralytics computes the grid of anchors once for a shape and keeps it
        converted = ov.convert_model(torch.jit.trace(network, picture, check_trace=False), example_input=picture)
    converted.reshape([1, 3, height, width])
    return Exported(_takes_bgr(converted, maps=0 if head is None else len(head.levels)), head)


def _takes_bgr(model: Any, maps: int) -> Any:
    """Let the graph take a picture as it is decoded: bytes, BGR, interleaved; and give its last outputs, `maps` of
    them, with channels last, as they are computed."""
    from openvino.preprocess import ColorFormat, PrePostProcessor

    steps = PrePostProcessor(model)
    given = steps.input()
    given.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_color_format(ColorFormat.BGR)
    given.model().set_layout(ov.Layout("NCHW"))
    given.preprocess().convert_element_type(ov.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    for index in range(1, 1 + maps):
        steps.output(index).model().set_layout(ov.Layout("NCHW"))
        steps.output(index).tensor().set_layout(ov.Layout("NHWC"))
    return steps.build()
