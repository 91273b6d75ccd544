"""Restoring: the project is the old one or the new one, and the one that was there is kept."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.store.collecting import verdicts
from app.store.connection import PAGE_BYTES
from app.store.errors import AlreadyOpen, ProjectDamaged, StoreFull
from app.store.project import Project, open_project, open_reader
from app.store.safekeeping import backups, restore
from tests.store.makers import comparison


@pytest.fixture
def backup(project: Project, path: Path) -> backups.Backup:
    """Of a project with one verdict, which has a second one since."""
    for text in ("first", "second"):
        comparison(project, text)
    verdicts.give_verdict(project, 1, "left", strength=1, annotator="me", seconds=1.0)
    made = backups.back_up(path, project.db, why="asked")
    verdicts.give_verdict(project, 2, "right", strength=1, annotator="me", seconds=1.0)
    return made


def judged(path: Path) -> int:
    reader = open_reader(path)
    try:
        return verdicts.counts(reader).preferences
    finally:
        reader.close()


def test_the_backup_is_back_and_the_present_is_kept(
    project: Project, path: Path, backup: backups.Backup
) -> None:
    project.close()
    aside = restore.restore(path, backup)
    assert aside is not None and aside.parent == path.parent and "set aside" in aside.name
    assert (judged(path), judged(aside)) == (1, 2)
    again = open_project(path)
    verdicts.give_verdict(again, 2, "tie", strength=1, annotator="me", seconds=1.0)
    again.close()
    assert judged(backup.path) == 1
    assert [name for name in files(path) if name.startswith(".")] == [".demo.dpo.lock"]


def test_what_a_crash_left_in_the_log_is_kept_too(
    project: Project, path: Path, backup: backups.Backup, tmp_path: Path
) -> None:
    """The present file is set aside with the verdicts that were only in its log."""
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("demo.dpo", "demo.dpo-wal"):
        (crashed / name).write_bytes(path.with_name(name).read_bytes())
    aside = restore.restore(crashed / "demo.dpo", backup)
    assert aside is not None
    assert (judged(crashed / "demo.dpo"), judged(aside)) == (1, 2)


def test_an_open_project_is_not_touched(project: Project, path: Path, backup: backups.Backup) -> None:
    with pytest.raises(AlreadyOpen):
        restore.restore(path, backup)
    assert judged(path) == 2


def test_a_damaged_backup_is_refused(project: Project, path: Path, backup: backups.Backup) -> None:
    project.close()
    content = bytearray(backup.path.read_bytes())
    content[PAGE_BYTES * 3 : PAGE_BYTES * 12] = b"\x5a" * (PAGE_BYTES * 9)
    backup.path.write_bytes(content)
    before = files(path)
    with pytest.raises(ProjectDamaged, match="Nothing was changed"):
        restore.restore(path, backup)
    assert files(path) == before


def test_a_deleted_project_comes_back(project: Project, path: Path, backup: backups.Backup) -> None:
    project.close()
    path.unlink()
    path.with_name("demo.dpo-wal").write_bytes(b"the log of the one that is gone")
    assert restore.restore(path, backup) is None
    assert judged(path) == 1


def test_a_damaged_project_is_set_aside_with_its_log(
    project: Project, path: Path, backup: backups.Backup
) -> None:
    project.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\x5a" * 3996
    path.write_bytes(content)
    path.with_name("demo.dpo-wal").write_bytes(b"torn")
    aside = restore.restore(path, backup)
    assert aside is not None and aside.read_bytes() == bytes(content)
    assert judged(path) == 1


def test_a_full_disk(
    project: Project, path: Path, backup: backups.Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.close()
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 2**20}))
    before = files(path)
    with pytest.raises(StoreFull, match="no room for another copy"):
        restore.restore(path, backup)
    assert files(path) == before


_RESTORE = """
import os
import sys
from pathlib import Path
from app.store.safekeeping import backups, restore
path, moment = Path(sys.argv[1]), int(sys.argv[2])
steps = 0
def stop(event, arguments):
    # Every call that changes a name or flushes something is a moment to die at.
    global steps
    if event in ("os.rename", "os.remove") or event == "open" and "dpo" in str(arguments[0]):
        steps += 1
        if steps > moment:
            os._exit(9)
sys.addaudithook(stop)
restore.restore(path, backups.backups_of(path)[0])
print("done")
"""


def test_killed_at_any_step(project: Project, path: Path, backup: backups.Backup) -> None:
    """The project is whole and one of the two; what was saved last is in it, or in the file set aside."""
    project.close()
    original = path.read_bytes()
    for moment in range(100):
        path.write_bytes(original)
        for file in path.parent.glob("*set aside*"):
            file.unlink()
        done = subprocess.run(
            [sys.executable, "-c", _RESTORE, str(path), str(moment)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[3],
            check=False,
        )
        asides = [file for file in path.parent.glob("*set aside*.dpo") if not file.name.startswith(".")]
        found = judged(path)
        assert found == 2 or (found == 1 and [judged(aside) for aside in asides] == [2])
        if done.stdout == "done\n":
            break
    else:
        raise AssertionError("it never came to an end")
    assert moment >= 6
    assert (judged(path), len(asides)) == (1, 1)
    open_project(path).close()
    assert not list(path.parent.glob(".demo.dpo.*.restored*"))


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
