"""A page served to the browser of this machine, and to nobody else, until Ctrl-C.

server = LocalServer(PAGES / "calibrate", [Route("/api/points", save, methods=["POST"])], port=port)
server.show(browser=not no_browser)
server.run()
"""

import errno
import os
import socket
import sys
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import click
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from classifier.errors import BadInput, CleansheetError
from tracker.pages.guard import Guard, new_token

PAGES = Path(__file__).parent / "static"
"""A folder for each page, with its index.html; `shared` is served to all of them as /shared/."""
GOODBYE_S = 1.0
"""How long an answer that is under way when the server ends may still take."""
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class LocalServer:
    """A page and what it asks for, on a port of 127.0.0.1 that is taken from now on.

    Args:
        site: The page's folder: index.html and its scripts, styles and pictures.
        routes: What the page asks for. A `BadInput` raised there becomes status 400 and any other `CleansheetError`
            409, with `{"error": what it says}`.
        port: Of 127.0.0.1; 0 for any that is free.
        lifespan: Entered before the first request, left after the last one.

    Raises:
        CleansheetError: The port is taken.
        BadInput: There is no such port, or it is reserved.
    """

    def __init__(
        self, site: Path, routes: Sequence[BaseRoute], *, port: int = 0, lifespan: Lifespan | None = None
    ) -> None:
        self._socket = _listen(port)
        host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        token = new_token()
        self.address = f"http://{host}/?token={token}"
        """What the user opens; whoever knows it may do all that the page can."""
        app = Starlette(
            routes=[*routes, Mount("/shared", StaticFiles(directory=PAGES / "shared")),
                    Mount("/", StaticFiles(directory=site, html=True))],
            exception_handlers={CleansheetError: _refusal, HTTPException: _http_error, Exception: _failure},
            lifespan=lifespan,
        )  # fmt: skip
        config = uvicorn.Config(
            Guard(app, token, host), log_config=None, log_level="critical", access_log=False, server_header=False,
            proxy_headers=False, ws="none", timeout_graceful_shutdown=round(GOODBYE_S),
        )  # fmt: skip
        self._server = uvicorn.Server(config)

    @property
    def stopping(self) -> bool:
        """Whether the server is about to end: streams end themselves then."""
        return self._server.should_exit

    def show(self, *, browser: bool, what: str = "the page is at") -> None:
        """Print the address, and open it in the user's browser if there is one."""
        click.echo(f"{what}  {self.address}")
        click.echo("  Ctrl-C ends it")
        if browser and _has_screen():
            with suppress(webbrowser.Error):
                webbrowser.open(self.address)

    def stop(self) -> None:
        """End soon: after the answers that are under way."""
        self._server.should_exit = True

    def run(self) -> None:
        """Serve until `stop`, Ctrl-C or SIGTERM."""
        with suppress(KeyboardInterrupt), self._socket:  # uvicorn ends in order, and only then raises the signal again
            self._server.run(sockets=[self._socket])


def _has_screen() -> bool:
    """Whether a browser has somewhere to open; without a screen some would take over the terminal."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise BadInput(f"port {port}: expected 1 to 65535, or 0 for any that is free")
    # The protocol is named because asyncio turns Nagle's algorithm off only then: an answer's body would wait 40 ms for
    # the browser's word that it has the head.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise CleansheetError(f"port {port} is taken by another program; name another with --port") from None
        if error.errno == errno.EACCES:
            raise BadInput(f"port {port} is reserved for the system; name one above 1023 with --port") from None
        raise
    listening.set_inheritable(False)
    return listening


def _refusal(request: Request, error: Exception) -> Response:
    del request
    return JSONResponse({"error": str(error)}, 400 if isinstance(error, BadInput) else 409)


def _http_error(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


def _failure(request: Request, error: Exception) -> Response:
    """An error of the program's own: the page hears of it, the terminal gets one line."""
    click.echo(f"cleansheet: {request.method} {request.url.path}: {type(error).__name__}: {error}", err=True)
    return JSONResponse({"error": f"the program failed ({type(error).__name__}); the terminal says where"}, 500)


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries.

    Raises:
        BadInput: It carries something else.
    """
    try:
        value = await request.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadInput("expected a JSON object")
    return value
