"""`cleansheet export`: a run's labels, crops and tracks for other programs."""

from pathlib import Path

import click

from tracker.cli.parameters import json_option, print_json, workspace_option


@click.command("export", short_help="A run's labels, crops and tracks for other programs.")
@click.argument("run")
@click.option(
    "--as", "kind", required=True, type=click.Choice(["labels", "imagefolder", "mot", "cvat"]),
    help="labels: CSV; imagefolder: crops in folders by team; mot: MOTChallenge; cvat: CVAT for video XML.",
)  # fmt: skip
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="A file, or a folder not there yet.")
@workspace_option
@json_option
def export(run: str, kind: str, out: Path, workspace: Path, as_json: bool) -> None:
    """Write what was labelled on a run for other programs. What lies outside the workspace is not forgotten with it.

    \b
    Examples:
      cleansheet export saturday --as labels -o labels.csv
      cleansheet export saturday --as cvat -o saturday.xml
      (correct it in CVAT, export it there as CVAT for video 1.1)
      cleansheet label saturday --take saturday.xml
    """
    from tracker.label_desk import LabelDesk
    from tracker.label_exchange import export as write
    from tracker.label_store import open_labels
    from tracker.run import find_run

    found = find_run(workspace, run)
    with open_labels(found.workspace, write=True) as store:
        assert store is not None
        count = write(LabelDesk(found, store), kind, out)
    if as_json:
        print_json({"file": str(out), "entries": count})
    else:
        what = {"labels": "crops", "imagefolder": "crops"}.get(kind, "boxes")
        click.echo(f"{count} {what}: {out}")
