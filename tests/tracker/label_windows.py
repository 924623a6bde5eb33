"""The labelling page as a user opens it: the command in a process, its page in a real browser."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser import Watched, watched_page
from tests.conftest import ROOT


@contextmanager
def served(workspace: Path, run: str = "saturday", *options: str) -> Iterator[str]:
    """The command as a user starts it, and the address that it shows; ended with Ctrl-C, in order."""
    process = start(workspace, run, *options)
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        assert "http://127.0.0.1:" in line, (line, process.stderr and process.stderr.read())
        yield line.split()[-1]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    if process.returncode != -signal.SIGKILL:
        assert (process.returncode, err) == (0, ""), (out, err)
        assert "all is saved" in out


def start(workspace: Path, run: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tracker.cli", "label", run, "-w", str(workspace), "--no-browser", *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@contextmanager
def opened(browser: Browser, address: str, **size: int) -> Iterator[Watched]:
    """A window with the page, once its cards are sorted."""
    with watched_page(browser, **size) as watched:
        watched.page.goto(address)
        expect(watched.page.locator(".column[data-column='white'] .card").first).to_be_visible()
        yield watched


def column(page: Page, team: str) -> list[int]:
    found = page.locator(f".column[data-column='{team}'] .card")
    return sorted(int(card.get_attribute("data-id") or 0) for card in found.all())


def card(number: int) -> str:
    return f".card[data-id='{number}']"


def said(page: Page, words: str) -> None:
    expect(page.locator("#toast")).to_contain_text(words)
