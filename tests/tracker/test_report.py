"""report.html as its reader meets it: in a real browser, opened from the disk."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser

from tests.browser import watched_page
from tests.tracker.paths import hockey_path, keeper, skater
from tracker.pictures import write_pictures
from tracker.report import write_report
from tracker.report.contents import COMPARED, contrast, hex_of, text_colour
from tracker.rink import Rink
from tracker.run import write_json
from tracker.statistics import compute
from tracker.tables import BURSTS, PLAYERS, TEAMS, TIMELINE, TRACKS, WRITTEN, read_csv, write_csv
from tracker.team_colours import NAMED, SPARE
from tracker.words import Metres

SECONDS = 60
UNITS = {"m": 1.0, "km": 1000.0, "km/h": 1 / 3.6, "%": 0.01, "": 1.0}
HOSTILE = '<script>alert("1")</script> & "Ünï" עברית 🏒'


def match(*teams: str) -> pl.DataFrame:
    """A minute of a goalkeeper and four skaters of each team."""
    rng, people = np.random.default_rng(3), []
    for index, team in enumerate(teams):
        people.append(keeper(-26.0 if index % 2 else 26.0, team, 10 * index + 1, SECONDS))
        for track in range(10 * index + 2, 10 * index + 6):
            path = hockey_path(rng, SECONDS)
            people.append(skater(path[:, 0], path[:, 1], track=track, team=team))
    return pl.concat(people)


def run_folder(
    folder: Path, positions: pl.DataFrame, metres: Metres = "measured", names: dict[int, str] | None = None, **more: Any
) -> Path:
    """A run's folder as `cleansheet process` leaves it, of a table of positions."""
    folder.mkdir(exist_ok=True)
    rink = Rink.named("nhl") if metres == "measured" else None
    sure = dict.fromkeys(positions["track_id"].unique(), 0.9) | {2: 0.55}
    found = compute(positions, rink, None, metres, team_confidence=sure, players=names)
    boxes = {name: pl.lit(1.0) for name in ("team_confidence", "x1", "y1", "x2", "y2", "confidence")}
    tables = (found.teams, found.players, found.timeline, found.bursts, positions.with_columns(**boxes))
    for rows, table in zip(tables, WRITTEN, strict=True):
        write_csv(rows, table, folder / f"{table.name}.csv")
    points = [{"image": [0, 0], "rink": [0, 0]}] * 6
    view = {"frame": None, "reprojection_error_m": 0.07, "points": points}
    calibration = {"rink": "nhl", "length_m": 60.96, "width_m": 25.91, "painted": {}, "views": [view]}
    write_json(folder / "run.json", {
        "video": {"path": "saturday.mp4", "width": 1280, "height": 720, "fps": 29.97, "duration_s": 60.0},
        "frames": 1800, "metres": metres, "attacks": found.attacks, "dropped_speed_samples": 4,
        "warnings": list(found.warnings), "settings": {"start_s": 0.0, "end_s": None, "stride": 1},
        "calibration": calibration if metres == "measured" else None, "versions": {"cleansheet": "0"},
        "camera": {"moves": False}, **more,
    })  # fmt: skip
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folder(tmp_path_factory.mktemp("runs") / "saturday", match("white", "yellow"))


@pytest.fixture(params=["a minute of known paths", "a run of the demo match"])
def any_run(request: pytest.FixtureRequest) -> Path:
    if request.param.startswith("a minute"):
        return Path(request.getfixturevalue("run"))
    return Path(request.getfixturevalue("demo_workspace")) / "runs" / "match"


def test_it_opens_offline_without_a_complaint_and_asks_for_nothing(any_run: Path, browser: Browser) -> None:
    address = (any_run / "report.html").as_uri()
    with watched_page(browser) as watched:
        watched.page.context.set_offline(True)
        watched.page.goto(address)
        assert watched.page.locator("h1").inner_text() == any_run.name
        assert watched.errors == []
        assert watched.requests == [address]
    assert "<script" not in (any_run / "report.html").read_text()


