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
    """Turn the match that ships with the program into statistics, check them, and forget a player.

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
    content, proofs = made.forgotten.content, made.forgotten.content["retrained_in_a_fresh_process"]
    searched = content["leftovers"]
    click.echo(
        f"     certificate {content['number']}: {content['counts']['crops']} crops gone, "
        f"{content['share_of_a_full_training']:.0%} of a full training repeated; {searched['files_searched']} files "
        f"searched, {searched['found']} with leftovers\n"
        f"     verified: signature, ledger, and {len(proofs)} checkpoints "
        f"trained again from nothing: {'equal bit for bit' if made.verified.holds else 'NOT EQUAL'}"
    )
    click.echo()
    show(made.run)
    click.echo(f"  the certificate: {made.forgotten.page}")
    click.echo(f"\nLook at {Path(made.run['folder']) / 'annotated.mp4'}; then: cleansheet process YOUR-MATCH.mp4")
