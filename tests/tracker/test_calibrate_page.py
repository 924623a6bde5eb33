"""The calibration page in a real browser: clicked on a rendered frame whose camera is known, and held against it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import Watched, watched_page
from tests.conftest import ROOT
from tests.tracker.test_calibrate_command import MATCH, PLACES, RINK, TRUE
from tracker import calibration, homography
from tracker.landmarks import landmarks

NAMES = {(p.x_m, p.y_m): p.name for p in landmarks(RINK)}
Place = tuple[float, float]


@contextmanager
def served(output: Path, *options: str) -> Iterator[str]:
    """The page's address; Ctrl-C at the end, and the command ends in order."""
    command = ["calibrate", str(MATCH), "-o", str(output), "--no-browser", "-w", str(output.parent / "ws"), *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "tracker.cli", *command], env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints
    assert complaints == ""


@pytest.fixture(scope="module")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One server for all tests: it keeps nothing between two pages but what was saved."""
    output = tmp_path_factory.mktemp("page") / "balcony.toml"
    with served(output, "--rink", "36x18") as address:
        yield address, output


@pytest.fixture
def page_at(served_once: tuple[str, Path]) -> tuple[str, Path]:
    """The page's address, and the file that it saves, which is not there yet."""
    served_once[1].unlink(missing_ok=True)
    return served_once


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Watched]:
    with watched_page(browser) as watched:
        watched.page.goto(address)
        watched.page.wait_for_selector("body[data-ready]")
        yield watched
        watched.page.evaluate("window.onbeforeunload = null")


def on_frame(page: Page, place: Place, off_px: Place = (0.0, 0.0)) -> Place:
    """Where in the window the frame shows a place of the rink, moved by pixels of the video."""
    box = page.locator("#picture").bounding_box()
    assert box is not None
    u, v = homography.apply(TRUE, np.array([place]))[0] + off_px
    return box["x"] + u * box["width"] / 1280, box["y"] + v * box["height"] / 720


def on_rink(page: Page, place: Place) -> Place:
    matrix = page.eval_on_selector("#ice", "svg => { const m = svg.getScreenCTM(); return [m.a, m.e, m.f]; }")
    return matrix[0] * place[0] + matrix[1], -matrix[0] * place[1] + matrix[2]


def put(page: Page, place: Place, off_px: Place = (0.0, 0.0), as_if: Place | None = None) -> None:
    """Click a place on the frame and the same, or another one, on the rink."""
    page.mouse.click(*on_frame(page, place, off_px))
    page.mouse.click(*on_rink(page, as_if or place))


def off_m(output: Path) -> float:
    """The largest error over the ice of what was saved, against the renderer's camera."""
    (view, *_) = calibration.load(output)
    there = np.array([(x, y) for x in (-14, -5, 3, 12) for y in (-8, 0, 8)], np.float64)
    return float(np.linalg.norm(view.to_rink(homography.apply(TRUE, there)) - there, axis=1).max())


def test_clicked_and_saved_it_measures_the_ice(browser: Browser, page_at: tuple[str, Path]) -> None:
    address, output = page_at
    with opened(browser, address) as watched:
        page = watched.page
        for index, place in enumerate(PLACES):
            put(page, place)
            expect(page.locator("#points li")).to_have_count(index + 1)
            shown = page.locator("#marks .lines")
            expect(shown).to_have_count(1 if index >= 3 else 0)  # the lines appear with the fourth point
        expect(page.locator("#verdict")).to_contain_text("the worst is point")
        expect(page.locator("#verdict")).to_have_class("good")
        expect(page.locator("#points .name")).to_have_text([NAMES.get(p, "") for p in PLACES])
        page.click("#save")
        expect(page.locator("#verdict")).to_contain_text("Saved to")
        assert watched.errors == []
        assert all(url.startswith(address.partition("?")[0]) for url in watched.requests)
        assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [
            1280,
            720,
        ]
    assert off_m(output) < 0.15  # a screen pixel is 1.5 pixels of the video
    assert calibration.load(output)[0].frame == 0, "if the camera moves after all, it is known where it was"


def test_the_keyboard_alone_suffices(browser: Browser, page_at: tuple[str, Path]) -> None:
    address, output = page_at
    with opened(browser, address) as watched:
        page = watched.page
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "frame":
                break
        at = np.array([640.0, 360.0])
        for place in PLACES[:5]:
            wanted = homography.apply(TRUE, np.array([place]))[0]
            for axis, keys in enumerate((("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown"))):
                for modifier, step in (("Shift+", 20.0), ("", 2.0), ("Alt+", 0.5)):
                    times = round((wanted[axis] - at[axis]) / step)
                    for _ in range(abs(times)):
                        page.keyboard.press(modifier + keys[times > 0])
                    at[axis] += times * step
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.id") == "landmark"
            page.locator("#landmark").select_option(NAMES[place])  # as typing its first letters does
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.id") == "frame"
        expect(page.locator("#points li")).to_have_count(5)
        page.keyboard.press("Control+s")
        expect(page.locator("#verdict")).to_contain_text("Saved to")
        assert watched.errors == []
    assert off_m(output) < 0.15


