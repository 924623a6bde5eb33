"""The command line: a thin skin over the packages, one file a family of commands.

Commands are imported when they are called, so that `cleansheet --help` does not wait for PyTorch.
"""

import errno
import importlib
import signal
import sys
from typing import Any

import click

from classifier.errors import BadInput, CleansheetError
from tracker.environment import quiet_libraries

COMMANDS = {  # name → module:function, in the order in which a newcomer meets them
    "demo": "tracker.cli.demo:demo",
    "process": "tracker.cli.process:process",
    "label": "tracker.cli.label:label",
    "export": "tracker.cli.export:export",
    "calibrate": "tracker.cli.calibrate:calibrate",
    "crops": "tracker.cli.crops:crops",
    "import": "tracker.cli.classifier:import_command",
    "train": "tracker.cli.classifier:train",
    "evaluate": "tracker.cli.classifier:evaluate",
    "players": "tracker.cli.classifier:players",
    "plan": "tracker.cli.plan:plan",
    "forget-player": "tracker.cli.forget:forget_player",
    "rectify": "tracker.cli.forget:rectify",
    "verify": "tracker.cli.verify:verify",
    "track": "tracker.cli.track:track",
    "detect": "tracker.cli.detect:detect",
    "evaluate-detector": "tracker.cli.detect:evaluate_detector",
}
DISK_TROUBLE = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up",
                errno.EFBIG: "the file grew larger than is allowed here", errno.EROFS: "the disk is read-only",
                errno.EACCES: "no permission", errno.EPERM: "no permission"}  # fmt: skip


class LazyGroup(click.Group):
    """A group that imports a command only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="cleansheet")
def cleansheet() -> None:
    """Hockey match video in, per-team statistics out; and a team classifier that can forget a player exactly.

    \b
    First steps:
      cleansheet demo                      the whole journey on a rendered match
      cleansheet process match.mp4         tracks, statistics and a video of your own match
      cleansheet calibrate match.mp4       where the rink lies in the picture, so that metres are measured
      cleansheet label match               its players in your browser, to say who plays for whom
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command; an error becomes one line on stderr and an exit code.

    1: it could not be done. 2: wrong use or bad input. 130: stopped by Ctrl-C or SIGTERM.
    """
    quiet_libraries()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        cleansheet.main(arguments, prog_name="cleansheet", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        see = f"; see {context.command_path} --help" if context else ""
        _fail(error.format_message().rstrip(".") + see, BadInput.exit_code)
    except (click.Abort, KeyboardInterrupt) as stop:
        reason = str(stop) or "stopped"
        _fail(f"{reason}; the same command again goes on from here", 130)
    except CleansheetError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        trouble = DISK_TROUBLE.get(error.errno or 0)
        if trouble is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        space = "free some space or " if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        _fail(f"{where}{trouble}; {space}name another place with -w", BadInput.exit_code)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt("ended by a signal")


def _fail(line: str, code: int) -> None:
    click.echo("cleansheet: " + " ".join(line.split()), err=True)
    sys.exit(code)
