"""The Library's page, used as a person would: by keys alone, and every control with its name."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QComboBox,
    QLineEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.library.columns import COLUMNS
from app.library.facets import FACETS, open_facet
from app.library.page import LibraryPage
from app.library.popups import LinePopup, RangePopup, ValuesPopup
from app.library.presenter import LibraryPresenter
from app.shell.theme import Theme
from app.store.collecting import comparisons
from app.store.handle import Project
from app.store.library.filters import Filter, Sort
from dpo_engine.preferences import Message
from tests.app.library.scenes import add_row, shown, words_of
from tests.store.makers import prompt

KEY = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
TAGS = next(number for number, column in enumerate(COLUMNS) if column.key == "tags")


@pytest.fixture
def filled(page: LibraryPage, project: Project, qtbot: QtBot) -> Iterator[LibraryPage]:
    """Five rows: four judged, one prompt alone; shown, with the keyboard on the rows."""
    prompt(project, "A lonely prompt")
    for text, choice in (("river", "left"), ("stone", "right"), ("otter", "tie"), ("brave otter", "left")):
        add_row(project, text, choice)  # type: ignore[arg-type]
    page.show()
    qtbot.waitExposed(page)
    page.table.view.setFocus()
    yield page
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()


def press(*keys: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press keys where the keyboard is."""
    for key in keys:
        target = QApplication.activePopupWidget() or QApplication.focusWidget()
        assert target is not None
        inner = target.focusWidget() or target
        QTest.keyClick(inner, key, modifier)


def type_words(text: str) -> None:
    target = QApplication.activePopupWidget() or QApplication.focusWidget()
    assert target is not None
    QTest.keyClicks(target.focusWidget() or target, text)


def test_rows_stand_there_newest_first(filled: LibraryPage) -> None:
    assert shown(filled) == ["brave otter", "otter", "stone", "river", "A lonely prompt"]
    assert shown(filled, 1) == ["Left", "Tie", "Right", "Left", "Not compared"]
    assert filled.acts.count.text() == "5 rows"


def test_searching_and_coming_back_by_keys(filled: LibraryPage, qtbot: QtBot) -> None:
    press(KEY.Key_Slash)
    assert filled.filters.search.hasFocus()
    type_words("otter")
    press(KEY.Key_Return)
    assert shown(filled) == ["brave otter", "otter"]
    assert filled.table.view.hasFocus()
    press(KEY.Key_Slash)
    press(KEY.Key_Escape)
    assert len(shown(filled)) == 5 and filled.table.view.hasFocus()


def test_words_apply_after_a_pause_in_typing(filled: LibraryPage, qtbot: QtBot) -> None:
    press(KEY.Key_Slash)
    type_words("sto")
    assert len(shown(filled)) == 5, "not with every letter"
    qtbot.waitUntil(lambda: shown(filled) == ["stone"])


def test_enter_reads_and_escape_returns(filled: LibraryPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: filled.pane.reading is not None)
    assert filled.pane.verdict.text() == "Left is better"
    assert filled.pane.cards["left"].fate.text() == "Chosen"
    assert filled.pane.cards["right"].fate.text() == "Rejected"
    press(KEY.Key_Return)
    assert filled.pane.cards["left"].text.hasFocus()
    press(KEY.Key_Escape)
    assert filled.table.view.hasFocus()


def test_arrows_read_the_next_row(filled: LibraryPage, qtbot: QtBot) -> None:
    press(KEY.Key_Down, KEY.Key_Down)
    qtbot.waitUntil(lambda: filled.pane.prompt.text == "stone")
    press(KEY.Key_End)
    qtbot.waitUntil(lambda: filled.pane.prompt.text == "A lonely prompt")
    assert filled.pane.verdict.text() == "Not compared yet"
    assert not filled.pane.cards["left"].isVisible() and not filled.pane.judge.isVisible()
    press(KEY.Key_Home)
    qtbot.waitUntil(lambda: filled.pane.prompt.text == "brave otter")


