"""The row of filters in the room that it has."""

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.inspector.filters import FilterBar
from app.inspector.path.courses import COURSES
from app.shell.theme import Theme


@pytest.mark.parametrize("wide", [760, 900, 1100, 1400])
def test_no_count_is_cut_when_the_courses_come_later(qtbot: QtBot, qapp: QApplication, wide: int) -> None:
    bar = FilterBar(Theme(qapp, "light"))
    qtbot.addWidget(bar)
    bar.resize(wide, 40)
    bar.show()
    bar.show_counts((100_000, 89_999, 10_001), {"learned": 56_844, "undecided": 29_713, "against": 13_443})
    bar.show_courses({})
    bar.show_courses(dict.fromkeys(COURSES, 25_000))
    QApplication.processEvents()
    for segments in (bar.splits, bar.cases):
        assert segments.width() >= segments.sizeHint().width()
