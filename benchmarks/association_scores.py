"""HOTA, IDF1, MOTA and their parts by TrackEval, for one clip and combined over clips as TrackEval combines them."""

import contextlib
import io
from dataclasses import dataclass

import numpy as np
import supervision as sv
from association_noise import Clip

with contextlib.redirect_stdout(io.StringIO()):
    from trackeval.metrics import CLEAR, HOTA, Identity

_METRICS = {"hota": HOTA(), "identity": Identity({"PRINT_CONFIG": False}), "clear": CLEAR({"PRINT_CONFIG": False})}
Result = dict[str, dict]  # of each metric: TrackEval's fields


@dataclass(frozen=True)
class Output:
    """A candidate's answer for one clip."""

    frame: np.ndarray  # (N,) 0-based
    identity: np.ndarray  # (N,)
    xyxy: np.ndarray  # (N, 4) [px]


def score(clip: Clip, output: Output) -> Result:
    """TrackEval's fields of every metric for one clip (IoU similarity, no ignore regions)."""
    truth_ids, truth_id = np.unique(clip.identity, return_inverse=True)
    output_ids, output_id = np.unique(output.identity, return_inverse=True)
    order = np.argsort(output.frame, kind="stable")
    output_starts = np.searchsorted(output.frame[order], np.arange(clip.frames + 1))
    truth_starts = np.searchsorted(clip.frame, np.arange(clip.frames + 1))
    data: dict = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for frame in range(clip.frames):
        truth = slice(truth_starts[frame], truth_starts[frame + 1])
        rows = order[output_starts[frame] : output_starts[frame + 1]]
        data["gt_ids"].append(truth_id[truth])
        data["tracker_ids"].append(output_id[rows])
        if len(np.unique(output_id[rows])) != len(rows):
            raise ValueError(f"{clip.name}: an id occurs twice in frame {frame}")
        overlap = np.zeros((truth.stop - truth.start, len(rows)))
        if overlap.size:
            overlap = np.asarray(sv.box_iou_batch(clip.xyxy[truth], output.xyxy[rows]), float)
        data["similarity_scores"].append(overlap)
    data |= {
        "num_timesteps": clip.frames,
        "num_gt_ids": len(truth_ids),
        "num_tracker_ids": len(output_ids),
        "num_gt_dets": len(clip.frame),
        "num_tracker_dets": len(output.frame),
    }
    return {name: metric.eval_sequence(data) for name, metric in _METRICS.items()}


def combine(results: dict[str, Result]) -> Result:
    """TrackEval's COMBINED row over the clips of `results`."""
    return {
        name: metric.combine_sequences({clip: result[name] for clip, result in results.items()})
        for name, metric in _METRICS.items()
    }


def summary(result: Result) -> dict[str, float]:
    """The figures of the table; shares in per cent."""
    hota, identity, clear = result["hota"], result["identity"], result["clear"]
    shares = {name: float(np.mean(hota[name])) for name in ("HOTA", "DetA", "AssA", "LocA")}
    shares |= {"IDF1": float(identity["IDF1"]), "MOTA": float(clear["MOTA"])}
    return {name: 100 * value for name, value in shares.items()} | {"IDSW": float(clear["IDSW"])}