def test_a_prompt_that_stands_alone_has_the_room_of_the_responses(filled: LibraryPage, qtbot: QtBot) -> None:
    def height_of(row: Qt.Key) -> int:
        press(row)
        alone = row == KEY.Key_End
        qtbot.waitUntil(lambda: filled.pane.cards["left"].isHidden() == alone)
        reading = filled.pane.reading
        assert reading is not None
        long = Message("user", "A long question. " * 400)
        filled.pane.show_reading(replace(reading, prompt=replace(reading.prompt, messages=(long,))))
        filled.pane.prompt.view.finish()
        return filled.pane.prompt.view.height()

    assert height_of(KEY.Key_End) > 1.8 * height_of(KEY.Key_Home)


def test_space_collects_rows_while_arrows_walk_on(filled: LibraryPage) -> None:
    press(KEY.Key_Space, KEY.Key_Down, KEY.Key_Down, KEY.Key_Space)
    assert filled.table.spans() == [(0, 0), (2, 2)]
    assert filled.acts.selected.text() == "2 selected"
    press(KEY.Key_Space)
    assert filled.table.spans() == [(0, 0)]
    press(KEY.Key_Escape)
    assert not filled.table.collecting
    assert filled.table.spans() == [(2, 2)]


def test_tagging_the_selection_by_keys_and_undoing_it(
    filled: LibraryPage, presenter: LibraryPresenter
) -> None:
    press(KEY.Key_Space, KEY.Key_Down, KEY.Key_Space)
    press(KEY.Key_T)
    assert isinstance(QApplication.activePopupWidget(), LinePopup)
    type_words("hard, calm")
    press(KEY.Key_Return)
    assert QApplication.activePopupWidget() is None
    assert shown(filled, TAGS) == ["calm, hard", "calm, hard", "", "", ""]
    assert filled.acts.selected.text() == "Tagged 2 rows “hard”, “calm”"
    assert filled.table.spans() == [(0, 1)], "selected still, for the next act"
    filled.acts.undo_here.click()
    assert shown(filled, TAGS) == [""] * 5
    assert words_of(presenter).startswith("Undone: ")


def test_all_of_the_filter_is_selected_and_deleted(filled: LibraryPage, project: Project) -> None:
    press(KEY.Key_A, modifier=CTRL)
    assert filled.table.spans() == [(0, 4)]
    assert filled.acts.selected.text() == "All 5 rows selected"
    press(KEY.Key_H)
    assert project.db.execute("SELECT count(*) FROM prompts WHERE split = 'held_out'").fetchone() == (5,)
    press(KEY.Key_A, modifier=CTRL)
    press(KEY.Key_Delete)
    assert project.db.execute("SELECT count(*) FROM comparisons WHERE deleted_at IS NOT NULL").fetchone() == (
        4,
    )


def test_a_single_row_is_acted_on_without_selecting(filled: LibraryPage, project: Project) -> None:
    press(KEY.Key_Down)
    press(KEY.Key_F)
    (flagged,) = project.db.execute("SELECT id FROM comparisons WHERE flagged = 1").fetchone()
    assert comparisons.get(project, flagged).prompt.messages[0].content == "otter"
    assert filled.table.current_row() == 1, "the keyboard stays where it was"
    press(KEY.Key_F)
    assert project.db.execute("SELECT count(*) FROM comparisons WHERE flagged = 1").fetchone() == (0,)


def test_a_comment_is_kept_when_it_is_left(filled: LibraryPage, project: Project, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: filled.pane.reading is not None)
    press(KEY.Key_C)
    assert filled.pane.details.comment.hasFocus()
    type_words("Both miss it.")
    filled.table.view.setFocus()
    (kept,) = project.db.execute("SELECT comment FROM comparisons WHERE comment <> ''").fetchone()
    assert kept == "Both miss it."


