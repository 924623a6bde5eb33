"""`cleansheet process`: the main job."""

from pathlib import Path
from typing import Any, get_args

import click

from tracker.cli.parameters import Pair, Several, Stretch, Timecode, json_option, print_json, workspace_option
from tracker.runtimes import RUNTIMES
from tracker.words import Part

PARTS = get_args(Part)


@click.command("process")
@click.argument("videos", metavar="VIDEO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@workspace_option
@click.option("--name", help="Name of the run; the video's name without its ending by default.")
@click.option("--start", type=Timecode(), default=0.0, help="Begin here, in seconds or H:MM:SS.")
@click.option("--end", type=Timecode(), default=None, help="Stop here, in seconds or H:MM:SS.")
@click.option("--stride", type=click.IntRange(1), default=1, show_default=True, help="Look at every N-th frame.")
@click.option("--weights", help="Detector weights: a file, or an Ultralytics name such as yolo11x.pt (downloaded "
              "once). By default the project's own, which need no network.")  # fmt: skip
@click.option(
    "--image-size", type=int, default=960, show_default=True, help="Longer side that the detector sees, pixels."
)
@click.option("--runtime", type=click.Choice(RUNTIMES), default="auto", show_default=True,
              help="What runs the detector: auto is a GPU where there is one, else OpenVINO.")  # fmt: skip
@click.option("--detect-every", type=click.IntRange(1), metavar="N",
              help="Look for people in every N-th of these frames; between them tracks follow people's and the "
              "camera's motion. By default 15 looks a second: every second frame of a video with 30.")  # fmt: skip
@click.option("--whole-frames", is_flag=True,
              help="Look at all of every frame. Without it, the top of the picture, where nobody was for a while, is "
              "looked at once in 16 looks.")  # fmt: skip
@click.option("--calibration", type=click.Path(path_type=Path), help="TOML of points on the rink, as `cleansheet "
              "calibrate` writes it; carried along where the camera pans. Without it, estimates.")  # fmt: skip
@click.option("--period", "periods", type=Stretch(), multiple=True, metavar="START-END",
              help="A period of the match, such as 0:00-20:00; repeat it for each. The teams change ends after "
              "each, and what lies between is left out.")  # fmt: skip
@click.option("--attacks", type=Pair(), multiple=True, metavar="TEAM=SIDE",
              help="Which end a team attacks, in the first period: white=right. Found from the goalkeepers "
              "where not given.")  # fmt: skip
@click.option("--format", "formats", type=Several("csv", "parquet", "json"), default="csv", metavar="LIST",
              help="How the tables are written, with commas between: parquet, json. CSV always is.")  # fmt: skip
@click.option("--hide", type=Several(*PARTS), default="", metavar="LIST",
              help=f"Leave out of annotated.mp4, with commas between: {', '.join(PARTS)}.")  # fmt: skip
@click.option("--no-video", is_flag=True, help="Do not draw annotated.mp4.")
@click.option("--resume", is_flag=True,
              help="Go on with a run that was stopped, or refuse. Without it: go on where there is one.")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Do not go on from where an earlier, stopped run was.")
@click.option("--force", is_flag=True, help="Process again although a run of that name is there, and replace it.")
@click.option("--profile", is_flag=True, help="Say how long each stage was at work.")
@json_option
def process(
    videos: tuple[Path, ...], workspace: Path, name: str | None, start: float, end: float | None, stride: int,
    weights: str | None, image_size: int, runtime: str, detect_every: int | None, whole_frames: bool,
    calibration: Path | None, attacks: tuple[tuple[str, str], ...],
    periods: tuple[tuple[float, float], ...],
    formats: tuple[str, ...], hide: tuple[str, ...], no_video: bool, resume: bool, fresh: bool,
    force: bool, profile: bool, as_json: bool,
) -> None:  # fmt: skip
    """Turn match footage into per-team statistics.

    \b
    Examples:
      cleansheet process match.mp4
      cleansheet process first.mp4 second.mp4 --calibration balcony.toml
      cleansheet process match.mp4 --start 12:30 --end 15:00 --no-video
      cleansheet process match.mp4 --hide speed,minimap --format parquet,json

    Writes WORKSPACE/runs/NAME/: report.html, teams.csv, players.csv, timeline.csv, bursts.csv, tracks.csv,
    tracks.mot.txt (MOTChallenge), annotated.mp4, pictures and run.json. A run that is stopped goes on when the same
    command is given again.
    """
    from pydantic import ValidationError

    from classifier.errors import BadInput
    from tracker.process import process_videos
    from tracker.progress import progress_bar
    from tracker.settings import DetectorSettings, ProcessSettings

    if resume and (fresh or force):
        raise BadInput(f"--resume and {'--fresh' if fresh else '--force'} say the opposite of each other")
    try:
        settings = ProcessSettings(
            start_s=start, end_s=end, stride=stride, calibration=calibration, attacks=dict(attacks), periods=periods,
            video=not no_video,
            hide=tuple(sorted(hide)), formats=tuple(sorted({"csv", *formats})),
            detector=DetectorSettings(
                weights=weights, image_size=image_size, runtime=runtime, every=detect_every, whole=whole_frames
            ),
        )  # fmt: skip
    except ValidationError as error:
        raise BadInput("; ".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors())) from None
    with progress_bar() as report:
        summaries = process_videos(
            videos, workspace, settings, name=name, fresh=fresh, force=force, resume=resume, report=report
        )
    if as_json:
        print_json({"runs": summaries})
        return
    for summary in summaries:
        show(summary)
        if profile:
            show_profile(summary)


