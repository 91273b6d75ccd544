"""The samples: a fixed prompt, the reference's answer and the policy's at any check, side by side."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.panels import Means, follow
from app.train.samples.presenter import SamplesPresenter
from app.train.samples.scrubber import Scrubber
from app.train.samples.state import SamplesState
from app.train.samples.words import about_answer, about_step, prompt_of, step_of
from app.train.state import TrainState
from app.widgets.blank import Blank
from app.widgets.conversation import ConversationText
from app.widgets.difference_view import DifferenceView
from app.widgets.reading_text import ReadingText
from dpo_engine.events import Sample

SAMPLED_PROMPTS = 8
"""Switched on by the button: what is recommended for few pairs, and enough to see a habit."""
_PROMPT_HEIGHT = 88


class SamplesPanel(QStackedWidget):
    """Shows a `SamplesState`."""

    place_wanted = Signal(int)
    prompt_wanted = Signal(int)
    sampling_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state = SamplesState()
        self._shown: tuple[SamplesState, bool] | None = None
        self._blank = Blank(theme)
        self.button = self._blank.button
        self.prompt = ConversationText(theme)
        self.scrubber = Scrubber()
        self._which, self._step, self._figures, self._alike = QLabel(), QLabel(), QLabel(), QLabel()
        self.earlier, self.later = QToolButton(), QToolButton()
        self.reference = _Answer("Reference", theme)
        self.policy = _Answer("Policy", theme)
        self.differences = DifferenceView(self.reference.text, self.policy.text, theme, self)
        self._lay_out()
        self._connect()
        self._restyle()
        self.differences.toggle()

    def show_state(self, state: SamplesState, *, switched_on: bool) -> None:
        """`switched_on`: the next run will sample prompts."""
        shown = (state, switched_on)
        if shown == self._shown:
            return
        self._state, self._shown = state, shown
        if state.case != "there":
            self._show_blank(state, switched_on=switched_on)
            return
        self.setCurrentIndex(1)
        self._which.setText(prompt_of(state.prompt, state.prompts))
        self.earlier.setEnabled(state.prompt > 0)
        self.later.setEnabled(state.prompt < state.prompts - 1)
        self.prompt.show_messages(state.asked)
        self.prompt.fit(self._theme.px(_PROMPT_HEIGHT))
        self.scrubber.show_place(state.place, len(state.steps))
        self.scrubber.setEnabled(len(state.steps) > 1)
        self._step.setText(step_of(state.step))
        self.scrubber.setAccessibleDescription(step_of(state.step))
        self._figures.setText(about_step(state))
        self.reference.show_sample(state.reference, "Reference")
        self.policy.show_sample(state.policy, f"Policy {step_of(state.step).lower()}")

    # --- building --------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        there = QWidget()
        column = QVBoxLayout(there)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(self._head())
        column.addWidget(self.prompt)
        panes = QHBoxLayout()
        panes.setSpacing(Space.S)
        panes.addWidget(self.reference, 1)
        panes.addWidget(self.policy, 1)
        column.addLayout(panes, 1)
        column.addLayout(self._foot())
        self.addWidget(self._blank)
        self.addWidget(there)
        self.setFocusProxy(self.scrubber)

    def _head(self) -> QHBoxLayout:
        for button, name in ((self.earlier, "Prompt before (↑)"), (self.later, "Next prompt (↓)")):
            set_role(button, "quiet-small")
            button.setToolTip(name)
            button.setAccessibleName(name)
        set_role(self._which, "caption")
        set_role(self._alike, "caption")
        row = QHBoxLayout()
        row.setSpacing(Space.XS)
        row.addWidget(self._which)
        row.addWidget(self.earlier)
        row.addWidget(self.later)
        row.addStretch(1)
        row.addWidget(self._alike)
        return row

    def _foot(self) -> QHBoxLayout:
        set_role(self._figures, "caption")
        row = QHBoxLayout()
        row.setSpacing(Space.M)
        row.addWidget(self._step)
        row.addWidget(self.scrubber, 1)
        row.addWidget(self._figures)
        return row

    def _connect(self) -> None:
        self.earlier.clicked.connect(lambda: self.prompt_wanted.emit(self._state.prompt - 1))
        self.later.clicked.connect(lambda: self.prompt_wanted.emit(self._state.prompt + 1))
        self.scrubber.prompt_moved.connect(self._on_prompt_moved)
        self.scrubber.valueChanged.connect(self.place_wanted)
        self.differences.said.connect(self._alike.setText)
        self.button.clicked.connect(self.sampling_wanted)
        self._theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        for button, icon in ((self.earlier, "chevron-up"), (self.later, "chevron-down")):
            button.setIcon(self._theme.icon(icon))
            button.setIconSize(QSize(self._theme.px(14), self._theme.px(14)))
        self._step.setFont(self._theme.figures())
        self._figures.setFont(self._theme.figures(12))
        self._step.setFixedWidth(self._step.fontMetrics().horizontalAdvance("After step 000,000"))

    # --- showing ---------------------------------------------------------------------------------------

    def _show_blank(self, state: SamplesState, *, switched_on: bool) -> None:
        icon = "message-square-text"
        match state.case:
            case "no_run":
                self._blank.show_words(icon, "No run yet", "Samples of a run's answers are shown here.")
            case "reading":
                self._blank.show_words(icon, "Reading the samples…", "")
            case "waiting":
                self._blank.show_words(
                    icon,
                    "No answers yet",
                    "The fixed prompts are answered before the first step and at every check.",
                )
            case "unreadable":
                self._blank.show_words("circle-alert", "The samples cannot be read", state.problem)
            case _ if switched_on:
                self._blank.show_words(
                    icon,
                    "This run has no samples",
                    "Sampling is switched on for the next run: its policy answers the same few prompts at "
                    "every check, and the answers are shown here.",
                )
            case _:
                self._blank.show_words(
                    icon,
                    "This run has no samples",
                    "With sampling on, the policy answers the same few prompts at every check, so that the "
                    "change can be read, not only plotted.",
                    button="Sample 8 prompts in the next run",
                )
        self.setCurrentIndex(0)

    def _on_prompt_moved(self, by: int) -> None:
        self.prompt_wanted.emit(self._state.prompt + by)


class _Answer(QFrame):
    """One answer with a heading and what there is to know about it."""

    def __init__(self, title: str, theme: Theme) -> None:
        super().__init__()
        set_role(self, "pane")
        self._title, self._note = QLabel(title), QLabel()
        set_role(self._title, "strong")
        set_role(self._note, "caption")
        self.text = ReadingText(theme)
        self.text.setMinimumHeight(44)
        self.text.written.connect(self._on_written)
        # Both panes are as wide as each other, whatever stands above them.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.text.focused.connect(lambda focused: set_role(self, "pane-focus" if focused else "pane"))
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, Space.S, 0)
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._note)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.M, Space.S, Space.S, Space.S)
        column.setSpacing(Space.S)
        column.addLayout(head)
        column.addWidget(self.text, 1)

    def show_sample(self, sample: Sample | None, title: str) -> None:
        self._title.setText(title)
        self.text.setAccessibleName(title)
        self.text.show_text(sample.text if sample else "")
        self._note.setText(about_answer(sample))

    def _on_written(self) -> None:
        """To the beginning: when it is first shown, a text scrolls to its cursor."""
        if not self.text.isVisible():
            self.text.moveCursor(QTextCursor.MoveOperation.Start)


def samples_panel(means: Means) -> SamplesPanel:
    """The panel of the page's presenter."""
    presenter = means.presenter
    panel = SamplesPanel(means.theme)
    samples = SamplesPresenter(presenter.tools.background)

    def show(state: TrainState) -> None:
        line = state.selected_line
        samples.show_run(line.run if line else None)
        panel.show_state(samples.state, switched_on=state.config.eval_samples > 0)

    samples.listen(follow(panel, presenter, show).start)
    panel.destroyed.connect(presenter.hear(samples.hear))
    panel.place_wanted.connect(samples.go_to)
    panel.prompt_wanted.connect(samples.go_to_prompt)
    panel.sampling_wanted.connect(lambda: presenter.form.change({"eval_samples": SAMPLED_PROMPTS}))
    return panel