def test_nothing_moves_under_the_pointer(browser: Browser, page_at: tuple[str, Path]) -> None:
    """Hints and errors change; the frame and the rink stay where they are."""
    with opened(browser, page_at[0]) as watched:
        page, seen = watched.page, set()
        for place in PLACES:
            for click in (on_frame(page, place), on_rink(page, place)):
                page.mouse.click(*click)
                seen.add(tuple(tuple(page.locator(part).bounding_box().values()) for part in ("#picture", "#ice")))  # type: ignore[union-attr]
        assert len(seen) == 1


def test_points_of_several_frames_of_a_still_camera_are_one_view(browser: Browser, page_at: tuple[str, Path]) -> None:
    address, output = page_at
    with opened(browser, address) as watched:
        page = watched.page
        for frame, places in ((0, PLACES[:3]), (450, PLACES[3:])):
            page.locator("#seek").fill(str(frame))
            expect(page.locator("#picture")).to_have_attribute("src", f"/api/frame/{frame}")
            for place in places:
                put(page, place)
        expect(page.locator("#points li")).to_have_count(6)
        expect(page.locator("#marks .lines")).to_have_count(1)
        page.click("#save")
        expect(page.locator("#verdict")).to_contain_text("Saved to")
        assert watched.errors == []
    (view,) = calibration.load(output)
    assert view.frame is None
    assert off_m(output) < 0.15


def test_a_wrong_point_is_named_with_its_error_and_can_be_undone(browser: Browser, page_at: tuple[str, Path]) -> None:
    address, output = page_at
    with opened(browser, address) as watched:
        page = watched.page
        for place in PLACES[:5]:
            put(page, place)
        put(page, PLACES[5], as_if=(12.0, 4.2))  # a goal post taken for a spot: 3.6 m and 3.3 m away, 4.87 m in all
        expect(page.locator("#verdict")).to_contain_text("Calibration points contradict each other: point 6 ")
        expect(page.locator("#verdict")).to_contain_text("lies 4.9 m from where the others put it")
        expect(page.locator("#points li.wrong .cm")).to_have_text(re.compile(r"48\d\.\d cm wrong"))
        expect(page.locator("#marks .lines")).to_have_count(1)  # those that the others make
        page.click("#save")
        expect(page.locator("#verdict")).to_contain_text("points: calibration points contradict")
        expect(page.locator("#verdict")).to_have_class("bad")
        assert not output.exists()

        def undone_first(route: Route) -> None:
            page.keyboard.press("Control+z")
            expect(page.locator("#points li")).to_have_count(5)
            route.continue_()

        page.route("**/api/save", undone_first, times=1)
        with page.expect_response("**/api/save"):
            page.click("#save")
        assert page.evaluate("fetch('/api/start').then((answer) => answer.status)") == 200
        expect(page.locator("#verdict")).to_have_class("good")  # a refusal that comes late is about what is gone
        page.keyboard.press("Control+Shift+z")
        expect(page.locator("#points li")).to_have_count(6)
        page.locator("#points li").nth(5).locator(".name").click()
        page.keyboard.press("Delete")
        expect(page.locator("#points li")).to_have_count(5)
        assert [e for e in watched.errors if "400" not in e] == []  # the browser tells of the refused save


def test_an_answer_takes_no_click_away_that_has_begun(browser: Browser, page_at: tuple[str, Path]) -> None:
    with opened(browser, page_at[0]) as watched:
        page = watched.page
        for place in PLACES[:4]:
            put(page, place)
        expect(page.locator("#verdict")).to_contain_text("Any four points fit exactly")  # that is answered

        def press_first(route: Route) -> None:
            page.locator("#points li").first.locator("button.plain").hover()
            page.mouse.down()
            route.continue_()

        page.route("**/api/fit", press_first, times=1)
        with page.expect_response("**/api/fit"):
            put(page, PLACES[4])
        assert page.evaluate("fetch('/api/start').then((answer) => answer.status)") == 200
        page.mouse.up()
        expect(page.locator("#points .name")).to_have_text([NAMES.get(place, "") for place in PLACES[1:5]])
        assert watched.errors == []


