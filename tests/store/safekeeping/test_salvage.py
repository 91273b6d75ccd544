"""Saving what can be read: all of it where only an index is broken, most of it where pages are gone."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.store.collecting import comparisons, verdicts
from app.store.connection import PAGE_BYTES
from app.store.errors import NewerVersion, ProjectDamaged
from app.store.library.search_index import index_later, texts_left
from app.store.project import create_project, open_project, open_reader
from app.store.safekeeping.raw_pages import raw_rows
from app.store.safekeeping.salvage import Salvaged, salvaging
from tests.store.makers import candidate, prompt

NUMBER = 300


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Comparisons of several pages, four of five judged; texts long enough to overflow their page."""
    path = tmp_path_factory.mktemp("filled") / "demo.dpo"
    project = create_project(path, with_starter_prompts=False)
    draw = random.Random(7)
    for number in range(1, NUMBER + 1):
        texts = tuple(candidate(f"{side} {number} " + "word " * draw.randrange(1, 1500)) for side in "ab")
        comparisons.add_comparison(project, prompt(project, f"Prompt {number}"), texts, swapped=False)
        if number % 5:
            choice = draw.choice(("left", "right", "tie", "both_bad"))
            verdicts.give_verdict(project, number, choice, strength=1, annotator="me", seconds=number)
    project.close()
    return path


@pytest.fixture
def filled(template: Path, path: Path) -> Path:
    shutil.copy(template, path)
    return path


def everything(path: Path) -> dict[tuple[str, int], tuple[object, ...]]:
    """Every prompt, candidate and verdict as it reads, by table and id."""
    with closing(sqlite3.connect(path)) as db:
        return {
            (table, row[0]): row
            for table, columns in (
                ("prompts", "messages, split, source"),
                ("candidates", "prompt_id, text, model, seed"),
                ("verdicts", "comparison_id, choice, strength, annotator, seconds, created_at"),
            )
            for row in db.execute(f"SELECT id, {columns} FROM {table}")  # noqa: S608
        }


def salvage(path: Path) -> Salvaged:
    with salvaging(path) as (report, keep):
        aside = keep()
    assert aside is not None and aside.exists()
    return report


def destroy(path: Path, *pages: int) -> None:
    content = bytearray(path.read_bytes())
    for page in pages:
        content[PAGE_BYTES * (page - 1) : PAGE_BYTES * page] = b"\x5a" * PAGE_BYTES
    path.write_bytes(content)


