"""A real browser for pages: the system's chromium, driven by Playwright, every complaint and request written down."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

PATIENCE_MS = 60_000
"""For whatever a page is waited for: a machine that does other things as well is slow, and not wrong."""
WINDOW = (1280, 720)
"""Width and height of a laptop's browser window, in which every page must be usable."""
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Watched:
    """A page and what happened on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """Errors and warnings of the console, exceptions that nobody caught."""
    requests: list[str] = field(default_factory=list)
    """The address of everything that was asked for, the page first; pictures inside the page do not count."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's chromium; where there is none, tests of pages are skipped and say so."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("NO BROWSER HERE: no page is looked at (install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def watched_page(browser: Browser, width: int = WINDOW[0], height: int = WINDOW[1]) -> Iterator[Watched]:
    """A fresh page in a window of this many pixels, with cookies and storage of its own.

    with watched_page(browser) as watched:
        watched.page.goto(address)
        assert watched.errors == []
    """
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE_MS)
    watched = Watched(context.new_page())
    watched.page.on("console", lambda said: said.type in ("error", "warning") and watched.errors.append(said.text))
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on(
        "request", lambda sent: sent.url.startswith(("data:", "blob:")) or watched.requests.append(sent.url)
    )
    try:
        yield watched
    finally:
        context.close()
