"""Command line options that the renderer's programs share, and how they refuse bad input."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from classifier.errors import BadInput, CleansheetError


def parse_size(text: str) -> tuple[int, int]:
    """`1280x720` as (width, height).

    Raises:
        BadInput: something else, an odd number, or a size that no video has.
    """
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise BadInput(f"--size {text!r}: expected WIDTHxHEIGHT in pixels, such as 1280x720") from None
    if not (64 <= width <= 7680 and 64 <= height <= 4320) or width % 2 or height % 2:
        raise BadInput(f"--size {text}: expected even numbers from 64x64 to 7680x4320")
    return width, height


def pair_of(text: str, option: str) -> tuple[str, str]:
    """Two words separated by a comma.

    Raises:
        BadInput: not two.
    """
    parts = tuple(part.strip() for part in text.split(","))
    if len(parts) != 2 or not all(parts):
        raise BadInput(f"{option} {text!r}: expected two, separated by a comma, such as white,yellow")
    return parts  # type: ignore[return-value]


size_option = click.option("--size", default="1280x720", show_default=True, metavar="WxH", help="Pixels of a frame.")


def refusing(command: Callable[..., None]) -> Callable[..., None]:
    """Show what could not be done as one line on stderr, with the error's exit code."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CleansheetError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)

    return wrapped
