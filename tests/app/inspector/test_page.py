"""The page by keyboard, with a real project and a played engine."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.inspector.columns import column_by_key
from app.inspector.page import InspectorPage
from app.inspector.presenter import InspectorPresenter
from app.shell.theme import Theme
from app.store.handle import Project
from app.store.records import Run
from dpo_engine.preferences import Message
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader

HOSTILE = "<script>alert(1)</script> <img src='http://example.com/a.png'> [x](file:///etc/passwd) **bold**"
ARABIC = "مرحباً جاري العزيز، أعتذر عن الضوضاء ليلة أمس."
LONG = "Many words in one paragraph. " * 700
PAIRS = make_pairs(30, held_out=6)
PAIRS[1] = replace(PAIRS[1], chosen=HOSTILE, rejected=ARABIC)
PAIRS[2] = replace(
    PAIRS[2],
    prompt=(
        Message("system", "Be kind."),
        Message("user", "A question"),
        Message("assistant", "Yes?"),
        Message("user", "More"),
    ),
    chosen=LONG,
)
SCORES = make_scores(PAIRS)


@pytest.fixture
def run(project: Project) -> Run:
    return add_scene_run(project, "brave-otter", PAIRS, checkpoints=(20,))


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


@pytest.fixture
def page(qtbot: QtBot, theme: Theme, presenter: InspectorPresenter) -> InspectorPage:
    page = InspectorPage(presenter, theme)
    page.resize(1072, 768)
    qtbot.addWidget(page)
    return page


@pytest.fixture
def scored_page(qtbot: QtBot, page: InspectorPage, engine: FakeEngine, run: Run) -> InspectorPage:
    """In view with all pairs scored and the keyboard in the table."""
    engine.auto_score(SCORES)
    shown(qtbot, page)
    engine.deliver()
    page.pairs.rows.setFocus()
    return page


def shown(qtbot: QtBot, page: InspectorPage) -> None:
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()


def press(page: InspectorPage, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    focused = page.focusWidget() or page
    combined = Qt.KeyboardModifier.NoModifier
    for modifier in modifiers:
        combined |= modifier
    QTest.keyClick(focused, key, combined)


def visible_pairs(page: InspectorPage) -> list[str]:
    return [
        page.pairs.model.table.ids[page.pairs.model.place(row)] for row in range(page.pairs.model.rowCount())
    ]


def margins(page: InspectorPage) -> list[float]:
    return [
        float(page.pairs.model.table.figures.margin[page.pairs.model.place(row)])
        for row in range(page.pairs.model.rowCount())
    ]


# --- the words in place of rows ------------------------------------------------------------------


def test_without_a_run_the_page_sends_to_train(qtbot: QtBot, page: InspectorPage) -> None:
    shown(qtbot, page)
    assert page.blank.isVisible() and "Train a run first" in page.blank.words()
    assert not page.pairs.filters.isVisible() and not page.top.runs.isVisible()
    page.blank.button.setFocus()
    with qtbot.waitSignal(page.train_page_requested):
        press(page, Qt.Key.Key_Space)


def test_while_a_first_run_trains_the_page_says_so(
    qtbot: QtBot, page: InspectorPage, project: Project
) -> None:
    add_scene_run(project, "young-hare", PAIRS, policy=False, status="running")
    shown(qtbot, page)
    assert "A run is being trained" in page.blank.words()


def test_scoring_is_shown_and_can_be_stopped_and_started(
    qtbot: QtBot, page: InspectorPage, engine: FakeEngine, run: Run
) -> None:
    engine.auto_score(SCORES)
    shown(qtbot, page)
    engine.deliver(1)
    assert page.blank.isVisible() and page.blank.progress.isVisible()
    engine.deliver(1)
    assert page.pairs.rows.isVisible(), "rows appear while the others are being scored"
    assert page.top.status.words.text() == "Scoring 2 of 30"
    page.top.status.button.setFocus()
    press(page, Qt.Key.Key_Space)
    engine.deliver()
    assert page.top.status.words.text() == "2 of 30 pairs scored"
    press(page, Qt.Key.Key_Space)
    engine.deliver()
    assert page.pairs.model.rowCount() == 30
    assert not page.top.status.isVisible()


def test_a_failed_scoring_is_a_sentence_with_a_way_on(
    qtbot: QtBot, page: InspectorPage, engine: FakeEngine, run: Run
) -> None:
    shown(qtbot, page)
    engine.fail(engine.open[0], code="not_fetched", message="The starter model is not here. Fetch it first.")
    assert "The starter model is not here. Fetch it first." in page.blank.words()
    engine.auto_score(SCORES)
    page.blank.button.setFocus()
    press(page, Qt.Key.Key_Space)
    engine.deliver()
    assert page.pairs.rows.isVisible() and page.pairs.model.rowCount() == 30


def test_a_failure_over_rows_leaves_the_rows(
    qtbot: QtBot, page: InspectorPage, engine: FakeEngine, run: Run
) -> None:
    engine.auto_score(SCORES)
    shown(qtbot, page)
    engine.deliver(4)
    engine.fail(engine.open[0], code="engine_died", message="The engine stopped. It was started again.")
    assert page.pairs.rows.isVisible() and page.pairs.model.rowCount() == 6
    assert page.problem.isVisible() and page.problem.text() == "The engine stopped. It was started again."


def test_slow_reading_is_said_only_after_a_while(
    qtbot: QtBot, page: InspectorPage, reader: DirectReader, engine: FakeEngine, run: Run
) -> None:
    engine.auto_score(SCORES)
    shown(qtbot, page)
    engine.deliver()
    reader.hold()
    page.top.checkpoint_chosen.emit("step-000020")
    assert page.pairs.rows.isVisible(), "what was there stays at first"
    qtbot.waitUntil(lambda: page.blank.isVisible() and "Reading the scores" in page.blank.words())
    reader.release()
    assert "Reading" not in page.blank.words()


# --- rows ----------------------------------------------------------------------------------------


def test_down_and_up_move_through_the_pairs_and_the_texts_follow(scored_page: InspectorPage) -> None:
    page = scored_page
    assert page.pairs.pane.name.text() == "Pair 1"
    press(page, Qt.Key.Key_Down)
    assert page.pairs.pane.name.text() == "Pair 2"
    assert page.pairs.pane.chosen.text.toPlainText() == HOSTILE
    assert page.pairs.pane.rejected.text.toPlainText() == ARABIC
    press(page, Qt.Key.Key_Down)
    assert page.pairs.pane.chosen.text.toPlainText() == LONG
    assert page.pairs.pane.prompt.text.toPlainText().startswith("System:\nBe kind.\n\nPerson:\nA question")
    press(page, Qt.Key.Key_Up)
    press(page, Qt.Key.Key_Up)
    assert page.pairs.pane.name.text() == "Pair 1"
    press(page, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    assert page.pairs.pane.name.text() == "Pair 30"


def test_the_pane_has_the_pairs_own_numbers(scored_page: InspectorPage) -> None:
    page, score = scored_page, SCORES[0]
    text = page.pairs.pane.chosen.figures.text().replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")
    assert f"log-prob {score.reference_chosen_logp:.2f} → {score.policy_chosen_logp:.2f}" in text
    assert f"log-ratio {score.chosen_log_ratio:.3f}" in text
    assert f"reward {0.1 * score.chosen_log_ratio:.3f}" in text
    assert page.pairs.pane.chosen.length.text() == f"{score.chosen_tokens} tokens"
    assert f"{score.margin(0.1):.2f}" in page.pairs.pane.sentence.text().replace("−", "-")


def test_a_right_to_left_paragraph_runs_from_the_right(scored_page: InspectorPage) -> None:
    page = scored_page
    press(page, Qt.Key.Key_Down)
    layout = page.pairs.pane.rejected.text.document().firstBlock().layout()
    assert layout.textOption().textDirection() == Qt.LayoutDirection.LayoutDirectionAuto
    assert (
        page.pairs.pane.rejected.text.document().firstBlock().textDirection()
        == Qt.LayoutDirection.RightToLeft
    )
    assert (
        page.pairs.pane.chosen.text.document().firstBlock().textDirection() == Qt.LayoutDirection.LeftToRight
    )


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_round(
    qtbot: QtBot, scored_page: InspectorPage
) -> None:
    page = scored_page
    header = page.pairs.rows.view.horizontalHeader()
    column = column_by_key("margin")
    x = header.sectionViewportPosition(column) + header.sectionSize(column) // 2
    for descending in (False, True):
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, header.height() - 10))
        assert margins(page) == sorted(margins(page), reverse=descending)
    assert page.pairs.pane.name.text() == "Pair 1", "the selected pair stays selected"


def test_sorting_by_keyboard(qtbot: QtBot, scored_page: InspectorPage) -> None:
    page = scored_page
    press(page, Qt.Key.Key_S)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [action.text() for action in menu.actions()][:3] == ["#", "Prompt", "Margin"]
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: margins(page) == sorted(margins(page)) and page.pairs.model.place(0) != 0)
    press(page, Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert margins(page) == sorted(margins(page), reverse=True)


def test_search_by_keyboard_and_back_to_the_rows(qtbot: QtBot, scored_page: InspectorPage) -> None:
    page = scored_page
    press(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert page.pairs.filters.search.hasFocus()
    QTest.keyClicks(page.pairs.filters.search, "Number 17 rude s")
    assert page.pairs.filters.search.text() == "Number 17 rude s", (
        "letters are typed, not taken for shortcuts"
    )
    QTest.keyClick(page.pairs.filters.search, Qt.Key.Key_Backspace)
    QTest.keyClick(page.pairs.filters.search, Qt.Key.Key_Return)
    assert page.pairs.rows.view.hasFocus()
    assert visible_pairs(page) == ["comparison-17"]
    assert page.pairs.pane.name.text() == "Pair 17"
    press(page, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(page.pairs.filters.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: page.pairs.model.rowCount() == 30)


def test_search_without_a_hit_offers_the_way_back(qtbot: QtBot, scored_page: InspectorPage) -> None:
    page = scored_page
    page.pairs.filters.search.setText("no such words")
    qtbot.waitUntil(page.pairs.nothing.isVisible)
    assert "No pair matches" in page.pairs.nothing.words()
    assert page.pairs.filters.isVisible()
    page.pairs.nothing.button.setFocus()
    press(page, Qt.Key.Key_Space)
    assert page.pairs.rows.isVisible() and page.pairs.model.rowCount() == 30
    assert page.pairs.filters.search.text() == ""


def test_the_filters_by_keyboard_with_their_counts(scored_page: InspectorPage) -> None:
    page = scored_page
    splits, cases = page.pairs.filters.splits, page.pairs.filters.cases
    assert [splits.button(number).text() for number in range(3)] == ["All  30", "Train  24", "Held-out  6"]
    splits.button(0).setFocus()
    press(page, Qt.Key.Key_Right)
    press(page, Qt.Key.Key_Right)
    assert splits.choice() == 2
    assert visible_pairs(page) == [pair.id for pair in PAIRS if pair.split == "held_out"]
    shown_counts = [int(cases.button(number).text().split()[-1]) for number in range(4)]
    assert shown_counts[0] == 6 == sum(shown_counts[1:])
    page.pairs.filters.clear()
    cases.button(0).setFocus()
    press(page, Qt.Key.Key_Right)
    assert page.pairs.model.rowCount() == int(cases.button(1).text().split()[-1]) > 0
    assert page.pairs.summary.lines()[0].startswith("Train  24 pairs  mean margin ")


def test_copy_takes_the_selected_rows_and_leaves_selected_text_alone(scored_page: InspectorPage) -> None:
    page = scored_page
    press(page, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    press(page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["pair", "comparison-1", "comparison-2"]
    page.pairs.pane.prompt.text.setFocus()
    page.pairs.pane.prompt.text.selectAll()
    press(page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == page.pairs.pane.prompt.text.toPlainText()


def test_both_halves_of_the_table_stay_on_the_same_rows(qtbot: QtBot, scored_page: InspectorPage) -> None:
    page = scored_page
    frozen = page.pairs.rows.findChild(QWidget, "frozenColumns")
    for step in range(3):
        if step == 1:
            page.pairs.rows.heading_clicked.emit(column_by_key("margin"))
        press(page, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(
            lambda: page.pairs.rows.view.verticalScrollBar().value() == frozen.verticalScrollBar().value() > 0  # type: ignore[attr-defined]
        )
        press(page, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)


def test_left_and_right_scroll_sideways_and_the_prompt_stays(scored_page: InspectorPage) -> None:
    page = scored_page
    sideways = page.pairs.rows.view.horizontalScrollBar()
    assert sideways.value() == 0 and sideways.maximum() > 0
    press(page, Qt.Key.Key_Right)
    assert sideways.value() > 0
    assert page.pairs.rows.current_row() == 0
    press(page, Qt.Key.Key_Left)
    assert sideways.value() == 0


def test_at_1280_margin_case_and_log_ratios_are_in_view(scored_page: InspectorPage) -> None:
    view = scored_page.pairs.rows.view
    for key in ("margin", "case", "chosen_log_ratio", "rejected_log_ratio", "probability", "loss"):
        column = column_by_key(key)
        right = view.columnViewportPosition(column) + view.columnWidth(column)
        assert 0 < right <= view.viewport().width(), key


# --- the whole page ------------------------------------------------------------------------------


def test_run_and_checkpoint_are_chosen_by_keyboard(
    scored_page: InspectorPage, engine: FakeEngine, presenter: InspectorPresenter
) -> None:
    page = scored_page
    assert [page.top.checkpoints.itemText(row) for row in range(page.top.checkpoints.count())] == [
        "Result",
        "Step 20  ·  not scored",
    ]
    page.top.checkpoints.setFocus()
    press(page, Qt.Key.Key_Down)
    assert presenter.state.checkpoint == "step-000020"
    engine.deliver()
    assert presenter.state.complete


def test_everything_is_reached_by_tab_and_has_a_name(scored_page: InspectorPage) -> None:
    page = scored_page
    seen: list[QWidget] = []
    widget = page.nextInFocusChain()
    while widget is not page:
        takes_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if widget.isVisibleTo(page) and takes_tab and widget.focusProxy() is None:
            seen.append(widget)
        widget = widget.nextInFocusChain()
    expected = [
        page.top.runs,
        page.top.checkpoints,
        page.pairs.filters.search,
        page.pairs.rows.view,
        page.pairs.pane.chosen.text,
    ]
    assert all(widget in seen for widget in expected)
    for widget in seen:
        words = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
        assert words, f"{widget} has no name"


def test_actions_for_the_shell(scored_page: InspectorPage) -> None:
    actions = scored_page.actions()
    assert all(action.text() and action.objectName() and not action.icon().isNull() for action in actions)
    names = [action.objectName() for action in actions]
    assert len(set(names)) == len(names)
    assert all(
        action.shortcutContext() == Qt.ShortcutContext.WidgetWithChildrenShortcut for action in actions
    )


def test_the_theme_changes_under_a_full_page(scored_page: InspectorPage, theme: Theme) -> None:
    before = scored_page.grab().toImage().pixelColor(4, 4)
    theme.set_mode("dark")
    after = scored_page.grab().toImage().pixelColor(4, 4)
    assert before.lightness() > 200
    assert after.lightness() < 60


# --- what if, pictures, links --------------------------------------------------------------------


def test_beta_by_keys_changes_everything_and_comes_back(scored_page: InspectorPage) -> None:
    page = scored_page
    own = margins(page)
    press(page, Qt.Key.Key_BracketRight)
    raised = page.pairs.model.table.figures.beta
    assert raised > 0.1 and margins(page) == pytest.approx([value * raised / 0.1 for value in own])
    assert page.top.what_if.name.text() == "What if β" and page.top.what_if.back.isVisible()
    shown_reward = page.pairs.pane.chosen.figures.text().replace("−", "-").replace("\N{NO-BREAK SPACE}", " ")
    assert f"reward {raised * SCORES[0].chosen_log_ratio:.3f}" in shown_reward
    press(page, Qt.Key.Key_B)
    QTest.keyClicks(page.top.what_if.field, "2")
    QTest.keyClick(page.top.what_if.field, Qt.Key.Key_Return)
    assert page.pairs.model.table.figures.beta == 2.0
    page.pairs.rows.setFocus()
    press(page, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    assert margins(page) == own and page.top.what_if.back.isHidden()


def test_a_copied_link_finds_its_pair_again(qtbot: QtBot, scored_page: InspectorPage) -> None:
    page = scored_page
    press(page, Qt.Key.Key_Down)
    press(page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier)
    link = QGuiApplication.clipboard().text()
    assert link == "pair:1/comparison-2"
    press(page, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    page.pairs.filters.search.setText(link)
    qtbot.waitUntil(lambda: visible_pairs(page) == ["comparison-2"])
    assert page.pairs.pane.name.text() == "Pair 2"


def test_p_shows_the_pictures_and_a_brush_in_them_filters_the_table(scored_page: InspectorPage) -> None:
    page = scored_page
    assert not page.pairs.pictures_shown
    press(page, Qt.Key.Key_P)
    pictures = page.pairs.pictures
    assert pictures is not None and pictures.isVisible()
    learned = page.pairs.model.table.figures.margin > 0.4
    pictures.brushed.emit(learned)
    assert len(visible_pairs(page)) == int(learned.sum()) > 0
    pictures.brushed.emit(None)
    assert len(visible_pairs(page)) == 30
    press(page, Qt.Key.Key_P)
    assert not page.pairs.pictures_shown


def test_a_button_in_the_pair_s_head_opens_the_loss_explorer_with_it(
    qtbot: QtBot, scored_page: InspectorPage
) -> None:
    scored_page.pairs.rows.choose_row(4)
    button = scored_page.pairs.pane.explore
    assert button.isVisible() and button.isEnabled() and button.text()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert scored_page.top.view() == 2 and scored_page.explorer is not None
    opened = scored_page.explorer._presenter.opened
    assert opened is not None and opened.title == "Pair 5 of brave-otter"


def test_tab_goes_from_top_to_bottom(scored_page: InspectorPage) -> None:
    page, pairs = scored_page, scored_page.pairs
    wanted = [
        page.top.views.button(0),
        pairs.filters.search,
        pairs.rows.view,
        pairs.pane.explore,
        pairs.pane.views.button(0),
        pairs.pane.chosen.text,
        pairs.pane.rejected.text,
    ]
    chain: list[QWidget] = [wanted[0]]
    while (following := chain[-1].nextInFocusChain()) is not wanted[0]:
        chain.append(following)
    assert [part for part in chain if part in wanted] == wanted
