"""docs/commands.md: every command's --help, so that no option stays unsaid.

python -m tracker.cli.reference > docs/commands.md
"""

import click

from tracker.cli import COMMANDS, cleansheet

WIDTH = 110


def markdown() -> str:
    """The text of docs/commands.md."""
    made = "Made by `python -m tracker.cli.reference > docs/commands.md`; a test keeps it in step."
    lines = ["# The commands", "", made]
    group = click.Context(cleansheet, info_name="cleansheet")
    for name in COMMANDS:
        command = cleansheet.get_command(group, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=group, terminal_width=WIDTH, max_content_width=WIDTH)
        lines += ["", f"## cleansheet {name}", "", "```", command.get_help(context).rstrip(), "```"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
