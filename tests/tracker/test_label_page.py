"""The labelling page in a real browser: what a coach sees, clicks and types, and what nobody else may do."""

import signal
import socket
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Route, expect

from tests.browser import watched_page
from tests.conftest import ROOT, cleansheet
from tests.tracker.label_windows import card, column, opened, said, served, start
from tests.tracker.made_runs import write_run
from tracker.hand_labels import labels_of_run
from tracker.run import Run, locked


def test_one_click_confirms_a_group_and_it_survives_a_kill(browser: Browser, workspace: Path) -> None:
    process = start(workspace, "saturday")
    assert process.stdout is not None
    with opened(browser, process.stdout.readline().split()[-1]) as watched:
        page = watched.page
        assert column(page, "white") == [1, 2, 3, 4]
        page.click(".column[data-column='white'] .confirm")
        said(page, "4 cards to white")
        expect(page.locator("#progress")).to_have_text("4 of 9 cards done")
        process.kill()
        process.communicate(timeout=30)
        expect(page.locator("#banner")).to_contain_text("All that you did is saved")
    with served(workspace) as address, opened(browser, address) as watched:
        expect(watched.page.locator("#progress")).to_have_text("4 of 9 cards done")
        assert watched.errors == []
        host = address.split("/?")[0]
        assert {url[: len(host)] for url in watched.requests} == {host}, "nothing is asked of anybody else"


def test_drag_name_number_consent_and_undo(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address, width=1280, height=800) as watched:
        page = watched.page
        page.drag_and_drop(card(1), ".column[data-column='yellow'] .cards")
        said(page, "one card to yellow")
        assert column(page, "yellow") == [1, 5, 6, 7, 8]
        page.click("#undo")
        said(page, "undone")
        assert column(page, "white") == [1, 2, 3, 4]
        page.click(card(1))
        page.fill("[name=player]", "Ann Berg")
        page.press("[name=player]", "Enter")
        said(page, "named Ann Berg")
        page.fill("[name=number]", "17")
        page.press("[name=number]", "Tab")
        said(page, "noted about Ann Berg")
        page.select_option("[name=consent]", "given")
        page.fill("[name=day]", "2026-11-01")
        page.press("[name=day]", "Tab")
        expect(page.locator(card(1))).to_contain_text("17 Ann Berg")
        page.click(card(2))
        assert page.locator("#players option").evaluate_all("all => all.map(o => o.value)") == ["Ann Berg"]
        page.fill(".column[data-column='white'] .name", "Falcons")
        page.press(".column[data-column='white'] .name", "Enter")
        expect(page.locator(".column[data-column='Falcons'] .card")).to_have_count(4)
        assert watched.errors == []
    labels = labels_of_run(workspace, "saturday")
    assert (labels.players, labels.teams) == ({1: "Ann Berg"}, {1: "Falcons"})


def test_cards_that_cannot_be_sorted_by_themselves_are_sorted_by_hand(browser: Browser, workspace: Path) -> None:
    (workspace / "runs" / "saturday" / "crops" / "track-0003" / "000007.jpg").write_bytes(b"no picture")
    process = start(workspace, "saturday")
    assert process.stdout is not None
    with watched_page(browser) as watched:
        page = watched.page
        page.goto(process.stdout.readline().split()[-1])
        expect(page.locator("#drawer")).to_contain_text("They could not be sorted by themselves")
        page.click(card(1))
        page.keyboard.press("1")
        said(page, "one card to referee")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "first guess: AssertionError" in err
    assert all("000007.jpg is no picture" in line for line in err.splitlines())


