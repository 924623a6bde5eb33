"""The whole journey on the rendered match that ships with the program, checked against the renderer's truth."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.importing import ImportReport, import_tree
from classifier.training import TrainReport, train
from tracker.assets import asset
from tracker.process import process_videos
from tracker.progress import Report
from tracker.settings import ProcessSettings
from tracker.truth import AgainstTruth, against_truth


@dataclass(frozen=True)
class Demo:
    """What the journey gave."""

    imported: ImportReport
    trained: TrainReport
    run: dict[str, Any]
    """As `tracker.process.process_videos` returns it."""
    truth: AgainstTruth

    def to_json(self) -> dict[str, Any]:
        return {
            "imported": asdict(self.imported),
            "trained": asdict(self.trained),
            "run": self.run,
            "against_truth": asdict(self.truth),
        }


def run_demo(workspace: Path, say: Callable[[str], None], report: Report) -> Demo:
    """Import the demo's crops, train, process the demo match, compare with its truth.

    What is done already in this workspace is not done again.

    Args:
        workspace: Made when missing.
        say: Hears one line before each step.
        report: Hears of the progress within a step.
    """
    match, truth = asset("demo/match.mp4"), asset("demo/match.truth")
    say("1/4  labelled crops of a training session into the catalog     (cleansheet import)")
    imported = import_tree(workspace, asset("demo/crops"))
    say(
        f"     {imported.pictures} crops of {imported.catalog_players} people: "
        + ", ".join(f"{count} {team}" for team, count in imported.crops_by_team.items())
    )
    say("2/4  the team classifier, in shards that can forget            (cleansheet train)")
    trained = train(workspace, progress=lambda now: report("train", now.steps, now.of))
    built, kept = trained.stages_built, trained.stages_reused
    say(f"     {trained.shards} shards of {trained.slices} slices; built {built}, kept {kept}")
    say("3/4  the match: people, tracks, teams, metres, statistics      (cleansheet process)")
    settings = ProcessSettings(calibration=truth / "calibration.toml")
    run = process_videos([match], workspace, settings, name=None, fresh=False, force=False, report=report)[0]
    say("4/4  held against the truth that the renderer wrote down")
    return Demo(imported, trained, run, against_truth(Path(run["folder"]), truth))
