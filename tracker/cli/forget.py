"""`cleansheet forget-player` and `cleansheet rectify`: erase and correct, exactly, with a certificate."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from classifier.errors import BadInput, CleansheetError
from tracker.cli.parameters import json_option, print_json, workspace_option

if TYPE_CHECKING:
    from classifier.erasure import Survey
    from classifier.forgetting import Outcome


@click.command("forget-player", short_help="Erase a player: everything that came from them, exactly.")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show all that would go and what it costs; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--redact", is_flag=True, help="Also blur the player in the runs' annotated videos.")
@click.option("--totals", type=click.Choice(["recompute", "keep"]), default="recompute", show_default=True,
              help="Team totals of runs: without the player, or as they were and marked.")  # fmt: skip
@click.option("--like", type=click.Path(path_type=Path), help="List the crops that look most like this picture.")
@click.option("--lift", type=int, metavar="NUMBER", help="Destroy what a certificate keeps to recognise the player: "
              "later imports may take them in again.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1), help="Training processes; one a core by default.")
@workspace_option
@json_option
def forget_player(
    names: tuple[str, ...], dry_run: bool, yes: bool, redact: bool, totals: str, like: Path | None, lift: int | None,
    workers: int | None, workspace: Path, as_json: bool,
) -> None:  # fmt: skip
    """Erase players from the workspace, and prove it.

    Each NAME is a player, a track of a run (RUN/track-12), or a crop (12 or more digits of its SHA-256). All crops of
    theirs go, for training and validation, copies and pictures with others; their rows in runs; and the shards that
    saw them are trained again, so that the classifier is bit for bit the one that would exist without them. A signed
    certificate says so. Stopped at any instant, the next command finishes it. Several names cost one retraining.

    \b
    Examples:
      cleansheet forget-player "Ann Berg" --dry-run
      cleansheet forget-player "Ann Berg"
      cleansheet forget-player saturday/track-12 --redact --yes
      cleansheet forget-player --like photo.jpg
    """
    from classifier.forgetting import Options, forget, look_up
    from tracker.erasable_runs import ErasableRuns

    if lift is not None:
        _lift(workspace, lift, as_json)
        return
    if like is not None:
        _show_alike(workspace, like, as_json)
        return
    if not names:
        raise BadInput("nobody is named: cleansheet forget-player NAME; `cleansheet players` lists everybody.")
    runs = ErasableRuns()
    if dry_run or not (yes or as_json):
        found = look_up(workspace, names, runs)
        sheet = _contact_sheet(workspace, found)
        if as_json:
            print_json(_survey_json(found, sheet))
        else:
            _show_survey(found, sheet)
        if dry_run:
            return
        if not sys.stdin.isatty():
            raise BadInput("this cannot be undone, and nobody can be asked here: give --yes to go ahead.")
        click.confirm("Erase all of this? It cannot be undone.", abort=True, err=True)

    def say(step: int, what: str) -> None:
        if not as_json:
            click.echo(f"{step}/8  {what}")

    def waiting() -> None:
        click.echo("another command holds this workspace: waiting for it", err=True)

    done = forget(workspace, names, runs, Options(redact, totals), say=say, workers=workers, waiting=waiting)
    _show_outcome(done, as_json)


@click.command("rectify", short_help="Correct a team or a name, as exactly as forgetting.")
@click.argument("name", metavar="NAME")
@click.option("--team", help="The right team.")
@click.option("--player", help="The right player.")
@click.option("--workers", type=click.IntRange(1), help="Training processes; one a core by default.")
@workspace_option
@json_option
def rectify(
    name: str, team: str | None, player: str | None, workers: int | None, workspace: Path, as_json: bool
) -> None:  # fmt: skip
    """Correct the team or the identity of a player, or of one crop (12 or more digits of its SHA-256).

    The shards that learnt the wrong label are trained again: the classifier is then bit for bit the one that would
    exist had the label been right. A signed certificate says so.

    \b
    Examples:
      cleansheet rectify "Ann Berg" --team white
      cleansheet rectify 3f0a9c55d1e2 --player "Bea Holm"
    """
    from classifier.forgetting import rectify as correct
    from tracker.erasable_runs import ErasableRuns

    def say(step: int, what: str) -> None:
        if not as_json:
            click.echo(f"{step}/8  {what}")

    done = correct(workspace, name, ErasableRuns(), team=team, player=player, say=say, workers=workers)
    _show_outcome(done, as_json)


def _show_outcome(done: "Outcome", as_json: bool) -> None:
    if as_json:
        files = {
            "certificate_file": str(done.certificate),
            "page": str(done.page),
            "leftover_files": list(done.leftovers),
        }
        print_json({**done.content, **files})
    else:
        content = done.content
        proofs = content["retrained_in_a_fresh_process"]
        click.echo(
            f"certificate {content['number']}: {content['counts']['crops']} crops, "
            f"{len(content['touched'])} shards, {content['share_of_a_full_training']:.1%} of a full training; "
            f"{len(proofs)} checkpoints equal those of an independent training, bit for bit"
        )
        click.echo(f"  {done.page}\n  check it with: cleansheet verify {done.certificate} --retrain")
        for text in content["not_covered"]:
            if text.startswith("Annotated videos in this workspace"):
                click.echo(f"  note: {text}")
    if done.leftovers:
        more = f" and {len(done.leftovers) - 1} more" if len(done.leftovers) > 1 else ""
        raise CleansheetError(
            f"{done.leftovers[0]}{more} in the workspace still holds something of them and was not made by this "
            "program: look at it and delete it; the certificate counts it."
        )


def _show_survey(found: "Survey", sheet: Path | None) -> None:
    who = ", ".join(found.players) or ", ".join(f"{run}/track-{track}" for run, track in found.tracks)
    splits = [crop.split for crop in found.crops]
    click.echo(f"{who}: {len(found.crops)} crops, {splits.count('train')} for training, {splits.count('val')} held out")
    for crop in found.crops[:8]:
        click.echo(f"    {crop.digest[:12]}  {crop.team}  {', '.join(crop.players)}")
    if len(found.crops) > 8:
        click.echo(f"    and {len(found.crops) - 8} more (--json lists them)")
    if sheet is not None:
        click.echo(f"  is this the right person? {sheet}")
    for count, what in (
        (len(found.with_others), "of these show other people too: they go as well"),
        (len(found.near_copies), "of these carry another label but are copies of theirs: they go as well"),
    ):
        if count:
            click.echo(f"  {count} {what}")
    for run, track in found.tracks:
        click.echo(f"  run {run}: track {track}, its rows and pictures")
    for touched in found.touched:
        click.echo(f"  shard {touched.shard + 1} is trained again from slice {touched.slice + 1}")
    click.echo(f"  costs {found.share:.1%} of a full training, about {found.predicted_s:.1f} s, and as much to verify")
    for note in found.thin:
        click.echo(f"  note: {note}")
    click.echo("  not covered: source videos, what was handed out, backups; the certificate lists all of it")


def _survey_json(found: "Survey", sheet: Path | None) -> dict[str, Any]:
    from classifier.report import to_json

    return {**to_json(found), "contact_sheet": None if sheet is None else str(sheet)}


def _contact_sheet(workspace: Path, found: "Survey") -> Path | None:
    """Everybody's crops on one picture, to see whether it is the right person."""
    import cv2

    from classifier.atomic_file import write_whole
    from classifier.pixels import read_crop
    from classifier.workspace import Workspace
    from tracker.contact_sheet import Card, contact_sheet

    place = Workspace(workspace)
    if not found.crops:
        return None
    by_player: dict[str, list[Card]] = {}
    for crop in found.crops[:200]:
        card = Card(crop.digest[:8], [read_crop(place.crop(crop.digest, crop.suffix))])
        by_player.setdefault(", ".join(crop.players), []).append(card)
    sheet = contact_sheet(dict(sorted(by_player.items())), cards_a_row=12, pictures_a_card=1, what="crop")
    write_whole(place.preview, cv2.imencode(".jpg", sheet)[1].tobytes())
    return place.preview


