"""A person at the page: presses keys, reads what is on the screen."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.store.handle import Project

Key, Modifier = Qt.Key, Qt.KeyboardModifier


def shown(qtbot: QtBot, page: AnnotatePage) -> AnnotatePage:
    page.resize(1072, 768)
    qtbot.addWidget(page)
    page.show()
    page.activateWindow()
    page.setFocus()
    qtbot.waitUntil(page.hasFocus)
    return page


def add_edit_actions(page: AnnotatePage, presenter: AnnotatePresenter) -> None:
    """Undo and redo as the window's menu has them."""
    for keys, act in (("Ctrl+Z", presenter.undo), ("Ctrl+Shift+Z", presenter.redo)):
        action = QAction(page)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _=False, act=act: act())
        page.addAction(action)


def press(key: Key, modifiers: Modifier = Modifier.NoModifier) -> None:
    """A key as it comes from the keyboard: to whatever has the focus."""
    target = QApplication.focusWidget()
    assert target is not None
    QTest.keyClick(target, key, modifiers)


def texts(page: AnnotatePage) -> tuple[str, str]:
    return page.panes[0].text.text, page.panes[1].text.text


def given(project: Project) -> list[tuple[int, str, int]]:
    rows = project.db.execute("SELECT comparison_id, choice, strength FROM verdicts ORDER BY id")
    return [tuple(row) for row in rows.fetchall()]


def button(page: QWidget, name: str) -> QPushButton:
    found = page.findChild(QPushButton, name)
    assert found is not None, name
    return found
