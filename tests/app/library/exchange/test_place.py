"""The pages in front of the Library: by keys alone, a name on every control, over the real threads too."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAccessible, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QLineEdit,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.history import History
from app.library.exchange.agreement_page import AgreementPage
from app.library.exchange.errands import ErrandThreads
from app.library.exchange.exchange import Exchange
from app.library.exchange.export_page import ExportPage
from app.library.exchange.import_page import ImportPage
from app.library.exchange.merge_page import MergePage
from app.library.exchange.presenting import Means
from app.library.page import LibraryPage
from app.library.panels import PanelKey
from app.library.place import LibraryPlace
from app.library.presenter import LibraryPresenter
from app.shell.gui_thread import GuiThread
from app.shell.keymap import Keymap
from app.shell.theme import Theme
from app.store.exchange import importing, preview
from app.store.handle import Project
from app.store.library import table as library
from app.store.library.filters import Filter
from app.store.project import create_project
from app.store.reader import Reader
from app.store.writer import Writer
from tests.app.library.exchange.conftest import KeptSecrets
from tests.app.library.exchange.files import judged, pairs

KEY = Qt.Key
CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QAbstractItemView, QTextEdit)


def press(*keys: Qt.Key) -> None:
    for key in keys:
        target = QApplication.focusWidget()
        assert target is not None
        QTest.keyClick(target, key)


def tab_to(wanted: QWidget) -> None:
    """Reach it with Tab alone."""
    seen: list[str] = []
    for _ in range(60):
        here = QApplication.focusWidget()
        if here is wanted:
            return
        seen.append(f"{type(here).__name__} {here.accessibleName() if here else ''}")
        press(KEY.Key_Tab)
    raise AssertionError(f"Tab does not lead to {wanted.accessibleName() or wanted}: {seen}")


def unnamed(page: QWidget) -> list[str]:
    """Controls in view that a screen reader has no name for."""
    found = []
    for widget in page.findChildren(QWidget):
        inside = isinstance(widget.parentWidget(), (QComboBox, QAbstractScrollArea))
        if not isinstance(widget, CONTROLS) or not widget.isVisible() or inside:
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is None or not interface.text(QAccessible.Text.Name).strip():
            found.append(f"{type(widget).__name__} {widget.objectName()}")
    return found


def drop(place: LibraryPlace, *paths: Path) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    actions, no_key = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(10, 10), actions, data, Qt.MouseButton.LeftButton, no_key)
    enter.ignore()
    place.dragEnterEvent(enter)
    if enter.isAccepted():
        place.dropEvent(QDropEvent(QPointF(10, 10), actions, data, Qt.MouseButton.LeftButton, no_key))
    return enter.isAccepted()


def shown(place: LibraryPlace) -> QWidget:
    widget = place.currentWidget()
    assert widget is not None
    return widget


def test_an_import_by_keys_alone(place: LibraryPlace, project: Project, tmp_path: Path) -> None:
    place.show_panel("import")
    page = shown(place)
    assert isinstance(page, ImportPage) and page.chooser.files.hasFocus() and unnamed(page) == []
    place.take_files([pairs(tmp_path / "some.jsonl", 8, broken=(2,))])
    assert page.preview.list.hasFocus() and unnamed(page) == []
    assert page.preview.cards[0].fate.text() == "Chosen" and page.preview.cards[1].fate.text() == "Rejected"
    press(KEY.Key_Down, KEY.Key_Down)
    assert "rejected" in page.preview.problem.text()
    tab_to(page.options.held_out)
    press(KEY.Key_Home)
    tab_to(page.options.start)
    press(KEY.Key_Space)
    assert page.show_rows.hasFocus() and unnamed(page) == []
    assert page.report.title.text() == "7 prompts, 7 comparisons and 7 verdicts came in."
    assert page.report.refused.topLevelItemCount() == 1
    assert library.count(project, Filter(splits=("held_out",))) == 0
    press(KEY.Key_Space)
    assert place.currentWidget() is place.page and place.page.model.rowCount() == 7


def test_naming_columns_by_keys(place: LibraryPlace, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "survey.csv"
    file.write_text("topic,answer_a,answer_b,verdict\nMoon,Near.,Far.,Alpha\nSun,Far.,Near.,b\n")
    place.take_files([file])
    page = shown(place)
    assert isinstance(page, ImportPage)
    form = page.options.mapping
    assert form.isVisible() and unnamed(page) == [] and list(form.meanings) == ["Alpha"]
    qtbot.waitUntil(form.meanings["Alpha"].isVisible)
    tab_to(form.boxes["choice"])
    press(KEY.Key_Tab)
    assert form.meanings["Alpha"].hasFocus(), "what it means comes right after the column"
    press(KEY.Key_Down)
    found = page.preview.current
    assert found is not None and found.entry is not None and found.entry.verdicts[0].choice == "left"
    tab_to(form.boxes["choice"])
    press(KEY.Key_Home)
    assert not form.meanings and page.preview.list.topLevelItem(1) is not None
    assert [page.preview.list.topLevelItem(row).text(2) for row in (0, 1)] == ["To be judged"] * 2


def test_a_bad_file_is_said_on_the_page(place: LibraryPlace, tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(b"la")
    place.take_files([tmp_path / "song.mp3"])
    page = shown(place)
    assert isinstance(page, ImportPage)
    assert "song.mp3 is of an unknown kind" in page.message.text and page.chooser.isVisible()
    place.take_files([pairs(tmp_path / "some.jsonl", 1)])
    assert page.message.text == ""


def test_escape_leads_back_and_the_way_again(place: LibraryPlace, tmp_path: Path) -> None:
    place.take_files([pairs(tmp_path / "some.jsonl", 1)])
    assert place.actions() == [], "rows that are out of sight cannot be deleted from the palette"
    press(KEY.Key_Escape)
    assert place.currentWidget() is place.page and place.actions()
    place.show_panel("import")
    page = shown(place)
    assert isinstance(page, ImportPage) and page.preview.isVisible(), "what was looked at is still there"


@pytest.mark.parametrize("name", ["mine.jsonl", "theirs.dpo"])
def test_dropped_files_are_looked_at(place: LibraryPlace, tmp_path: Path, name: str) -> None:
    path = pairs(tmp_path / name, 1) if name == "mine.jsonl" else judged(tmp_path, "theirs", "ab")
    assert drop(place, path)
    assert isinstance(shown(place), ImportPage if name == "mine.jsonl" else MergePage)


def test_what_is_no_file_is_not_taken(place: LibraryPlace) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/rows.jsonl")])
    event = QDragEnterEvent(
        QPoint(1, 1),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.ignore()
    place.dragEnterEvent(event)
    assert not event.isAccepted() and place.currentWidget() is place.page


def test_an_export_by_keys_alone(place: LibraryPlace, project: Project, tmp_path: Path) -> None:
    importing.run(project, preview.look(pairs(tmp_path / "some.jsonl", 3)), annotator="ada")
    place.page.exchange["export"].click()
    page = shown(place)
    assert isinstance(page, ExportPage) and unnamed(page) == []
    assert (
        page.options.kinds["preferences"].text() == "Preferences  3" and "# demo" in page.card.toPlainText()
    )
    tab_to(page.options.files)
    press(KEY.Key_Down)
    assert "train.parquet" in page.card.toPlainText()
    tab_to(page.options.folder)
    page.options.folder.selectAll()
    QTest.keyClicks(page.options.folder, str(tmp_path / "out"))
    tab_to(page.options.start)
    press(KEY.Key_Space)
    assert page.done.folder.hasFocus() and (tmp_path / "out" / "README.md").is_file()
    tab_to(page.done.hub)
    press(KEY.Key_Space)
    assert page.sending.repository.hasFocus() and not page.sending.send.isEnabled() and unnamed(page) == []
    assert page.sending.private.isChecked() and page.sending.token.echoMode() == QLineEdit.EchoMode.Password
    tab_to(page.sending.cancel)
    press(KEY.Key_Space)
    assert page.done.isVisible()


def test_a_merge_and_settling_by_keys_alone(
    place: LibraryPlace, project: Project, tmp_path: Path, qtbot: QtBot
) -> None:
    with_mine = judged(tmp_path, "ada", "aabb")
    place.take_files([with_mine])
    page = shown(place)
    assert isinstance(page, MergePage) and page.file.merge.hasFocus() and unnamed(page) == []
    assert "4 prompts, all of them new" in page.file.words.text()
    press(KEY.Key_Space)
    place.take_files([judged(tmp_path, "bob", "abbb")])
    press(KEY.Key_Space)
    assert page.agreement.hasFocus() and page.report.title.text() == "4 verdicts came in."
    press(KEY.Key_Space)
    agreement = shown(place)
    assert isinstance(agreement, AgreementPage) and unnamed(agreement) == []
    assert agreement.heading.text() == "1 difference" and agreement.settle_some.text() == "Settle this one"
    tab_to(agreement.settle_some)
    press(KEY.Key_Space)
    assert "1 comparison comes next on Annotate for ada" in agreement.message.text
    tab_to(agreement.annotate)
    with qtbot.waitSignal(place.annotate_requested):
        press(KEY.Key_Space)


@pytest.mark.parametrize("key", ["import", "export", "merge", "agreement"])
def test_every_page_in_both_looks_and_at_twice_the_text(
    place: LibraryPlace, theme: Theme, key: PanelKey, tmp_path: Path
) -> None:
    place.take_files([pairs(tmp_path / "some.jsonl", 2)])
    place.show_panel(key)
    theme.set_mode("dark")
    theme.set_scale(2.0)
    try:
        assert unnamed(shown(place)) == [] and not shown(place).grab().isNull()
    finally:
        theme.set_scale(1.0)
        theme.set_mode("light")


def _fail(sentence: str) -> None:
    pytest.fail(sentence)


class Threaded:
    """The same with the writer's, the readers' and the errands' real threads."""

    def __init__(self, project: Project, theme: Theme, qtbot: QtBot) -> None:
        self.gui = GuiThread()
        path = project.path
        self.writer = Writer(project, self.gui.post)
        self.readers = [Reader(path, self.gui.post) for _ in range(3)]
        history = History(store=self.writer, annotator="ada", failed=_fail)
        self.library = LibraryPresenter(
            reader=self.readers[0],
            slow_reader=self.readers[1],
            store=self.writer,
            history=history,
            annotator=lambda: "ada",
        )
        self.exchange = Exchange(
            Means(
                project=path,
                store=self.writer,
                reader=self.readers[2],
                errands=ErrandThreads(self.gui.post),
                deliver=self.gui.post,
                history=history,
                secrets=KeptSecrets(),
                annotator=lambda: "ada",
                clock=time.monotonic,
                shown=Filter,
                changed=lambda: None,
                ended=lambda _key, _sentence: None,
            )
        )
        self.place = LibraryPlace(LibraryPage(self.library, theme, Keymap()), self.exchange, theme)
        qtbot.addWidget(self.place)
        self.place.show()

    def close(self) -> None:
        self.exchange.close()
        self.library.close()
        for reader in self.readers:
            reader.close()
        self.writer.close()