def test_points_are_dragged_and_the_error_follows(browser: Browser, page_at: tuple[str, Path]) -> None:
    address, output = page_at
    with opened(browser, address) as watched:
        page = watched.page
        for place in PLACES:
            put(page, place, off_px=(30.0, 8.0) if place == PLACES[2] else (0.0, 0.0))
        expect(page.locator("#points .cm")).to_have_text([re.compile("cm")] * 6)  # the answer is about all of them
        before = page.locator("#verdict").inner_text()
        page.mouse.move(*on_frame(page, PLACES[2], (30.0, 8.0)))
        page.mouse.down()
        for share in (0.6, 0.3, 0.0):
            page.mouse.move(*on_frame(page, PLACES[2], (30.0 * share, 8.0 * share)))
        page.mouse.up()
        expect(page.locator("#verdict")).not_to_have_text(before)
        expect(page.locator("#verdict")).to_have_class("good")
        page.click("#save")
        expect(page.locator("#verdict")).to_contain_text("Saved to")
        assert watched.errors == [], watched.requests
    assert off_m(output) < 0.15


def test_after_four_points_it_guesses_which_mark_was_clicked(browser: Browser, page_at: tuple[str, Path]) -> None:
    with opened(browser, page_at[0]) as watched:
        page = watched.page
        for place in PLACES[:4]:
            put(page, place)
        expect(page.locator("#marks .lines")).to_have_count(1)
        page.mouse.click(*on_frame(page, PLACES[5], (4.0, -3.0)))
        expect(page.locator("#hint")).to_contain_text("Is this the right goal line, far post?")
        page.keyboard.press("Enter")
        expect(page.locator("#points .name").nth(4)).to_have_text("right goal line, far post")
        assert watched.errors == []


def test_a_panning_shot_is_calibrated_frame_by_frame_and_gone_on_with(
    browser: Browser, page_at: tuple[str, Path]
) -> None:
    address, output = page_at
    with opened(browser, address) as watched:
        page = watched.page
        page.uncheck("#still")
        for frame in (0, 300):
            page.locator("#seek").fill(str(frame))
            expect(page.locator("#time")).to_contain_text(f"frame {frame}")
            expect(page.locator("#picture")).to_have_attribute("src", f"/api/frame/{frame}")
            for place in PLACES[:5]:
                put(page, place)
        expect(page.locator("#frames button")).to_have_text(["0:00 · 5", "0:10 · 5"])
        expect(page.locator("#still")).to_be_disabled()
        page.click("#save")
        expect(page.locator("#verdict")).to_contain_text("10 points on 2 frames")
        assert watched.errors == []
    assert [view.frame for view in calibration.load(output)] == [0, 300]
    with served(output) as address, opened(browser, address) as watched:
        page = watched.page
        expect(page.locator("#points li")).to_have_count(10)
        expect(page.locator("#verdict")).to_have_class("good")
        expect(page.locator("#length")).to_have_value("36")


def test_another_rink_keeps_the_marks_and_none_is_of_size_zero(browser: Browser, page_at: tuple[str, Path]) -> None:
    with opened(browser, page_at[0]) as watched:
        page = watched.page
        page.select_option("#rink", "nhl")
        expect(page.locator("#ice")).to_have_attribute("viewBox", "-31.48 -13.955 62.96 27.91")
        for place in ((0.0, 0.0), (0.0, 12.955)):
            page.mouse.click(*on_frame(page, (place[0], place[1] / 2)))
            page.mouse.click(*on_rink(page, place))
        expect(page.locator("#points .name")).to_have_text(["centre spot", "centre line, far boards"])
        page.select_option("#rink", "own")
        page.fill("#length", "0")
        page.press("#length", "Enter")
        expect(page.locator("#verdict")).to_contain_text("rink length 0 m: expected 15 to 80 metres")
        page.fill("#length", "36")
        page.fill("#width", "18")
        page.press("#width", "Enter")
        expect(page.locator("#ice")).to_have_attribute("viewBox", "-19 -10 38 20")
        page.click("#save")
        expect(page.locator("#verdict")).to_contain_text("2 calibration points: at least 4 are needed")
        assert [e for e in watched.errors if "400" not in e] == []


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_everything_is_in_the_window(browser: Browser, page_at: tuple[str, Path], size: tuple[int, int]) -> None:
    with watched_page(browser, *size) as watched:
        watched.page.goto(page_at[0])
        watched.page.wait_for_selector("body[data-ready]")
        for part in ("#frame", "#seek", "#ice", "#landmark", "#points", "#save", "#undo"):
            box = watched.page.locator(part).bounding_box()
            assert box is not None
            assert box["x"] >= 0, part
            assert box["x"] + box["width"] <= size[0], part
            assert box["y"] + box["height"] <= size[1], part
        picture = watched.page.locator("#picture").bounding_box()
        assert picture is not None
        assert picture["width"] > 0.6 * size[0]
