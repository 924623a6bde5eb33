"""A video that is to become a run: what it is made from, and the keys by which a run knows whether it still holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.ensemble import Ensemble, NoEnsemble
from classifier.errors import BadInput
from tracker import __version__, calibration
from tracker.calibration import Calibration
from tracker.detector import Detector
from tracker.hand_labels import HandLabels, labels_of_run
from tracker.run import Run, run_name
from tracker.settings import ProcessSettings
from tracker.video import VideoInfo, probe, sha256_of


@dataclass(frozen=True)
class Tools:
    """What all videos of one command share, loaded once."""

    detector: Detector
    ensemble: Ensemble | None
    calibration: tuple[Calibration, ...]
    """One view for each calibrated frame; empty where there is no calibration."""


@dataclass(frozen=True)
class Job:
    """One video and the run that it becomes."""

    info: VideoInfo
    video_sha256: str
    run: Run
    settings: ProcessSettings
    labels: HandLabels

    def detection_key(self, detector: Detector) -> dict[str, Any]:
        """All that the detections depend on: a run with the same key can use them again."""
        return {
            "video_sha256": self.video_sha256,
            "weights_sha256": detector.weights_sha256,
            "runtime": detector.runtime,
            "detector": self.settings.detector.model_dump(mode="json"),
            "start_s": self.settings.start_s,
            "end_s": self.settings.end_s,
            "stride": self.settings.stride,
        }

    def key(self, tools: Tools) -> dict[str, Any]:
        """All that the run depends on: a finished run with the same key needs no work."""
        return {
            **self.detection_key(tools.detector),
            "settings": self.settings.model_dump(mode="json", exclude={"calibration"}),
            "calibration": calibration_as_told(tools.calibration),
            "ensemble": tools.ensemble and tools.ensemble.version,
            **({"labels": self.labels.key} if self.labels.key else {}),
            "cleansheet": __version__,
        }


def job_of(video: Path, workspace: Path, settings: ProcessSettings, name: str | None) -> Job:
    """Look at a video; `name` is the run's, None for the video's own."""
    info = probe(video, end_s=settings.end_s)
    if settings.start_s > info.times_s[-1]:
        raise BadInput(f"{video}: --start {settings.start_s:g} s lies behind its end at {info.duration_s:.1f} s")
    run = Run(workspace, run_name(video, name))
    settings = settings.for_frames(info.fps)
    return Job(info, sha256_of(video), run, settings, labels_of_run(workspace, run.name))


def load_tools(workspace: Path, settings: ProcessSettings) -> Tools:
    """The detector, the ensemble where there is one, and the calibration where one is given."""
    try:
        ensemble: Ensemble | None = Ensemble.load(workspace)
    except NoEnsemble:
        ensemble = None
    points = () if settings.calibration is None else calibration.load(settings.calibration)
    chosen = settings.detector
    detector = Detector.load(  # in a video the frames around speak for a weak box, so it needs no company
        chosen.weights, confidence=chosen.confidence, company=0, image_size=chosen.image_size, runtime=chosen.runtime,
        threads=1, cache=workspace / "cache" / "detectors",
    )  # fmt: skip
    return Tools(detector, ensemble, points)


def calibration_as_told(views: Sequence[Calibration]) -> dict[str, Any] | None:
    """A calibration as run.json tells it; None where there is none."""
    if not views:
        return None
    rink = views[0].rink
    return {
        "rink": rink.name,
        "length_m": rink.length_m,
        "width_m": rink.width_m,
        "painted": calibration.painted(rink),
        "views": [
            {
                "frame": view.frame,
                "reprojection_error_m": round(view.reprojection_error_m, 4),
                "points": [pair.model_dump(mode="json") for pair in view.points],
            }
            for view in views
        ],
    }
