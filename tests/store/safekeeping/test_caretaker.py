"""Who looks after an open project: regular backups when something changed, and a check of large files."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.store.collecting import verdicts
from app.store.connection import PAGE_BYTES
from app.store.errors import AlreadyOpen, ProjectDamaged, StoreError, StoreFull
from app.store.project import Project
from app.store.safekeeping import backups, caretaker, health
from app.store.safekeeping.caretaker import Caretaker, Listener, back_up_closed
from tests.store.makers import comparison


class Heard:
    """What a caretaker told, and a way to wait for it."""

    def __init__(self) -> None:
        self.damaged: list[ProjectDamaged] = []
        self.failed: list[StoreError] = []
        self.told = threading.Semaphore(0)

    def deliver(self, callback: Callable[[], None]) -> None:
        callback()
        self.told.release()

    def wait(self) -> None:
        assert self.told.acquire(timeout=20)


Start = Callable[..., Caretaker]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def start(path: Path, heard: Heard) -> Iterator[Start]:
    made: list[Caretaker] = []

    def start(every: float = 1000.0) -> Caretaker:
        listener = Listener(damaged=heard.damaged.append, failed=heard.failed.append)
        made.append(Caretaker(path, heard.deliver, listener, every=every))
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator["threading.Semaphore"]:
    """Released with each backup that is finished."""
    finished = threading.Semaphore(0)
    real = backups.back_up

    def back_up(*arguments: object, **named: object) -> backups.Backup:
        backup = real(*arguments, **named)  # type: ignore[arg-type]
        finished.release()
        return backup

    monkeypatch.setattr(caretaker, "back_up", back_up)
    return finished


def judge(project: Project) -> None:
    one = comparison(project, "More?")
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)


def test_a_backup_when_something_changed_and_only_then(
    project: Project, path: Path, start: Start, made: threading.Semaphore
) -> None:
    one = start(every=0.02)
    assert made.acquire(timeout=20)
    judge(project)
    assert made.acquire(timeout=20)
    # With nothing new there is none in the time of ten looks; a later change is noticed again.
    assert not made.acquire(timeout=0.2)
    one.stop()
    newest = backups.backups_of(path)[0]
    assert backups.contents_of(newest).verdicts == 1 and newest.why == "regular"


def test_asked_for(project: Project, path: Path, start: Start, heard: Heard) -> None:
    done: list[backups.Backup] = []
    start().back_up_now(done.append, heard.failed.append)
    heard.wait()
    assert done == backups.backups_of(path) and done[0].why == "asked"


def test_a_backup_that_fails_is_told_once(
    project: Project, start: Start, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Semaphore(0)

    def full(*arguments: object, **named: object) -> None:
        tried.release()
        raise StoreFull("There is no room for a backup.")

    monkeypatch.setattr(caretaker, "back_up", full)
    start(every=0.01)
    for _ in range(4):
        assert tried.acquire(timeout=20)
    assert [str(error) for error in heard.failed] == ["There is no room for a backup."]


def test_damage_in_a_large_file_is_found_while_it_is_open(
    project: Project, path: Path, start: Start, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        comparison(project, f"{number} " + "long " * 300)
    project.close()
    content = bytearray(path.read_bytes())
    content[PAGE_BYTES * 60 : PAGE_BYTES * 70] = b"\x5a" * (PAGE_BYTES * 10)
    path.write_bytes(content)
    monkeypatch.setattr(health, "WHOLE_AT_ONCE", 0)
    start()
    heard.wait()
    assert "is damaged" in str(heard.damaged[0]) and heard.damaged[0].detail


def test_a_sound_large_file_is_no_news(
    project: Project, start: Start, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "WHOLE_AT_ONCE", 0)
    done: list[backups.Backup] = []
    start().back_up_now(done.append, heard.failed.append)
    heard.wait()
    assert done and not heard.damaged and not heard.failed


def test_after_it_stopped_closing_leaves_one_file(project: Project, path: Path, start: Start) -> None:
    one = start()
    judge(project)
    one.stop()
    project.close()
    assert sorted(file.name for file in path.parent.iterdir() if file.is_file()) == [
        ".demo.dpo.lock",
        "demo.dpo",
    ]


def test_the_backup_at_closing(project: Project, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AlreadyOpen):
        back_up_closed(path)
    judge(project)
    project.close()
    made = back_up_closed(path)
    assert made is not None and backups.contents_of(made).verdicts == 1
    assert back_up_closed(path) is None
    monkeypatch.setattr(caretaker, "LARGE", 0)
    monkeypatch.setattr(caretaker, "_is_backed_up", lambda path, within=0.0: within > 0)
    assert back_up_closed(path) is None


def test_a_project_damaged_at_closing_is_not_backed_up(project: Project, path: Path) -> None:
    for number in range(60):
        comparison(project, f"{number} " + "long " * 300)
    project.close()
    good = back_up_closed(path)
    content = bytearray(path.read_bytes())
    content[PAGE_BYTES * 60 : PAGE_BYTES * 70] = b"\x5a" * (PAGE_BYTES * 10)
    path.write_bytes(content)
    later = path.stat().st_mtime + 10
    os.utime(path, (later, later))
    with pytest.raises(ProjectDamaged):
        back_up_closed(path)
    assert backups.backups_of(path) == [good]