def test_chips_say_what_is_shown_and_take_it_away(filled: LibraryPage, presenter: LibraryPresenter) -> None:
    presenter.set_filter(Filter(standings=("left",), splits=("train",), flagged=False))
    chips = filled.filters.chips.findChildren(QAbstractButton)
    names = [chip.accessibleName() for chip in chips]
    assert "Filter Verdict: Left" in names and "Remove the filter Split: Train" in names
    next(chip for chip in chips if chip.accessibleName() == "Remove the filter Verdict: Left").click()
    assert presenter.state.filter == Filter(splits=("train",))


def test_values_are_ticked_in_a_popup(filled: LibraryPage, presenter: LibraryPresenter, theme: Theme) -> None:
    filled.filters._open(FACETS["standings"], filled.filters.add)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, ValuesPopup)
    popup.list.item(2).setCheckState(Qt.CheckState.Checked)
    assert shown(filled) == ["otter"], "each tick counts at once"
    popup.list.item(0).setCheckState(Qt.CheckState.Checked)
    assert presenter.state.filter.standings == ("left", "tie")
    press(KEY.Key_Return)
    assert QApplication.activePopupWidget() is None


def test_a_range_has_open_ends(filled: LibraryPage, presenter: LibraryPresenter, theme: Theme) -> None:
    wanted: list[dict[str, object]] = []
    popup = open_facet(
        FACETS["length"], presenter.state, theme, filled, filled.filters.add, lambda **c: wanted.append(c)
    )
    assert isinstance(popup, RangePopup)
    popup.least.setValue(20)
    assert wanted[-1] == {"shortest": 20, "longest": None}
    popup.most.setValue(100)
    assert wanted[-1] == {"shortest": 20, "longest": 100}
    popup.close()


def test_headings_sort_where_an_index_allows(filled: LibraryPage, presenter: LibraryPresenter) -> None:
    by_key = {column.key: number for number, column in enumerate(COLUMNS)}
    filled.table.heading_clicked.emit(by_key["added"])
    assert presenter.state.sort == Sort(key="added", descending=False)
    assert shown(filled)[0] == "river"
    filled.table.heading_clicked.emit(by_key["tags"])
    assert presenter.state.sort == Sort(key="added", descending=False), "tags have no order"
    filled.table.heading_clicked.emit(by_key["prompt"])
    assert presenter.state.sort == Sort(key="prompt")


def test_what_matches_nothing_says_so(filled: LibraryPage, presenter: LibraryPresenter) -> None:
    presenter.set_filter(Filter(text="nowhere "))
    assert filled.blank.isVisible() and "No row matches" in filled.blank.words()
    assert not filled.table.collecting
    filled.blank.button.click()
    assert len(shown(filled)) == 5 and filled.table.isVisible()


def test_an_empty_project_says_where_to_begin(page: LibraryPage, qtbot: QtBot) -> None:
    page.show()
    qtbot.waitExposed(page)
    assert "Nothing here yet" in page.blank.words()
    with qtbot.waitSignal(page.annotate_requested):
        page.blank.button.click()


def test_exchange_and_judging_are_asked_for(
    filled: LibraryPage, presenter: LibraryPresenter, qtbot: QtBot
) -> None:
    presenter.set_filter(Filter(standings=("left",)))
    for key, signal in (("import", filled.import_requested), ("merge", filled.merge_requested)):
        with qtbot.waitSignal(signal):
            filled.exchange[key].click()
    with qtbot.waitSignal(filled.export_requested) as asked:
        filled.exchange["export"].click()
    assert asked.args == [Filter(standings=("left",))]
    qtbot.waitUntil(lambda: filled.pane.reading is not None)
    with qtbot.waitSignal(filled.judge_requested):
        press(KEY.Key_J)


