"""report.html: one page that tells a match, made from a finished run's files and from nothing else.

So the page says what the tables say, and an erasure makes it anew by calling `write_report` when it is done.
"""

import os
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tracker.report.contents import contents
from tracker.report.words import FILTERS

NAME = "report.html"


def write_report(folder: Path, name: str | None = None) -> Path:
    """Write `report.html` into a run's folder, from its tables and run.json, whole or not at all.

    `name` is the run's where the folder does not have it yet.
    """
    page = render(folder, name)
    path = folder / NAME
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as stream:
        stream.write(page)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    return path


def render(folder: Path, name: str | None = None) -> str:
    """The page: self-contained HTML that asks for nothing from elsewhere and runs no script."""
    environment = Environment(
        loader=PackageLoader("tracker.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(FILTERS)
    return environment.get_template("report.html.jinja").render(contents(folder, name or folder.name))
