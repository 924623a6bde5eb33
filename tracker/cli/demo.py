"""`cleansheet demo`: a newcomer's first five minutes."""

from pathlib import Path

import click

from tracker.cli.parameters import json_option, print_json


@click.command("demo", short_help="The whole journey on the match that ships with the program.")
@click.option(
    "-w", "--workspace", type=click.Path(path_type=Path, file_okay=False), default=Path("workspace-demo"),
    show_default=True, help="Folder for what the demo makes; delete it when you have seen enough.",
)  # fmt: skip
@json_option
def demo(workspace: Path, as_json: bool) -> None:
    """Turn the match that ships with the program into statistics, and check them.

    The match is rendered: there is no real person in it, and its truth is known to the centimetre.

    \b
    Example:
      cleansheet demo
    """
    from tracker.cli.process import show
    from tracker.demo import run_demo
    from tracker.progress import progress_bar

    say = (lambda _: None) if as_json else click.echo
    with progress_bar() as report:
        made = run_demo(workspace, say, report)
    if as_json:
        print_json(made.to_json())
        return
    truth = made.truth
    click.echo(
        f"     {truth.team_right:.1%} of the boxes carry the right team; identities: IDF1 {truth.idf1:.2f}, "
        f"HOTA {truth.hota:.2f}\n     people found {truth.recall:.1%}, of the boxes real {truth.precision:.1%}; "
        + ", ".join(f"{team}'s distance off by {error:+.1%}" for team, error in truth.distance_error.items())
    )
    click.echo()
    show(made.run)
    click.echo(f"\nLook at {Path(made.run['folder']) / 'annotated.mp4'}; then: cleansheet process YOUR-MATCH.mp4")
