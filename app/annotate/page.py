"""The Annotate page: the prompt on top, two responses side by side, the verdicts below."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence, QResizeEvent
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

from app.annotate.composer import Composer
from app.annotate.interlude import Interlude
from app.annotate.presenter import AnnotatePresenter, AnnotateState
from app.annotate.sampling_panel import SamplingPanel
from app.annotate.verdict_bar import VerdictBar
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.store.records import Choice
from app.widgets.conversation import ConversationText
from app.widgets.response_pane import ResponsePane

_STACKED_BELOW = 860
_NOTICE_MS = {"saved": 900, "hint": 3000, "problem": 0}
_PROMPT_SHARE = 0.34


class AnnotatePage(QFrame):
    """Shows the presenter's state; keys and clicks go straight to it."""

    def __init__(self, presenter: AnnotatePresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._presenter, self._theme = presenter, theme
        self._marked: Choice | None = None
        self._notice_number = 0
        self._notice_timer = QTimer(self, singleShot=True)
        self._counts = QLabel()
        self._notice = QLabel()
        self._ready = QLabel()
        self.prompt = ConversationText(theme)
        self.panes = (ResponsePane("Left", "1", theme), ResponsePane("Right", "2", theme))
        self.verdicts = VerdictBar(theme)
        self.composer = Composer(theme)
        self.interlude = Interlude(theme)
        self.sampling = SamplingPanel(theme, self)
        self._sampling_button = self._tool("sampling-button", "Sampling settings")
        self._prompt_button = self._tool("new-prompt-button", "New prompt (N)")
        self._responses = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle = QStackedWidget()
        self._lay_out()
        self._actions = self._make_actions()
        self._connect()
        self._refresh()

    def actions(self) -> list[QAction]:
        """What the shell offers in its command palette."""
        return list(self._actions)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        stacked = self.width() < _STACKED_BELOW
        self._responses.setDirection(
            QBoxLayout.Direction.TopToBottom if stacked else QBoxLayout.Direction.LeftToRight
        )
        QTimer.singleShot(0, self._fit_prompt)

    # --- showing ----------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        state = self._presenter.state
        self._show_header(state)
        live = state.comparison is None and state.phase == "writing" and state.draft is not None
        self._middle.setCurrentIndex(0 if state.comparison is not None or state.phase == "writing" else 1)
        if state.comparison is not None:
            self._show_prompt(state.comparison.prompt.messages)
            for pane, candidate in zip(
                self.panes, (state.comparison.left, state.comparison.right), strict=True
            ):
                pane.show_done(candidate.text, cut=candidate.finish_reason == "length")
        elif live and state.draft is not None:
            self._show_prompt(state.draft.prompt.messages)
            for side, pane in enumerate(self.panes):
                pane.show_live(state.draft.text_on(side), done=state.draft.done_on(side))
        elif state.phase == "writing":
            for pane in self.panes:
                pane.clear()
        else:
            self.interlude.show_state(state)
        self.verdicts.set_possible(state.phase == "ready")
        for choice, pane in zip(("left", "right"), self.panes, strict=True):
            pane.set_marked(state.phase == "saving" and self._marked == choice)

    def _show_prompt(self, messages: object) -> None:
        before = self.prompt.text
        self.prompt.show_messages(messages)  # type: ignore[arg-type]
        if self.prompt.text != before:
            self._fit_prompt()

    def _fit_prompt(self) -> None:
        """As high as the prompt is, up to a third of the page."""
        limit = int(self.height() * _PROMPT_SHARE)
        self.prompt.setFixedHeight(max(24, min(limit, self.prompt.wanted_height())))

    def _show_header(self, state: AnnotateState) -> None:
        counts = state.counts
        total = counts.preferences + counts.ties + counts.both_bad
        words = f"{total} verdict{'' if total == 1 else 's'}"
        self._counts.setText(f"{counts.today} today · {words}" if total else "No verdicts yet")
        self._ready.setText(f"{state.waiting} ready" if state.waiting else "")
        notice = state.notice
        if notice is not None and notice.number != self._notice_number:
            self._notice_number = notice.number
            self._notice.setText(notice.text)
            set_role(self._notice, "error" if notice.kind == "problem" else "caption")
            self._notice_timer.stop()
            if _NOTICE_MS[notice.kind]:
                self._notice_timer.start(_NOTICE_MS[notice.kind])

    # --- acting -----------------------------------------------------------------------------------------

    def _give(self, choice: Choice, strength: int = 1) -> None:
        self._marked = choice
        self._presenter.give(choice, strength)

    def _open_composer(self) -> None:
        self.composer.begin()

    def _close_composer(self) -> None:
        self.composer.hide()
        self.setFocus()

    def _on_prompt_added(self, text: str, system: str) -> None:
        self._presenter.add_prompt(text, system)
        self._close_composer()

    def _open_sampling(self) -> None:
        self.sampling.open_under(self._sampling_button, self._presenter.state.sampling)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a model folder")
        if folder:
            self._presenter.use_model(folder)

    def _toggle_raw(self) -> None:
        raw = self._raw_action.isChecked()
        for pane in self.panes:
            pane.text.set_raw(raw)

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
        for label, role in ((self._counts, "secondary"), (self._notice, "caption"), (self._ready, "caption")):
            set_role(label, role)
        header = QHBoxLayout()
        header.setSpacing(Space.M)
        header.addWidget(self._counts)
        header.addWidget(self._notice, 1)
        header.addWidget(self._ready)
        header.addWidget(self._sampling_button)
        header.addWidget(self._prompt_button)
        self._responses.setSpacing(Space.L)
        for pane, side in zip(self.panes, ("left", "right"), strict=True):
            pane.setObjectName(f"response-{side}")
            self._responses.addWidget(pane, 1)
        self.prompt.setObjectName("prompt")
        work = QWidget()
        column = QVBoxLayout(work)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.L)
        column.addWidget(self.prompt)
        column.addLayout(self._responses, 1)
        column.addWidget(self.verdicts)
        self._middle.addWidget(work)
        self._middle.addWidget(self.interlude)
        self.composer.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.M, Space.XL, Space.L)
        layout.setSpacing(Space.M)
        layout.addLayout(header)
        layout.addWidget(self.composer)
        layout.addWidget(self._middle, 1)

    def _make_actions(self) -> list[QAction]:
        presenter = self._presenter
        give = self._give
        actions = [
            self._action("Left is better", "1", lambda: give("left")),
            self._action("Right is better", "2", lambda: give("right")),
            self._action("Left is much better", "Shift+1", lambda: give("left", 2), also="!"),
            self._action("Right is much better", "Shift+2", lambda: give("right", 2), also="@"),
            self._action("Tie", "3", lambda: give("tie")),
            self._action("Both bad", "4", lambda: give("both_bad")),
            self._action("Skip for later", "Space", lambda: give("skip")),
            self._action("Undo verdict", "Ctrl+Z", presenter.undo),
            self._action("Redo verdict", "Ctrl+Shift+Z", presenter.redo, also="Ctrl+Y"),
            self._action("Write both responses again", "R", presenter.write_again),
            self._action("Stop writing", "Esc", presenter.stop_writing),
            self._action("New prompt", "N", self._open_composer),
            self._action("Sampling settings", "S", self._open_sampling),
            self._action("Use a model folder…", "", self._choose_folder),
            self._action("Use the starter model", "", lambda: presenter.set_policy("starter")),
        ]
        self._raw_action = self._action("Show Markdown as it was written", "M", self._toggle_raw)
        self._raw_action.setCheckable(True)
        return [*actions, self._raw_action]

    def _action(self, words: str, key: str, act: Callable[[], None], *, also: str = "") -> QAction:
        action = QAction(words, self)
        action.setShortcuts([QKeySequence(k) for k in (key, also) if k])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setAutoRepeat(False)
        action.triggered.connect(lambda _=False: act())
        self.addAction(action)
        return action

    def _connect(self) -> None:
        presenter, interlude = self._presenter, self.interlude
        presenter.subscribe(self._refresh)
        self.verdicts.verdict_pressed.connect(self._give)
        self.composer.prompt_added.connect(self._on_prompt_added)
        self.composer.closed.connect(self._close_composer)
        self.sampling.sampling_changed.connect(presenter.set_sampling)
        self._sampling_button.clicked.connect(self._open_sampling)
        self._prompt_button.clicked.connect(self._open_composer)
        self._notice_timer.timeout.connect(self._notice.clear)
        interlude.retry_requested.connect(presenter.try_again)
        interlude.cancel_requested.connect(presenter.cancel_fetching)
        interlude.folder_requested.connect(self._choose_folder)
        interlude.starter_requested.connect(lambda: presenter.set_policy("starter"))
        interlude.new_prompt_requested.connect(self._open_composer)
        self._theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        self._sampling_button.setIcon(self._theme.icon("sliders-horizontal"))
        self._prompt_button.setIcon(self._theme.icon("message-square-plus"))
        for label in (self._counts, self._ready):
            label.setFont(self._theme.figures())
