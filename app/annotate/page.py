"""The Annotate page: the prompt on top, two responses side by side, the verdicts below."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.annotate.actions import ActionSpec, add_actions
from app.annotate.composer import Composer
from app.annotate.interlude import Interlude
from app.annotate.presenter import AnnotatePresenter
from app.annotate.problem_bar import ProblemBar
from app.annotate.sampling_panel import SamplingPanel
from app.annotate.state import AnnotateState
from app.annotate.verdict_bar import VerdictBar
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.records import Choice
from app.widgets.conversation import ConversationText
from app.widgets.response_pane import ResponsePane
from dpo_engine.catalogue import STARTER

_STACKED_BELOW = 900
_NOTICE_MS = {"saved": 600, "hint": 3000}
_PROMPT_SHARE, _PROMPT_SHARE_STACKED, _PROMPT_SHARE_WHILE_TYPING = 0.35, 0.24, 0.12
"""Of the page's height, at most so much is the prompt's; above that it scrolls."""


class AnnotatePage(QFrame):
    """Shows the presenter's state; keys and clicks go straight to it."""

    def __init__(self, presenter: AnnotatePresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._presenter, self._theme = presenter, theme
        self._raw = False
        self._given: Choice | None = None
        self._notice_number = 0
        self._notice_timer = QTimer(self, singleShot=True)
        self.counts, self.notice, self.ready = QLabel(), QLabel(), QLabel()
        self.prompt = ConversationText(theme)
        self.panes = (ResponsePane("Response 1", "1", theme), ResponsePane("Response 2", "2", theme))
        self.verdicts = VerdictBar(theme)
        self.composer = Composer(theme)
        self.problem = ProblemBar(theme)
        self.interlude = Interlude(theme)
        self.sampling = SamplingPanel(theme, self)
        self._sampling_button = self._tool("sampling-button", "Sampling settings (S)")
        self._prompt_button = self._tool("new-prompt-button", "New prompt (N)")
        self._responses = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle, self._column = QStackedWidget(), QVBoxLayout()
        self._lay_out()
        self._actions = add_actions(self, theme, self._specs())
        self._connect()
        self._on_theme_changed()
        self._refresh()

    def actions(self) -> list[QAction]:
        """What the shell offers in its menu and command palette."""
        return list(self._actions)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        stacked = self.width() < _STACKED_BELOW
        wanted = QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight
        if self._responses.direction() != wanted:
            self._responses.setDirection(wanted)
            self.verdicts.set_stacked(stacked)
        self._fit_prompt()

    # --- showing ----------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        state = self._presenter.state
        self._show_header(state)
        self.problem.show_problem(state.problem)
        writing = state.comparison is None and state.phase == "writing"
        working = state.comparison is not None or writing
        if state.comparison is not None:
            self.prompt.show_messages(state.comparison.prompt.messages)
            sides = (state.comparison.left, state.comparison.right)
            for pane, candidate in zip(self.panes, sides, strict=True):
                pane.show_done(candidate.text, cut=candidate.finish_reason == "length")
        elif writing:
            self._show_draft(state)
        else:
            self.interlude.show_state(state)
        self._middle.setCurrentIndex(0 if working else 1)
        if state.comparison is None and self.verdicts.focused_verdict():
            self.setFocus()  # Qt would hand the focus of a disabled button to any other one
        self.verdicts.set_possible(state.comparison is not None)
        self.verdicts.set_writing(writing and state.draft is not None)
        for choice, pane in zip(("left", "right"), self.panes, strict=True):
            pane.set_marked(state.phase == "saving" and self._given == choice)
        self._fit_prompt()

    def _show_draft(self, state: AnnotateState) -> None:
        draft = state.draft
        if draft is None:
            self.prompt.show_messages(())
            for pane in self.panes:
                pane.show_nothing()
            return
        self.prompt.show_messages(draft.prompt.messages)
        for side, pane in enumerate(self.panes):
            if (done := draft.done_on(side)) is not None:
                pane.show_done(done.text, cut=done.finish_reason == "length")
            else:
                pane.show_live(draft.text_on(side))

    def _show_header(self, state: AnnotateState) -> None:
        counts = state.counts
        total = counts.preferences + counts.ties + counts.both_bad
        words = f"{counts.today} today · {total} verdict{'' if total == 1 else 's'}"
        self.counts.setText(words if total else "No verdicts yet")
        held_out = f" · {counts.held_out} of the preferences are held out for checking" if total else ""
        self.counts.setToolTip(f"Verdicts in this project{held_out}")
        stopped = state.writing_stopped
        ready = f"{state.waiting} ready" if state.comparison is not None or state.waiting else ""
        self.ready.setText(f"{ready} · writing has stopped" if stopped else ready)
        self.ready.setToolTip(stopped or "Comparisons that wait for you after this one")
        notice = state.notice
        if notice is not None and notice.number != self._notice_number:
            self._notice_number = notice.number
            self.notice.setText(notice.text)
            self._notice_timer.start(_NOTICE_MS[notice.kind])
            if notice.choice is not None:
                self.verdicts.acknowledge(notice.choice)

    def _fit_prompt(self) -> None:
        share = _PROMPT_SHARE
        if not self.composer.isHidden():
            share = _PROMPT_SHARE_WHILE_TYPING
        elif self._responses.direction() == QBoxLayout.Direction.TopToBottom:
            share = _PROMPT_SHARE_STACKED
        self.prompt.fit(int(self.height() * share))
        # At once: a layout that settles a moment later would be seen as a jump.
        self._column.activate()

    # --- acting -----------------------------------------------------------------------------------------

    def _give(self, choice: Choice, strength: int = 1) -> None:
        self._given = choice
        self._presenter.give(choice, strength)

    def _open_composer(self) -> None:
        self.composer.begin()
        self._fit_prompt()

    def _close_composer(self) -> None:
        self.composer.hide()
        self._fit_prompt()
        self.setFocus()

    def _on_prompt_added(self, text: str, system: str) -> None:
        self._presenter.add_prompt(text, system, self.composer.answer)

    def _open_sampling(self) -> None:
        self.sampling.open_under(self._sampling_button, self._presenter.state.sampling)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a model folder")
        if folder:
            self._presenter.use_model(folder)

    def _use_starter(self) -> None:
        self._presenter.set_policy(STARTER.name)

    def _toggle_raw(self) -> None:
        self._raw = not self._raw
        for pane in self.panes:
            pane.text.set_raw(self._raw)

    # --- building ---------------------------------------------------------------------------------------

    def _tool(self, name: str, words: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setToolTip(words)
        button.setAccessibleName(words)
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_role(button, "quiet")
        return button

    def _lay_out(self) -> None:
        for label, role in ((self.counts, "secondary"), (self.notice, "caption"), (self.ready, "caption")):
            set_role(label, role)
        header = QHBoxLayout()
        header.setSpacing(Space.M)
        header.addWidget(self.counts)
        header.addWidget(self.notice, 1)
        header.addWidget(self.ready)
        header.addWidget(self._sampling_button)
        header.addWidget(self._prompt_button)
        self._responses.setSpacing(Space.L)
        for pane, side in zip(self.panes, ("left", "right"), strict=True):
            pane.setObjectName(f"response-{side}")
            self._responses.addWidget(pane, 1)
        self.prompt.setObjectName("prompt")
        work = QWidget()
        column = self._column
        work.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.L)
        column.addWidget(self.prompt)
        column.addLayout(self._responses, 1)
        column.addWidget(self.verdicts)
        self._middle.addWidget(work)
        self._middle.addWidget(self.interlude)
        self.composer.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.M, Space.XL, Space.M)
        layout.setSpacing(Space.M)
        layout.addLayout(header)
        layout.addWidget(self.problem)
        layout.addWidget(self.composer)
        layout.addWidget(self._middle, 1)

    def _specs(self) -> list[ActionSpec]:
        presenter, give = self._presenter, self._give
        described: list[tuple[str, str, tuple[str, ...], str, Callable[[], None]]] = [
            ("left", "Left is better", ("1",), "arrow-left", lambda: give("left")),
            ("right", "Right is better", ("2",), "arrow-right", lambda: give("right")),
            ("much-left", "Left is much better", ("Shift+1", "!"), "arrow-left", lambda: give("left", 2)),
            ("much-right", "Right is much better", ("Shift+2", "@"), "arrow-right", lambda: give("right", 2)),
            ("tie", "Tie", ("3",), "equal", lambda: give("tie")),
            ("both-bad", "Both bad", ("4",), "thumbs-down", lambda: give("both_bad")),
            ("skip", "Skip for later", ("Space",), "skip-forward", lambda: give("skip")),
            ("undo", "Undo verdict", ("Ctrl+Z",), "undo-2", presenter.undo),
            ("redo", "Redo verdict", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo-2", presenter.redo),
            ("again", "Write both responses again", ("R",), "refresh-cw", presenter.write_again),
            ("stop", "Stop writing", ("Esc",), "circle-stop", presenter.stop_writing),
            ("new-prompt", "New prompt", ("N",), "message-square-plus", self._open_composer),
            ("sampling", "Sampling settings", ("S",), "sliders-horizontal", self._open_sampling),
            ("raw", "Show responses as written or rendered", ("M",), "pen-line", self._toggle_raw),
            ("folder", "Use a model folder…", (), "folder-open", self._choose_folder),
            ("starter", "Use the starter model", (), "download", self._use_starter),
        ]
        return [
            ActionSpec(key=key, text=text, shortcuts=keys, icon=icon, act=act)
            for key, text, keys, icon, act in described
        ]

    def _connect(self) -> None:
        presenter, interlude, verdicts = self._presenter, self.interlude, self.verdicts
        self.destroyed.connect(presenter.subscribe(self._refresh))
        verdicts.verdict_pressed.connect(self._give)
        verdicts.undo.clicked.connect(presenter.undo)
        verdicts.again.clicked.connect(presenter.write_again)
        verdicts.stop.clicked.connect(presenter.stop_writing)
        self.composer.prompt_added.connect(self._on_prompt_added)
        self.composer.closed.connect(self._close_composer)
        self.problem.retry_requested.connect(presenter.try_again)
        self.problem.dismissed.connect(presenter.dismiss_problem)
        self.sampling.sampling_changed.connect(presenter.set_sampling)
        self._sampling_button.clicked.connect(self._open_sampling)
        self._prompt_button.clicked.connect(self._open_composer)
        self._notice_timer.timeout.connect(self.notice.clear)
        interlude.retry_requested.connect(presenter.try_again)
        interlude.go_on_requested.connect(presenter.write_again)
        interlude.cancel_requested.connect(presenter.cancel_fetching)
        interlude.folder_requested.connect(self._choose_folder)
        interlude.starter_requested.connect(self._use_starter)
        interlude.new_prompt_requested.connect(self._open_composer)
        self._theme.changed.connect(self._on_theme_changed)

    def _on_theme_changed(self) -> None:
        self._sampling_button.setIcon(self._theme.icon("sliders-horizontal"))
        self._prompt_button.setIcon(self._theme.icon("message-square-plus"))
        for label in (self.counts, self.ready):
            label.setFont(self._theme.figures())
