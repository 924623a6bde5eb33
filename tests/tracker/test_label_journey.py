"""A newcomer's way on a rendered match: process, label from nothing in a browser, train, process again, right teams."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.first_guess import true_teams
from tests.conftest import cleansheet_json
from tests.tracker.label_windows import card, opened, said, served
from tests.tracker.label_windows import column as numbers
from tracker.assets import asset
from tracker.truth import against_truth

MOST_STEPS = 25


@pytest.mark.slow
def test_a_match_is_labelled_from_nothing_with_few_clicks_and_gets_the_right_teams(
    browser: Browser, tmp_path: Path
) -> None:
    video, truth, workspace = asset("demo/match.mp4"), asset("demo/match.truth"), tmp_path / "w"
    process = ("process", video, "--calibration", truth / "calibration.toml", "--no-video", "-w", workspace)
    first = cleansheet_json(*process, timeout_s=3600)["runs"][0]
    assert first["ensemble"] is None
    right = true_teams(Path(first["folder"]), truth)
    steps = 0
    with served(workspace, "match") as address, opened(browser, address, height=800) as watched:
        page = watched.page
        teams = page.locator(".column .name").evaluate_all("all => all.map(field => field.value)")
        assert sorted(teams) == ["referee", "white", "yellow"]
        for column in teams:  # what a person sees at a glance: who is in the wrong column
            for number in numbers(page, column):  # read at once: cards that are moved change the order
                if right.get(number, column) != column:
                    page.click(card(number))
                    page.keyboard.press(str(teams.index(right[number]) + 1))
                    said(page, f"one card to {right[number]}")
                    steps += 2
        for column in teams:
            page.click(f".column[data-column='{column}'] .confirm")
            said(page, f"to {column}")
            steps += 1
        page.click("#train")
        steps += 1
        expect(page.locator("#process")).to_be_visible(timeout=600_000)
        expect(page.locator("#job-body")).to_contain_text("of players it never saw")
        assert watched.errors == []
    assert steps <= MOST_STEPS, steps
    again = cleansheet_json(*process, timeout_s=3600)["runs"][0]
    assert again["reused"] is False
    assert "detect" not in again["seconds"], "the detections were made again"
    assert against_truth(Path(again["folder"]), truth).team_right >= 0.98