def pages_of(path: Path, name: str) -> tuple[int, list[int]]:
    """The root page of a table or index, and all its leaves that are not the root."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()
        leaves = db.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", [name]
        ).fetchall()
    return root, [page for (page,) in leaves if page != root]


def test_a_broken_index_costs_nothing(filled: Path) -> None:
    before = everything(filled)
    destroy(
        filled, *pages_of(filled, "verdicts_by_comparison")[1], pages_of(filled, "comparisons_by_left")[0]
    )
    with pytest.raises(ProjectDamaged):
        open_project(filled)
    report = salvage(filled)
    assert report.lost == {} and report.verdicts == NUMBER * 4 // 5
    assert everything(filled) == before
    open_project(filled).close()


def test_a_lost_root_page_costs_nothing_that_lies_below_it(filled: Path) -> None:
    before = everything(filled)
    for table in ("verdicts", "candidates", "comparisons", "prompts"):
        root, leaves = pages_of(filled, table)
        assert leaves
        destroy(filled, root)
    report = salvage(filled)
    assert everything(filled) == before
    assert report.lost == {}


def test_a_lost_leaf_costs_its_rows_and_the_count_says_so(filled: Path) -> None:
    before = everything(filled)
    _, leaves = pages_of(filled, "verdicts")
    destroy(filled, leaves[len(leaves) // 2])
    report = salvage(filled)
    after = everything(filled)
    assert 0 < report.verdicts_lost < NUMBER // 2
    assert report.verdicts + report.verdicts_lost == NUMBER * 4 // 5
    assert after.items() <= before.items()
    assert len(before) - len(after) == report.verdicts_lost
    project = open_project(filled)
    judged = verdicts.counts(project)
    assert judged.preferences + judged.ties + judged.both_bad == report.verdicts
    # What lost its verdict is asked again, and the id of a lost verdict is not given to another.
    assert comparisons.waiting_count(project) == NUMBER - report.verdicts
    first = comparisons.next_comparison(project)
    assert first is not None
    given = verdicts.give_verdict(project, first.id, "left", strength=1, annotator="me", seconds=1.0)
    assert given.id == NUMBER * 4 // 5 + 1
    project.close()


def test_a_lost_response_takes_its_comparison_with_it(filled: Path) -> None:
    _, leaves = pages_of(filled, "candidates")
    destroy(filled, leaves[0])
    report = salvage(filled)
    assert report.lost["candidates"] and report.lost["comparisons"] and report.lost["verdicts"]
    project = open_project(filled)
    assert project.db.execute("PRAGMA foreign_key_check").fetchall() == []
    for number in range(1, NUMBER + 1):
        kept = project.db.execute("SELECT count(*) FROM comparisons WHERE id = ?", [number]).fetchone()
        if kept == (1,):
            comparisons.get(project, number)
    project.close()


def test_a_file_cut_off_in_the_middle(filled: Path) -> None:
    before = everything(filled)
    content = filled.read_bytes()
    filled.write_bytes(content[: len(content) * 2 // 3])
    salvage(filled)
    after = everything(filled)
    assert after and after.items() <= before.items()
    open_project(filled).close()


def test_a_file_without_its_first_page(filled: Path) -> None:
    before = everything(filled)
    content = bytearray(filled.read_bytes())
    content[100:4096] = bytes(3996)
    filled.write_bytes(content)
    report = salvage(filled)
    assert everything(filled) == before
    assert report.verdicts == NUMBER * 4 // 5


@pytest.mark.parametrize("seed", range(12))
def test_damage_anywhere(filled: Path, seed: int) -> None:
    """What is saved is what was there; nothing is made up, and the result is a sound project."""
    before = everything(filled)
    draw = random.Random(seed)
    content = bytearray(filled.read_bytes())
    for _ in range(draw.randrange(1, 40)):
        at = draw.randrange(PAGE_BYTES, len(content) - 600)
        length = draw.choice((1, 8, 500))
        content[at : at + length] = draw.randbytes(length)
    filled.write_bytes(content)
    salvage(filled)
    after = everything(filled)
    # A flipped bit inside a text is no damage to SQLite: of such rows only the number can be known.
    changed = sum(before.get(key) != row for key, row in after.items())
    assert changed <= 40 and len(after) >= len(before) // 3
    project = open_project(filled)
    assert project.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    project.close()


def _nothing_left(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:] = bytes(len(content) - 100)
    path.write_bytes(content)


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 999")


@pytest.mark.parametrize(("make", "error"), [(_nothing_left, ProjectDamaged), (_newer, NewerVersion)])
def test_what_cannot_be_saved_is_left_alone(
    filled: Path, make: Callable[[Path], None], error: type[Exception]
) -> None:
    make(filled)
    before = filled.read_bytes()
    with pytest.raises(error, match="Nothing was changed"), salvaging(filled):
        pass
    assert filled.read_bytes() == before
    assert {file.name for file in filled.parent.iterdir() if file.is_file()} == {"demo.dpo", ".demo.dpo.lock"}


def test_looking_changes_nothing(filled: Path) -> None:
    destroy(filled, pages_of(filled, "verdicts")[1][0])
    before = filled.read_bytes()
    with salvaging(filled) as (report, _):
        assert report.verdicts_lost
    assert filled.read_bytes() == before
    assert {file.name for file in filled.parent.iterdir() if file.is_file()} == {"demo.dpo", ".demo.dpo.lock"}


def test_other_tables_than_a_project_has_are_left_behind(filled: Path) -> None:
    before = everything(filled)
    with closing(sqlite3.connect(filled)) as db:
        db.execute("CREATE TRIGGER t AFTER INSERT ON verdicts BEGIN DELETE FROM verdicts; END")
        db.execute("CREATE TABLE extra (id INTEGER PRIMARY KEY, what TEXT)")
        db.commit()
    salvage(filled)
    assert everything(filled) == before
    open_project(filled).close()


def test_rows_are_read_from_pages_as_sqlite_reads_them(filled: Path) -> None:
    raw = {(row.rowid, row.values[1:]) for row in raw_rows(filled) if row.values[:1] == (None,)}
    with closing(sqlite3.connect(filled)) as db:
        for table in ("prompts", "candidates", "comparisons", "verdicts"):
            rows = db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            assert rows and all((row[0], row[1:]) in raw for row in rows)


def test_any_bytes_are_read_without_an_error(tmp_path: Path) -> None:
    draw = random.Random(3)
    for size in (0, 1, 600, 4096, 40_000):
        file = tmp_path / "noise"
        noise = bytearray(draw.randbytes(size))
        for page in range(0, size, 4096):
            noise[page] = 0x0D
        file.write_bytes(noise)
        list(raw_rows(file))


def test_a_reader_sees_the_salvaged_project(filled: Path) -> None:
    destroy(filled, pages_of(filled, "verdicts")[1][0])
    salvage(filled)
    reader = open_reader(filled)
    assert comparisons.waiting_count(reader) > 0
    reader.close()


def test_what_is_counted_by_triggers_is_counted_anew(filled: Path) -> None:
    destroy(filled, pages_of(filled, "prompts")[1][0])
    salvage(filled)
    with closing(sqlite3.connect(filled)) as db:
        for table, counted in (
            ("tally", "choice IS NOT NULL"),
            ("waiting", "state = 'waiting'"),
        ):
            (kept,) = db.execute(f"SELECT sum(n) FROM {table}").fetchone()  # noqa: S608
            there = db.execute(f"SELECT count(*) FROM comparisons WHERE {counted}").fetchone()  # noqa: S608
            assert (kept,) == there and kept > 0


def test_every_text_is_findable_once_also_those_that_were_still_to_be_made_so(filled: Path) -> None:
    with closing(open_project(filled)) as project:
        newest = project.db.execute("SELECT max(id) FROM candidates").fetchone()[0]
        with project.db.atomic():
            index_later(project.db, "candidates", newest - 3, newest)
    salvage(filled)
    with closing(open_project(filled)) as project:
        assert texts_left(project) == 0
        project.db.execute("INSERT INTO candidates_fts (candidates_fts, rank) VALUES ('integrity-check', 1)")
        project.db.rollback()
