"""Fonts that meet the style sheet."""

import pytest
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.shell.palette import FontSize
from app.shell.theme import Theme, set_role


@pytest.mark.parametrize("role", ["caption", "heading", "secondary", "error"])
def test_figures_line_up_whatever_the_role(qtbot: QtBot, theme: Theme, role: str) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    labels = [QLabel("1111111111"), QLabel("0000000000")]
    for label in labels:
        set_role(label, role)
        label.setFont(theme.figures(FontSize.CAPTION))
        column.addWidget(label)
    window.show()
    assert _widths(labels) == 1
    for later in ("secondary", role):
        for label in labels:
            set_role(label, later)
        assert _widths(labels) == 1
    theme.set_mode("dark")
    assert _widths(labels) == 1


def _widths(labels: list[QLabel]) -> int:
    return len({label.sizeHint().width() for label in labels})


def test_a_role_is_seen_at_once(qtbot: QtBot, theme: Theme) -> None:
    label = QLabel("words")
    qtbot.addWidget(label)
    label.show()
    set_role(label, "title")
    assert label.font().pixelSize() == theme.px(FontSize.TITLE)