def _show_alike(workspace: Path, picture: Path, as_json: bool) -> None:
    from classifier.catalog import open_catalog
    from classifier.erasure import look_alikes
    from classifier.workspace import Workspace
    from tracker.labelled_pictures import read_picture

    if not picture.is_file():
        raise BadInput(f"{picture}: no such picture")
    place = Workspace(workspace)
    image = read_picture(picture)
    with open_catalog(place) as catalog:
        found = look_alikes(place, catalog.crops(), image)
    rows = [{"difference": round(d, 1), "crop": c.digest, "team": c.team, "players": c.players} for d, c in found]
    if as_json:
        print_json({"alike": rows})
        return
    for distance, crop in found:
        click.echo(f"{distance:6.1f}  {crop.digest[:12]}  {crop.team}  {', '.join(crop.players)}")
    click.echo("smaller is more alike; then: cleansheet forget-player NAME --dry-run")


def _lift(workspace: Path, number: int, as_json: bool) -> None:
    from classifier.catalog import open_catalog
    from classifier.workspace import Workspace

    place = Workspace(workspace)
    with place.writing(), open_catalog(place) as catalog:
        with catalog.transaction():
            count = catalog.lift_suppression(number)
        catalog.rewrite()
    if not count:
        raise BadInput(f"certificate {number} keeps nothing (any more) in {workspace}.")
    if as_json:
        print_json({"certificate": number, "tokens_destroyed": count})
    else:
        click.echo(f"{count} tokens of certificate {number} destroyed: later imports may take the person in again")