def show(summary: dict[str, Any]) -> None:
    """What a person wants to know first: the teams side by side, what to be careful about, where the files are."""
    import polars as pl
    from rich.console import Console
    from rich.table import Table as Grid

    from tracker.tables import TEAMS, read_csv

    console = Console()
    folder = Path(summary["folder"])
    state = "was up to date" if summary.get("reused") else f"took {summary['seconds']['total']:.0f} s"
    console.print(
        f"[bold]{folder.name}[/]: {summary['frames']} frames, {summary['tracks']} tracks; {state}", highlight=False
    )
    teams = read_csv(TEAMS, folder / "teams.csv")
    if len(teams):
        mark = {"estimated": " (estimate)", "measured": "", "none": ""}[teams["metres"][0]]
        grid = Grid("team", "skaters", f"distance m{mark}", f"top m/s{mark}", "offensive pressure", "bursts > 18 mph")
        bursts = pl.sum_horizontal("bursts_18_20", "bursts_20_22", "bursts_22_plus").alias("bursts")
        for row in teams.with_columns(bursts).iter_rows(named=True):
            grid.add_row(
                row["team"], _shown(row["skaters_median"], ".0f"), _shown(row["distance_m"], ".0f"),
                _shown(row["top_speed_mps"], ".1f"), _shown(row["offensive_pressure_distance_share"], ".0%"),
                _shown(row["bursts"], "d"),
            )  # fmt: skip
        console.print(grid)
    for warning in summary["warnings"]:
        console.print(f"  [yellow]![/] {warning}", highlight=False)
    console.print(f"  report: {folder / 'report.html'}", highlight=False, soft_wrap=True)
    console.print(f"  files: {folder}", highlight=False, soft_wrap=True)


def show_profile(summary: dict[str, Any]) -> None:
    """How long each stage was at work; stages overlap, so they add up to more than the whole."""
    from rich.console import Console
    from rich.table import Table as Grid

    grid = Grid("stage", "seconds", "share", "ms a frame")
    for stage, share in summary["shares"].items():
        spent = summary["seconds"][stage]
        grid.add_row(stage, f"{spent:.2f}", f"{share:.1%}", f"{1000 * spent / max(summary['frames'], 1):.2f}")
    total = summary["seconds"]["total"]
    grid.add_section()
    grid.add_row("from begin to end", f"{total:.2f}", "", f"{1000 * total / max(summary['frames'], 1):.2f}")
    Console().print(grid)


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
