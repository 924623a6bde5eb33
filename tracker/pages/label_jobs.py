"""What takes longer than a click: training on what was labelled, and processing the video again. One at a time."""

import fcntl
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from classifier.errors import BadInput, CleansheetError
from tracker.label_desk import LabelDesk
from tracker.label_sources import take_in_labels
from tracker.run import Run, read_json
from tracker.run_tracks import picture_name

DOUBTFUL = 12  # cards shown, by one crop each
FLATTERS = (
    "Cards without a name count as a person each. The same player may be among the learnt and the unseen then, which "
    "flatters the figure: name the players you know."
)


@dataclass(frozen=True)
class Job:
    """How far it is."""

    kind: str = ""
    """`train` or `process`; empty before the first."""
    state: str = "idle"
    """`idle`, `running`, `done` or `failed`."""
    step: str = ""
    """What is being done, for people."""
    share: float = 0.0
    """Of this step, 0 to 1."""
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Jobs:
    """Runs one job at a time in a thread of its own, and says how far it is.

    Stopped at any instant, training and processing go on when they are started again, so the thread may die with the
    program.

    Args:
        desk: The run.
        say: Hears of every change, in the job's thread.
        trained: Called when there is a new classifier.
    """

    def __init__(self, desk: LabelDesk, say: Callable[[Job], None], trained: Callable[[], None]) -> None:
        self._desk = desk
        self._say = say
        self._trained = trained
        self._lock = threading.Lock()
        self.now = Job()

    def start(self, kind: str) -> None:
        """Begin.

        Raises:
            CleansheetError: The other is still at it.
            BadInput: There is no such job.
        """
        work = {"train": self._train, "process": self._process}.get(kind)
        if work is None:
            raise BadInput(f"unknown job {kind!r}")
        with self._lock:
            if self.now.state == "running":
                raise CleansheetError("wait until what is under way is done")
            self.now = Job(kind, "running", "beginning")
        threading.Thread(target=self._run, args=(work,), daemon=True, name=kind).start()

    def _run(self, work: Callable[[], dict[str, Any]]) -> None:
        self._tell()
        try:
            result = work()
            self._tell(state="done", step="", share=1.0, result=result)
        except (CleansheetError, OSError) as error:
            self._tell(state="failed", error=str(error))
        except Exception as error:  # whatever it is, the page hears of it, and the terminal in one line
            self._tell(state="failed", error=f"the program failed: {type(error).__name__}: {error}")
            click.echo(f"cleansheet: {self.now.kind}: {type(error).__name__}: {error}", err=True)

    def _tell(self, **changed: Any) -> None:
        self.now = replace(self.now, **changed)
        self._say(self.now)

    def _progress(self, step: str) -> Callable[[int, int], None]:
        def heard(done: int, of: int) -> None:
            share = done / of if of else 0.0
            if self.now.step != step or share - self.now.share >= 0.01 or done >= of:
                self._tell(step=step, share=share)

        return heard

    def _train(self) -> dict[str, Any]:
        from classifier.evaluation import evaluate
        from classifier.training import train

        workspace = self._desk.run.workspace
        if _held(workspace):
            self._tell(step="another command holds the workspace: waiting for it")
        imported = take_in_labels(workspace, self._desk.store)
        self._tell(step="training", share=0.0)
        advance = self._progress("training")
        trained = train(workspace, progress=lambda message: advance(message.steps, message.of))
        self._trained()
        result: dict[str, Any] = {
            "crops": trained.crops, "players": trained.players, "teams": list(trained.teams), "notes": [],
            "suppressed": imported.suppressed, "accuracy": None, "doubtful": [],
        }  # fmt: skip
        self._tell(step="trying it on players it never saw", share=0.0)
        try:
            report = evaluate(workspace, seeds=1, progress=self._progress("trying it on players it never saw"))
        except BadInput as error:
            result["notes"].append(f"How good it is on players it never saw is not known yet: {error}")
            return result
        score = report.sharded
        notes = [FLATTERS if "nobody named" in note else note for note in report.notes]
        result |= {"accuracy": score.accuracy, "low": score.low, "high": score.high, "folds": report.folds,
                   "doubtful": self._doubtful(report.mistakes), "notes": notes}  # fmt: skip
        return result

    def _doubtful(self, mistakes: Any) -> list[dict[str, Any]]:
        """Crops that were told wrong when their player was held out, the surest first."""
        labels = self._desk.labels()
        found: list[dict[str, Any]] = []
        places = {file.relative_to(self._desk.run.final.crops).as_posix(): (card, picture_name(file))
                  for card, files in self._desk.crops(labels).items() for file in files}  # fmt: skip
        for mistake in mistakes:
            run, _, inside = mistake.source.partition("/")
            if run == self._desk.run.name and inside in places:
                card, picture = places[inside]
                if any(each["card"] == card for each in found):
                    continue
                found.append({"card": card, "picture": picture, "team": mistake.team, "called": mistake.called})
        return found[:DOUBTFUL]

    def _process(self) -> dict[str, Any]:
        from tracker.process import process_videos
        from tracker.tables import TEAMS, read_csv

        run = self._desk.run
        video, settings = processed_as(run)
        steps = {"watch": "going through the video", "draw": "drawing the annotated video"}
        heard = {stage: self._progress(step) for stage, step in steps.items()}

        def report(stage: str, done: int, total: int) -> None:
            heard.setdefault(stage, self._progress(stage))(done, total)

        summary = process_videos(
            [video], run.workspace, settings, name=run.name, fresh=False, force=False, report=report
        )[0]  # fmt: skip
        self._trained()
        teams = read_csv(TEAMS, run.final.folder / "teams.csv")
        return {"folder": str(run.final.folder.resolve()), "warnings": summary["warnings"],
                "teams": teams.select("team", "skaters_median", "distance_m", "top_speed_mps", "metres").to_dicts()}


def processed_as(run: Run) -> tuple[Path, Any]:
    """The video of a run and the settings that it was processed with.

    Raises:
        BadInput: The video is not where it was.
    """
    from tracker.settings import ProcessSettings

    summary = read_json(run.final.summary) or {}
    video = Path(summary["video"]["path"])
    if not video.is_file():
        raise BadInput(f"the video is not at {video} any more: process it from where it is now, in the terminal")
    return video, ProcessSettings.model_validate(summary["settings"])


def _held(workspace: Path) -> bool:
    """Whether another command is writing in the workspace."""
    path = workspace / ".lock"
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def job_json(job: Job) -> dict[str, Any]:
    """As the page hears it."""
    return {"type": "job", **asdict(job)}
