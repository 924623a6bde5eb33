"""`cleansheet label`: a page on which a run's players get their team and name."""

import os
import shlex
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.parameters import DEFAULT_WORKSPACE, json_option, print_json, workspace_option

if TYPE_CHECKING:
    from tracker.label_desk import LabelDesk


@click.command("label", short_help="Say who plays for whom, on a page in your browser.")
@click.argument("run")
@click.option("--take", type=click.Path(path_type=Path), help="Take labels in from a labels.csv or a CVAT XML file, "
              "without a page.")  # fmt: skip
@click.option("--start-over", is_flag=True, help="Throw away this run's labels first.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of 127.0.0.1; any that is free by default.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@workspace_option
@json_option
def label(
    run: str, take: Path | None, start_over: bool, port: int, no_browser: bool, workspace: Path, as_json: bool
) -> None:  # fmt: skip
    """Say who plays for whom: a page with a run's players, grouped by a first guess.

    \b
    Example:
      cleansheet process saturday.mp4
      cleansheet label saturday
      (confirm the groups, move who is wrong, press Train)
      cleansheet process saturday.mp4

    The page is served to this machine alone, at an address with a key in it. Every action is saved at once; Ctrl-C ends
    the page, and it goes on where it was. docs/label.md shows the whole way.
    """
    from classifier.errors import CleansheetError
    from tracker.label_desk import LabelDesk
    from tracker.label_sources import adopt_catalog, pull_consent
    from tracker.label_store import open_labels
    from tracker.run import find_run, locked

    found = find_run(workspace, run)
    with locked(found):  # a run that is being processed is refused here
        pass
    with open_labels(found.workspace, write=True) as store:
        assert store is not None
        if start_over:
            store.drop_run(found.name)
        desk = LabelDesk(found, store)
        if not desk.crops(desk.labels()):
            raise CleansheetError(f"run {found.name!r} has no crops: nobody large and clear enough was seen")
        adopt_catalog(desk)
        pull_consent(found.workspace, store)
        if take is not None:
            from tracker.label_exchange import take_labels

            taken = take_labels(desk, take)
            if as_json:
                print_json({"cards": taken.cards, "named": taken.named, "not_found": taken.not_found})
            else:
                click.echo(f"{taken.cards} cards got their team from {take}, {taken.named} a name")
                if taken.not_found:
                    click.echo(f"  {taken.not_found} of its entries fit no track of this run")
            return
        _serve(desk, port, not no_browser, as_json)
    _leave()


def _leave() -> None:
    """End at once where a training or a guess is still under way: both go on when they are asked for again, and
    libraries that are busy in a thread abort when Python ends around them."""
    if any(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _serve(desk: "LabelDesk", port: int, browser: bool, as_json: bool) -> None:
    from tracker.pages.label_page import LabelPage
    from tracker.pages.server import PAGES, LocalServer

    page = LabelPage(desk, lambda: server.stopping)
    server = LocalServer(PAGES / "label", page.routes, port=port, lifespan=page.lifespan)
    if as_json:
        print_json({"address": server.address})
    else:
        server.show(browser=browser, what="the labels of this run are at")
    server.run()
    if not as_json:
        run = desk.run
        where = [] if run.workspace == DEFAULT_WORKSPACE else ["-w", str(run.workspace)]
        labels = desk.labels()
        click.echo(f"{len(labels.teams)} cards have a team; all is saved")
        again = shlex.join(["cleansheet", "label", run.name, *where])
        click.echo(f"  go on with  {again}")
