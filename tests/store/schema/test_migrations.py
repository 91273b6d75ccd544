"""Bringing older files up to date: backed up first, step by step, nothing lost when a step fails."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from app.store.collecting import comparisons
from app.store.errors import NewerVersion, OlderVersion, ProjectDamaged, StoreError
from app.store.project import create_project, open_project, open_reader
from app.store.safekeeping import backups
from app.store.schema import migrations
from app.store.schema.migrations import STEPS
from tests.store.makers import comparison, traces


def notes(db: Database) -> None:
    db.executescript("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);")


def failing(db: Database) -> None:
    db.executescript("CREATE TABLE half_done (id INTEGER PRIMARY KEY); INSERT INTO nowhere VALUES (1);")


LONGER = (*STEPS, notes)


@pytest.fixture
def older(path: Path) -> Path:
    """A project of this version, which is an old one to whoever knows a further step."""
    project = create_project(path, with_starter_prompts=False)
    comparison(project)
    project.close()
    return path


def test_an_older_file_is_backed_up_and_migrated(older: Path) -> None:
    project = open_project(older, steps=LONGER)
    assert project.db.execute("PRAGMA user_version").fetchone() == (len(LONGER),)
    assert project.db.table("notes").exists()
    assert comparisons.waiting_count(project) == 1
    project.close()

    (backup,) = backups.backups_of(older)
    assert backup.path.parent == older.parent / "backups"
    assert backup.why == "migration"
    old = open_reader(backup.path)
    assert comparisons.waiting_count(old) == 1
    old.close()
    with pytest.raises(NewerVersion):
        open_project(older)


def test_nothing_is_backed_up_when_there_is_nothing_to_do(older: Path) -> None:
    open_project(older).close()
    assert backups.backups_of(older) == []
    assert set(traces(older.parent)) == {"demo.dpo"}


def test_a_failing_step_is_undone_and_the_file_still_opens(older: Path) -> None:
    with pytest.raises(StoreError, match="bringing the project up to date"):
        open_project(older, steps=(*LONGER, failing))
    assert len(backups.backups_of(older)) == 1
    project = open_project(older, steps=LONGER)
    assert project.db.execute("PRAGMA user_version").fetchone() == (len(LONGER),)
    assert not project.db.table("half_done").exists()
    assert comparisons.waiting_count(project) == 1
    project.close()


def test_no_backup_no_migration(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(copy: Path, cancelled: object) -> None:
        raise ProjectDamaged("The backup came out damaged.")

    monkeypatch.setattr(backups, "_verify", refuse)
    before = older.read_bytes()
    with pytest.raises(ProjectDamaged):
        open_project(older, steps=LONGER)
    assert older.read_bytes() == before
    assert list((older.parent / "backups").iterdir()) == []
    open_project(older).close()


def test_a_reader_refuses_what_was_not_migrated(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.project.STEPS", LONGER)
    with pytest.raises(OlderVersion, match="Open it as a project once"):
        open_reader(older)


def test_every_step_is_recorded_by_name() -> None:
    with closing(Database(memory=True)) as db:
        migrations.migrate(db)
        names = [row["name"] for row in db.query("SELECT name FROM _sqlite_migrations ORDER BY id")]
    assert names == [step.__name__ for step in STEPS]
