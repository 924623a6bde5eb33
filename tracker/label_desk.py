"""The desk at which a run's tracks are labelled: all that can be asked and done there. It knows of no browsers."""

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from classifier.discovery import Labelled
from classifier.errors import BadInput, CleansheetError
from classifier.workspace import Workspace
from tracker import label_actions as actions
from tracker import label_joins as joins
from tracker.first_guess import Guesses
from tracker.hand_labels import HandLabels
from tracker.label_actions import Done, Given, touched
from tracker.label_board import board
from tracker.label_state import DeskState
from tracker.label_store import LabelStore
from tracker.run import Run
from tracker.run_tracks import Piece, recorded_key

ACTIONS: Mapping[str, Callable[[DeskState, Given], Done]] = {
    "team": actions.give_team, "aside": actions.set_aside, "unsay": actions.unsay, "name": actions.name_player,
    "join": joins.join, "cut": joins.cut, "rename-team": actions.rename_team, "colour": actions.colour_team,
    "add-team": actions.add_team, "person": actions.about_person,
}  # fmt: skip


class LabelDesk:
    """A run on the desk; it may be asked from several threads.

    Args:
        run: A finished run.
        store: The workspace's open store.

    Raises:
        BadInput: The store has labels of this run that were made for other tracks.
    """

    def __init__(self, run: Run, store: LabelStore) -> None:
        self.run = run
        self.store = store
        self.revision = 0
        """Grows with every change, so that of two boards it can be said which is newer."""
        self._state = DeskState(run, store)
        self._lock = threading.RLock()
        key, known = recorded_key(run), store.tracks_key(run.name)
        if known is None:
            store.begin_run(run.name, key)
        elif known != key:
            raise BadInput(
                f"the labels of {run.name!r} were made for other tracks than it has now; "
                f"`cleansheet label {run.name} --start-over` throws them away"
            )

    @property
    def guesses(self) -> Guesses:
        """Who plays for whom, perhaps."""
        return self._state.guesses

    @guesses.setter
    def guesses(self, guesses: Guesses) -> None:
        with self._lock:
            self._state.guesses = guesses
            self.revision += 1

    def changed_elsewhere(self) -> None:
        """Another process has written into the store."""
        with self._lock:
            self.revision += 1

    def labels(self) -> HandLabels:
        """What was said about this run so far."""
        with self._lock:
            return self._state.now().labels

    def pieces(self, labels: HandLabels) -> dict[int, Piece]:
        """Every track and part of a track."""
        with self._lock:
            return self._state.tracks().pieces(labels)

    def crops(self, labels: HandLabels) -> dict[int, list[Path]]:
        """The crop files of every card, by frame: those of all that were joined to it."""
        with self._lock:
            return self._state.tracks().crops(labels)

    def picture(self, name: str) -> Path:
        """The file of a crop, whichever card it is on.

        Raises:
            BadInput: There is none of that `TRACK/FRAME`.
        """
        with self._lock:
            found = self._state.tracks().picture(name)
        if found is None:
            raise BadInput(f"there is no picture {name!r}")
        return found

    def board(self, only: Iterable[int] | None = None) -> dict[str, Any]:
        """All that the page shows; of the cards only some, where given."""
        with self._lock:
            return board(self._state, self.revision, only)

    def labelled(self) -> list[Labelled]:
        """The crops of everybody who was given a team, as the catalog takes them in.

        People who withdrew their consent are left out.
        """
        with self._lock:
            now = self._state.now()
        labels, name, folder = now.labels, self.run.name, self.run.final.crops
        withdrawn = {person.name for person in now.people.values() if person.consent == "withdrawn"}
        return [
            Labelled(
                file.resolve(), f"{name}/{file.relative_to(folder).as_posix()}", labels.teams[card], "train",
                (labels.players[card],) if card in labels.players else (), f"{name}/track-{card}",
            )
            for card, files in sorted(now.layout.crops.items())
            if card in labels.teams and labels.players.get(card) not in withdrawn
            for file in files
        ]  # fmt: skip

    def act(self, what: str, given: Given) -> Done:
        """Do one thing.

        Raises:
            BadInput: There is no such action, card or team, or what is given makes no sense.
            CleansheetError: An erasure is under way.
        """
        if Workspace(self.run.workspace).journal.exists():
            raise CleansheetError("a player is being forgotten in this workspace just now: try again when that is done")
        if what not in ACTIONS:
            raise BadInput(f"unknown action {what!r}; expected one of {', '.join(ACTIONS)}")
        with self._lock:
            done = ACTIONS[what](self._state, given)
            self.revision += 1
            return done

    def undo(self) -> Done:
        """Take back the last action, whoever did it."""
        with self._lock:
            found = self.store.undo(self.run.name)
            if found is None:
                raise BadInput("there is nothing to undo")
            said, changes = found
            self._state.changed(changes)
            self.revision += 1
        return Done(f"undone: {said}", *touched(changes))
