"""Kinds of command line values that several commands share."""

import json
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Any)

DEFAULT_WORKSPACE = Path("workspace")


class Timecode(click.ParamType):
    """Seconds as 95.5, or as minutes and hours: 1:35.5, 0:01:35.5."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        parts = str(value).split(":")
        try:
            numbers = [float(part) for part in parts]
            if len(numbers) > 3 or any(number < 0 or number != number for number in numbers):
                raise ValueError
        except ValueError:
            self.fail(f"{value!r} is no time; expected seconds (95.5) or H:MM:SS (0:01:35.5)", param, ctx)
        return sum(number * 60**power for power, number in enumerate(reversed(numbers)))


class Pair(click.ParamType):
    """TEAM=SIDE, such as white=right."""

    name = "team=side"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        team, _, side = str(value).rpartition("=")
        if not team or side not in ("left", "right"):
            self.fail(f"{value!r}: expected TEAM=left or TEAM=right, as the camera sees it", param, ctx)
        return team, side


def workspace_option(function: F) -> F:
    return click.option(
        "-w",
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_WORKSPACE,
        show_default=True,
        envvar="CLEANSHEET_WORKSPACE",
        help="Folder that holds everything about people: crops, classifier, runs.",
    )(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")(
        function
    )


def print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
