"""The runs of a workspace, as `classifier.forgetting` asks for them."""

import csv
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from classifier.erasure import RunsErased


class ErasableRuns:
    """Takes people out of processed videos."""

    def tracks(
        self, workspace: Path, locations: Iterable[str], players: Collection[str]
    ) -> tuple[tuple[str, int], ...]:
        """Run and track of the crops from these places, and of those that some run's labels.csv gives these players."""
        if not (workspace / "runs").is_dir():
            return ()
        from tracker.run_erasure import tracks_of_sources

        found = {(t.run, t.track) for t in tracks_of_sources(workspace, locations)}
        return tuple(sorted(found | _labelled_as(workspace, players)))

    def erase(self, workspace: Path, tracks: Sequence[tuple[str, int]], *, totals: str, redact: bool) -> RunsErased:
        """Take tracks out of runs; doing it twice is doing it once."""
        if not tracks:
            return RunsErased()
        from tracker.run_erasure import RunTrack, erase_tracks

        done = erase_tracks(workspace, [RunTrack(*track) for track in tracks], totals=totals, redact=redact)
        return RunsErased(
            runs=len(done),
            tracks=sum(len(run.tracks) for run in done),
            rows=sum(run.rows for run in done),
            crops=sum(run.crops for run in done),
            videos_redacted=sum(run.video_redacted for run in done),
            videos_kept=tuple(f"{run.run}/{video}" for run in done for video in run.videos_kept),
        )


def _labelled_as(workspace: Path, players: Collection[str]) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for path in sorted((workspace / "runs").glob("*/crops/labels.csv")) if players else ():
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                names = {name.strip() for name in (row.get("player") or "").split(";")}
                track = (row.get("track") or "").strip()
                if names & set(players) and track.isdigit():
                    found.add((path.parent.parent.name, int(track)))
    return found