@pytest.fixture
def threaded(tmp_path: Path, theme: Theme, qtbot: QtBot) -> Iterator[Threaded]:
    made = Threaded(create_project(tmp_path / "real.dpo", with_starter_prompts=False), theme, qtbot)
    yield made
    made.close()


def test_import_cancel_and_export_over_real_threads(threaded: Threaded, qtbot: QtBot, tmp_path: Path) -> None:
    importer, exporter = threaded.exchange.importing, threaded.exchange.exporting
    threaded.place.take_files([pairs(tmp_path / "many.jsonl", 2_500)])
    qtbot.waitUntil(lambda: importer.state.phase == "previewing")
    importer.start()
    importer.cancel()
    qtbot.waitUntil(lambda: importer.state.phase == "previewing")
    assert "Nothing was changed" in importer.state.said
    assert threaded.writer.run(lambda project: library.count(project, Filter())) == 0
    importer.start()
    qtbot.waitUntil(lambda: importer.state.phase == "done", timeout=20_000)
    assert importer.state.progress.share == 1.0
    threaded.place.show_panel("export")
    qtbot.waitUntil(lambda: bool(exporter.state.card))
    exporter.start()
    qtbot.waitUntil(lambda: exporter.state.phase == "done", timeout=20_000)
    assert exporter.state.exported is not None and exporter.state.exported.total == 2_500


def test_closing_in_the_middle_of_an_import_ends_it_and_keeps_nothing(
    threaded: Threaded, qtbot: QtBot, tmp_path: Path
) -> None:
    threaded.place.take_files([pairs(tmp_path / "many.jsonl", 4_000)])
    importer = threaded.exchange.importing
    qtbot.waitUntil(lambda: importer.state.phase == "previewing")
    importer.start()
    threaded.exchange.close()
    assert threaded.writer.run(lambda project: library.count(project, Filter())) == 0
