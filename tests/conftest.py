"""What all tests share: real footage where there is some, and the command in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser import browser  # noqa: F401  (a fixture for all tests)

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real footage, crops and ground truth; tests that need them are skipped where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no shared data at {SHARED_DATA}")
    return SHARED_DATA


def cleansheet(
    *arguments: str | Path, cwd: Path | None = None, timeout_s: float = 600, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would: a process of its own, output captured."""
    return subprocess.run(
        [sys.executable, "-m", "tracker.cli", *map(str, arguments)],
        cwd=cwd or ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, text=True, capture_output=True,
        timeout=timeout_s, check=False,
    )  # fmt: skip


def cleansheet_json(*arguments: str | Path, **more: Any) -> dict[str, Any]:
    """Run a command with --json and return its object; a failing command fails the test with what it said."""
    done = cleansheet(*arguments, "--json", **more)
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Bad input: exit code 2 and one line on stderr with these words in it, and no traceback."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], (word, lines[0])
