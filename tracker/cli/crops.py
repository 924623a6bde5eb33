"""`cleansheet crops`: pictures of a run's players, with a first guess of their teams to correct."""

import shlex
from pathlib import Path

import click

from tracker.cli.parameters import DEFAULT_WORKSPACE, json_option, print_json, workspace_option


@click.command("crops", short_help="Lay out a run's crops for labelling.")
@click.argument("run")
@workspace_option
@click.option("--per-track", type=click.IntRange(1), default=4, show_default=True, help="Crops of a track to label.")
@click.option("--force", is_flag=True, help="Replace a labels.csv that is there.")
@json_option
def crops(run: str, workspace: Path, per_track: int, force: bool, as_json: bool) -> None:
    """Lay out a run's crops for labelling: a contact sheet and labels.csv with suggested teams.

    \b
    Example:
      cleansheet process saturday.mp4
      cleansheet crops saturday
      (look at contact-sheet.jpg; correct the columns team and player of labels.csv)
      cleansheet import workspace/runs/saturday/crops
      cleansheet train
      cleansheet process saturday.mp4

    Clear the team of a crop that shows two people or no one: it will be left out. Crops with the same player name are
    one person, also across runs; without a name each track counts as a person of its own.
    """
    from tracker.labels import suggest_labels
    from tracker.run import find_run

    made = suggest_labels(find_run(workspace, run), per_track=per_track, force=force)
    if as_json:
        print_json({"labels": str(made.labels), "contact_sheet": str(made.sheet),
                    "tracks_by_team": made.tracks_by_team, "crops": made.crops})  # fmt: skip
        return
    groups = ", ".join(f"{count} {team}" for team, count in made.tracks_by_team.items())
    click.echo(f"{made.crops} crops of {sum(made.tracks_by_team.values())} tracks, guessed by colour: {groups}")
    click.echo(f"  look at   {made.sheet}")
    click.echo(f"  correct   {made.labels}   (columns team, player)")
    where = shlex.join(["-w", str(workspace)]) if workspace != DEFAULT_WORKSPACE else ""
    click.echo(f"  then      {shlex.join(['cleansheet', 'import', str(made.labels.parent)])} {where}".rstrip())
    click.echo(f"            cleansheet train {where}".rstrip())
