"""Creating, opening and closing projects; who may have one open."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.store.collecting import comparisons, prompts, verdicts
from app.store.errors import AlreadyOpen, NoSuchProject, ProjectExists, StoreError
from app.store.project import Project, create_project, open_or_create, open_project, open_reader
from app.store.schema.migrations import APPLICATION_ID, STEPS
from tests.store.makers import comparison, prompt, traces

HOLD = """
import sys
from pathlib import Path
from app.store.project import open_project
project = open_project(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_new_project_has_the_starter_prompts_and_opens_again(path: Path) -> None:
    project = create_project(path)
    total = prompts.counts(project).total
    project.close()
    assert total >= 72
    again = open_project(path)
    assert prompts.counts(again).total == total
    assert again.writable
    again.close()


def test_closing_leaves_one_file_and_the_lock(path: Path) -> None:
    create_project(path, with_starter_prompts=False).close()
    assert set(traces(path.parent)) == {"demo.dpo"}


def test_runs_lie_beside_the_project(project: Project, path: Path) -> None:
    assert project.runs_dir == path.parent / "demo.runs"
    assert not project.runs_dir.exists()


def test_the_file_says_what_it_is(project: Project, path: Path) -> None:
    assert project.db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert project.db.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
    project.close()
    assert path.read_bytes()[68:72] == b"DPOS"


def test_the_writer_is_durable(project: Project) -> None:
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}
    assert {name: project.db.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas} == pragmas
    assert project.db.execute("PRAGMA busy_timeout").fetchone()[0] >= 1000


def test_foreign_keys_hold(project: Project) -> None:
    with pytest.raises(StoreError):
        comparisons.add_comparison(project, 12345, (None, None), swapped=False)  # type: ignore[arg-type]
    assert project.db.table("comparisons").count == 0


def test_nothing_is_replaced(path: Path) -> None:
    path.write_bytes(b"something of the person's own")
    with pytest.raises(ProjectExists, match="was not replaced"):
        create_project(path)
    assert path.read_bytes() == b"something of the person's own"


def test_a_failed_creation_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(project: Project) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.store.collecting.starter.add_starter_prompts", fail)
    with pytest.raises(StoreError, match="disk is full"):
        create_project(path)
    assert traces(path.parent) == {}
    monkeypatch.undo()
    create_project(path).close()


def test_what_a_killed_creation_left_is_removed(path: Path) -> None:
    ours = [path.with_name(f".demo.dpo.0123abcd.new{end}") for end in ("", "-wal", "-shm")]
    others = [path.with_name(name) for name in (".demo.dpo.new", ".other.dpo.0123abcd.new", "demo.txt")]
    for file in ours + others:
        file.touch()
    create_project(path, with_starter_prompts=False).close()
    assert not any(file.exists() for file in ours)
    assert all(file.exists() for file in others)


def test_the_log_of_a_deleted_project_does_not_get_into_a_new_one(path: Path) -> None:
    log = path.with_name("demo.dpo-wal")
    log.write_bytes(b"old frames")
    project = create_project(path, with_starter_prompts=False)
    assert prompts.counts(project).total == 0
    project.close()
    assert [file.read_bytes() for file in path.parent.glob("demo.dpo-wal.*.old")] == [b"old frames"]


def test_open_or_create(path: Path) -> None:
    project = open_or_create(path)
    prompt(project, "A prompt of my own")
    total = prompts.counts(project).total
    project.close()
    again = open_or_create(path)
    assert prompts.counts(again).total == total
    again.close()


def test_missing(path: Path) -> None:
    with pytest.raises(NoSuchProject):
        open_project(path)
    with pytest.raises(NoSuchProject):
        open_reader(path)
    assert traces(path.parent) == {}


def test_two_in_one_process(project: Project, path: Path) -> None:
    with pytest.raises(AlreadyOpen, match="already open"):
        open_project(path)
    project.close()
    open_project(path).close()


def test_a_link_is_the_same_project(project: Project, path: Path) -> None:
    link = path.with_name("link.dpo")
    link.symlink_to(path)
    with pytest.raises(AlreadyOpen):
        open_project(link)


def test_two_processes_and_a_killed_one(path: Path) -> None:
    create_project(path, with_starter_prompts=False).close()
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(AlreadyOpen, match=r"demo\.dpo is already open"):
            open_project(path)
        child.kill()
        child.wait()
    assert path.with_name(".demo.dpo.lock").exists()
    open_project(path).close()


def test_closing_twice_is_closing_once(project: Project, path: Path) -> None:
    project.close()
    project.close()
    open_project(path).close()


def test_a_reader_sees_what_is_saved_from_another_thread(project: Project, path: Path) -> None:
    reader = open_reader(path)
    one = comparison(project)
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(verdicts.counts(reader).preferences))
    thread.start()
    thread.join()
    assert seen == [1]
    reader.close()


def test_a_reader_cannot_write(project: Project, path: Path) -> None:
    reader = open_reader(path)
    assert not reader.writable
    with pytest.raises(StoreError, match="No permission"):
        prompt(reader, "Hello?")
    reader.close()
    assert prompts.counts(project).total == 0


def test_a_reader_needs_no_writer(path: Path) -> None:
    create_project(path).close()
    reader = open_reader(path)
    assert prompts.counts(reader).total >= 72
    reader.close()
    open_project(path).close()


def test_names_with_signs_that_mean_something_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "été #1 100%?mode=ro {x}.dpo"
    create_project(path).close()
    reader = open_reader(path)
    assert prompts.counts(reader).total >= 72
    reader.close()


def test_the_store_needs_neither_qt_nor_torch_nor_pandas() -> None:
    code = (
        "import sys, app.store.writer, app.store.project, app.store.training.scores\n"
        "print([name for name in ('torch', 'PySide6', 'pandas', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
