"""How the page writes its figures: units that a coach reads, and the table's own value behind each."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

MISSING = Markup('<span class="none" title="not known">–</span>')
KMH = 3.6


def clock(seconds: float | None) -> str:
    """Seconds as M:SS or H:MM:SS."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def metres(value: float) -> str:
    """Up to 10 km in metres."""
    return f"{value:,.0f} m".replace(",", "\u202f") if value < 10_000 else f"{value / 1000:.1f} km"


def kmh(value: float) -> str:
    """Metres a second as km/h."""
    return f"{value * KMH:.1f} km/h"


def percent(value: float) -> str:
    """A share of 1."""
    return f"{100 * value:.0f} %"


def count(value: float) -> str:
    """A number of people or bursts; a median may be a half."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def span_m(value: float) -> str:
    """A width or a length."""
    return f"{value:.1f} m"


FORMS: dict[str, Callable[[float], str]] = {
    "metres": metres, "kmh": kmh, "percent": percent, "count": count, "span": span_m,
}  # fmt: skip


def figure(value: Any, form: str, where: str, *, about: bool = False) -> Markup:
    """A figure as `<data value="…">`: the table's own value in the attribute, rounded for reading in the text.

    Args:
        value: Of a table, None where it is not known.
        form: A key of `FORMS`.
        where: `table.row.column`, for who wants to find it in the CSV.
        about: Whether the value is an estimate; it is then marked as one.
    """
    if value is None:
        return MISSING
    said = FORMS[form](float(value))
    return Markup('<data value="{}" data-from="{}">{}{}</data>').format(value, where, "≈\u202f" if about else "", said)


FILTERS: dict[str, Callable[..., Any]] = {"clock": clock, "figure": figure, **FORMS}
