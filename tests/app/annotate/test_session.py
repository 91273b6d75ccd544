"""A session as a person has it, by key events alone; and every control by name and by Tab."""

from itertools import cycle

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import verdicts
from app.store.handle import Project
from tests.app.annotate.scenes import add_prompts
from tests.app.annotate.typist import Key, Modifier, given, press
from tests.helpers.fake_engine import FakeEngine

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)


def test_thirty_verdicts_by_keys_alone(
    page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    add_prompts(project, 40)
    presenter.start()
    engine.deliver()
    keys = cycle(
        (
            (Key.Key_1, Modifier.NoModifier, "left"),
            (Key.Key_2, Modifier.NoModifier, "right"),
            (Key.Key_3, Modifier.NoModifier, "tie"),
            (Key.Key_2, Modifier.ShiftModifier, "right"),
            (Key.Key_4, Modifier.NoModifier, "both_bad"),
        )
    )
    said = []
    for number in range(30):
        if number == 4:
            press(Key.Key_F)
        if number == 6:
            press(Key.Key_C)
            QTest.keyClicks(QApplication.focusWidget(), "a comment")
            press(Key.Key_Return)
        if number == 8:
            for key in (
                Key.Key_M,
                Key.Key_M,
                Key.Key_D,
                Key.Key_D,
                Key.Key_V,
                Key.Key_V,
                Key.Key_Q,
                Key.Key_Q,
            ):
                press(key)
        if number == 10:
            press(Key.Key_Space)
            engine.deliver()
        if number == 12:
            press(Key.Key_Z, Modifier.ControlModifier)
            said.pop()
        if number == 20:
            press(Key.Key_E)
            press(Key.Key_1)
            QTest.keyClicks(QApplication.focusWidget(), "Well: ")
            press(Key.Key_Return, Modifier.ControlModifier)
            said.append("left")
        else:
            key, modifiers, choice = next(keys)
            press(key, modifiers)
            said.append(choice)
        engine.deliver()
        assert page.hasFocus()
    standing = [
        row[0]
        for row in project.db.execute(
            "SELECT choice FROM verdicts WHERE undone_at IS NULL AND choice <> 'skip' ORDER BY id"
        )
    ]
    assert standing == said
    assert len(said) == 29
    assert len(given(project)) == 31, "one skip and one undone beside them"
    assert any(pair.chosen.startswith("Well: ") for pair in verdicts.training_pairs(project))


def controls(page: QWidget) -> list[QWidget]:
    found = [widget for widget in page.findChildren(QWidget) if isinstance(widget, CONTROLS)]
    # What is inside a field (the line of a spin box, the list of a chooser) is the field's own business.
    inside = (QAbstractSpinBox, QComboBox)
    return [w for w in found if not any(isinstance(p, inside) for p in parents(w))]


def parents(widget: QWidget) -> list[QWidget]:
    found = []
    parent = widget.parentWidget()
    while parent is not None:
        found.append(parent)
        parent = parent.parentWidget()
    return found


def name_of(widget: QWidget) -> str:
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def test_every_control_has_a_name(ready_page: AnnotatePage) -> None:
    found = controls(ready_page)
    assert len(found) > 50
    assert [widget for widget in found if not name_of(widget).strip()] == []


def test_every_control_in_view_is_reached_by_tab(ready_page: AnnotatePage) -> None:
    press(Key.Key_Q)
    ready_page.cards.open_prompt()
    ready_page.reading.edit("left")
    ready_page.setFocus()
    wanted = {
        widget
        for widget in controls(ready_page)
        if widget.isVisibleTo(ready_page)
        and widget.isEnabled()
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
    }
    reached: set[QWidget] = set()
    for _ in range(3 * len(wanted)):
        press(Key.Key_Tab)
        focus = QApplication.focusWidget()
        assert focus is not None
        reached.add(focus)
    assert len(wanted) > 25
    assert {name_of(widget) for widget in wanted - reached} == set()
    mouse_only = [
        name_of(widget)
        for widget in controls(ready_page)
        if isinstance(widget, QAbstractButton)
        and widget.isVisibleTo(ready_page)
        and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert mouse_only == []
