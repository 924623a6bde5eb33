"""Crops of a roster as they are cut from match frames: `python -m videos.crops DIR`.

The same people, painter and halls as in a rendered match, under varied light, distance, blur and JPEG quality. Written
as an `ImageFolder` tree `DIR/<team>/<player>_<n>.jpg` and `DIR/players.csv` with the columns `file,team,players`
(`players` joined by `;` where several people show, the one in the middle first).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from classifier.errors import BadInput
from tracker.rink import Rink
from videos.camera import focal_for, look_at
from videos.game import MatchPlan
from videos.match import Match
from videos.optics import Lens, Sensor, random_lens
from videos.options import pair_of, refusing
from videos.renderer import Rendered, Seen, Stage, render
from videos.roster import REFEREE, Person, Roster, colour_of, make_roster
from videos.venue import club_rink, random_venue
from videos.viewpoint import CLUB, balcony

FRAME = (1280, 720)
HEIGHTS_PX = (30.0, 150.0)
MIN_VISIBLE = 0.6
"""The person in the middle is seen at least so far."""
SHOWS = 0.4
"""Somebody else shows on a crop when this share of their box lies in it, or of it in their box."""


@dataclass(frozen=True)
class Crop:
    """One picture of one or more people."""

    image: NDArray[np.uint8]
    person: Person
    players: tuple[str, ...]
    """Names, the person in the middle first."""


@dataclass(frozen=True)
class Session:
    """What decides a set of crops."""

    seed: int
    teams: tuple[str, str] = ("white", "yellow")
    colours: tuple[str, str] = ("white", "yellow")
    skaters: int = 7
    """Of each team."""
    goalkeepers: int = 1
    """Of each team."""
    referees: int = 2
    rink: Rink = CLUB
    any_hall: bool = False
    roster_seed: int | None = None
    """Of the people; by default `seed`. `videos.render --seed` draws its roster from the same number."""


def session_roster(session: Session) -> Roster:
    """The people of a session: those of the match with the same seed, as many as asked for."""
    seed = session.seed if session.roster_seed is None else session.roster_seed
    colours = colour_of(session.colours[0]), colour_of(session.colours[1])
    rng = np.random.default_rng([seed, 51])
    full = make_roster(
        rng, session.teams, colours, max(15, session.skaters), session.goalkeepers, max(2, session.referees)
    )
    chosen: list[Person] = []
    for team in session.teams:
        chosen += full.of(team, "goalkeeper") + full.of(team, "player")[: session.skaters]
    chosen += full.of(REFEREE)[: session.referees]
    return Roster(session.teams, tuple(chosen))


def views(session: Session, roster: Roster) -> Iterator[Rendered]:
    """Frames of play with different people on the ice, from different distances and in different light, without end."""
    rng = np.random.default_rng([session.seed, 61])
    fans = colour_of(session.colours[0]), colour_of(session.colours[1])
    rink = session.rink
    while True:
        playing: list[Person] = []
        for team in session.teams:
            for role, most in (("goalkeeper", 1), ("player", 5)):
                pool = roster.of(team, role)
                playing += [pool[i] for i in rng.permutation(len(pool))[:most]]
        officials = roster.of(REFEREE)
        playing += [officials[i] for i in rng.permutation(len(officials))[:2]]
        venue = random_venue(rng, rink, fans) if session.any_hall else club_rink(rink, int(rng.integers(1 << 31)), fans)
        venue = replace(venue, brightness=float(rng.uniform(0.85, 1.05)), netting=0.0)
        lens = random_lens(rng)
        if not session.any_hall:
            lens = replace(Lens(), gain=float(rng.uniform(0.8, 1.1)), tint=lens.tint, noise=float(rng.uniform(1, 5)),
                           softness=float(rng.uniform(0.4, 1.0)), shutter_s=lens.shutter_s)  # fmt: skip
        x, y, z = balcony(rink)
        place = (x + float(rng.normal(0, 4)), y + float(rng.normal(0, 2)), max(4.0, z + float(rng.normal(0, 3))))
        aim_x = float(rng.uniform(-0.3, 0.3)) * rink.length_m
        tall = math.exp(float(rng.uniform(math.log(45), math.log(120))))
        focal = tall / 1.5 * math.dist(place, (aim_x, 0.0, 0.8))
        camera = look_at(place, (aim_x, -1.0, 0.5), max(focal, focal_for(80, FRAME[0])), FRAME)
        stage, sensor = Stage(venue, camera), Sensor(lens, FRAME, int(rng.integers(1 << 31)))
        plan = MatchPlan(int(rng.integers(1 << 31)), first_change_s=(900.0, 900.0), step_s=1 / 30)
        match = Match(Roster(roster.teams, tuple(playing)), rink, plan)
        for moment in islice(match.moments(10), 0, 100, 14):
            yield render(stage, moment, camera, sensor)


def cut(frame: Rendered, seen: Seen, rng: np.random.Generator) -> Crop | None:
    """The crop of one person with a little, uneven margin; None where they are too small, too large or too hidden."""
    x1, y1, x2, y2 = seen.uncovered
    width, height = frame.camera.size
    tall = y2 - y1
    inside = x1 > 1 and y1 > 1 and x2 < width - 1 and y2 < height - 1
    if seen.visible < MIN_VISIBLE or not HEIGHTS_PX[0] <= tall <= HEIGHTS_PX[1] or not inside:
        return None
    left, top, right, bottom = rng.normal(0.06, 0.05, 4) * tall
    x1, x2 = max(0.0, x1 - left), min(float(width), x2 + right)
    y1, y2 = max(0.0, y1 - top), min(float(height), y2 + bottom)
    if x2 - x1 < 8 or y2 - y1 < 16:
        return None
    names = [seen.person.name]
    for other in frame.seen:
        a1, b1, a2, b2 = other.uncovered
        shared = max(0.0, min(x2, a2) - max(x1, a1)) * max(0.0, min(y2, b2) - max(y1, b1))
        own, crop = (a2 - a1) * (b2 - b1), (x2 - x1) * (y2 - y1)
        if other.person is not seen.person and (shared > SHOWS * own or shared > SHOWS * crop) and other.visible > 0.15:
            names.append(other.person.name)
    image = frame.image[round(y1) : round(y2), round(x1) : round(x2)].copy()
    return Crop(image, seen.person, tuple(names))


def crops(session: Session, each: int) -> Iterator[Crop]:
    """`each` crops of everybody of the session, in the order in which they are found."""
    roster = session_roster(session)
    rng = np.random.default_rng([session.seed, 62])
    wanted = {p.player_id: each for p in roster.people}
    for frame in views(session, roster):
        for seen in frame.seen:
            who = seen.person.player_id
            if wanted[who] and rng.random() < 0.6:
                crop = cut(frame, seen, rng)
                if crop is not None:
                    wanted[who] -= 1
                    yield crop
        if not any(wanted.values()):
            return


def write_crops(folder: Path, session: Session, each: int, quality: tuple[int, int] = (62, 95)) -> int:
    """Write the tree and the table; returns the number of crops."""
    rng = np.random.default_rng([session.seed, 63])
    counts: dict[str, int] = {}
    rows = []
    for crop in crops(session, each):
        name = crop.person.name
        counts[name] = counts.get(name, 0) + 1
        path = Path(crop.person.team) / f"{name}_{counts[name]:03d}.jpg"
        (folder / path.parent).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / path), crop.image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*quality))])
        rows.append((path.as_posix(), crop.person.team, ";".join(crop.players)))
    with (folder / "players.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("file", "team", "players"))
        table.writerows(sorted(rows))
    return len(rows)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=0, show_default=True, help="Of poses, light and lenses.")
@click.option(
    "--roster-seed", default=None, type=int, help="Of the people, as `videos.render --seed`; by default --seed."
)
@click.option("--players", default=7, show_default=True, help="Skaters of each team.")
@click.option("--goalkeepers", default=1, show_default=True, help="Of each team, 0 to 9.")
@click.option("--referees", default=2, show_default=True, help="Officials.")
@click.option("--each", default=10, show_default=True, help="Crops of each person.")
@click.option("--colors", default="white,yellow", show_default=True, help="Jerseys: two names or #rrggbb.")
@click.option("--teams", default=None, help="The teams' names; by default their colours'.")
@click.option("--rink", default="36x18", show_default=True, help="nhl, iihf, inline, 56x26 …")
@click.option(
    "--hall", type=click.Choice(["club", "any"]), default="club", show_default=True, help="The demo's kind, or any."
)
@refusing
def main(
    folder: Path, seed: int, roster_seed: int | None, players: int, goalkeepers: int, referees: int, each: int,
    colors: str, teams: str | None, rink: str, hall: str,
) -> None:  # fmt: skip
    """Render labelled crops of a roster into FOLDER, one folder a team, with players.csv.

    Example: python -m videos.crops /tmp/crops --seed 5 --players 9 --each 12
    """
    for option, value, low, high in (
        ("--players", players, 1, 80), ("--goalkeepers", goalkeepers, 0, 9), ("--referees", referees, 0, 50),
        ("--each", each, 1, 10000), ("--seed", seed, 0, 2**31),
    ):  # fmt: skip
        if not low <= value <= high:
            raise BadInput(f"{option} {value}: expected {low} to {high}")
    pair = pair_of(colors, "--colors")
    names = pair_of(teams, "--teams") if teams else pair
    if names[0] == names[1] or REFEREE in names:
        raise BadInput(f"teams {names[0]!r} and {names[1]!r}: expected two different names, neither of them 'referee'")
    session = Session(seed, names, pair, players, goalkeepers, referees, Rink.named(rink), hall == "any", roster_seed)
    folder.mkdir(parents=True, exist_ok=True)
    count = write_crops(folder, session, each)
    click.echo(f"{count} crops of {len(session_roster(session).people)} people in {folder}")


if __name__ == "__main__":
    main()
