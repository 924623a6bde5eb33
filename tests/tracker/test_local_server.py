"""The local server: only the browser that was given the address gets anything, and only from the server's own pages."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT

SERVE = """
import sys
from pathlib import Path
from starlette.responses import JSONResponse
from starlette.routing import Route
from classifier.errors import BadInput
from tracker.cli import main
from tracker.pages.server import LocalServer, json_body

async def add(request):
    body = await json_body(request)
    if "a" not in body:
        raise BadInput("a is missing")
    return JSONResponse({"sum": body["a"] + body["b"]})

async def fail(request):
    raise ZeroDivisionError("of the program's own")

site = Path(sys.argv[1])
site.joinpath("index.html").write_text("<!doctype html><title>A page</title><p>Hello</p>")
server = LocalServer(site, [Route("/api/add", add, methods=["POST"]), Route("/api/fail", fail)], port=int(sys.argv[2]))
server.show(browser=False)
sys.stdout.flush()
server.run()
print("ended in order")
"""


def start(site: Path, port: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVE, str(site), str(port)], env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line, (line, process.stderr and process.stderr.read())
    return line.split()[-1]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process = start(tmp_path_factory.mktemp("site"))
    yield address_of(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert "ended in order" in out, (out, err)
    assert set(err.splitlines()) <= {"cleansheet: GET /api/fail: ZeroDivisionError: of the program's own"}
    assert process.returncode == 0


@pytest.fixture
def visitor(address: str) -> Iterator[httpx.Client]:
    """A browser after it has opened the address."""
    with httpx.Client(base_url=address.split("?")[0]) as client:
        assert "url=/" in client.get(address).text
        yield client


def test_the_address_opens_the_page_and_links_work_from_then_on(visitor: httpx.Client) -> None:
    page = visitor.get("/")
    assert page.status_code == 200
    assert "Hello" in page.text
    assert visitor.get("/shared/ask.js").headers["content-type"].startswith("text/javascript")
    assert visitor.post("/api/add", json={"a": 2, "b": 3}).json() == {"sum": 5}


def test_an_answer_does_not_wait_until_its_head_has_arrived(visitor: httpx.Client) -> None:
    took = []
    for _ in range(40):
        began = time.perf_counter()
        visitor.post("/api/add", json={"a": 2, "b": 3})
        took.append(time.perf_counter() - began)
    assert min(took[20:]) < 0.03, "a browser waits 40 ms before it says that it has something"


def test_without_the_token_there_is_nothing(address: str) -> None:
    with httpx.Client(base_url=address.split("?")[0]) as stranger:
        for path in ("/", "/shared/ask.js", "/?token=", "/?token=wrong"):
            assert stranger.get(path).status_code == 403
        page = stranger.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 403
        assert "the address that the terminal shows" in page.text
        assert stranger.post("/api/add", json={"a": 2, "b": 3}).status_code == 403


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
])  # fmt: skip
def test_a_page_of_another_site_gets_nothing_though_the_browser_sends_the_cookie(
    visitor: httpx.Client, headers: dict[str, str]
) -> None:
    assert visitor.get("/", headers=headers).status_code == 403
    said = visitor.post("/api/add", json={"a": 2, "b": 3}, headers=headers)
    assert said.status_code == 403
    assert "access-control-allow-origin" not in said.headers


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", "[::1]"])
def test_another_name_for_this_machine_gets_nothing(visitor: httpx.Client, host: str) -> None:
    assert visitor.get("/", headers={"Host": host}).status_code == 421


def test_every_answer_forbids_foreign_content_and_keeping(visitor: httpx.Client, address: str) -> None:
    answers = (visitor.get("/"), visitor.get("/missing"), visitor.get(address), visitor.get("/", headers={"Host": "x"}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert "HttpOnly" in visitor.get(address).headers["set-cookie"]
    assert "samesite=strict" in visitor.get(address).headers["set-cookie"].lower()


def test_bad_input_and_failures_are_told_in_words(visitor: httpx.Client) -> None:
    said = visitor.post("/api/add", json={"b": 3})
    assert (said.status_code, said.json()) == (400, {"error": "a is missing"})
    said = visitor.post("/api/add", content=b"[1]")
    assert (said.status_code, said.json()) == (400, {"error": "expected a JSON object"})
    assert visitor.post("/api/add", content=b"x" * (16 * 2**20 + 1)).status_code == 413
    assert visitor.get("/missing").json() == {"error": "Not Found"}
    failed = visitor.get("/api/fail")
    assert failed.status_code == 500
    assert "ZeroDivisionError" in failed.json()["error"]


def test_a_file_outside_the_site_is_not_served(visitor: httpx.Client) -> None:
    for path in ("/../server.py", "/shared/../../server.py", "/%2e%2e/server.py", "/shared/..%2f..%2fserver.py"):
        assert visitor.get(path).status_code == 404


def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start(tmp_path, taken.getsockname()[1])
        _, err = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "is taken by another program; name another with --port" in err


def test_it_ends_at_sigterm_though_a_browser_is_still_connected(tmp_path: Path) -> None:
    process = start(tmp_path)
    with httpx.Client() as client:
        client.get(address_of(process))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
