"""`cleansheet calibrate`: points of the rink, placed on frames of a video."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.parameters import json_option, print_json, workspace_option

if TYPE_CHECKING:
    from tracker.calibration_check import ViewCheck


@click.command("calibrate")
@click.argument("video", type=click.Path(path_type=Path))
@workspace_option
@click.option("--points", type=click.Path(path_type=Path), help="CSV of points with the columns u,v,x_m,y_m (pixels, "
              "rink metres) and perhaps frame; no page is opened.")  # fmt: skip
@click.option("--rink", "rink_name", metavar="RINK", help="nhl, iihf, inline, or a size in metres such as 56x26 or "
              "inline-40x20.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The TOML to write; by default "
              "the video's name with .toml, beside the workspace. The page goes on with one that is there.",
)  # fmt: skip
@click.option("--port", type=int, default=0, help="Port of the page on this machine.  [default: one that is free]")
@click.option("--no-browser", is_flag=True, help="Print the page's address and do not open it.")
@json_option
def calibrate(
    video: Path, workspace: Path, points: Path | None, rink_name: str | None, output: Path | None, port: int,
    no_browser: bool, as_json: bool,
) -> None:  # fmt: skip
    """Tell where the rink lies in the picture, so that metres are measured.

    \b
    Examples:
      cleansheet calibrate saturday.mp4
      cleansheet calibrate saturday.mp4 --points points.csv --rink iihf -o balcony.toml
      cleansheet process saturday.mp4 --calibration balcony.toml

    Opens a page on this machine: click a place on the frame and the same place on the rink, four times or more; the
    rink's lines appear on the frame, and each point's error in centimetres. Of a camera that pans, calibrate several
    frames. With --points there is no page: the errors are printed, and a picture of the lines on the frame is kept in
    WORKSPACE/calibrations until the next erasure.
    """
    from tracker.video import probe

    info = probe(video)
    target = output or workspace.resolve().parent / f"{video.stem}.toml"
    if points is None:
        from tracker.pages.calibrate import serve

        serve(info, target, rink_name, port=port, browser=not no_browser)
        return
    from tracker.calibrating import from_csv

    made = from_csv(info, points, rink_name, target, workspace)
    if as_json:
        print_json({
            "output": str(target), "rink": made.rink.name,
            "pictures": [str(picture) for picture in made.pictures],
            "views": [_told(view) for view in made.views],
        })  # fmt: skip
        return
    for view in made.views:
        _show(view)
    every = [pair for view in made.views for pair in view.points]
    nameless = sum(not pair.name for pair in every)
    if 2 * nameless > len(every):
        click.echo(f"  {nameless} of {len(every)} points are no mark of a {made.rink.name} rink: is it this one?")
    click.echo(f"  saved: {target}")
    for picture in made.pictures:
        click.echo(f"  look whether the lines lie on the painted ones: {picture}")


def _told(view: "ViewCheck") -> dict[str, Any]:
    return {
        "frame": view.frame,
        "rms_cm": _cm(view.rms_m),
        "worst": None if view.worst is None else view.worst + 1,
        "points": [
            {"point": number, "name": pair.name, "image": pair.image, "rink": pair.rink, "error_cm": _cm(error)}
            for number, (pair, error) in enumerate(zip(view.points, view.errors_m, strict=True), start=1)
        ],
    }


def _show(view: "ViewCheck") -> None:
    """One frame's points in a table, the worst one marked."""
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console()
    title = "all frames, of a camera that stands still" if view.frame is None else f"frame {view.frame}"
    grid = Grid("point", "where", "pixels", "rink m", "error cm", title=title, title_justify="left")
    for index, (pair, error) in enumerate(zip(view.points, view.errors_m, strict=True)):
        (u, v), (x, y) = pair.image, pair.rink
        mark = " worst" if index == view.worst else ""
        said = "–" if error is None else f"{100 * error:.1f}{mark}"
        grid.add_row(str(index + 1), pair.name or "–", f"{u:.1f}, {v:.1f}", f"{x:.2f}, {y:.2f}", said)
    console.print(grid)
    if view.worst is None:
        console.print("  any four points fit exactly: a fifth one would show how good they are", highlight=False)
    elif view.rms_m is not None:
        worst = view.points[view.worst]
        error = view.errors_m[view.worst] or 0.0
        console.print(
            f"  root mean square {100 * view.rms_m:.1f} cm; the worst is point {view.worst + 1}"
            f"{f' ({worst.name})' if worst.name else ''}, {100 * error:.1f} cm", highlight=False,
        )  # fmt: skip


def _cm(metres: float | None) -> float | None:
    return None if metres is None else round(100 * metres, 2)
