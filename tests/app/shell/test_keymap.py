"""Keys of one's own: kept, taken from each other, given back; the page of keys."""

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.shell.edit_actions import EditActions, labelled
from app.shell.keymap import WINDOW, KeyedAction, Keymap
from app.shell.keys_dialog import KeysDialog
from app.shell.settings import SettingsFile
from app.shell.shortcuts import bind, pressed_keys, shown
from app.shell.theme import Theme

ACTIONS = (
    KeyedAction(key="left", text="Left is better", place="Annotate", usual=("1",)),
    KeyedAction(key="right", text="Right is better", place="Annotate", usual=("2",)),
    KeyedAction(key="find", text="Find", place="Library", usual=("F",)),
    KeyedAction(key="quit", text="Quit", place=WINDOW, usual=("Ctrl+Q",)),
)


@pytest.fixture
def keymap() -> Keymap:
    made = Keymap()
    made.add(ACTIONS)
    return made


@pytest.fixture
def dialog(qtbot: QtBot, theme: Theme, keymap: Keymap) -> KeysDialog:
    made = KeysDialog(keymap, theme)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    made.list.setFocus()
    qtbot.waitUntil(made.list.hasFocus)
    return made


def choose(dialog: KeysDialog, text: str) -> None:
    (item,) = dialog.list.findItems(text, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    dialog.list.setCurrentItem(item)
    dialog.list.itemActivated.emit(item, 0)


# --- the keymap ---


def test_keys_are_kept_and_there_after_a_restart(tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path / "settings.json")
    keymap = Keymap(settings.current.keys, lambda keys: settings.change(keys=keys))
    keymap.add(ACTIONS)
    keymap.change("left", ["J"])
    again = Keymap(SettingsFile(tmp_path / "settings.json").current.keys)
    again.add(ACTIONS)
    assert again.keys_of("left") == ("J",)
    assert again.keys_of("right") == ("2",)


def test_a_key_is_in_the_way_on_its_own_page_and_of_the_window(keymap: Keymap) -> None:
    assert keymap.taken_by("left", "2") == ACTIONS[1]
    assert keymap.taken_by("left", "F") is None, "another page's"
    assert keymap.taken_by("find", "Ctrl+Q") == ACTIONS[3]
    assert keymap.taken_by("quit", "1") == ACTIONS[0]
    assert keymap.taken_by("left", "1") is None, "its own"


def test_a_key_that_is_given_is_taken_from_the_other(keymap: Keymap) -> None:
    keymap.change("left", ["2"])
    assert (keymap.keys_of("left"), keymap.keys_of("right")) == (("2",), ())
    keymap.reset("right")
    assert (keymap.keys_of("left"), keymap.keys_of("right")) == ((), ("2",))
    keymap.reset_all()
    assert (keymap.keys_of("left"), keymap.keys_of("right")) == (("1",), ("2",))
    assert keymap.is_usual("left")


def test_only_what_differs_from_the_usual_is_kept() -> None:
    kept: list[dict[str, list[str]]] = []
    keymap = Keymap({}, kept.append)
    keymap.add(ACTIONS)
    keymap.change("left", ["J"])
    keymap.change("left", ["1"])
    assert kept == [{"left": ["J"]}, {}]


def test_keys_of_an_action_that_is_not_known_yet_are_not_lost() -> None:
    kept: list[dict[str, list[str]]] = []
    keymap = Keymap({"other.page": ["X"]}, kept.append)
    keymap.add(ACTIONS)
    keymap.change("left", ["J"])
    assert kept[-1] == {"other.page": ["X"], "left": ["J"]}


def test_an_action_follows_its_key(qtbot: QtBot, keymap: Keymap) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    action = QAction(window)
    window.addAction(action)
    bind(action, keymap, "left")
    keymap.change("left", ["J"])
    assert [keys.toString() for keys in action.shortcuts()] == ["J"]


@pytest.mark.parametrize(
    ("key", "modifiers", "text", "written"),
    [
        (Qt.Key.Key_J, Qt.KeyboardModifier.NoModifier, "j", "J"),
        (Qt.Key.Key_J, Qt.KeyboardModifier.ShiftModifier, "J", "Shift+J"),
        (Qt.Key.Key_Exclam, Qt.KeyboardModifier.ShiftModifier, "!", "!"),
        (Qt.Key.Key_1, Qt.KeyboardModifier.KeypadModifier, "1", "1"),
        (Qt.Key.Key_F5, Qt.KeyboardModifier.ControlModifier, "", "Ctrl+F5"),
        (Qt.Key.Key_Shift, Qt.KeyboardModifier.ShiftModifier, "", ""),
    ],
)
def test_what_is_pressed_is_written(
    key: Qt.Key, modifiers: Qt.KeyboardModifier, text: str, written: str
) -> None:
    assert pressed_keys(QKeyEvent(QEvent.Type.KeyPress, key, modifiers, text)) == written


# --- the dialog ---


def test_the_next_key_becomes_the_actions(dialog: KeysDialog, keymap: Keymap) -> None:
    choose(dialog, "Left is better")
    QTest.keyClick(dialog.list, Qt.Key.Key_J)
    assert keymap.keys_of("left") == ("J",)
    assert dialog.said.text() == "J is now “Left is better”."


def test_a_conflict_is_named_and_changes_nothing_until_it_is_wanted(
    dialog: KeysDialog, keymap: Keymap
) -> None:
    choose(dialog, "Left is better")
    QTest.keyClick(dialog.list, Qt.Key.Key_2)
    assert keymap.keys_of("left") == ("1",)
    assert dialog.said.text() == "2 is “Right is better” already (Annotate)."
    dialog.take.click()
    assert (keymap.keys_of("left"), keymap.keys_of("right")) == (("2",), ())
    assert "“Right is better” has no such key any more" in dialog.said.text()


def test_escape_leaves_the_key_and_the_usual_ones_come_back(dialog: KeysDialog, keymap: Keymap) -> None:
    choose(dialog, "Left is better")
    QTest.keyClick(dialog.list, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert keymap.keys_of("left") == ("1",)
    keymap.change("left", ["J"])
    assert dialog.reset.isEnabled()
    dialog.reset.click()
    assert keymap.keys_of("left") == ("1",)
    assert not dialog.reset.isEnabled()


def test_actions_are_found_by_name_and_by_key(dialog: KeysDialog) -> None:
    def in_view() -> list[str]:
        items = dialog.list.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)
        return [item.text(0) for item in items if item.parent() is not None and not item.isHidden()]

    dialog.search.setText("better left")
    assert in_view() == ["Left is better"]
    dialog.search.setText("ctrl+q")
    assert in_view() == ["Quit"]


def test_keys_are_shown_as_people_know_them() -> None:
    assert shown("Return") == "Enter"
    assert shown("Ctrl+Z") == "Ctrl+Z"
    assert shown("Ctrl+Return") == "Ctrl+Enter"


# --- undo and redo by name ---


class _History:
    undo_label, redo_label = "Verdict on “Why & how…”", ""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.watchers: list[object] = []

    def undo(self) -> None:
        self.done.append("undo")

    def redo(self) -> None:
        self.done.append("redo")

    def watch(self, watcher: object, /) -> object:
        self.watchers.append(watcher)
        return lambda: self.watchers.remove(watcher)


def test_the_menu_says_what_is_undone(qapp: object) -> None:
    undo, redo = QAction(), QAction()
    edit = EditActions()
    edit.show_on(undo, redo)
    assert not undo.isEnabled()
    history = _History()
    edit.follow(history)  # type: ignore[arg-type]
    assert undo.text() == "Undo verdict on “Why && how…”"
    assert (redo.text(), redo.isEnabled()) == ("Redo", True)
    edit.undo()
    edit.redo()
    assert history.done == ["undo", "redo"]
    edit.let_go()
    assert history.watchers == []
    assert (undo.text(), undo.isEnabled()) == ("Undo", False)


def test_a_long_name_is_cut() -> None:
    assert len(labelled("Undo", "Verdict on “" + "x" * 200)) < 70
