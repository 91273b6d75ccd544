"""The page by keyboard: verdicts, and that they are acknowledged only when they are on the disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.shell.gui_thread import GuiThread
from app.shell.theme import Theme
from app.store.collecting import verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.project import create_project, open_reader
from app.store.writer import Writer
from tests.app.annotate.scenes import add_comparison, new_presenter
from tests.app.annotate.typist import Key, Modifier, button, given, press, shown, texts
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

# --- verdict keys ---


def test_every_verdict_has_its_key(ready_page: AnnotatePage, engine: FakeEngine, project: Project) -> None:
    pressed = (
        (Key.Key_1, Modifier.NoModifier),
        (Key.Key_2, Modifier.NoModifier),
        (Key.Key_1, Modifier.ShiftModifier),
        (Key.Key_2, Modifier.ShiftModifier),
        (Key.Key_3, Modifier.NoModifier),
        (Key.Key_4, Modifier.NoModifier),
        (Key.Key_Space, Modifier.NoModifier),
    )
    for key, modifiers in pressed:
        press(key, modifiers)
        engine.deliver()
    assert [(choice, strength) for _, choice, strength in given(project)] == [
        ("left", 1),
        ("right", 1),
        ("left", 2),
        ("right", 2),
        ("tie", 1),
        ("both_bad", 1),
        ("skip", 1),
    ]
    assert len({comparison for comparison, _, _ in given(project)}) == 7, "a new comparison for each"


def test_keys_of_the_number_pad_count_too(ready_page: AnnotatePage, project: Project) -> None:
    press(Key.Key_2, Modifier.KeypadModifier)
    assert [choice for _, choice, _ in given(project)] == ["right"]


def test_a_key_that_is_held_down_gives_one_verdict(ready_page: AnnotatePage, project: Project) -> None:
    assert [action for action in ready_page.actions() if action.autoRepeat()] == []


def test_the_verdict_is_for_what_stood_on_that_side(
    ready_page: AnnotatePage, engine: FakeEngine, project: Project
) -> None:
    sides = []
    for key in (Key.Key_1, Key.Key_2) * 4:
        left, right = texts(ready_page)
        sides.append((left, right) if key == Key.Key_1 else (right, left))
        press(key)
        engine.deliver()
    pairs = [(pair.chosen, pair.rejected) for pair in verdicts.training_pairs(project)]
    assert pairs == sides
    assert {left for left, _ in sides} == {"first text", "second text"}


def test_verdict_keys_do_nothing_but_hint_before_both_responses_have_begun(
    page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    presenter.start()
    engine.deliver(1)
    assert not button(page, "verdict-left").isEnabled()
    for key in (Key.Key_1, Key.Key_2, Key.Key_3, Key.Key_4, Key.Key_Space):
        press(key)
    assert given(project) == []
    assert page.header.notice.text() == "Both responses have to be there first."


def test_clicks_give_verdicts_and_leave_the_keys_working(
    ready_page: AnnotatePage, engine: FakeEngine, project: Project
) -> None:
    QTest.mouseClick(button(ready_page, "verdict-tie"), Qt.MouseButton.LeftButton)
    engine.deliver()
    assert ready_page.hasFocus(), "Space must not press the same button again"
    press(Key.Key_Space)
    assert [choice for _, choice, _ in given(project)] == ["tie", "skip"]


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_Return])
def test_a_focused_button_is_pressed_by_space_and_enter(
    ready_page: AnnotatePage, engine: FakeEngine, project: Project, key: Key
) -> None:
    button(ready_page, "verdict-both_bad").setFocus(Qt.FocusReason.TabFocusReason)
    press(key)
    assert [choice for _, choice, _ in given(project)] == ["both_bad"]
    assert button(ready_page, "verdict-both_bad").hasFocus()


def test_undo_and_redo_by_key(ready_page: AnnotatePage, engine: FakeEngine, project: Project) -> None:
    before = ready_page.header.counts.text()
    press(Key.Key_1)
    engine.deliver()
    assert ready_page.header.counts.text() == "1 today · 1 verdict"
    press(Key.Key_Z, Modifier.ControlModifier)
    assert ready_page.header.counts.text() == before == "No verdicts yet"
    assert ready_page.header.notice.text().startswith("Undone: verdict on “Question")
    press(Key.Key_Z, Modifier.ControlModifier | Modifier.ShiftModifier)
    assert ready_page.header.counts.text() == "1 today · 1 verdict"


# --- saving ---


def test_no_acknowledgement_before_the_write_returned(
    ready_page: AnnotatePage, store: DirectStore, project: Project
) -> None:
    before = texts(ready_page)
    store.hold()
    press(Key.Key_1)
    press(Key.Key_1)
    press(Key.Key_2)
    assert ready_page.header.notice.text() == ""
    assert ready_page.panes[0].is_marked
    assert not ready_page.panes[1].is_marked
    assert texts(ready_page) == before
    store.release(1)
    assert ready_page.header.notice.text() == "Saved"
    assert button(ready_page, "verdict-left").property("role") == "saved"
    assert not ready_page.panes[0].is_marked
    store.release()
    assert len(given(project)) == 1


def test_the_acknowledgement_goes_away_by_itself(qtbot: QtBot, ready_page: AnnotatePage) -> None:
    press(Key.Key_3)
    qtbot.waitUntil(lambda: ready_page.header.notice.text() == "", timeout=3000)
    qtbot.waitUntil(lambda: button(ready_page, "verdict-tie").property("role") == "", timeout=3000)


def test_an_error_while_saving_stays_with_a_button_to_try_again(
    ready_page: AnnotatePage, store: DirectStore, project: Project
) -> None:
    before = texts(ready_page)
    store.fail_next(StoreFull("The disk is full. Free some space and try again."))
    press(Key.Key_2)
    assert ready_page.problem.isVisible()
    assert ready_page.problem.sentence.text() == "The disk is full. Free some space and try again."
    assert texts(ready_page) == before
    assert given(project) == []
    button(ready_page, "problem-retry").click()
    assert not ready_page.problem.isVisible()
    assert [choice for _, choice, _ in given(project)] == ["right"]


# --- with the real writer thread ---


@pytest.fixture
def threaded(
    qtbot: QtBot, theme: Theme, starter: Path, tmp_path: Path, qapp: QApplication
) -> Iterator[tuple[AnnotatePage, Path]]:
    """A page over the real `Writer`, with three comparisons that wait."""
    path = tmp_path / "threaded.dpo"
    project = create_project(path, with_starter_prompts=False)
    for number in range(3):
        add_comparison(project, f"left {number}", f"right {number}", prompt=f"Prompt {number}")
    gui = GuiThread(qapp)
    writer = Writer(project, gui.post)
    presenter = new_presenter(FakeEngine(), writer)
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    qtbot.waitUntil(lambda: texts(page) == ("left 0", "right 0"))
    yield page, path
    presenter.close()
    writer.close()
    gui.deleteLater()


def test_what_the_next_comparison_shows_up_after_is_on_the_disk(
    qtbot: QtBot, threaded: tuple[AnnotatePage, Path]
) -> None:
    page, path = threaded
    for number, (key, choice) in enumerate(((Key.Key_1, "left"), (Key.Key_2, "right"))):
        press(key)
        press(key)  # a bounce of the key, before the event loop runs again
        qtbot.waitUntil(lambda n=number: texts(page)[0] == f"left {n + 1}")
        reader = open_reader(path)
        assert [row[1] for row in given(reader)][number:] == [choice]
        reader.close()
        qtbot.waitUntil(lambda n=number: page.header.ready.text() == f"{1 - n} ready")