def test_every_figure_on_it_is_the_tables(any_run: Path, browser: Browser) -> None:
    keys = {"teams": (TEAMS, "team"), "players": (PLAYERS, "track_id"), "bursts": (BURSTS, "track_id")}
    tables = {name: read_csv(table, any_run / f"{name}.csv") for name, (table, _) in keys.items()}
    with watched_page(browser) as watched:
        watched.page.goto((any_run / "report.html").as_uri())
        shown = watched.page.eval_on_selector_all(
            "data", "found => found.map(d => [d.dataset.from, d.value, d.innerText])"
        )
    for where, value, text in shown:
        table, row, column = re.fullmatch(r"(\w+)\.(.*)\.(\w+)", where).groups()  # type: ignore[union-attr]
        rows = tables[table].filter(pl.col(keys[table][1]).cast(pl.String) == row)
        if column == "bursts":
            wanted = [sum(rows.row(0, named=True)[f"bursts_{part}"] for part in ("18_20", "20_22", "22_plus"))]
        else:
            wanted = rows[column].to_list()
        assert float(value) in wanted, where
        number, unit = re.fullmatch(r"([\d.\u202f]+)\s*(\S*)", text).groups()  # type: ignore[union-attr]
        digits = number.replace("\u202f", "")
        rounding = 0.5 * 10.0 ** -len(digits.partition(".")[2]) * UNITS[unit]
        assert abs(float(digits) * UNITS[unit] - float(value)) <= rounding * 1.001, (where, text)
    there = {where for where, _, _ in shown}
    for row in tables["teams"].iter_rows(named=True):
        for _, column, _ in COMPARED:
            if row.get(column) is not None:
                assert f"teams.{row['team']}.{column}" in there
    tracks = tables["players"].filter(pl.col("team").is_in(tables["teams"]["team"].to_list()))["track_id"]
    assert {f"players.{track}.distance_m" for track in tracks} <= there


def test_the_first_screen_of_a_laptop_tells_the_match(run: Path, browser: Browser) -> None:
    with watched_page(browser, 1280, 800) as watched:
        watched.page.goto((run / "report.html").as_uri())
        for part in (".compare", ".timeline", ".maps figure:nth-of-type(2)", ".bursts"):
            box = watched.page.locator(part).first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 800, part


@pytest.mark.parametrize("width", [360, 768])
def test_a_phone_need_not_scroll_sideways(run: Path, browser: Browser, width: int) -> None:
    with watched_page(browser, width, 700) as watched:
        watched.page.goto((run / "report.html").as_uri())
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_says_what_it_leaves_out_and_how_sure_it_is(run: Path) -> None:
    text = (run / "report.html").read_text()
    assert "Measured</b> on a calibrated rink" in text
    assert "6 calibration points" in text
    assert "7 cm</b>" in text
    assert "<b>4</b> steps faster than anyone skates" in text
    assert "Doubtful, under 70 %: track 2 (white, 55 %" in text


def test_a_moving_camera_s_uncertainty_and_where_it_was_lost_are_told(tmp_path: Path) -> None:
    lost = [{"first_frame": 600, "last_frame": 690, "why": "a cut"}]
    camera = {"moves": True, "uncertainty_m": 0.124, "frames_lost": 91, "lost": lost}
    text = (run_folder(tmp_path / "r", match("white", "yellow"), camera=camera) / "report.html").read_text()
    assert "uncertain by <b>0.12 m</b>" in text
    assert "In <b>91 frames</b> it was lost: 0:20–0:23 (a cut)." in text


def test_periods_are_told_and_their_maps_turned_to_the_first_one(tmp_path: Path) -> None:
    periods = [{"start_s": 0.0, "end_s": 30.0}, {"start_s": 30.0, "end_s": 60.0}]
    x = np.concatenate([np.full(SECONDS * 15, 20.0), np.full(SECONDS * 15, -20.0)])  # always before the same goal
    one = pl.concat([match("white"), skater(x, np.where(x > 0, 5.0, -5.0), track=99, team="yellow")])
    text = (run_folder(tmp_path / "r", one, periods=periods) / "report.html").read_text()
    assert "0:00–0:30, 0:30–1:00; what lies between them is in no figure." in text
    paths = re.search(r'Where track 99 was">.*?</svg>', text, re.DOTALL)
    assert paths is not None
    places = [float(u) for u in re.findall(r"[ML](-?[\d.]+) -?[\d.]+", paths[0])]
    assert places
    assert min(places) > 15


