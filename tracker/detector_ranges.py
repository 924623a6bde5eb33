"""What a network needs to be run in int8: between which values the input of each of its convolutions lies.

Measured once on pictures (`python -m weights.quantise`) and kept beside the weights as `NAME.int8.json`.
"""

import hashlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier.errors import BadInput, CleansheetError

log = logging.getLogger("cleansheet")

FORMAT = "cleansheet-ranges-1"


@dataclass(frozen=True)
class Ranges:
    """The ranges of one network."""

    of: Mapping[str, tuple[float, float]]
    """Name of a convolution → least and greatest value of its input; those that are missing stay as they are."""
    sha256: str
    """Of the file's bytes."""


def ranges_path(weights: Path) -> Path:
    return weights.with_suffix(".int8.json")


def find_ranges(weights: Path, weights_sha256: str, pinned: str | None) -> Ranges | None:
    """The ranges that lie beside a file of weights; None where there are none, or they belong to other weights.

    Args:
        weights: the file of weights.
        weights_sha256: of its bytes.
        pinned: SHA-256 that the file of ranges must have, of those that the program was released with.

    Raises:
        BadInput: the file is damaged.
        CleansheetError: it is not the one that this version was released with.
    """
    path = ranges_path(weights)
    if not path.exists():
        return None
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if pinned is not None and sha256 != pinned:
        raise CleansheetError(
            f"{path}: SHA-256 is {sha256[:12]}…, expected {pinned[:12]}…; the file was changed or is damaged: install "
            "cleansheet again"
        )
    try:
        told = json.loads(content)
        if told["format"] != FORMAT:
            raise ValueError(f"format {told['format']!r}")
        found = {str(name): (float(low), float(high)) for name, (low, high) in told["ranges"].items()}
        if not all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in found.values()):
            raise ValueError("a range that is none")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: no ranges of a detector ({error}); make it anew with weights.quantise") from error
    if told.get("weights_sha256") != weights_sha256:
        log.warning("%s belongs to other weights and is not used", path)
        return None
    return Ranges(found, sha256)


def write_ranges(weights: Path, weights_sha256: str, of: Mapping[str, tuple[float, float]], pictures: int) -> Path:
    """Write ranges beside the weights that they belong to."""
    path = ranges_path(weights)
    told = {
        "format": FORMAT, "weights_sha256": weights_sha256, "pictures": pictures,
        "ranges": {name: [round(low, 5), round(high, 5)] for name, (low, high) in of.items()},
    }  # fmt: skip
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path
