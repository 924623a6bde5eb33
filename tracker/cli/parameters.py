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


class Stretch(click.ParamType):
    """START-END, each seconds or H:MM:SS: 0:00-20:00."""

    name = "start-end"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        start, dash, end = str(value).partition("-")
        if not dash:
            self.fail(f"{value!r}: expected START-END, such as 0:00-20:00", param, ctx)
        return Timecode().convert(start, param, ctx), Timecode().convert(end, param, ctx)


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


class Several(click.ParamType):
    """Some of these words, with commas between them."""

    name = "list"

    def __init__(self, *words: str) -> None:
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        said = tuple(dict.fromkeys(part.strip() for part in str(value).split(",") if part.strip()))
        for word in said:
            if word not in self._words:
                self.fail(f"{word!r}: expected some of {', '.join(self._words)}", param, ctx)
        return said


def _whole(context: click.Context, parameter: click.Parameter, workspace: Path) -> Path:
    """Before anything else is done in a workspace, finish an erasure that was interrupted there."""
    del context, parameter
    if (workspace / "journal.json").exists():
        from classifier.forgetting import finish
        from tracker.erasable_runs import ErasableRuns

        click.echo("an erasure was interrupted here: finishing it first", err=True)
        done = finish(workspace, ErasableRuns())
        if done is not None:
            click.echo(f"finished; certificate: {done.certificate}", err=True)
    return workspace


def workspace_option(function: F) -> F:
    return click.option(
        "-w",
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_WORKSPACE,
        callback=_whole,
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
