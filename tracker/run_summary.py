"""run.json: what a run was made from and by, and what to know of it."""

import platform
from importlib.metadata import version
from typing import Any

from tracker import __version__
from tracker.job import Job, Tools, calibration_as_told
from tracker.outcome import Measured
from tracker.periods import sides_in
from tracker.stage_times import StageTimes

PACKAGES = (
    "torch", "torchvision", "ultralytics", "openvino", "supervision", "opencv-python", "av", "numpy", "polars",
)  # fmt: skip


def summary_of(job: Job, tools: Tools, made: Measured, times: StageTimes, key: dict[str, Any]) -> dict[str, Any]:
    """What run.json says."""
    settings, statistics = job.settings, made.statistics
    return {
        "complete": True,
        "video": {
            "path": str(job.info.path), "sha256": job.video_sha256, "width": job.info.width, "height": job.info.height,
            "fps": job.info.fps, "variable_rate": job.info.variable_rate, "duration_s": job.info.duration_s,
            "codec": job.info.codec,
        },
        "frames": made.frames,
        "tracks_key": made.tracks_key,
        "line_changes": [{"track": change.track, "frame": change.frame} for change in made.line_changes],
        "labelled_by_hand": made.labelled_by_hand,
        "detections": made.detections,
        "tracks": len(statistics.players),
        "metres": made.metres,
        "camera": made.camera,
        "attacks": statistics.attacks,
        "periods": [
            {"start_s": start, "end_s": end, "attacks": sides_in(statistics.attacks, number)}
            for number, (start, end) in enumerate(settings.periods)
        ],
        "dropped_speed_samples": statistics.dropped,
        "warnings": list(made.warnings),
        "settings": settings.model_dump(mode="json"),
        "weights": {"name": tools.detector.weights_name, "sha256": tools.detector.weights_sha256},
        "runtime": tools.detector.runtime,
        "ensemble": tools.ensemble and {"version": tools.ensemble.version, "teams": list(tools.ensemble.teams)},
        "calibration": calibration_as_told(tools.calibration),
        "seconds": times.rounded(),
        "shares": times.shares(),
        "versions": {
            "cleansheet": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
        "key": key,
    }  # fmt: skip
