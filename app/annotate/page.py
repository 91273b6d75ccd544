"""The Annotate page: the prompt on top, two responses side by side, the verdicts below.

It joins the parts, shows the presenter's state in them, and says which key calls what.
"""

import threading
from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.annotate.actions import ACTIONS
from app.annotate.annotator_seat import AnnotatorSeat
from app.annotate.beside import Beside
from app.annotate.edit_question import EditQuestion
from app.annotate.interlude import Interlude
from app.annotate.keys import is_for_control, presses
from app.annotate.nudge import Nudge
from app.annotate.page_cards import PageCards
from app.annotate.page_header import PageHeader
from app.annotate.presenter import AnnotatePresenter
from app.annotate.problem_bar import ProblemBar
from app.annotate.reading_area import ReadingArea
from app.annotate.state import AnnotateState
from app.annotate.verdict_bar import VerdictBar
from app.shell.keymap import Keymap
from app.shell.page_actions import add_page_actions
from app.shell.palette import Space
from app.shell.settings import SettingsFile
from app.shell.shortcuts import shown_key
from app.shell.theme import Theme, set_role
from app.store.records import Choice, Side
from app.widgets.markdown import warm_up
from dpo_engine.catalogue import STARTER

_WORK, _INTERLUDE, _WHO = range(3)


