"""The labelling page: what the browser asks for, and what it hears without asking."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from classifier.ensemble import Ensemble, NoEnsemble
from classifier.errors import CleansheetError
from tracker.crops import read_crop
from tracker.first_guess import NOBODY, Guesses, first_guess
from tracker.label_desk import Done, LabelDesk
from tracker.label_sources import trained_on
from tracker.labels import official_shares
from tracker.pages.label_held import HeldPeople
from tracker.pages.label_jobs import Jobs, job_json
from tracker.pages.server import json_body

MOST_IN_STRIP = 5
CELL = (88, 60)
"""Height and width of each picture on a card, in pixels: twice what the page shows, for sharp screens."""
LOOK_S = 1.0
"""How often the page looks whether another command has changed the labels."""
OPENING_S = 5.0
"""The first guess waits so long for a page at most: a browser may not be opened at all."""
FIRST_PICTURES_S = 0.6
"""What a page that got its board is left alone for, to show the first cards."""


class LabelPage:
    """The page of one run.

    Args:
        desk: The run.
        stopping: Whether the server is about to end.
    """

    def __init__(self, desk: LabelDesk, stopping: Callable[[], bool]) -> None:
        self._desk = desk
        self._stopping = stopping
        self._jobs = Jobs(desk, lambda job: self._tell(job_json(job)), lambda: self._guess(trust=True))
        self._listeners: set[asyncio.Queue[str]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = threading.Event()
        """Set when a page has got the board."""

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/board", self._board),
            Route("/api/act", self._act, methods=["POST"]),
            Route("/api/undo", self._undo, methods=["POST"]),
            Route("/api/events", self._events),
            Route("/api/job", self._job, methods=["GET", "POST"]),
            Route("/strip.jpg", self._strip),
            Route("/crop/{name:path}.jpg", self._crop),
            Route("/labels.csv", self._labels_csv),
            *HeldPeople(self._desk).routes,
        ]

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """While the server runs: guess once, and look for changes that other commands make."""
        del app
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._first_guess, daemon=True, name="first guess").start()
        watching = asyncio.create_task(self._watch())
        yield
        watching.cancel()
        for listener in self._listeners:
            listener.put_nowait("")

    # -- what the browser hears --------------------------------------------------------------------------------------

    def _tell(self, message: dict[str, Any]) -> None:
        """Send a message to every open page; from any thread."""
        if self._loop is None:
            return
        text = f"data: {json.dumps(message)}\n\n"

        def send() -> None:
            for listener in self._listeners:
                listener.put_nowait(text)

        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(send)

    async def _events(self, request: Request) -> Response:
        del request
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)

        async def stream() -> AsyncIterator[str]:
            try:
                yield f"retry: 1000\ndata: {json.dumps(job_json(self._jobs.now))}\n\n"
                while not self._stopping():
                    try:
                        text = await asyncio.wait_for(queue.get(), 0.5)
                    except TimeoutError:
                        continue
                    if text:
                        yield text
            finally:
                self._listeners.discard(queue)

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def _watch(self) -> None:
        version = self._desk.store.version()
        while True:
            await asyncio.sleep(LOOK_S)
            now = await run_in_threadpool(self._desk.store.version)
            if now != version:
                version = now
                self._desk.changed_elsewhere()
                self._tell({"type": "reload", "said": "another command changed the labels"})

    def _first_guess(self) -> None:
        """Guess; where that fails, say so: the cards can be sorted by hand.

        It keeps a core busy for seconds, so a page that is being opened gets its first pictures before.
        """
        if self._asked.wait(OPENING_S):
            time.sleep(FIRST_PICTURES_S)
        try:
            self._guess()
        except Exception as error:  # whatever it is, the page hears of it, and the terminal in one line
            why = str(error) or type(error).__name__
            click.echo(f"cleansheet: first guess: {type(error).__name__}: {error}", err=True)
            self._desk.guesses = Guesses(NOBODY, {})
            self._tell({"type": "reload", "said": f"the cards could not be sorted by themselves: {why}", "wrong": True})

    def _guess(self, trust: bool | None = None) -> None:
        """Guess every card's team, and tell the page."""
        desk = self._desk
        workspace = desk.run.workspace
        try:
            ensemble: Ensemble | None = Ensemble.load(workspace)
        except (NoEnsemble, CleansheetError):
            ensemble = None
        known = trained_on(workspace, desk.run.name) if trust is None else trust
        crops = desk.crops(desk.labels())
        officials = official_shares(desk.run)
        desk.guesses = first_guess(crops, officials, ensemble, trust=known) if crops else Guesses(NOBODY, {})
        self._tell({"type": "reload", "said": ""})

    # -- what the browser asks ---------------------------------------------------------------------------------------

    def _board(self, request: Request) -> Response:
        del request
        board = self._desk.board()
        self._asked.set()
        return JSONResponse(board)

    async def _act(self, request: Request) -> Response:
        body = await json_body(request)
        what = body.get("what")
        done = await run_in_threadpool(self._desk.act, what if isinstance(what, str) else "", body)
        return await self._answer(done, request)

    async def _undo(self, request: Request) -> Response:
        return await self._answer(await run_in_threadpool(self._desk.undo), request)

    async def _answer(self, done: Done, request: Request) -> Response:
        """What changed, to the one who did it and to every other open page."""
        board = await run_in_threadpool(self._desk.board, None if done.everything else done.cards)
        message = {"type": "changed", "said": done.said, "everything": done.everything, "board": board,
                   "renamed": done.renamed, "by": request.headers.get("x-page", "")}  # fmt: skip
        self._tell(message)
        return JSONResponse(message)

    async def _job(self, request: Request) -> Response:
        if request.method == "POST":
            self._jobs.start(str((await json_body(request)).get("kind")))
        return JSONResponse(job_json(self._jobs.now))

    def _strip(self, request: Request) -> Response:
        """The pictures of `?of=TRACK/FRAME,…` side by side."""
        names = request.query_params.get("of", "").split(",")[:MOST_IN_STRIP]
        files = [self._desk.picture(name) for name in names]
        strip = np.concatenate([_fitted(read_crop(file)) for file in files], axis=1)
        done, encoded = cv2.imencode(".jpg", strip, [cv2.IMWRITE_JPEG_QUALITY, 88])
        assert done
        return Response(encoded.tobytes(), media_type="image/jpeg")

    def _crop(self, request: Request) -> Response:
        return FileResponse(self._desk.picture(request.path_params["name"]), media_type="image/jpeg")

    def _labels_csv(self, request: Request) -> Response:
        from tracker.label_exchange import labels_csv

        del request
        name = "labels.csv"
        return Response(labels_csv(self._desk), media_type="text/csv; charset=utf-8",
                        headers={"Content-Disposition": f'attachment; filename="{name}"'})  # fmt: skip


def _fitted(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop in a cell of the strip, whole, on ice grey: (88, 60, 3)."""
    height, width = CELL
    scale = min(height / crop.shape[0], width / crop.shape[1])
    h, w = max(1, round(crop.shape[0] * scale)), max(1, round(crop.shape[1] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    cell = np.full((height, width, 3), (238, 234, 231), np.uint8)
    top, left = (height - h) // 2, (width - w) // 2
    cell[top : top + h, left : left + w] = cv2.resize(crop, (w, h), interpolation=how)
    return cell


