"""The page of `cleansheet calibrate`: a frame beside the rink; the maths stays here."""

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from classifier.errors import BadInput, CleansheetError
from tracker import calibration
from tracker.calibrating import frame_at, named, refuse_frames_beyond
from tracker.calibration import PointPair
from tracker.calibration_check import ViewCheck, check, of
from tracker.landmarks import landmarks
from tracker.pages.server import PAGES, LocalServer, json_body
from tracker.rink import PRESETS, Rink
from tracker.rink_overlay import seen_lines
from tracker.rink_svg import MARGIN_M, drawing, view_box
from tracker.video import VideoInfo

JPEG_QUALITY = 92


class Placed(BaseModel):
    """What the page sends: the rink and all points, those of other frames among them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rink: str
    still: bool
    """Whether the camera stands still: one view, whichever frame its points were placed on."""
    points: tuple[PointPair, ...]


def serve(info: VideoInfo, target: Path, rink_name: str | None, *, port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        BadInput: an unknown rink, or a calibration at `target` that cannot be used for this video.
        CleansheetError: the port is taken.
    """
    page = CalibrationPage(info, target, rink_name)
    server = LocalServer(PAGES / "calibrate", page.routes(), port=port)
    server.show(browser=browser, what=f"calibrate {info.path.name} at")
    server.run()


class CalibrationPage:
    """What the page asks for, about one video.

    Args:
        info: The video.
        target: The TOML to write; one that is there is gone on with.
        rink_name: Overrides its rink.

    Raises:
        BadInput: an unknown rink, or a calibration that is there and cannot be used for this video.
    """

    def __init__(self, info: VideoInfo, target: Path, rink_name: str | None) -> None:
        views = calibration.load(target) if target.exists() else ()
        for view in views:
            view.refuse_other_size((info.width, info.height))
        refuse_frames_beyond(views, info)
        self.info = info
        self.target = target
        self.rink = views[0].rink if views and rink_name is None else Rink.named(rink_name or "iihf")
        self.known = tuple(pair for view in views for pair in view.points)
        self._jpeg = lru_cache(maxsize=16)(partial(_jpeg, info))

    def routes(self) -> list[Route]:
        """Of the server."""
        return [
            Route("/api/start", self._start),
            Route("/api/rink", self._rink),
            Route("/api/frame/{index:int}", self._frame),
            Route("/api/fit", self._fit, methods=["POST"]),
            Route("/api/save", self._save, methods=["POST"]),
        ]

    async def _start(self, request: Request) -> Response:
        del request
        info = self.info
        return JSONResponse({
            "video": info.path.name, "width": info.width, "height": info.height, "frames": info.frame_count,
            "times": [round(float(time), 3) for time in info.times_s], "output": str(self.target),
            "rink": _rink_told(self.rink), "presets": list(PRESETS),
            "points": [pair.model_dump(mode="json") for pair in self.known],
            "still": len({pair.frame for pair in self.known}) <= 1,
        })  # fmt: skip

    async def _rink(self, request: Request) -> Response:
        return JSONResponse(_rink_told(self._named(request.query_params.get("name", ""))))

    async def _frame(self, request: Request) -> Response:
        picture = await run_in_threadpool(self._jpeg, int(request.path_params["index"]))
        return Response(picture, media_type="image/jpeg")

    async def _fit(self, request: Request) -> Response:
        rink, pairs, frames = self._asked(await json_body(request))
        size = (self.info.width, self.info.height)
        views = [check(rink, [p for p in pairs if p.frame == frame], size, frame) for frame in frames]
        return JSONResponse({"views": [self._told(rink, view) for view in views]})

    async def _save(self, request: Request) -> Response:
        rink, pairs, _ = self._asked(await json_body(request), saving=True)
        views = calibration.by_frame(rink, [named(rink, pair) for pair in pairs], (self.info.width, self.info.height))
        refuse_frames_beyond(views, self.info)
        try:
            calibration.save(self.target, views)
        except OSError as error:
            raise CleansheetError(f"{self.target}: cannot be written ({error.strerror or error})") from error
        checked = [of(view) for view in views]
        rms = [view.rms_m for view in checked if view.rms_m is not None and view.worst is not None]
        rms_cm = round(100 * float(np.sqrt(np.mean(np.square(rms)))), 1) if rms else None
        told = {"output": str(self.target), "views": len(views), "points": len(pairs), "rms_cm": rms_cm}
        return JSONResponse(told)

    def _asked(
        self, body: dict[str, Any], *, saving: bool = False
    ) -> tuple[Rink, list[PointPair], Sequence[int | None]]:
        """The rink, the points, and the frames that are a view of their own.

        Points that were all placed on one frame are saved with it, also of a camera that is said to stand still: if it
        moves after all, it can be followed from there.
        """
        try:
            placed = Placed.model_validate(body)
        except ValidationError as error:
            raise BadInput(f"the page sent something else than points: {error.errors()[0]['msg']}") from error
        merged = placed.still and not (saving and len({pair.frame for pair in placed.points}) == 1)
        pairs = [p.model_copy(update={"frame": None}) if merged else p for p in placed.points]
        frames = sorted({pair.frame for pair in pairs if pair.frame is not None})
        return self._named(placed.rink), pairs, frames or [None]

    def _named(self, name: str) -> Rink:
        """The rink of this name; the one that was loaded keeps what is painted elsewhere on it."""
        return self.rink if name == self.rink.name else Rink.named(name)

    def _told(self, rink: Rink, view: ViewCheck) -> dict[str, Any]:
        matrix = view.matrix
        lines = [] if matrix is None else seen_lines(rink, matrix, (self.info.width, self.info.height))
        return {
            "frame": view.frame,
            "errors_cm": [None if error is None else round(100 * error, 1) for error in view.errors_m],
            "rms_cm": None if view.rms_m is None or view.worst is None else round(100 * view.rms_m, 1),
            "worst": view.worst,
            "culprit": view.culprit,
            "complaint": view.complaint,
            "matrix": None if matrix is None else matrix.tolist(),
            "lines": [line.points.round(1).tolist() for line in lines],
        }


def _rink_told(rink: Rink) -> dict[str, Any]:
    return {
        "name": rink.name, "length_m": rink.length_m, "width_m": rink.width_m, "view_box": view_box(rink),
        "margin_m": MARGIN_M, "drawing": drawing(rink), "landmarks": [place._asdict() for place in landmarks(rink)],
    }  # fmt: skip


def _jpeg(info: VideoInfo, index: int) -> bytes:
    ok, data = cv2.imencode(".jpg", frame_at(info, index).image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not ok:
        raise CleansheetError(f"{info.path}: frame {index} could not be encoded")
    return data.tobytes()