def test_before_a_verdict_nothing_tells_who_wrote_what(
    page: LibraryPage, project: Project, qtbot: QtBot
) -> None:
    add_row(project, "still open")
    page.show()
    qtbot.waitUntil(lambda: page.pane.reading is not None)
    assert [card.origin.text() for card in page.pane.cards.values()] == ["3 characters", "9 characters"]
    assert page.pane.judge.text() == "Judge"


def test_every_control_has_a_name_and_is_reached_by_tab(filled: LibraryPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: filled.pane.reading is not None)
    controls = [
        widget
        for widget in filled.findChildren(QWidget)
        if isinstance(widget, QAbstractButton | QLineEdit | QComboBox | QAbstractScrollArea)
        and widget.isVisible()
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not widget.objectName().startswith("qt_")
    ]
    assert len(controls) > 12
    for control in controls:
        interface = QAccessible.queryAccessibleInterface(control)
        name = interface.text(QAccessible.Text.Name) if interface else ""
        assert name.strip(), f"{control} has no accessible name"
    reached: list[QWidget] = []
    start = filled.filters.search
    start.setFocus()
    for _ in range(60):
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused in reached:
            break
        reached.append(focused)
        QTest.keyClick(focused, KEY.Key_Tab)
    missed = [
        control
        for control in controls
        if control not in reached and control.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    # Of a group of segments the chosen one is reached, the others by arrows.
    missed = [c for c in missed if c not in filled.views.findChildren(QAbstractButton)]
    assert not missed, [control.accessibleName() for control in missed]


def test_cells_are_told_by_name(filled: LibraryPage) -> None:
    def told(column: int) -> object:
        return filled.model.index(0, column).data(Qt.ItemDataRole.AccessibleTextRole)

    assert told(0) == "Prompt: brave otter"
    assert told(1) == "Verdict: Left"
    assert told(TAGS) == "Tags: none"


def test_figures_say_themselves_in_words(
    filled: LibraryPage, presenter: LibraryPresenter, qtbot: QtBot
) -> None:
    from app.library.figures import Figures

    press(KEY.Key_G)
    figures = filled.findChild(Figures)
    assert figures is not None and figures.isVisible()
    assert "4 verdicts on 1 day" in figures.days.accessibleDescription()
    assert "longer response won" in figures.lengths.accessibleDescription()
    assert "Left preferred: 67 %" in figures.agreement.accessibleDescription()
    with qtbot.waitSignal(filled.agreement_requested):
        figures.disputes.click()
    button = figures.coverage["splits"].buttons[0]
    assert button.accessibleName() == "Show the rows of Train: 4 of 4"
    button.click()
    assert presenter.state.filter == Filter(splits=("train",))
    assert filled.table.isVisible() and not figures.isVisible()


def test_theme_and_text_size_change_while_it_is_open(filled: LibraryPage, theme: Theme) -> None:
    press(KEY.Key_G)
    theme.set_mode("dark")
    theme.set_scale(1.5)
    press(KEY.Key_G)
    filled.resize(2400, 1300)
    assert filled._splitter.orientation() == Qt.Orientation.Vertical or filled.width() >= theme.px(1_700)
    theme.set_scale(1.0)
    theme.set_mode("light")


def test_the_rows_do_without_the_plots_library() -> None:
    code = "import sys, app.library.page; sys.exit('pyqtgraph' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_was_done_to_one_row_is_said_beside_the_count(filled: LibraryPage, project: Project) -> None:
    press(KEY.Key_F)
    assert filled.acts.notice.text() == "Flagged 1 row" and filled.acts.notice.isVisible()
    filled.acts.undo.click()
    assert project.db.execute("SELECT count(*) FROM comparisons WHERE flagged = 1").fetchone() == (0,)


def test_shift_and_arrows_select_a_stretch(filled: LibraryPage) -> None:
    press(KEY.Key_Down, KEY.Key_Down, modifier=SHIFT)
    assert filled.table.spans() == [(0, 2)]
    assert filled.acts.selected.text() == "3 selected"
