"""The page by keyboard, with a real project and a played engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.shell.gui_thread import GuiThread
from app.shell.theme import Theme
from app.store import verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.project import create_project, open_reader
from app.store.writer import Writer
from dpo_engine.events import Progress
from dpo_engine.preferences import Message
from dpo_engine.requests import Cancel, FetchModel, Generate
from tests.app.annotate.scenes import add_comparison, new_presenter
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

Key, Modifier = Qt.Key, Qt.KeyboardModifier


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, presenter: AnnotatePresenter) -> AnnotatePage:
    """In view, not started yet."""
    return shown(qtbot, AnnotatePage(presenter, theme))


@pytest.fixture
def ready_page(page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine) -> AnnotatePage:
    """With a comparison on the screen and four that wait."""
    presenter.start()
    engine.deliver()
    return page


def shown(qtbot: QtBot, page: AnnotatePage) -> AnnotatePage:
    page.resize(1072, 768)
    qtbot.addWidget(page)
    page.show()
    page.activateWindow()
    page.setFocus()
    qtbot.waitUntil(page.hasFocus)
    return page


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


def test_verdict_keys_do_nothing_but_hint_while_responses_come_in(
    page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    presenter.start()
    engine.deliver(3)
    assert not button(page, "verdict-left").isEnabled()
    for key in (Key.Key_1, Key.Key_2, Key.Key_3, Key.Key_4, Key.Key_Space):
        press(key)
    assert given(project) == []
    assert page.notice.text() == "Both responses have to be there first."


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
    before = ready_page.counts.text()
    press(Key.Key_1)
    engine.deliver()
    assert ready_page.counts.text() == "1 today · 1 verdict"
    press(Key.Key_Z, Modifier.ControlModifier)
    assert ready_page.counts.text() == before == "No verdicts yet"
    assert ready_page.notice.text() == "Verdict undone"
    press(Key.Key_Z, Modifier.ControlModifier | Modifier.ShiftModifier)
    assert ready_page.counts.text() == "1 today · 1 verdict"


# --- saving ---


def test_no_acknowledgement_before_the_write_returned(
    ready_page: AnnotatePage, store: DirectStore, project: Project
) -> None:
    before = texts(ready_page)
    store.hold()
    press(Key.Key_1)
    press(Key.Key_1)
    press(Key.Key_2)
    assert ready_page.notice.text() == ""
    assert ready_page.panes[0].is_marked
    assert not ready_page.panes[1].is_marked
    assert texts(ready_page) == before
    store.release(1)
    assert ready_page.notice.text() == "Saved"
    assert button(ready_page, "verdict-left").property("role") == "saved"
    assert not ready_page.panes[0].is_marked
    store.release()
    assert len(given(project)) == 1


def test_the_acknowledgement_goes_away_by_itself(qtbot: QtBot, ready_page: AnnotatePage) -> None:
    press(Key.Key_3)
    qtbot.waitUntil(lambda: ready_page.notice.text() == "", timeout=3000)
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
        qtbot.waitUntil(lambda n=number: page.ready.text() == f"{1 - n} ready")


# --- responses and prompts ---


def test_responses_stream_in_and_are_rendered_when_done(
    page: AnnotatePage, presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    engine.auto_generate(["some **bold** text", "other"])
    presenter.start()
    engine.deliver(4)
    assert sorted(texts(page)) == ["other", "some **bold**"]
    live = next(pane for pane in page.panes if "bold" in pane.text.text)
    assert live.text.is_live
    assert live.note == "Writing…"
    assert live.text.toPlainText() == "some **bold**"
    engine.deliver()
    assert not live.text.is_live
    assert live.text.toPlainText() == "some bold text"
    assert live.note == ""


def test_m_shows_the_text_as_written(ready_page: AnnotatePage, engine: FakeEngine, project: Project) -> None:
    pane = ready_page.panes[0]
    pane.text.show_text("some **bold** text")
    press(Key.Key_M)
    assert pane.text.toPlainText() == "some **bold** text"
    press(Key.Key_M)
    assert pane.text.toPlainText() == "some bold text"


def test_which_model_wrote_is_nowhere_on_the_page(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    add_comparison(project, "a", "b", model="secret-otter")
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    assert texts(page) == ("a", "b")
    for widget in page.findChildren(QWidget):
        words = [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
        words.append(widget.text() if isinstance(widget, QLabel) else "")
        assert not any("otter" in word for word in words)


def test_a_response_that_was_cut_says_so(
    ready_page: AnnotatePage,
) -> None:
    ready_page.panes[1].show_done("and then", cut=True)
    assert ready_page.panes[1].note == "Cut at the longest length"


@pytest.mark.parametrize("language", ["latin", "arabic"])
def test_long_responses_do_not_keep_a_key_waiting(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project, language: str
) -> None:
    sentence = "Many words in one paragraph. " if language == "latin" else "أعتذر عن الضوضاء ليلة أمس. "
    long = "\n\n".join([sentence * 7] * 100)[:20_000]
    for number in range(3):
        add_comparison(project, long, long[::-1], prompt=f"P{number}")
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    press(Key.Key_1)
    press(Key.Key_2)
    assert [choice for _, choice, _ in given(project)] == ["left", "right"]
    assert len(page.panes[0].text.text) == len(long) >= 19_000
    assert page.panes[0].height() == page.panes[1].height()


def test_the_prompt_takes_at_most_a_good_third_and_scrolls(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    add_comparison(project, "a", "b", prompt="A long story.\n" * 200)
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    QApplication.processEvents()
    assert 200 < page.prompt.height() <= 0.35 * page.height() + 4
    assert page.prompt.view.verticalScrollBar().maximum() > 0


def test_instructions_are_folded_away_until_asked_for(
    qtbot: QtBot, theme: Theme, starter: Path, project: Project
) -> None:
    turns = (
        Message("system", "Be kind."),
        Message("user", "A question"),
        Message("assistant", "Yes?"),
        Message("user", "More"),
    )
    add_comparison(project, "a", "b", prompt=turns)
    presenter = new_presenter(FakeEngine(), DirectStore(project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    assert page.prompt.view.toPlainText() == "You\nA question\nAssistant\nYes?\nYou\nMore"
    page.prompt.fold.click()
    assert page.prompt.view.toPlainText().startswith("Instructions\nBe kind.\nYou\nA question")


def test_panes_stand_side_by_side_or_one_above_the_other(ready_page: AnnotatePage) -> None:
    QApplication.processEvents()
    left, right = ready_page.panes
    assert left.y() == right.y()
    assert left.width() == pytest.approx(right.width(), abs=1)
    ready_page.resize(880, 768)
    QApplication.processEvents()
    assert left.x() == right.x()
    assert left.height() == pytest.approx(right.height(), abs=1)
    assert button(ready_page, "verdict-left").accessibleName() == "Upper is better"
    ready_page.resize(1072, 768)
    assert button(ready_page, "verdict-left").accessibleName() == "Left is better"


def test_screen_readers_get_names_and_the_responses(ready_page: AnnotatePage) -> None:
    for number, pane in enumerate(ready_page.panes, start=1):
        interface = QAccessible.queryAccessibleInterface(pane.text)
        assert interface.text(QAccessible.Text.Name) == f"Response {number}"
        assert interface.text(QAccessible.Text.Value) == pane.text.text != ""
    for child in ready_page.findChildren(QPushButton):
        assert child.accessibleName() or child.text(), child.objectName()


def test_tab_goes_from_the_prompt_over_the_responses_to_the_verdicts(ready_page: AnnotatePage) -> None:
    ready_page.prompt.view.setFocus()
    visited = []
    for _ in range(8):
        press(Key.Key_Tab)
        focus = QApplication.focusWidget()
        assert focus is not None
        visited.append(focus.objectName() or focus.accessibleName())
    assert visited[:3] == ["Response 1", "Response 2", "verdict-left"]
    assert visited[3:7] == ["verdict-tie", "verdict-both_bad", "verdict-skip", "verdict-right"]


# --- writing, prompts, sampling ---


def test_r_writes_again_and_escape_stops(ready_page: AnnotatePage, engine: FakeEngine) -> None:
    engine.auto_generate(["third", "fourth"])
    press(Key.Key_R)
    engine.deliver(2)
    live = engine.last(Generate).id
    press(Key.Key_Escape)
    assert Cancel(target=live) in engine.controls


def test_keys_go_into_the_field_that_is_typed_in(
    ready_page: AnnotatePage, engine: FakeEngine, project: Project
) -> None:
    press(Key.Key_N)
    field = QApplication.focusWidget()
    assert isinstance(field, QPlainTextEdit)
    assert field.objectName() == "new-prompt-text"
    QTest.keyClicks(field, "1 2 3 4 rmsn")
    assert field.toPlainText() == "1 2 3 4 rmsn"
    press(Key.Key_Z, Modifier.ControlModifier)
    assert given(project) == []
    press(Key.Key_Escape)
    assert not ready_page.composer.isVisible()
    assert ready_page.hasFocus()
    press(Key.Key_N)
    QTest.keyClicks(field, "!")
    assert field.toPlainText().endswith("!"), "what was typed is kept"


def test_a_new_prompt_is_added_with_control_enter_and_shown_next(
    ready_page: AnnotatePage, engine: FakeEngine
) -> None:
    press(Key.Key_N)
    QTest.keyClicks(QApplication.focusWidget(), "What is a fjord?")
    press(Key.Key_Return, Modifier.ControlModifier)
    assert not ready_page.composer.isVisible()
    assert ready_page.notice.text() == "Your prompt comes next."
    engine.deliver()
    press(Key.Key_1)
    assert ready_page.prompt.text == "What is a fjord?"


def test_a_prompt_that_is_refused_stays_in_its_field(ready_page: AnnotatePage, store: DirectStore) -> None:
    press(Key.Key_N)
    field = QApplication.focusWidget()
    assert isinstance(field, QPlainTextEdit)
    QTest.keyClicks(field, "What is a fjord?")
    store.fail_next(StoreFull("The disk is full."))
    press(Key.Key_Return, Modifier.ControlModifier)
    assert ready_page.composer.isVisible()
    assert field.toPlainText() == "What is a fjord?"
    assert "The disk is full." in [label.text() for label in ready_page.composer.findChildren(QLabel)]
    press(Key.Key_Return, Modifier.ControlModifier)
    assert not ready_page.composer.isVisible()


def test_sampling_is_taken_over_on_closing_and_a_wrong_value_changes_nothing(
    ready_page: AnnotatePage, presenter: AnnotatePresenter
) -> None:
    before = presenter.state.sampling
    press(Key.Key_S)
    form = ready_page.sampling.form
    for name, text in (("temperature", "9"), ("top_k", "40")):
        field = form.field(name).field
        assert isinstance(field, QLineEdit)
        field.setText(text)
    assert form.field("temperature").shown_error
    assert presenter.state.sampling == before
    ready_page.sampling.close()
    assert presenter.state.sampling.top_k == 40
    assert presenter.state.sampling.temperature == before.temperature


# --- without a model, without prompts ---


def test_the_first_run_shows_progress_then_the_way_out(
    qtbot: QtBot, theme: Theme, store: DirectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    presenter = new_presenter(engine, store)
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    fetch = engine.last(FetchModel).id
    engine.emit(Progress(request=fetch, stage="Downloading", done=31_000_000, total=93_000_000, unit="bytes"))
    assert page.interlude.isVisible()
    assert "Downloading · 31 of 93 MB" in [label.text() for label in page.interlude.findChildren(QLabel)]
    page.interlude.cancel.click()
    assert engine.controls == [Cancel(target=fetch)]
    engine.fail(fetch, code="fetch_failed", message="There is no network.")
    assert "There is no network." in page.interlude.words()
    assert page.interlude.retry.isVisible()
    monkeypatch.setattr("app.annotate.page.QFileDialog.getExistingDirectory", lambda *_: "/models/mine")
    page.interlude.folder.click()
    assert engine.last(Generate).policy == "/models/mine"
    engine.fail(engine.last(Generate).id, code="model_unusable", message="/models/mine holds no model.")
    assert page.problem.sentence.text() == "/models/mine holds no model."
    assert not button(page, "problem-retry").isVisible()
    assert page.interlude.retry.isVisible()


def test_an_empty_project_asks_for_a_prompt(
    qtbot: QtBot, theme: Theme, starter: Path, empty_project: Project, engine: FakeEngine
) -> None:
    presenter = new_presenter(engine, DirectStore(empty_project))
    page = shown(qtbot, AnnotatePage(presenter, theme))
    presenter.start()
    assert page.interlude.words().startswith("No prompts yet")
    page.interlude.new_prompt.click()
    assert page.composer.isVisible()


def test_the_shell_gets_named_actions_with_icons(page: AnnotatePage) -> None:
    actions = page.actions()
    assert len({action.objectName() for action in actions}) == len(actions) == 16
    for action in actions:
        assert action.text()
        assert not action.icon().isNull()
        assert action.shortcutContext() == Qt.ShortcutContext.WidgetWithChildrenShortcut


def test_the_page_follows_the_theme(ready_page: AnnotatePage, theme: Theme) -> None:
    theme.set_mode("dark")
    theme.set_scale(1.5)
    QApplication.processEvents()
    assert ready_page.panes[0].text.document().defaultFont().pixelSize() == 22
    assert texts(ready_page)[0] != ""