def test_pictures_of_heat_are_turned_to_the_first_period_and_leave_the_break_out(tmp_path: Path) -> None:
    # At 20, 5 throughout; and the same seen by who changes ends after 2 s, with a break of 1 s at the other end.
    stays = skater(np.full(120, 20.0), 5.0, team="yellow")
    x = np.concatenate([np.full(60, 20.0), np.full(90, -20.0)])
    turns = skater(x, np.where(x > 0, 5.0, -5.0), team="yellow")
    periods = ((0.0, 2.0), (3.0, 5.0))
    nhl = Rink.named("nhl")
    drawn = {}
    for name, rows, of in (("stays", stays, ()), ("turns", turns, periods)):
        (tmp_path / name).mkdir()
        statistics = compute(rows, nhl, {"yellow": "right"}, periods=of)
        drawn[name] = write_pictures(statistics, rows, nhl, tmp_path / name, of)
    for picture in ("heatmap-yellow.png", "heatmaps/track-1.png"):
        assert drawn["turns"][picture].read_bytes() == drawn["stays"][picture].read_bytes()


def test_an_estimate_is_marked_as_one_in_every_figure(tmp_path: Path, browser: Browser) -> None:
    folder = run_folder(tmp_path / "r", match("white", "yellow"), "estimated")
    with watched_page(browser) as watched:
        watched.page.goto((folder / "report.html").as_uri())
        marked = {column: watched.page.locator(f'data[data-from$=".{column}"]').all_inner_texts()
                  for column in ("distance_m", "top_speed_mps", "mean_speed_mps")}  # fmt: skip
        assert "Estimated" in watched.page.locator(".basis").inner_text()
        assert watched.page.locator(".maps figure").count() == 0
        assert watched.errors == []
    assert all(text.startswith("≈") for texts in marked.values() for text in texts)
    assert min(map(len, marked.values())) >= 2


def test_without_teams_or_metres_it_says_what_to_do(tmp_path: Path) -> None:
    teamless = match("white").with_columns(team=pl.lit(None, pl.String))
    text = (run_folder(tmp_path / "r", teamless, "none") / "report.html").read_text()
    assert "What is missing here" in text
    assert "cleansheet label r" in text
    assert "cleansheet calibrate saturday.mp4" in text
    nobody = (run_folder(tmp_path / "e", match("white").clear(), "none") / "report.html").read_text()
    assert "What is missing here" in nobody


def test_one_team_or_three_are_told_as_well(tmp_path: Path, browser: Browser) -> None:
    for teams in (("red",), ("red", "blue", "green")):
        folder = run_folder(tmp_path / str(len(teams)), match(*teams))
        with watched_page(browser) as watched:
            watched.page.goto((folder / "report.html").as_uri())
            assert watched.page.locator(".compare thead .chip").all_inner_texts() == sorted(teams)
            assert watched.errors == []


def test_names_are_text_whatever_they_hold(tmp_path: Path, browser: Browser) -> None:
    folder = run_folder(tmp_path / "r", match(HOSTILE, "yellow"), names={2: HOSTILE + "x" * 500})
    with watched_page(browser) as watched:
        watched.page.goto((folder / "report.html").as_uri())
        assert watched.page.locator(".compare thead .chip").first.text_content() == HOSTILE
        assert (HOSTILE + "x" * 500) in (watched.page.locator(".players").text_content() or "")
        assert watched.errors == []


def test_lost_seconds_are_hatched_and_counted(tmp_path: Path, browser: Browser) -> None:
    gap = match("white", "yellow").filter(~pl.col("time_s").is_between(20, 30, closed="left"))
    folder = run_folder(tmp_path / "r", gap)
    with watched_page(browser) as watched:
        watched.page.goto((folder / "report.html").as_uri())
        titles = watched.page.locator(".timeline figure:first-child .gap").evaluate_all("g => g.map(e => e.title)")
        assert titles == ["0:20–0:30: no metres"]
        assert "In 10 seconds nobody was" in watched.page.locator(".sure").inner_text()


def test_letters_on_every_team_s_colour_can_be_read() -> None:
    """At least 4.5 to 1 (WCAG 2.2, 1.4.3, AA)."""
    for colour in (*NAMED.values(), *SPARE):
        red, green, blue = (int(text_colour(colour)[i : i + 2], 16) for i in (1, 3, 5))
        assert contrast((blue, green, red), colour) >= 4.5, hex_of(colour)
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


def test_it_is_the_same_made_again(run: Path) -> None:
    before = (run / "report.html").read_bytes()
    write_report(run)
    assert (run / "report.html").read_bytes() == before
    assert not list(run.glob("*.part"))
    assert json.loads((run / "run.json").read_text())["metres"] == "measured"
    assert read_csv(TRACKS, run / "tracks.csv").height > read_csv(TIMELINE, run / "timeline.csv").height
