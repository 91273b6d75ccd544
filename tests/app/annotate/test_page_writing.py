"""What else is done on the page: prompts of one's own, sampling, getting a model."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.annotate.page import AnnotatePage
from app.annotate.presenter import AnnotatePresenter
from app.shell.theme import Theme
from app.store.errors import StoreFull
from app.store.handle import Project
from dpo_engine.events import Progress
from dpo_engine.requests import Cancel, FetchModel, Generate
from tests.app.annotate.scenes import new_presenter
from tests.app.annotate.typist import Key, Modifier, button, given, press, shown, texts
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

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
    assert not ready_page.cards.composer.isVisible()
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
    assert not ready_page.cards.composer.isVisible()
    assert ready_page.header.notice.text() == "Your prompt comes next."
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
    assert ready_page.cards.composer.isVisible()
    assert field.toPlainText() == "What is a fjord?"
    assert "The disk is full." in [label.text() for label in ready_page.cards.composer.findChildren(QLabel)]
    press(Key.Key_Return, Modifier.ControlModifier)
    assert not ready_page.cards.composer.isVisible()


def test_sampling_is_taken_over_on_closing_and_a_wrong_value_changes_nothing(
    ready_page: AnnotatePage, presenter: AnnotatePresenter
) -> None:
    before = presenter.state.sampling
    press(Key.Key_S)
    form = ready_page.cards.sampling.form
    for name, text in (("temperature", "9"), ("top_k", "40")):
        field = form.field(name).field
        assert isinstance(field, QLineEdit)
        field.setText(text)
    assert form.field("temperature").shown_error
    assert presenter.state.sampling == before
    ready_page.cards.sampling.close()
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
    assert page.cards.composer.isVisible()


def test_the_shell_gets_named_actions_with_icons(page: AnnotatePage) -> None:
    actions = page.actions()
    assert len({action.objectName() for action in actions}) == len(actions) == 27
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