def test_the_keyboard_alone_suffices(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched:
        page, keys = watched.page, watched.page.keyboard
        page.locator(card(column(page, "white")[0])).first.focus()
        focused = "() => Number(document.activeElement.dataset.id)"
        first = page.evaluate(focused)
        keys.press("ArrowDown")
        second = page.evaluate(focused)
        assert second != first
        keys.press("2")
        said(page, "one card to yellow")
        assert second in column(page, "yellow")
        keys.press("Control+z")
        said(page, "undone")
        page.locator(card(first)).focus()
        keys.press("Enter")
        said(page, "one card to white")
        third = page.evaluate(focused)
        assert third != first, "the next open card"
        keys.press("0")
        said(page, "set aside")
        page.locator(card(first)).focus()
        keys.press("n")
        keys.type("Ann")
        keys.press("Enter")
        said(page, "named Ann")
        assert page.evaluate(focused) == first, "back on the card"
        late: list[Route] = []
        page.route("**/crop/**", lambda route: late.append(route))
        keys.press("ArrowRight")
        assert page.evaluate(focused) in column(page, "yellow")
        keys.press("x")
        keys.press("Enter")
        said(page, "cut in two")
        with page.expect_response("**/crop/**"):
            for route in late:  # what the card showed before it was cut
                route.continue_()
        for _ in range(40):  # every control can be reached
            keys.press("Tab")
            if page.evaluate("document.activeElement.id") == "train":
                break
        assert page.evaluate("document.activeElement.id") == "train"
        assert watched.errors == []


NAMES = ("O'Brien \"Bob\"", "<img src=x onerror=document.title='gone'>", "🏒 Ann & Co", "שרה לוי", "x" * 100)


def test_names_of_every_kind_show_as_text(browser: Browser, tmp_path: Path) -> None:
    run = "<b>final<b> 'Äé' שלום 🏒"
    write_run(tmp_path, run)
    with served(tmp_path, run) as address, opened(browser, address) as watched:
        page = watched.page
        expect(page.locator("#run")).to_have_text(run)
        for number, name in enumerate(NAMES, start=1):
            page.click(card(number))
            page.fill("[name=player]", name)
            page.press("[name=player]", "Enter")
            expect(page.locator(f"{card(number)} .who")).to_have_text(name)
        page.click(card(6))
        page.fill("[name=player]", "y" * 500)
        page.press("[name=player]", "Enter")
        said(page, "1 to 100")
        page.fill(".column[data-column='yellow'] .name", NAMES[1])
        page.press(".column[data-column='yellow'] .name", "Enter")
        said(page, NAMES[1])
        page.click("#open-held")
        expect(page.locator("#held-body")).to_contain_text(NAMES[1])
        assert page.locator("b").count() == 0
        assert "who plays for whom" in page.title()
        assert watched.errors == ["Failed to load resource: the server responded with a status of 400 (Bad Request)"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


CONTRASTS = """
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgb = (css) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
      || element.matches('input:not([type=color])');
    const shown = element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length;
    if (!own || !shown || element.disabled) continue;
    const pair = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
    const what = `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`;
    found.push([(pair[0] + .05) / (pair[1] + .05), what]);
  }
  return found;
}
"""


def test_text_keeps_the_contrast_of_wcag_aa(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched:
        page = watched.page
        measured = page.evaluate(CONTRASTS)
        page.click(".column[data-column='white'] .confirm")
        page.click(card(1))
        page.fill("[name=player]", "Ann")
        page.press("[name=player]", "Enter")
        page.fill("[name=player]", "Ann;")
        page.press("[name=player]", "Enter")
        said(page, "semicolon")
        measured += page.evaluate(CONTRASTS)
        page.click("#open-keys")
        measured += page.evaluate(CONTRASTS)
        page.keyboard.press("Escape")
        page.click("#open-held")
        expect(page.locator("#held-body table")).to_be_visible()
        measured += page.evaluate(CONTRASTS)
    assert len(measured) > 60
    assert [each for each in measured if each[0] < 4.5] == []


def test_it_is_usable_in_a_small_window(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address, width=420, height=800) as watched:
        page = watched.page
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.click(".column[data-column='white'] .confirm")
        page.click(card(1))
        page.locator("[name=player]").scroll_into_view_if_needed()
        expect(page.locator("[name=player]")).to_be_visible()


def test_who_is_held_and_what_forgetting_would_do(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched:
        page = watched.page
        page.click("#open-held")
        expect(page.locator("#held-body")).to_contain_text("Nobody yet")
        page.keyboard.press("Escape")
        page.click(card(1))
        page.fill("[name=player]", "Ann Berg")
        page.press("[name=player]", "Enter")
        said(page, "named")
        before = {p: p.read_bytes() for p in (workspace / "runs").rglob("*") if p.is_file()}
        page.click("#open-held")
        page.get_by_role("button", name="Forget?").click()
        body = page.locator("#held-body")
        expect(body).to_contain_text("saturday, track 1")
        expect(body).to_contain_text("Nothing was changed")
        expect(body.locator("code")).to_have_text(f"cleansheet forget-player 'Ann Berg' -w {workspace}")
        assert {p: p.read_bytes() for p in (workspace / "runs").rglob("*") if p.is_file()} == before


def test_training_shows_its_progress_and_what_it_is_worth(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched:
        page = watched.page
        page.click("#train")
        expect(page.locator("#job-body")).to_contain_text("at least two teams")
        page.keyboard.press("Escape")
        expect(page.locator("#job")).to_be_hidden()
        for team in ("white", "yellow", "referee"):
            page.click(f".column[data-column='{team}'] .confirm")
            said(page, f"to {team}")
        with (workspace / ".lock").open("w") as lock:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            page.click("#train")
            expect(page.locator("#job-body .step")).to_contain_text("another command holds the workspace")
        expect(page.locator("#process")).to_be_visible(timeout=180_000)
        expect(page.locator("#job-body")).to_contain_text("of players it never saw")
        expect(page.locator("#job-body")).to_contain_text("36 pictures of 9 players")
        page.click("#process")
        expect(page.locator("#job-body")).to_contain_text("process it from where it is now")
        assert watched.errors == []


def test_a_stranger_neither_reads_nor_changes_anything(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address:
        host = address.split("/?")[0]
        paths = ("/", "/api/board", "/strip.jpg?of=1/7", "/crop/1/7.jpg", "/labels.csv", "/api/holdings", "/api/events")
        with httpx.Client() as stranger:
            for path in paths:
                assert stranger.get(host + path).status_code == 403
            for headers in ({}, {"Origin": "https://evil.example"}):
                said = stranger.post(host + "/api/act", json={"what": "aside", "cards": [1]}, headers=headers)
                assert said.status_code == 403
        with opened(browser, address) as watched, socket.create_server(("127.0.0.1", 0)) as other:
            other.close()
            with watched_page(browser) as foreign:
                foreign.page.set_content("<p>another site, in the same browser</p>")
            context = watched.page.context
            elsewhere = context.new_page()
            elsewhere.goto("data:text/html,<p>another site, with the cookie in the jar</p>")
            blocked = elsewhere.evaluate(
                """async (host) => {
                  const tries = [fetch(host + '/api/board', { credentials: 'include' }),
                    fetch(host + '/api/act', { method: 'POST', credentials: 'include', mode: 'no-cors',
                                               body: '{"what": "aside", "cards": [1]}' })];
                  const done = await Promise.allSettled(tries);
                  const image = await new Promise((end) => { const i = new Image();
                    i.onload = () => end('read'); i.onerror = () => end('refused');
                    i.src = host + '/strip.jpg?of=1/7'; });
                  return [done[0].status, image];
                }""",
                host,
            )
            assert blocked == ["rejected", "refused"]
    assert not labels_of_run(workspace, "saturday")


def test_a_run_that_is_being_processed_and_a_port_that_is_taken_are_told_in_one_line(workspace: Path) -> None:
    with locked(Run(workspace, "saturday")):
        done = cleansheet("label", "saturday", "-w", workspace, "--no-browser")
    assert done.returncode == 1
    assert "is being processed by another command" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = cleansheet("label", "saturday", "-w", workspace, "--no-browser", "--port", port)
    assert done.returncode == 1
    assert done.stderr.strip() == f"cleansheet: port {port} is taken by another program; name another with --port"


def test_while_a_player_is_being_forgotten_nothing_can_be_said(browser: Browser, workspace: Path) -> None:
    with served(workspace) as address, opened(browser, address) as watched:
        (workspace / "journal.json").write_text("{}")
        watched.page.click(".column[data-column='white'] .confirm")
        said(watched.page, "being forgotten")
        (workspace / "journal.json").unlink()


def test_the_page_is_in_the_wheel() -> None:
    site = ROOT / "tracker" / "pages" / "static"
    assert {p.name for p in (site / "label").iterdir()} >= {"index.html", "label.css", "label.js"}
    for page in (*(site / "label").iterdir(), *(site / "shared").iterdir()):
        if page.suffix in (".html", ".css", ".js"):
            assert "http://" not in page.read_text()
            assert "https://" not in page.read_text()
