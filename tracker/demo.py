"""The whole journey on the rendered match that ships with the program, checked against the renderer's truth."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.erasure import NoRuns
from classifier.forgetting import Outcome, forget
from classifier.holdings import list_players
from classifier.importing import ImportReport, import_tree
from classifier.training import TrainReport, train
from classifier.verification import Verification, verify
from classifier.workspace import Workspace
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
    forgotten: Outcome
    """A skater, in a copy of the workspace."""
    verified: Verification
    """The certificate, checked by training again."""

    def to_json(self) -> dict[str, Any]:
        return {
            "imported": asdict(self.imported),
            "trained": asdict(self.trained),
            "run": self.run,
            "against_truth": asdict(self.truth),
            "certificate": self.forgotten.content,
            "verified": self.verified.holds,
        }


def run_demo(workspace: Path, say: Callable[[str], None], report: Report) -> Demo:
    """Import the demo's crops, train, process the demo match, compare with its truth, forget a player.

    What is done already in this workspace is not done again.

    Args:
        workspace: Made when missing.
        say: Hears one line before each step.
        report: Hears of the progress within a step.
    """
    match, truth = asset("demo/match.mp4"), asset("demo/match.truth")
    say("1/5  labelled crops of a training session into the catalog     (cleansheet import)")
    imported = import_tree(workspace, asset("demo/crops"))
    say(
        f"     {imported.pictures} crops of {imported.catalog_players} people: "
        + ", ".join(f"{count} {team}" for team, count in imported.crops_by_team.items())
    )
    say("2/5  the team classifier, in shards that can forget            (cleansheet train)")
    trained = train(workspace, progress=lambda now: report("train", now.steps, now.of))
    built, kept = trained.stages_built, trained.stages_reused
    say(f"     {trained.shards} shards of {trained.slices} slices; built {built}, kept {kept}")
    say("3/5  the match: people, tracks, teams, metres, statistics      (cleansheet process)")
    settings = ProcessSettings(calibration=truth / "calibration.toml")
    run = process_videos([match], workspace, settings, name=None, fresh=False, force=False, report=report)[0]
    say("4/5  held against the truth that the renderer wrote down")
    right = against_truth(Path(run["folder"]), truth)
    say(told(right))
    say("5/5  a player asks to be erased; the proof is made twice       (cleansheet forget-player, verify)")
    forgotten, verified = _forget_somebody(workspace)
    return Demo(imported, trained, run, right, forgotten, verified)


def told(truth: AgainstTruth) -> str:
    """The comparison with the truth in two lines."""
    return (
        f"     {truth.team_right:.1%} of the boxes carry the right team; identities: IDF1 {truth.idf1:.2f}, "
        f"HOTA {truth.hota:.2f}\n     people found {truth.recall:.1%}, of the boxes real {truth.precision:.1%}; "
        + ", ".join(f"{team}'s distance off by {error:+.1%}" for team, error in truth.distance_error.items())
    )


def _forget_somebody(workspace: Path) -> tuple[Outcome, Verification]:
    """Forget a skater in a copy of the classifier's part of the workspace, so that the demo can be run again."""
    whole, copy = Workspace(workspace), Workspace(workspace / "forgetting")
    shutil.rmtree(copy.path, ignore_errors=True)
    copy.path.mkdir(parents=True)
    shutil.copy2(whole.catalog, copy.catalog)
    for folder in ("crops", "shards", "ensemble"):
        shutil.copytree(whole.path / folder, copy.path / folder)
    skater = next(row.player for row in list_players(copy.path) if row.team == "white" and row.trained_crops)
    done = forget(copy.path, [skater], NoRuns())
    return done, verify(done.certificate, copy.path, retrain=True)
