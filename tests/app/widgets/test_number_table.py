"""The two halves of the number table: one selection, one scroll position, headings that line up."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTableView
from pytestqt.qtbot import QtBot

from app.shell.theme import Theme
from app.widgets.number_table import Heading, NumberTable

HEADINGS = (
    Heading(title="#", width=50, frozen=True),
    Heading(title="Name", width=150, frozen=True, right_aligned=False),
    Heading(title="Chosen", width=120, group="Reward"),
    Heading(title="Rejected", width=120, group="Reward"),
    Heading(title="Loss", width=120),
)


@pytest.fixture
def table(qtbot: QtBot, qapp: QApplication) -> NumberTable:
    model = QStandardItemModel(200, len(HEADINGS))
    for row in range(200):
        for column in range(len(HEADINGS)):
            model.setItem(row, column, QStandardItem(f"{row}/{column}"))
    table = NumberTable(model, HEADINGS, Theme(qapp, "light"))
    model.setParent(table)
    qtbot.addWidget(table)
    table.resize(420, 300)
    with qtbot.waitExposed(table):
        table.show()
    return table


def frozen(table: NumberTable) -> QTableView:
    half = table.findChild(QTableView, "frozenColumns")
    assert isinstance(half, QTableView)
    return half


def test_each_column_stands_in_one_half(table: NumberTable) -> None:
    for column, heading in enumerate(HEADINGS):
        assert table.view.isColumnHidden(column) == heading.frozen
        assert frozen(table).isColumnHidden(column) != heading.frozen


def test_a_click_on_the_frozen_half_selects_the_whole_row(qtbot: QtBot, table: NumberTable) -> None:
    cell = frozen(table).visualRect(table.view.model().index(3, 1)).center()
    with qtbot.waitSignal(table.row_chosen, check_params_cb=lambda row: row == 3):
        qtbot.mouseClick(frozen(table).viewport(), Qt.MouseButton.LeftButton, pos=cell)
    assert table.current_row() == 3
    assert table.selected_rows() == [3]


def test_a_wheel_over_the_frozen_half_moves_both(table: NumberTable) -> None:
    place = QPointF(20, 60)
    turn = QWheelEvent(
        place,
        QPointF(frozen(table).viewport().mapToGlobal(place.toPoint())),
        QPoint(0, -240),
        QPoint(0, -240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(frozen(table).viewport(), turn)
    assert table.view.verticalScrollBar().value() > 0
    assert frozen(table).verticalScrollBar().value() == table.view.verticalScrollBar().value()


def test_at_the_very_end_both_halves_show_the_same_rows(qtbot: QtBot, table: NumberTable) -> None:
    table.choose_row(199)
    qtbot.waitUntil(
        lambda: frozen(table).verticalScrollBar().value() == table.view.verticalScrollBar().value() > 0
    )
    index = table.view.model().index(199, 2)
    name = table.view.model().index(199, 1)
    assert table.view.visualRect(index).top() == frozen(table).visualRect(name).top()


def test_right_and_left_scroll_sideways_and_keep_the_row(table: NumberTable) -> None:
    table.choose_row(5)
    QTest.keyClick(table.view, Qt.Key.Key_Right)
    assert table.view.horizontalScrollBar().value() > 0
    assert table.current_row() == 5
    QTest.keyClick(table.view, Qt.Key.Key_Left)
    assert table.view.horizontalScrollBar().value() == 0


def test_spare_width_goes_to_the_widest_frozen_column(qtbot: QtBot, table: NumberTable) -> None:
    assert frozen(table).columnWidth(1) == 150
    table.resize(1200, 300)
    qtbot.waitUntil(lambda: frozen(table).columnWidth(1) > 500)
    assert table.view.horizontalScrollBar().maximum() == 0
    assert frozen(table).columnWidth(0) == 50


def test_a_row_that_does_not_exist_clears_the_selection(qtbot: QtBot, table: NumberTable) -> None:
    table.choose_row(2)
    with qtbot.waitSignal(table.row_chosen, check_params_cb=lambda row: row == -1):
        table.choose_row(1000)
    assert table.selected_rows() == []


def test_several_rows_can_be_selected_by_keyboard(table: NumberTable) -> None:
    table.choose_row(2)
    for _ in range(3):
        QTest.keyClick(table.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert table.selected_rows() == [2, 3, 4, 5]


def test_a_heading_tells_that_it_was_clicked(qtbot: QtBot, table: NumberTable) -> None:
    for half, column in ((frozen(table), 1), (table.view, 2)):
        header = half.horizontalHeader()
        place = QPoint(header.sectionViewportPosition(column) + 10, header.height() // 2)
        with qtbot.waitSignal(
            table.heading_clicked, check_params_cb=lambda clicked, wanted=column: clicked == wanted
        ):
            qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_the_sorted_heading_is_drawn_differently(table: NumberTable) -> None:
    before = table.view.horizontalHeader().grab().toImage()
    table.show_sort(2, descending=False)
    rising = table.view.horizontalHeader().grab().toImage()
    table.show_sort(2, descending=True)
    falling = table.view.horizontalHeader().grab().toImage()
    assert before != rising != falling


def test_the_frame_shows_that_the_rows_have_the_keyboard(qtbot: QtBot, table: NumberTable) -> None:
    table.activateWindow()
    table.setFocus()
    qtbot.waitUntil(lambda: bool(table.property("focused")))
    table.view.clearFocus()
    assert not table.property("focused")
