"""A hundred thousand rows: all are there, few are read, and any of them can be acted on."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.library.page import LibraryPage
from app.library.presenter import LibraryPresenter
from app.library.table_rows import BLOCK
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.filters import Filter
from app.store.project import create_project
from tests.helpers.stores import DirectReader

MANY = 100_000
PROMPTS = 1_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Written past the store's functions, which keep each row durable on its own."""
    project = create_project(tmp_path_factory.mktemp("many") / "many.dpo", with_starter_prompts=False)
    db = project.db.conn
    db.execute("PRAGMA synchronous = OFF")
    at = "2026-11-20T10:00:00.000000+00:00"
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO prompts (id, content_hash, messages, source, split, priority, comparisons, created_at)"
        " VALUES (?, ?, ?, 'import', 'train', 0, 1, ?)",
        [(n, str(n), f'[{{"role":"user","content":"prompt {n}"}}]', at) for n in range(1, PROMPTS + 1)],
    )
    db.executemany(
        "INSERT INTO candidates (id, prompt_id, text, model, fingerprint, sampling, seed, finish_reason,"
        " tokens, seconds, created_at, chars) VALUES (?, ?, 'text', 'starter', '', '{}', 1, 'end', 1, 1, ?,"
        " 4)",
        [(n, (n - 1) // 2 + 1, at) for n in range(1, 2 * PROMPTS + 1)],
    )
    db.executemany(
        "INSERT INTO comparisons (id, prompt_id, left_id, right_id, swapped, state, priority, held_out,"
        " left_chars, right_chars, created_at) VALUES (?, ?, ?, ?, 0, 'waiting', 0, 0, 4, 4, ?)",
        [(n, n % PROMPTS + 1, 2 * (n % PROMPTS) + 1, 2 * (n % PROMPTS) + 2, at) for n in range(1, MANY + 1)],
    )
    db.execute("COMMIT")
    yield project
    project.close()


@pytest.fixture
def project(many: Project) -> Project:
    return many


def test_any_place_is_one_look_up_away(
    page: LibraryPage, presenter: LibraryPresenter, reader: DirectReader, qtbot: QtBot
) -> None:
    page.show()
    qtbot.waitExposed(page)
    assert page.model.rowCount() == MANY and page.acts.count.text() == "100,000 rows"
    page.table.view.setFocus()
    asked = reader.submitted
    QTest.keyClick(page.table.view, Qt.Key.Key_End)
    assert page.table.current_row() == MANY - 1
    qtbot.waitUntil(lambda: page.model.index(MANY - 1, 0).data() == "prompt 2")
    qtbot.waitUntil(lambda: page.pane.reading is not None and page.pane.reading.key == 1)
    assert reader.submitted - asked < 10, "only the rows in view are read"


def test_scrolling_through_remembers_a_bounded_number_of_rows(
    presenter: LibraryPresenter, reader: DirectReader
) -> None:
    presenter.set_visible(True)
    for place in range(0, MANY, BLOCK // 2):
        row = presenter.rows.row(place)
        assert row is None or row.key == MANY - place
    assert len(presenter.rows._known) <= 6_000 + BLOCK
    assert reader.submitted < MANY / BLOCK + 20, "each block is read once"


def test_all_of_them_are_tagged_and_undone_as_one(
    page: LibraryPage, presenter: LibraryPresenter, project: Project, qtbot: QtBot
) -> None:
    page.show()
    qtbot.waitExposed(page)
    page.table.view.setFocus()
    QTest.keyClick(page.table.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert page.acts.selected.text() == "All 100,000 rows selected"
    presenter.tag(page.table.spans(), ["all"])
    assert library.count(project, Filter(tags=("all",))) == MANY
    presenter.undo()
    assert library.count(project, Filter(tags=("all",))) == 0


def test_any_page_of_them_is_what_the_whole_says(project: Project) -> None:
    keys = library.ids(project, Filter())
    for offset in (0, 1, 777, 50_000, MANY - 3):
        rows = library.page(project, Filter(), offset=offset, limit=5)
        assert [row.key for row in rows] == keys[offset : offset + 5].tolist()
