"""What lies on the desk: a run's tracks as they were made, cut and joined as somebody said, and their crops."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tracker.crops import crops_of_tracks, track_of_folder
from tracker.hand_labels import HandLabels, tracks_key
from tracker.run import Run, write_json
from tracker.tables import TRACKS, read_csv


@dataclass(frozen=True)
class Piece:
    """A track, or what of one lies before or after a cut."""

    first_frame: int
    last_frame: int
    first_s: float
    last_s: float
    rows: slice
    """Of `RunTracks.frame`."""


@dataclass(frozen=True)
class RunTracks:
    """Every box of a run's tracks, by track and frame, and the files of its crops.

    Arrays, not lists: what waits for the next click in a hundred thousand Python objects is gone through again by every
    garbage collection.
    """

    frame: NDArray[np.int64]
    """`(N,)`."""
    time_s: NDArray[np.float64]
    """`(N,)`."""
    whole: Mapping[int, Piece]
    """Every track, uncut."""
    files: Mapping[int, list[Path]]
    """Track → its crops, by frame."""

    def pieces(self, labels: HandLabels) -> dict[int, Piece]:
        """Every track and part of a track."""
        found = {track: piece for track, piece in self.whole.items() if track not in labels.cuts}
        for track, parts in labels.cuts.items():
            if track not in self.whole:
                continue
            rows = self.whole[track].rows
            cuts = np.searchsorted(self.frame[rows], [frame for frame, _ in parts]) + rows.start
            bounds = [rows.start, *cuts.tolist(), rows.stop]
            for part, start, stop in zip([track, *(part for _, part in parts)], bounds[:-1], bounds[1:], strict=True):
                if stop > start:
                    found[part] = _piece(self.frame, self.time_s, slice(start, stop))
        return found

    def crops(self, labels: HandLabels) -> dict[int, list[Path]]:
        """The crop files of every card, by frame: those of all that were joined to it."""
        moved = {track for track in self.files if track in labels.cuts or track in labels.joined}
        found = {track: files for track, files in self.files.items() if track not in moved}
        more: dict[int, list[Path]] = {}
        for track in moved:
            for file in self.files[track]:
                more.setdefault(labels.head(labels.part(track, int(file.stem))), []).append(file)
        for card, files in more.items():
            found[card] = sorted([*found.get(card, []), *files], key=lambda file: file.name)
        return found

    def picture(self, name: str) -> Path | None:
        """The crop of that `TRACK/FRAME`, None where there is none."""
        track = name.partition("/")[0]
        files = self.files.get(int(track), []) if track.isdecimal() else []
        return next((file for file in files if picture_name(file) == name), None)

    def together_s(self, one: Iterable[Piece], other: Iterable[Piece]) -> NDArray[np.float64]:
        """The times at which both are in the picture, in order."""
        mine, theirs = self._rows(one), self._rows(other)
        _, where, _ = np.intersect1d(self.frame[mine], self.frame[theirs], return_indices=True)
        return self.time_s[mine[where]]

    def _rows(self, pieces: Iterable[Piece]) -> NDArray[np.intp]:
        return np.concatenate([np.arange(piece.rows.start, piece.rows.stop) for piece in pieces])


def read_tracks(run: Run) -> RunTracks:
    """Read a finished run's table of tracks and the names of its crops."""
    table = read_csv(TRACKS, _table(run)).select("track_id", "frame", "time_s").sort("track_id", "frame")
    ids, frame, time_s = (table[name].to_numpy() for name in table.columns)
    tracks, starts = np.unique(ids, return_index=True)
    rows = [slice(start, stop) for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(ids)], strict=True)]
    whole = {track: _piece(frame, time_s, of) for track, of in zip(tracks.tolist(), rows, strict=True)}
    crops = crops_of_tracks(run.final.crops)
    return RunTracks(frame, time_s, whole, {track: files for track, files in crops.items() if track in whole})


def picture_name(file: Path) -> str:
    """`TRACK/FRAME` of a crop, by which the page asks for it: the same whatever is cut and joined meanwhile."""
    return f"{track_of_folder(file.parent)}/{int(file.stem)}"


def tracks_stamp(run: Run) -> tuple[int, int]:
    """Another one whenever the table of tracks was written anew."""
    found = _table(run).stat()
    return found.st_mtime_ns, found.st_ino


def recorded_key(run: Run) -> str:
    """The fingerprint of a run's tracks in its run.json; where an earlier version left none, it is written there, since
    people may be erased from the tables later."""
    summary = run.summary() or {}
    if not isinstance(summary.get("tracks_key"), str):
        table = read_csv(TRACKS, _table(run))
        summary["tracks_key"] = tracks_key(table["track_id"].to_numpy(), table["frame"].to_numpy())
        write_json(run.final.summary, summary)
    return str(summary["tracks_key"])


def _piece(frame: NDArray[np.int64], time_s: NDArray[np.float64], rows: slice) -> Piece:
    first, last = rows.start, rows.stop - 1
    return Piece(int(frame[first]), int(frame[last]), float(time_s[first]), float(time_s[last]), rows)


def _table(run: Run) -> Path:
    return run.final.folder / "tracks.csv"