class AnnotatePage(QFrame):
    """Keys and clicks go straight to the presenter."""

    def __init__(
        self,
        presenter: AnnotatePresenter,
        theme: Theme,
        keymap: Keymap | None = None,
        settings: SettingsFile | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Without a keymap the usual keys; `settings` keep how responses are laid out."""
        super().__init__(parent)
        keymap = keymap or Keymap()
        set_role(self, "page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._presenter, self._theme, self._keymap, self._settings = presenter, theme, keymap, settings
        self._given: Choice | None = None
        self._shown_id: int | None = None
        self.header = PageHeader(theme, keymap)
        self.reading = ReadingArea(theme)
        self.prompt, self.panes = self.reading.prompt, self.reading.panes
        self.verdicts = VerdictBar(theme, keymap)
        self.problem = ProblemBar(theme)
        self.interlude = Interlude(theme)
        self._seat = AnnotatorSeat(presenter, theme, self)
        self.who = self._seat.chooser
        self._which = EditQuestion(self.reading, self.header, keymap)
        self.cards = PageCards(presenter, theme, self.header, self.verdicts, self)
        self.quality = self.cards.quality
        self.nudge = Nudge(theme, self)
        self._middle = QStackedWidget()
        self._lay_out()
        self._actions = add_page_actions(self, ACTIONS, theme, keymap, self._handlers())
        self._connect()
        if settings is not None:
            self.reading.set_stacked(settings.current.stacked)
        self.verdicts.follow_keys()
        self.header.follow_keys()
        self._follow_keys()
        self._refresh()
        # Imported in the background, so that the first code or formula in a response is not felt.
        threading.Thread(target=warm_up, name="readers", daemon=True).start()

    def actions(self) -> list[QAction]:
        """What the shell offers in its menu and command palette."""
        return list(self._actions.values())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.nudge.place()

    def event(self, event: QEvent) -> bool:
        if is_for_control(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        button = presses(event)
        if button is not None:
            button.click()
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._presenter.refresh()  # another page may have changed what is shown here

    # --- showing ----------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        state = self._presenter.state
        self.header.show_state(state)
        notice = self.header.show_notice(state.notice)
        if notice is not None and notice.choice is not None:
            self.verdicts.acknowledge(notice.choice)
        self.problem.show_problem(state.problem)
        self._show_middle(state)
        self._show_verdicts(state)
        self.reading.mark(self._given if state.phase == "saving" else None)
        self.nudge.hear_streak(state.left_streak)
        if not self.quality.isHidden():
            self.quality.show_state(state)

    def _show_middle(self, state: AnnotateState) -> None:
        shown = state.comparison
        if shown is not None:
            self._leave_what_was_shown(shown.id)
            self.reading.show_comparison(shown)
        elif state.phase == "writing":
            self._leave_what_was_shown(None)
            self.reading.show_draft(state.draft)
        elif state.phase != "who":
            self.interlude.show_state(state)
        working = shown is not None or state.phase == "writing"
        asked = self._seat.show_state(state)
        self._middle.setCurrentIndex(_WHO if asked else _WORK if working else _INTERLUDE)

    def _show_verdicts(self, state: AnnotateState) -> None:
        shown = state.comparison
        drafted = shown is None and state.phase == "writing" and state.draft is not None
        if shown is None and not state.can_judge_draft and self.verdicts.focused_verdict():
            self.setFocus()  # Qt would hand the focus of a disabled button to any other one
        self.verdicts.set_possible(whole=shown is not None, judged=state.can_judge_draft, writing=drafted)
        self.verdicts.set_can_go_on(state.last is not None and bool(state.last.winner))
        self.verdicts.show_undo(state.undo_label)
        self.verdicts.show_notes(
            shown is not None and shown.flagged,
            shown.tags if shown is not None else (),
            shown.comment if shown is not None else "",
        )

    def _leave_what_was_shown(self, shown_id: int | None) -> None:
        """Another comparison is on the screen: what was begun about the last one is put away."""
        if shown_id == self._shown_id:
            return
        self._shown_id = shown_id
        self._which.forget()
        self.reading.end_edit()
        self.cards.put_away()

    # --- verdicts ---------------------------------------------------------------------------------------

    def _give(self, choice: Choice, strength: int = 1) -> None:
        if not self._which.is_answered_by(choice):
            self._given = choice
            self._presenter.give(choice, strength)

    def _on_edited(self, side: Side, text: str, strength: int) -> None:
        self._given = side
        self.setFocus()
        self._presenter.give_edited(side, text, strength)

    def _escape(self) -> None:
        if self._which.is_asked:
            self._which.forget()
        elif self._seat.is_changing:
            self._seat.stay()
        elif self.reading.edited_side() is not None:
            self.reading.end_edit()
        elif self.quality.isAncestorOf(QApplication.focusWidget() or self):
            self.setFocus()
        else:
            self._presenter.stop_writing()

    # --- panels ---------------------------------------------------------------------------------------------

    def _toggle_layout(self) -> None:
        self.reading.toggle_stacked()
        if self._settings is not None:
            self._settings.change(stacked=self.reading.is_stacked)

    def _change_annotator(self) -> None:
        self._seat.ask()
        self._show_middle(self._presenter.state)

    def _on_seat_left(self) -> None:
        self._show_middle(self._presenter.state)
        self.setFocus()

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a model folder")
        if folder:
            self._presenter.use_model(folder)

    # --- building ---------------------------------------------------------------------------------------

    def _handlers(self) -> dict[str, Callable[[], object]]:
        presenter, give = self._presenter, self._give
        return {
            "left": lambda: give("left"),
            "right": lambda: give("right"),
            "much-left": lambda: give("left", 2),
            "much-right": lambda: give("right", 2),
            "tie": lambda: give("tie"),
            "both-bad": lambda: give("both_bad"),
            "skip": lambda: give("skip"),
            "edit": lambda: self._which.begin(possible=presenter.state.comparison is not None),
            "edit-last": self.cards.open_last,
            "flag": presenter.flag,
            "comment": self.cards.open_comment,
            "tags": self.cards.open_tags,
            "again": lambda: presenter.write_again("both"),
            "again-left": lambda: presenter.write_again("left"),
            "again-right": lambda: presenter.write_again("right"),
            "continue": self.cards.open_continuation,
            "stop": self._escape,
            "differences": self.reading.differences.toggle,
            "raw": self.reading.toggle_raw,
            "layout": self._toggle_layout,
            "new-prompt": self.cards.open_prompt,
            "sampling": self.cards.open_sampling,
            "writers": self.cards.open_writers,
            "quality": self.cards.toggle_quality,
            "annotator": self._change_annotator,
            "folder": self._choose_folder,
            "starter": lambda: presenter.set_policy(STARTER.name),
        }

    def _connect(self) -> None:
        presenter, interlude, actions = self._presenter, self.interlude, self._actions
        self.destroyed.connect(presenter.subscribe(self._refresh))
        self.destroyed.connect(self._keymap.subscribe(self._follow_keys))
        self.verdicts.verdict_pressed.connect(self._give)
        self.verdicts.undo.clicked.connect(presenter.undo)
        for button, key in self.verdicts.doors():
            button.clicked.connect(actions[key].trigger)
        for key, tool in self.header.tools.items():
            tool.clicked.connect(actions[key].trigger)
        self.header.annotator.clicked.connect(actions["annotator"].trigger)
        self.reading.edited.connect(self._on_edited)
        self.reading.edit_ended.connect(self.setFocus)
        self.reading.said.connect(self.header.say)
        self.reading.stacked_changed.connect(self.verdicts.set_stacked)
        self.problem.retry_requested.connect(presenter.try_again)
        self.problem.dismissed.connect(presenter.dismiss_problem)
        self.cards.closed.connect(self.setFocus)
        self.cards.composing.connect(self.reading.set_beside)
        self._seat.left.connect(self._on_seat_left)
        interlude.retry_requested.connect(presenter.try_again)
        interlude.go_on_requested.connect(lambda: presenter.write_again("both"))
        interlude.cancel_requested.connect(presenter.cancel_fetching)
        interlude.folder_requested.connect(self._choose_folder)
        interlude.starter_requested.connect(actions["starter"].trigger)
        interlude.new_prompt_requested.connect(self.cards.open_prompt)

    def _follow_keys(self) -> None:
        self.reading.set_keys(*(shown_key(self._keymap, f"annotate.{side}") for side in ("left", "right")))
        self.interlude.set_keys(
            *(shown_key(self._keymap, f"annotate.{key}") for key in ("left", "right", "again", "new-prompt"))
        )

    def _lay_out(self) -> None:
        work = QWidget()
        column = QVBoxLayout(work)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.L)
        column.addWidget(self.reading, 1)
        column.addWidget(self.verdicts)
        for widget in (work, self.interlude, self.who):
            self._middle.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.M, Space.XL, Space.M)
        layout.setSpacing(Space.M)
        layout.addWidget(self.header)
        layout.addWidget(self.problem)
        layout.addWidget(self.cards.composer)
        layout.addWidget(Beside(self._middle, self.quality, self._theme), 1)
