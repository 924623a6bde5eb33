"""How people of one team differ in the fixed colour features: the recipe of `classifier/within_teams.csv`.

Renders sessions of many colours, rinks and halls with `videos.crops`, and adds up, over all teams, the outer products
of each crop's distance from its team's mean. Nobody rendered is real, so the table holds nothing of anybody.

    python -m benchmarks.within_teams classifier/within_teams.csv    # a quarter of an hour
"""

import colorsys
from pathlib import Path

import click
import numpy as np

from classifier.colours import FEATURES, colour_features, shrink
from tracker.rink import Rink
from videos.crops import Session, crops
from videos.roster import JERSEYS

RINKS = ("36x18", "nhl", "iihf", "inline")
FIRST_SEED = 9_000_000
"""Far from the seeds of the demo, of the benchmarks and of what the detector is trained on."""
SCALE = 16
"""The table holds whole sixteenths."""


def session(number: int) -> Session:
    """A session in jerseys of any colour; more often than not against white."""
    rng = np.random.default_rng([77, number])

    def colour() -> str:
        if rng.random() < 0.5:
            return list(JERSEYS.values())[int(rng.integers(len(JERSEYS)))]
        hue, saturation, value = rng.random(), min(1.0, abs(rng.normal(0.7, 0.35))), rng.uniform(0.05, 1)
        return "#" + "".join(f"{int(255 * part):02x}" for part in colorsys.hsv_to_rgb(hue, saturation, value))

    pair = (colour() if rng.random() < 0.6 else "white", colour())
    rink = Rink.named(RINKS[number % len(RINKS)])
    return Session(FIRST_SEED + number, ("one", "other"), pair, 5, 1, 2, rink, any_hall=number % 2 == 0)


@click.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--sessions", default=150, show_default=True)
def main(table: Path, sessions: int) -> None:
    """Render SESSIONS sessions and write TABLE."""
    scatter, count = np.zeros((FEATURES, FEATURES)), 0
    for number in range(sessions):
        of_team: dict[str, list[np.ndarray]] = {}
        for crop in crops(session(number), each=6):
            if len(crop.players) == 1:
                of_team.setdefault(crop.person.team, []).append(shrink(crop.image))
        for pictures in of_team.values():
            features = colour_features(np.stack(pictures)).astype(np.float64)
            apart = features - features.mean(axis=0)
            scatter += apart.T @ apart
            count += len(pictures)
        if number % 10 == 9:
            click.echo(f"{number + 1} sessions, {count} crops")
    np.savetxt(table, np.round(SCALE * scatter / count).astype(np.int64), fmt="%d", delimiter=",")


if __name__ == "__main__":
    main()
