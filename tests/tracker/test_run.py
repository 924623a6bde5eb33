"""Names, locks and publishing of runs."""

import threading
from pathlib import Path

import pytest

from classifier.errors import BadInput, CleansheetError
from tracker.run import Run, exchanged, find_run, locked, read_json, run_name, write_json


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "../up", "/root", ".hidden", "x.partial", "a\\b"])
def test_a_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="--name"):
        run_name(Path("match.mp4"), name)


def test_a_run_is_named_after_its_video() -> None:
    assert run_name(Path("/films/Saturday 3-2.mp4"), None) == "Saturday 3-2"


def test_publishing_replaces_the_earlier_run_whole(tmp_path: Path) -> None:
    run = Run(tmp_path, "match")
    for text in ("first", "second"):
        run.partial.folder.mkdir(parents=True)
        (run.partial.folder / f"{text}.txt").write_text(text)
        run.publish()
    assert [path.name for path in run.final.folder.iterdir()] == ["second.txt"]
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["match"]


def test_a_run_that_is_replaced_is_there_at_every_moment(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.write_text("")
    if not exchanged(one, other):
        pytest.skip("this system or its disk cannot exchange two names in one step")
    assert other.is_dir()
    run = Run(tmp_path, "match")
    missing, over = [], threading.Event()

    def watch() -> None:
        while not over.is_set():
            missing.append(not run.final.summary.exists())

    watcher = threading.Thread(target=watch)
    for turn in range(100):
        run.partial.folder.mkdir(parents=True)
        write_json(run.partial.summary, {"turn": turn})
        run.publish()
        if not turn:
            watcher.start()
    over.set()
    watcher.join()
    assert run.summary() == {"turn": 99}
    assert len(missing) > 10
    assert not any(missing)


def test_where_names_cannot_be_exchanged_the_old_run_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.run.exchanged", lambda *_: False)
    test_publishing_replaces_the_earlier_run_whole(tmp_path)


def test_two_processes_cannot_work_on_one_run(tmp_path: Path) -> None:
    run = Run(tmp_path, "match")
    with locked(run), pytest.raises(CleansheetError, match="another command"), locked(run):
        pass
    with locked(run):
        pass


def test_an_unknown_run_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is none yet"):
        find_run(tmp_path, "nothing")
    known = Run(tmp_path, "saturday")
    known.final.folder.mkdir(parents=True)
    write_json(known.final.summary, {"complete": True})
    with pytest.raises(BadInput, match="there are: saturday"):
        find_run(tmp_path, "sunday")
    assert find_run(tmp_path, "saturday") == known
    assert find_run(Path("elsewhere"), str(known.final.folder)).final.folder == known.final.folder.resolve()


def test_an_unfinished_run_is_told_as_such(tmp_path: Path) -> None:
    Run(tmp_path, "match").partial.folder.mkdir(parents=True)
    with pytest.raises(BadInput, match="not finished"):
        find_run(tmp_path, "match")


def test_a_torn_json_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"a": 1')
    assert read_json(tmp_path / "torn.json") is None
    assert read_json(tmp_path / "missing.json") is None
