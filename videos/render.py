"""Render a synthetic match as a video with its truth beside it: `python -m videos.render OUT.mp4`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np

from classifier.errors import BadInput
from tracker.rink import Rink
from tracker.video_writer import VideoWriter
from videos.camera import Camera
from videos.game import MatchPlan
from videos.match import Match, Moment
from videos.optics import Lens, Sensor
from videos.options import pair_of, parse_size, refusing, size_option
from videos.renderer import Rendered, Stage, render
from videos.roster import Roster, colour_of, make_roster
from videos.truth import truth_folder
from videos.venue import Venue, club_rink, random_venue
from videos.viewpoint import CLUB, panning, panorama, still


@dataclass(frozen=True)
class Film:
    """All that decides a rendered match; the same values give the same pictures."""

    seed: int = 7
    size: tuple[int, int] = (1280, 720)
    fps: float = 30.0
    seconds: float = 30.0
    camera: str = "fixed"
    """`fixed` or `pan`."""
    rink: Rink = CLUB
    teams: tuple[str, str] = ("white", "yellow")
    colours: tuple[str, str] = ("white", "yellow")
    officials: int = 2
    skaters: int = 5
    power_play_s: float | None = None
    """The second team plays one short until then."""
    any_hall: bool = False
    """Draw hall and light from the seed; otherwise the club rink of the demo."""

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return round(self.seconds * self.fps)

    def roster(self) -> Roster:
        """Who plays."""
        colours = colour_of(self.colours[0]), colour_of(self.colours[1])
        return make_roster(np.random.default_rng([self.seed, 51]), self.teams, colours, officials=self.officials)

    def venue(self) -> Venue:
        """Where they play."""
        fans = colour_of(self.colours[0]), colour_of(self.colours[1])
        if self.any_hall:
            return random_venue(np.random.default_rng([self.seed, 52]), self.rink, fans)
        return club_rink(self.rink, self.seed, fans)


def film(what: Film, roster: Roster) -> Iterator[tuple[Rendered, Moment]]:
    """The frames of a film, one after the other, with the moments they show."""
    penalty = None if what.power_play_s is None else (1, what.power_play_s)
    match = Match(roster, what.rink, MatchPlan(what.seed, skaters=what.skaters, penalty=penalty))
    moments = islice(match.moments(what.fps), what.frames)
    sensor = Sensor(Lens(), what.size, what.seed)
    master = still(what.rink, what.size) if what.camera == "fixed" else panorama(what.rink, what.size)
    stage = Stage(what.venue(), master, 2.0 if what.camera == "fixed" else 1.0, stirring=3)
    views: Iterator[tuple[Moment, Camera]]
    if what.camera == "fixed":
        views = ((moment, master) for moment in moments)
    else:
        views = panning(moments, what.rink, what.size, what.fps, what.seed)
    previous: Camera | None = None
    for moment, camera in views:
        stage.stir(moment.frame)
        yield render(stage, moment, camera, sensor, previous, what.fps), moment
        previous = camera


class _SteadyWriter(VideoWriter):
    """Gives the same file each time: x264's macroblock trees and thread counts make its bytes differ between runs."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float, *, preset: str, crf: int) -> None:
        super().__init__(path, size, fps, preset=preset, crf=crf)
        context = self._stream.codec_context
        context.thread_count = 1
        context.options = {"preset": preset, "crf": str(crf), "x264-params": "mbtree=0"}


def write_film(what: Film, out: Path, name: str, crf: int = 25, preset: str = "medium", *, quiet: bool = True) -> Path:
    """Render to `out` and its truth to `<out without suffix>.truth`; returns that folder."""
    roster = what.roster()
    folder = out.with_suffix(".truth")
    out.parent.mkdir(parents=True, exist_ok=True)
    about = {"match": name, "seed": what.seed, "size": list(what.size), "camera": what.camera}
    with (
        truth_folder(folder, what.rink, roster, what.fps, about) as truth,
        _SteadyWriter(out, what.size, what.fps, preset=preset, crf=crf) as video,
        click.progressbar(length=what.frames, label=out.name, hidden=quiet, update_min_steps=15) as bar,
    ):
        for frame, moment in film(what, roster):
            video.write(frame.image, frame.time_s)
            truth.add(frame, moment)
            bar.update(1)
    return folder


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--seconds", default=30.0, show_default=True, help="Length.")
@click.option("--fps", default=30.0, show_default=True, help="Frames a second.")
@size_option
@click.option("--seed", default=7, show_default=True, help="The same seed gives the same match.")
@click.option("--camera", default="fixed", show_default=True, help="fixed, or pan: follows the play.")
@click.option("--colors", default="white,yellow", show_default=True, help="Jerseys: two names or #rrggbb.")
@click.option("--teams", default=None, help="The teams' names; by default their colours'.")
@click.option("--rink", default="36x18", show_default=True, help="nhl, iihf, inline, 56x26, inline-40x20 …")
@click.option("--officials", default=2, show_default=True, help="Referees and linesmen, 0 to 4.")
@click.option("--skaters", default=5, show_default=True, help="Skaters of each team on the ice, 1 to 5.")
@click.option("--power-play", default=None, type=float, help="The second team is one short until this second.")
@click.option(
    "--hall",
    type=click.Choice(["club", "any"]),
    default="club",
    show_default=True,
    help="The demo's, or from the seed.",
)
@click.option("--match-name", default=None, help="For the truth; by default the file's name.")
@click.option("--crf", default=25, show_default=True, help="x264's quality: smaller is better and larger.")
@click.option("--preset", default="medium", show_default=True, help="x264's speed.")
@refusing
def main(
    out: Path, seconds: float, fps: float, size: str, seed: int, camera: str, colors: str, teams: str | None, rink: str,
    officials: int, skaters: int, power_play: float | None, hall: str, match_name: str | None, crf: int, preset: str,
) -> None:  # fmt: skip
    """Render a synthetic hockey match to OUT (.mp4), and its truth to a folder of the same name ending in .truth.

    Example: python -m videos.render /tmp/match.mp4 --seconds 10 --seed 3 --colors red,#204080 --rink nhl --camera pan
    """
    if out.suffix != ".mp4":
        raise BadInput(f"{out}: expected a name ending in .mp4")
    if camera not in ("fixed", "pan"):
        raise BadInput(f"--camera {camera!r}: expected fixed or pan")
    for option, value, low, high in (
        ("--seconds", seconds, 0.1, 36000), ("--fps", fps, 1, 240), ("--officials", officials, 0, 4),
        ("--skaters", skaters, 1, 5), ("--crf", crf, 0, 51), ("--seed", seed, 0, 2**31),
    ):  # fmt: skip
        if not low <= value <= high:
            raise BadInput(f"{option} {value:g}: expected {low:g} to {high:g}")
    pair = pair_of(colors, "--colors")
    names = pair_of(teams, "--teams") if teams else pair
    if names[0] == names[1] or "referee" in names:
        raise BadInput(f"teams {names[0]!r} and {names[1]!r}: expected two different names, neither of them 'referee'")
    for colour in pair:
        colour_of(colour)
    what = Film(
        seed=seed, size=parse_size(size), fps=fps, seconds=seconds, camera=camera, rink=Rink.named(rink), teams=names,
        colours=pair, officials=officials, skaters=skaters, power_play_s=power_play, any_hall=hall == "any",
    )  # fmt: skip
    folder = write_film(what, out, match_name or out.stem, crf, preset, quiet=False)
    click.echo(f"{out} ({out.stat().st_size / 2**20:.1f} MiB) and {folder}")


if __name__ == "__main__":
    main()
