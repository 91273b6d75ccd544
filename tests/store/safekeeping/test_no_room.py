"""Every act on a disk that is full, or gets full in the middle: a sentence, nothing lost, and on it goes.

The disk is one of its own where it can be mounted (Linux, as root); elsewhere no file may grow beyond a size.
"""

import json
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.store.collecting import verdicts
from app.store.connection import connect
from app.store.errors import StoreError
from app.store.exchange import importing, merging
from app.store.exchange.preview import look
from app.store.project import Project, create_project, open_project, open_reader
from app.store.safekeeping import backups
from app.store.safekeeping.caretaker import back_up_closed
from app.store.safekeeping.restore import restore
from app.store.safekeeping.salvage import salvaging
from tests.store.makers import comparison
from tests.store.old_projects import DATA, VERDICTS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")

JUDGED = 40
ROOMS = (0, 40_000, 200_000, 700_000)
"""Bytes that are free on the disk, or by which a file may grow."""
_DISK = 24 * 2**20


class Disk:
    """A folder and how much more goes into it."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted

    @contextmanager
    def with_room(self, room: int) -> Iterator[None]:
        if self.mounted:
            filler = self.folder / "filler"
            left = os.statvfs(self.folder)
            filler.write_bytes(bytes(max(0, left.f_bavail * left.f_frsize - room)))
            try:
                yield
            finally:
                filler.unlink()
        else:
            import resource

            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            largest = max(file.stat().st_size for file in self.folder.iterdir() if file.is_file())
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 4 + room, hard))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def mount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    found = shutil.which("mount")
    if found is None or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


@pytest.fixture(params=["mounted", "limited"])
def disk(request: pytest.FixtureRequest, mount: Path | None, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "limited":
        yield Disk(tmp_path, mounted=False)
        return
    if mount is None:
        pytest.skip("nothing can be mounted here")
    yield Disk(mount, mounted=True)
    for file in mount.iterdir():
        shutil.rmtree(file) if file.is_dir() else file.unlink()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "demo.dpo"
    project = create_project(path, with_starter_prompts=False)
    for number in range(JUDGED):
        one = comparison(project, f"{number} " + "long " * 1500)
        verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    project.close()
    return path


@pytest.fixture
def path(disk: Disk, template: Path) -> Path:
    path = disk.folder / "demo.dpo"
    shutil.copy(template, path)
    return path


@pytest.fixture(autouse=True)
def no_look_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of the disk before a copy is made knows nothing of these limits."""
    usage = type("Usage", (), {"free": 2**40})
    monkeypatch.setattr(backups.shutil, "disk_usage", lambda folder: usage)


def _opened(path: Path, act: Callable[[Project], object]) -> None:
    project = open_project(path)
    try:
        act(project)
    finally:
        project.close()


def _judge(path: Path) -> None:
    def act(project: Project) -> None:
        for _ in range(300):
            verdicts.give_verdict(project, 1, "left", strength=1, annotator="me", seconds=1.0)

    _opened(path, act)


def _import(path: Path) -> None:
    file = _beside(path) / "pairs.jsonl"
    _opened(path, lambda project: importing.run(project, look(file), annotator="me"))


def _merge(path: Path) -> None:
    other = _beside(path) / "other.dpo"
    _opened(path, lambda project: merging.merge(project, other, annotator="me"))


def _back_up(path: Path) -> None:
    back_up_closed(path)


def _restore(path: Path) -> None:
    (backup,) = backups.backups_of(_beside(path) / "good.dpo")
    restore(path, backup)


def _salvage(path: Path) -> None:
    with salvaging(path) as (_, keep):
        keep()


def _create(path: Path) -> None:
    new = path.with_name("new.dpo")
    create_project(new).close()
    new.unlink()


def _beside(path: Path) -> Path:
    """A folder on a disk with room."""
    return path.parent.parent / "beside"


ACTS = (_judge, _import, _merge, _back_up, _restore, _salvage, _create)


@pytest.fixture
def beside(path: Path, template: Path) -> Iterator[None]:
    folder = _beside(path)
    folder.mkdir()
    shutil.copy(template, folder / "good.dpo")
    back_up_closed(folder / "good.dpo")
    other = create_project(folder / "other.dpo", with_starter_prompts=False)
    for number in range(100):
        comparison(other, f"other {number} " + "long " * 1500)
    other.close()
    rows = [{"prompt": f"{i} " + "new " * 2000, "chosen": "yes", "rejected": "no"} for i in range(200)]
    content = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "pairs.jsonl").write_text(content, encoding="utf-8")
    yield
    shutil.rmtree(folder)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__.strip("_"))
def test_full(disk: Disk, path: Path, beside: None, act: Callable[[Path], None]) -> None:
    refused = 0
    for room in ROOMS:
        before, whole = _counted(path), False
        with disk.with_room(room):
            try:
                act(path)
            except StoreError as error:
                refused += 1
                assert error.code in ("disk_full", "disk_trouble"), error.code
                assert "did not succeed" in str(error) or "no room" in str(error)
                assert str(error).endswith(".") and ("intact" in str(error) or "changed" in str(error))
                if act is not _judge:  # which is many acts
                    whole = True
        after = _counted(path)
        assert after["verdicts"] >= before["verdicts"]
        assert not whole or after == before
        for leftover in (*path.parent.glob("*set aside*"), *path.parent.glob("backups/*")):
            leftover.unlink()
    assert refused
    act(path)
    assert [name for name in _hidden(path) if not name.endswith("w.dpo.lock")] == [".demo.dpo.lock"]


def _counted(path: Path) -> dict[str, int]:
    """What is in the project, found sound, as somebody sees it who opens it now."""
    open_project(path).close()
    project = open_reader(path)
    tables = ("prompts", "candidates", "comparisons", "verdicts")
    counted = {table: project.db.table(table).count for table in tables}
    assert verdicts.counts(project).preferences >= JUDGED
    project.close()
    with closing(connect(path, "rw")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return counted


def _hidden(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir() if file.name.startswith("."))


def test_a_migration_that_finds_no_room(disk: Disk) -> None:
    """The older file is what it was, or up to date; each verdict is in it either way."""
    refused = 0
    for room in (*ROOMS, 3_000_000):
        path = disk.folder / f"old{room}.dpo"
        path.write_bytes(lzma.decompress((DATA / "version_4.dpo.xz").read_bytes()))
        with disk.with_room(room):
            try:
                open_project(path).close()
            except StoreError as error:
                refused += 1
                assert error.code in ("disk_full", "disk_trouble") and str(error).endswith(".")
        project = open_project(path)
        assert project.db.table("verdicts").count == VERDICTS[4]
        assert project.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        project.close()
        for file in (path, *path.parent.glob("backups/*")):
            file.unlink()
    assert 0 < refused <= len(ROOMS)
