"""The panel by keyboard, over a real project and a fake engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.shell.settings import SettingsFile
from app.shell.theme import Theme
from app.train.panels import PANELS, Means
from app.train.preflight.panel import PreflightPanel
from app.train.preflight.token_view import TokenView, visible
from dpo_engine.preflight import TokenColumns, TokenMark
from tests.app.train.preflight.conftest import Check, judge


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def panel(qtbot: QtBot, check: Check, theme: Theme) -> Iterator[PreflightPanel]:
    judge(check.room, "not comparison-2", prompt="Against it?")
    panel = PreflightPanel(check.presenter, theme)
    qtbot.addWidget(panel)
    panel.resize(720, 560)
    with qtbot.waitExposed(panel):
        panel.show()
    panel.activateWindow()
    check.train.refresh()
    check.settle()
    qtbot.waitUntil(lambda: bool(panel.report.line_buttons()))
    yield panel
    panel.hide()


def words(panel: PreflightPanel) -> str:
    return "\n".join(label.text() for label in panel.report.findChildren(QLabel) if label.text())


def test_the_report_comes_by_itself(panel: PreflightPanel) -> None:
    assert panel.head.isVisible() and panel.report.isVisible()
    assert panel.head.title.text() == "It would run, but mislead"
    assert "1 pair is there the other way round" in panel.head.sentence.text()
    assert "Contradictions\n1\n" in words(panel)
    assert not panel.head.progress.isVisible() and not panel.head.aside.isVisible()


def test_a_line_opens_by_keyboard_and_escape_comes_back_to_it(
    qtbot: QtBot, panel: PreflightPanel, check: Check
) -> None:
    buttons = {button.line.key: button for button in panel.report.line_buttons()}
    assert set(buttons) == {"contradictions", "held_out", "length"}
    assert "Contradictions, 1" in buttons["contradictions"].accessibleName()
    assert "would mislead" in buttons["contradictions"].accessibleName()
    buttons["contradictions"].setFocus()
    QTest.keyClick(buttons["contradictions"], Qt.Key.Key_Space)
    assert panel.pairs.isVisible() and panel.focusWidget() is panel.pairs.list
    model = panel.pairs.list.model()
    assert [model.index(0, column).data() for column in range(4)] == ["9", "27", "+14", "against 2"]
    check.room.engine.deliver()
    panel.pairs.tokens.chosen.finish()
    assert "16 tokens, all scored" in panel.pairs.tokens.chosen.toPlainText()
    QTest.keyClick(panel.pairs.list, Qt.Key.Key_Escape)
    assert panel.report.isVisible()
    again = {button.line.key: button for button in panel.report.line_buttons()}["contradictions"]
    assert panel.focusWidget() is again


def test_going_down_the_list_shows_other_tokens(qtbot: QtBot, panel: PreflightPanel, check: Check) -> None:
    check.presenter.open("length")
    check.room.engine.deliver()
    first = panel.pairs.tokens.prompt.toPlainText()
    QTest.keyClick(panel.pairs.list, Qt.Key.Key_Down)
    check.room.engine.deliver()
    assert panel.pairs.tokens.prompt.toPlainText() != first


def test_an_outdated_report_says_so_and_measuring_waits(panel: PreflightPanel, check: Check) -> None:
    values = {
        name: getattr(check.train.state.config, name)
        for name in type(check.train.state.config).__dataclass_fields__
    }
    check.train.form.configure(values | {"max_length": 64})
    assert "settings changed" in panel.head.aside.text()
    assert not panel.head.measure.isEnabled()
    check.settle()
    assert not panel.head.aside.isVisible() and panel.head.measure.isEnabled()


def test_measuring_shows_progress_and_then_both_figures(
    qtbot: QtBot, panel: PreflightPanel, check: Check
) -> None:
    panel.head.measure.setFocus()
    QTest.keyClick(panel.head.measure, Qt.Key.Key_Space)
    assert panel.head.progress.isVisible() and panel.focusWidget() is panel.head.cancel
    check.settle()
    qtbot.waitUntil(lambda: "measured; estimated 3.5 GB" in words(panel))
    assert not panel.head.progress.isVisible() and panel.focusWidget() is panel.head.check


def test_a_report_that_changes_while_its_cards_are_made(
    qtbot: QtBot, panel: PreflightPanel, check: Check, theme: Theme
) -> None:
    """Nothing of the one before stays, and each card is there once."""
    before = panel.report.line_buttons()
    before[0].setFocus()
    theme.set_mode("dark")
    judge(check.room, "not comparison-2", prompt="Against it again?")
    check.train.refresh()
    check.settle()
    assert panel.report.line_buttons() == before
    qtbot.waitUntil(lambda: panel.report.line_buttons() != before)
    keys = [button.line.key for button in panel.report.line_buttons()]
    assert len(keys) == len(set(keys)) and not set(panel.report.line_buttons()) & set(before)
    focused = panel.focusWidget()
    assert focused in panel.report.line_buttons()


def test_a_failure_takes_the_place_of_the_report(panel: PreflightPanel, check: Check) -> None:
    check.presenter.check()
    request = check.room.engine.open[0]
    check.room.engine.fail(request, code="bad_input", message="lora_target_modules fits no layer.")
    assert panel.blank.isVisible() and not panel.head.isVisible()
    assert "fits no layer" in panel.blank.words()
    panel.blank.button.click()
    check.settle()
    assert panel.report.isVisible()


def test_the_panel_takes_its_folder_along(check: Check, theme: Theme) -> None:
    panel = PreflightPanel(check.presenter, theme)
    check.presenter.check()
    check.settle()
    folder = Path(check.engine.folders[-1])
    assert folder.is_dir()
    shiboken6.delete(panel)
    assert not folder.exists()


def test_it_has_a_place_on_the_train_page(qtbot: QtBot, check: Check, theme: Theme, tmp_path: Path) -> None:
    (described,) = [panel for panel in PANELS if panel.key == "check"]
    means = Means(presenter=check.train, theme=theme, settings=SettingsFile(tmp_path / "settings.json"))
    panel = described.make(means)
    qtbot.addWidget(panel)
    assert isinstance(panel, PreflightPanel)
    with qtbot.waitExposed(panel):
        panel.show()
    check.settle()
    assert panel.report.isVisible()
    assert panel.head.sentence.text().startswith("6 steps over 6 pairs")


def columns(*tokens: tuple[str, TokenMark]) -> TokenColumns:
    return TokenColumns(
        texts=tuple(text for text, _ in tokens),
        ids=tuple(range(len(tokens))),
        marks=tuple(int(mark) for _, mark in tokens),
        gap=len(tokens),
    )


def test_scored_cut_and_special_differ_by_more_than_colour(qtbot: QtBot, theme: Theme) -> None:
    view = TokenView("Chosen", "chosen", theme)
    qtbot.addWidget(view)
    view.show_tokens(
        columns(
            ("read", TokenMark(0)),
            ("said", TokenMark.SCORED),
            ("gone", TokenMark.CUT),
            ("<|x|>", TokenMark(5)),
        )
    )
    view.finish()
    forms = {}
    for text in ("read", "said", "gone", "<|x|>"):
        cursor = view.document().find(text)
        assert isinstance(cursor, QTextCursor) and not cursor.isNull()
        form = cursor.charFormat()
        forms[text] = (form.fontUnderline(), form.fontStrikeOut())
    assert forms == {
        "read": (False, False),
        "said": (True, False),
        "gone": (False, True),
        "<|x|>": (True, False),
    }
    assert "4 tokens · 2 scored · 1 cut" in view.toPlainText()


def test_tokens_keep_their_order_in_any_script_and_nothing_is_unseen(qtbot: QtBot, theme: Theme) -> None:
    assert [visible(text) for text in (" a", "\n\n", "\t", "", "\u202e")] == [
        "·a",
        "↵↵",
        "→",
        "∅",
        "‹U+202E›",
    ]
    view = TokenView("Chosen", "chosen", theme)
    qtbot.addWidget(view)
    view.show_tokens(
        columns(("مر", TokenMark.SCORED), ("حبا", TokenMark.SCORED), ("<b>x</b>", TokenMark.SCORED))
    )
    view.finish()
    shown = view.toPlainText()
    assert "\u2068مر\u2069\u2068حبا\u2069\u2068<b>x</b>\u2069" in shown


def test_a_long_text_is_written_in_turns(qtbot: QtBot, theme: Theme) -> None:
    view = TokenView("Chosen", "chosen", theme)
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show_tokens(columns(*[(f"w{number}", TokenMark.SCORED) for number in range(4000)]))
    assert "w3999" not in view.toPlainText()
    qtbot.waitUntil(lambda: "w3999" in view.toPlainText())


def test_news_take_the_keyboard_from_nobody(panel: PreflightPanel, check: Check) -> None:
    panel.head.check.setFocus()
    check.presenter.open("length")
    assert panel.focusWidget() is panel.pairs.list
    check.room.engine.deliver()
    assert panel.focusWidget() is panel.pairs.list
