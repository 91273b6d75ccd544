"""Files that are no project, or one no longer: each refused with a sentence, and left as it was."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.store.collecting import comparisons, prompts, verdicts
from app.store.errors import NewerVersion, NoPermission, NotAProject, ProjectDamaged, StoreError
from app.store.project import Project, create_project, open_project, open_reader
from app.store.schema.migrations import APPLICATION_ID
from tests.store.makers import comparison, traces


def _text(path: Path) -> None:
    path.write_text("Dear diary, " * 100)


def _empty(path: Path) -> None:
    path.touch()


def _short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00")


def _folder(path: Path) -> None:
    path.mkdir()


def _other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE prompts (id INTEGER)")
        db.commit()


def _newer(path: Path) -> None:
    create_project(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 999")


def _truncated(path: Path) -> None:
    create_project(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _cut_to_the_header(path: Path) -> None:
    create_project(path).close()
    path.write_bytes(path.read_bytes()[:100])


def _garbage_in_the_middle(path: Path) -> None:
    create_project(path).close()
    content = bytearray(path.read_bytes())
    for page in range(4096, len(content), 3 * 4096):
        content[page : page + 2000] = bytes(range(256)) * 7 + bytes(208)
    path.write_bytes(content)


def _garbage_after_the_header(path: Path) -> None:
    create_project(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))


def _foreign_trigger(path: Path) -> None:
    create_project(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TRIGGER t AFTER INSERT ON verdicts BEGIN DELETE FROM verdicts; END")
        db.commit()


def _missing_table(path: Path) -> None:
    create_project(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE metrics")
        db.commit()


BAD: list[tuple[Callable[[Path], None], type[StoreError], str]] = [
    (_text, NotAProject, "no project of DPO Studio"),
    (_empty, NotAProject, "is empty"),
    (_short, NotAProject, "no project of DPO Studio"),
    (_folder, NotAProject, "not a file"),
    (_other_program, NotAProject, "belongs to another program"),
    (_newer, NewerVersion, "made by a newer version .* Update DPO Studio"),
    (_truncated, ProjectDamaged, "is damaged and was not opened"),
    (_cut_to_the_header, ProjectDamaged, "is damaged and was not opened"),
    (_garbage_in_the_middle, ProjectDamaged, "is damaged and was not opened"),
    (_garbage_after_the_header, ProjectDamaged, "is damaged and was not opened"),
    (_foreign_trigger, ProjectDamaged, "other tables"),
    (_missing_table, ProjectDamaged, "other tables"),
]


@pytest.mark.parametrize(("make", "error", "words"), BAD, ids=lambda value: getattr(value, "__name__", ""))
def test_refused_and_untouched(
    path: Path, make: Callable[[Path], None], error: type[StoreError], words: str
) -> None:
    make(path)
    before = {} if path.is_dir() else traces(path.parent)
    for _ in range(2):  # a refusal leaves no lock behind that would change the second answer
        with pytest.raises(error, match=words) as caught:
            open_project(path)
        assert str(caught.value).endswith(".")
        assert caught.value.code == error.code
    assert ({} if path.is_dir() else traces(path.parent)) == before


@pytest.mark.parametrize("make", [_text, _empty, _folder, _other_program, _newer, _cut_to_the_header])
def test_readers_refuse_them_too(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    with pytest.raises(StoreError):
        open_reader(path)


def test_a_loop_of_links_and_a_nul(tmp_path: Path) -> None:
    loop = tmp_path / "loop.dpo"
    loop.symlink_to(loop)
    for path in (loop, Path("a\0b.dpo")):
        with pytest.raises(StoreError):
            open_project(path)


def test_the_log_of_a_crash_is_read_before_judging(path: Path, tmp_path: Path) -> None:
    """A project whose last writes are still in the log opens with them, and a newer one there is refused."""
    project = create_project(path, with_starter_prompts=False)
    comparison(project)
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for file in path.parent.glob("demo.dpo*"):
        shutil.copy(file, crashed)
    project.db.execute("PRAGMA user_version = 999")
    newer = tmp_path / "newer"
    newer.mkdir()
    for name in ("demo.dpo", "demo.dpo-wal"):
        shutil.copy(path.with_name(name), newer)
    project.close()

    again = open_project(crashed / "demo.dpo")
    assert comparisons.waiting_count(again) == 1
    again.close()
    before = traces(newer)
    with pytest.raises(NewerVersion):
        open_project(newer / "demo.dpo")
    assert {name: content for name, content in traces(newer).items() if name in before} == before


@pytest.mark.parametrize(
    ("statement", "use"),
    [
        ('UPDATE prompts SET messages = \'[{"role": "emperor"}]\'', lambda p: prompts.get(p, 1)),
        ("UPDATE prompts SET messages = '{'", lambda p: prompts.get(p, 1)),
        ("UPDATE prompts SET messages = x'00ff'", lambda p: prompts.get(p, 1)),
        ("UPDATE candidates SET sampling = '[1, 2]'", lambda p: comparisons.get(p, 1)),
        ("UPDATE candidates SET seed = 'seven'", comparisons.next_comparison),
        ("UPDATE verdicts SET seconds = 'long'", lambda p: verdicts.verdict_of(p, 1)),
    ],
)
def test_values_of_the_wrong_kind(project: Project, statement: str, use: Callable[[Project], object]) -> None:
    one = comparison(project)
    verdicts.give_verdict(project, one.id, "skip", strength=1, annotator="me", seconds=1.0)
    use(project)
    project.db.execute(statement)
    with pytest.raises(ProjectDamaged, match="cannot be read"):
        use(project)


def test_bytes_that_are_no_text_are_shown_as_such(project: Project) -> None:
    one = comparison(project)
    project.db.execute("UPDATE candidates SET text = CAST(x'ff41' AS TEXT)")
    assert comparisons.get(project, one.id).left.text == "\ufffdA"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can look into, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="dpo-store-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def somebody_else() -> Iterator[None]:
    """The superuser may write everything, so become nobody for the test."""
    if os.name == "nt":
        pytest.skip("Windows has no such permissions")
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


@pytest.mark.parametrize(
    ("file_mode", "folder_mode"),
    [(0o444, 0o755), (0o000, 0o755), (0o666, 0o555)],
    ids=["file", "secret", "folder"],
)
def test_no_permission(
    open_folder: Path, file_mode: int, folder_mode: int, request: pytest.FixtureRequest
) -> None:
    path = open_folder / "demo.dpo"
    create_project(path).close()
    (open_folder / ".demo.dpo.lock").unlink()
    before = traces(open_folder)
    path.chmod(file_mode)
    open_folder.chmod(folder_mode)
    request.getfixturevalue("somebody_else")
    with pytest.raises(NoPermission) as caught:
        open_project(path)
    assert "ermission" in str(caught.value) or "may not be written" in str(caught.value)
    if os.geteuid() == 65534:
        os.seteuid(0)
    path.chmod(0o644)
    assert traces(open_folder) == before


def test_no_permission_to_create(open_folder: Path, request: pytest.FixtureRequest) -> None:
    open_folder.chmod(0o555)
    request.getfixturevalue("somebody_else")
    with pytest.raises(NoPermission):
        create_project(open_folder / "demo.dpo")
    assert traces(open_folder) == {}


def test_the_number_in_the_header_is_the_one_checked() -> None:
    assert APPLICATION_ID.to_bytes(4, "big") == b"DPOS"
