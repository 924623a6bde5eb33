"""The runs of a workspace, as `classifier.forgetting` asks for them."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from classifier.atomic_file import remove
from classifier.erasure import RunsErased


class ErasableRuns:
    """Takes people out of processed videos."""

    def tracks(
        self, workspace: Path, locations: Iterable[str], players: Collection[str]
    ) -> tuple[tuple[str, int], ...]:
        """Run and track of the crops from these places, and of those that some run's labels.csv gives these players."""
        from tracker.run_erasure import tracks_of_players, tracks_of_sources

        found = {*tracks_of_sources(workspace, locations), *tracks_of_players(workspace, players)}
        return tuple((track.run, track.track) for track in sorted(found))

    def people(self, workspace: Path) -> frozenset[str]:
        """Everybody who was named on the labelling page."""
        from tracker.hand_labels import people_named

        return people_named(workspace)

    def erase(
        self, workspace: Path, tracks: Sequence[tuple[str, int]], *, players: Collection[str], totals: str,
        redact: bool,
    ) -> RunsErased:  # fmt: skip
        """Take tracks out of runs, and tracks and names out of the labels; doing it twice is doing it once.

        Frames of videos that were kept to look at a calibration go as well, whoever is on them.
        """
        from tracker.calibrating import CALIBRATION_PICTURES

        for picture in sorted((workspace / CALIBRATION_PICTURES).glob("*")):
            remove(picture)
        if not (tracks or players):
            return RunsErased()
        from tracker.hand_labels import erase_labels
        from tracker.run_erasure import RunTrack, erase_tracks

        done = erase_tracks(
            workspace, [RunTrack(*track) for track in tracks], totals="keep" if totals == "keep" else "recompute",
            redact=redact,
        )  # fmt: skip
        erase_labels(workspace, tracks, players)
        return RunsErased(
            runs=len(done),
            tracks=sum(len(run.tracks) for run in done),
            rows=sum(run.rows for run in done),
            crops=sum(run.crops for run in done),
            videos_redacted=sum(run.video_redacted for run in done),
            videos_kept=tuple(f"{run.run}/{video}" for run in done for video in run.videos_kept),
        )

    def relabel(self, workspace: Path, locations: Iterable[str], team: str | None, player: str | None) -> None:
        """Correct the labels of the tracks that the crops from these places belong to."""
        from tracker.hand_labels import relabel_tracks
        from tracker.run_erasure import tracks_of_sources

        found = tracks_of_sources(workspace, locations)
        relabel_tracks(workspace, [(each.run, each.track) for each in found], team, player)
