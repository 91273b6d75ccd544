"""Backups: whole, checked, thinned, never over one another, and nobody waits for one."""

import itertools
import threading
from pathlib import Path

import pytest

from app.store.collecting import comparisons, verdicts
from app.store.connection import PAGE_BYTES, connect
from app.store.errors import Cancelled, ProjectDamaged, StoreError, StoreFull
from app.store.project import Project, open_project
from app.store.safekeeping import backups
from tests.store.makers import comparison


def test_a_backup_holds_what_is_still_in_the_log(project: Project, path: Path) -> None:
    one = comparison(project)
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    comparison(project, "later")
    backup = backups.back_up(path, project.db)
    assert backups.contents_of(backup) == backups.Contents(prompts=2, verdicts=1)
    copy = open_project(backup.path)
    assert comparisons.waiting_count(copy) == 1
    copy.close()


def test_what_for_and_several_in_a_second(project: Project, path: Path) -> None:
    made = [backups.back_up(path, project.db, why=why) for why in ("import", "regular", "regular", "merge")]
    assert sorted(backups.backups_of(path), key=lambda one: (one.at, one.number)) == made
    assert [one.why for one in made] == ["import", "regular", "regular", "merge"]
    assert all(one.size == one.path.stat().st_size > 0 for one in made)


def test_old_backups_go_and_other_projects_keep_theirs(project: Project, path: Path) -> None:
    folder = backups.folder_of(path)
    folder.mkdir()
    others = [
        "demo-2-20250101-000000.dpo",
        "demo.txt",
        "my-demo-20250101-000000.dpo",
        "demo-20251399-000000.dpo",
    ]
    for name in others:
        (folder / name).touch()
    for hour in range(24):
        for day in range(1, 3):
            (folder / f"demo-202501{day:02}-{hour:02}0000.dpo").touch()
    new = backups.back_up(path, project.db)
    kept = [backup.path.name for backup in backups.backups_of(path)]
    assert kept == [new.path.name, "demo-20250102-230000.dpo", "demo-20250101-230000.dpo"]
    assert all((folder / name).exists() for name in others)


def test_no_older_one_goes_before_the_new_one_is_safe(
    project: Project, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = backups.folder_of(path)
    folder.mkdir()
    old = [folder / f"demo-20250101-{hour:02}0000.dpo" for hour in range(24)]
    for file in old:
        file.touch()

    def refuse(copy: Path, cancelled: object) -> None:
        raise ProjectDamaged("The backup came out damaged.")

    monkeypatch.setattr(backups, "_verify", refuse)
    with pytest.raises(ProjectDamaged):
        backups.back_up(path, project.db)
    assert sorted(folder.iterdir()) == old


def test_a_damaged_project_makes_no_backup(project: Project, path: Path) -> None:
    """Found in the copy, which equals the project page for page."""
    for number in range(50):
        comparison(project, f"{number} " + "long " * 500)
    good = backups.back_up(path, project.db)
    project.close()
    content = bytearray(path.read_bytes())
    content[PAGE_BYTES * 40 : PAGE_BYTES * 60] = b"\x5a" * (PAGE_BYTES * 20)
    path.write_bytes(content)
    db = connect(path, "ro")
    with pytest.raises(ProjectDamaged, match="damaged"):
        backups.back_up(path, db)
    db.close()
    assert backups.backups_of(path) == [good]
    assert [file.name for file in backups.folder_of(path).iterdir()] == [good.path.name]


def test_what_a_killed_backup_left_is_removed(project: Project, path: Path) -> None:
    folder = backups.folder_of(path)
    folder.mkdir()
    (folder / "demo-20250101-000000.part").write_bytes(b"half")
    (folder / "other-20250101-000000.part").write_bytes(b"half")
    new = backups.back_up(path, project.db)
    assert {file.name for file in folder.iterdir()} == {new.path.name, "other-20250101-000000.part"}


def test_a_backup_that_is_no_longer_wanted_leaves_nothing(
    project: Project, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        comparison(project, f"{number} " + "long " * 4000)

    for asked in (1, 2):  # while it is copied, and while the copy is checked
        answers = iter([False] * (asked - 1))
        monkeypatch.setattr(backups, "_INSTRUCTIONS", 100)
        with pytest.raises(Cancelled):
            backups.back_up(path, project.db, cancelled=lambda left=answers: next(left, True))
        assert list(backups.folder_of(path).iterdir()) == []
    assert not project.db.conn.in_transaction
    backups.back_up(path, project.db)


def test_no_room_is_said_before_the_disk_is_full(
    project: Project, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 2**20}))
    with pytest.raises(StoreFull, match="no room for a backup"):
        backups.back_up(path, project.db)
    assert list(backups.folder_of(path).iterdir()) == []


def test_verdicts_are_saved_while_a_backup_is_made(project: Project, path: Path) -> None:
    """The copy is of one moment, is made once, and the writer does not wait for it."""
    for number in range(60):
        comparison(project, f"{number} " + "long " * 4000)
    one = comparison(project)
    db = connect(path, "ro")
    steps = itertools.count()

    def judge() -> bool:
        # The writer is this thread: it would wait for itself if the copy held anything that it needs.
        next(steps)
        for side in ("left", "right"):
            verdicts.give_verdict(project, one.id, side, strength=1, annotator="me", seconds=1.0)
        return False

    given: list[backups.Backup] = []
    thread = threading.Thread(target=lambda: given.append(backups.back_up(path, db, cancelled=judge)))
    thread.start()
    thread.join(30)
    db.close()
    assert backups.contents_of(given[0]).verdicts == 0
    number = next(steps)
    assert number >= 1
    assert len(verdicts.history(project, one.id)) == 2 * number


def test_a_backup_that_is_gone_is_told(project: Project, path: Path) -> None:
    backup = backups.back_up(path, project.db)
    backup.path.unlink()
    with pytest.raises(StoreError, match=f"reading {backup.path.name} did not succeed"):
        backups.contents_of(backup)
    assert backups.backups_of(path) == []
