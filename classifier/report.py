"""Reports of this package as plain values for JSON."""

import dataclasses
from typing import Any


def to_json(report: Any) -> dict[str, Any]:
    """A report dataclass as dictionaries, lists, text and numbers."""
    value: dict[str, Any] = dataclasses.asdict(report)
    return value
