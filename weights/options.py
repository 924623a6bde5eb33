"""Options that the recipe's commands share: which pictures to learn from, and how often each group is drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_FOLDER = click.Path(path_type=Path, exists=True)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def picture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `data`, `leave_out`, `val_group` and `group_weight`, pairs of a group and its weights at the
    beginning and the end."""
    for option in reversed((
        click.option("--data", type=_FOLDER, multiple=True, required=True),
        click.option("--leave-out", type=_FILE, help="A text file with the names of pictures to pass over, one a line: "
                     "those whose people nobody labelled."),
        click.option("--val-group", multiple=True, help="Groups kept out of training, to measure on."),
        click.option("--group-weight", multiple=True, callback=_weights,
                     help="GROUP=W or GROUP=BEGIN:END; by default the root of its size."),
    )):  # fmt: skip
        command = option(command)
    return command


def _weights(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, tuple[float, float]]:  # fmt: skip
    weights = {}
    for text in texts:
        name, _, value = text.partition("=")
        begin, _, end = value.partition(":")
        try:
            weights[name] = float(begin), float(end or begin)
        except ValueError as error:
            raise click.BadParameter(f"{text}: expected GROUP=WEIGHT or GROUP=BEGIN:END") from error
    return weights
