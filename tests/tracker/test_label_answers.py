"""The labelling page while answers are under way: nothing typed, clicked or said later is lost by one."""

from pathlib import Path

from playwright.sync_api import Browser, Page, Route, expect

from tests.conftest import cleansheet
from tests.tracker.label_windows import card, column, opened, said, served
from tracker.hand_labels import labels_of_run
from tracker.label_store import Person, open_labels


def write_labels(workspace: Path) -> Path:
    path = workspace / "labels-elsewhere.csv"
    path.write_text("crop,track,team,player\ntrack-0002/000007.jpg,2,yellow,\n")
    return path


def while_answered(page: Page, field: str, text: str) -> None:
    """Type into a field after the next action was asked for and before it is answered, as quick people do."""

    def type_first(route: Route) -> None:
        page.fill(field, text)
        route.continue_()

    page.route("**/api/act", type_first, times=1)


def test_an_answer_takes_no_word_away_that_is_being_typed(browser: Browser, workspace: Path) -> None:
    name, team = "[name=player]", ".column[data-column='{}'] .name"
    with served(workspace) as address, opened(browser, address) as watched, opened(browser, address) as other:
        page = watched.page
        page.click(card(1))
        page.fill(name, "Ann")
        while_answered(page, name, "Bea")
        page.press(name, "Enter")
        said(page, "named Ann")
        expect(page.locator(name)).to_have_value("Bea")
        while_answered(page, "[name=number]", "17")
        page.press(name, "Enter")
        said(page, "named Bea")
        page.press("[name=number]", "Enter")
        said(page, "noted about Bea")
        while_answered(page, "[name=day]", "2026-11-01")
        page.select_option("[name=consent]", "given")
        said(page, "noted about Bea")
        page.press("[name=day]", "Tab")
        expect(page.locator("#undo")).to_be_enabled()
        page.fill(team.format("white"), "Zebras")
        while_answered(page, team.format("yellow"), "Bees")
        page.press(team.format("white"), "Enter")
        said(page, "white is called Zebras")
        page.press(team.format("yellow"), "Enter")
        said(page, "yellow is called Bees")
        other.page.fill(team.format("Bees"), "Wasps")
        other.page.press(team.format("Bees"), "Enter")
        page.fill(team.format("Zebras"), "Horses")
        other.page.fill(team.format("Zebras"), "Mules")
        other.page.press(team.format("Zebras"), "Enter")
        said(page, "Zebras is called Mules")
        page.press(team.format("Mules"), "Enter")
        said(page, "Mules is called Horses")
        assert watched.errors == []
        assert set(labels_of_run(workspace, "saturday").teams.values()) == {"Horses"}
    with open_labels(workspace) as store:
        assert store is not None
        people = store.rows(Person)
    assert people == [Person("Ann"), Person("Bea", "17", "given", "2026-11-01")]


def test_keys_that_come_before_the_answer_are_for_the_next_card(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched:
        page, keys = watched.page, watched.page.keyboard
        order = page.locator(".column[data-column='white'] .card").evaluate_all("all => all.map(c => +c.dataset.id)")
        page.locator(card(order[0])).focus()

        def hurry(route: Route) -> None:
            keys.press("3")
            keys.press("n")
            keys.type("Ann")
            route.continue_()

        page.route("**/api/act", hurry, times=1)
        keys.press("2")
        expect(page.locator(f".column[data-column='referee'] {card(order[1])}.sure")).to_be_visible()
        keys.press("Enter")
        said(page, "named Ann")
        assert watched.errors == []
    labels = labels_of_run(workspace, "saturday")
    assert labels.teams == {order[0]: "yellow", order[1]: "referee", order[2]: "white"}
    assert labels.players == {order[2]: "Ann"}


def test_an_answer_that_comes_late_brings_nothing_old_back(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched, opened(browser, address) as other:
        page = watched.page

        def overtaken(route: Route) -> None:
            answer = route.fetch()
            other.page.click(card(1))
            other.page.keyboard.press("3")
            said(page, "In another window: one card to referee")
            route.fulfill(response=answer)

        page.route("**/api/act", overtaken, times=1)
        page.click(card(1))
        page.keyboard.press("2")
        said(page, "one card to yellow")
        assert column(page, "referee") == [1, 9], "as it was said last"
        assert watched.errors == []


def test_an_answer_takes_no_click_away_that_has_begun(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched, opened(browser, address) as other:
        page = watched.page
        page.click(card(1))
        page.get_by_role("button", name="yellow").hover()
        page.mouse.down()
        other.page.click(card(9))
        other.page.keyboard.press("0")
        said(other.page, "set aside")
        assert page.evaluate("fetch('/api/board').then((answer) => answer.status)") == 200
        page.mouse.up()
        said(page, "one card to yellow")
        expect(page.locator(f".column[data-column='yellow'] {card(1)}.sure")).to_be_visible()
        expect(page.locator(".column[data-column='referee'] .card")).to_have_count(0)
        page.locator(card(5)).hover()
        page.mouse.down()
        page.locator(card(2)).hover()  # dragged, and the news of a drag's end comes after the drop
        other.page.keyboard.press("Control+z")
        said(other.page, "undone")
        page.locator(card(2)).hover()
        page.mouse.up()
        said(page, "one card to white")
        expect(page.locator(f".column[data-column='white'] {card(1)}:not(.sure)")).to_be_visible()
        assert watched.errors == []


def test_two_windows_the_later_wins_and_both_see_it(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as one, opened(browser, address) as other:
        one.page.click(card(1))
        one.page.keyboard.press("2")
        said(other.page, "In another window: one card to yellow")
        assert 1 in column(other.page, "yellow")
        other.page.click(card(1))
        other.page.keyboard.press("3")
        said(one.page, "In another window: one card to referee")
        for window in (one, other):
            expect(window.page.locator(f".column[data-column='referee'] {card(1)}")).to_be_visible()
            assert column(window.page, "referee") == [1, 9]
        cleansheet("label", "saturday", "--start-over", "--take", write_labels(workspace), "-w", workspace)
        said(one.page, "another command changed the labels")
        expect(one.page.locator("#progress")).to_have_text("1 of 9 cards done")
    assert labels_of_run(workspace, "saturday").teams == {2: "yellow"}
