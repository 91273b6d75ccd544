"""Merge: choose another project, see what it holds, take it in, report."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.library.exchange.merge_presenter import MergePresenter, MergeState
from app.library.exchange.panel import Panel
from app.library.exchange.parts import WorkCard, centred
from app.library.exchange.report_card import ReportCard
from app.library.wording import count
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_FILTER = "DPO Studio project (*.dpo)"
_MANNER = (
    "Prompts and comparisons are matched by content, so nothing comes in twice. Everybody's verdicts stay "
    "theirs; of two by the same name the newer counts and the older is kept as history. The other file is "
    "only read."
)
_OLDER = "It was made by an older version; what is in it shows once a copy of it is brought up to date."


class MergePage(Panel):
    rows_requested = Signal()
    agreement_requested = Signal()

    def __init__(self, presenter: MergePresenter, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Merge", theme, parent)
        self._presenter = presenter
        self._phase = ""
        self.file = ProjectCard(theme)
        self.work = WorkCard(theme)
        self.agreement, self.undo = QPushButton("See how far you agree"), QPushButton("Undo")
        self.show_rows = QPushButton("Show the Library")
        self.report = ReportCard(theme, (self.agreement, self.undo, self.show_rows))
        set_role(self.agreement, "primary")
        self._middle = QStackedWidget()
        self._pages = {
            "file": centred(self.file),
            "work": centred(self.work),
            "done": centred(self.report),
        }
        for page in self._pages.values():
            self._middle.addWidget(page)
        self.set_body(self._middle)
        self._connect()
        self._on_state_changed()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._take_focus()

    def _connect(self) -> None:
        presenter = self._presenter
        self.destroyed.connect(presenter.listen(self._on_state_changed))
        self.file.choose.clicked.connect(self._on_choose)
        self.file.other.clicked.connect(presenter.start_over)
        self.file.merge.clicked.connect(presenter.start)
        self.work.cancelled.connect(self._on_cancelled)
        self.agreement.clicked.connect(self.agreement_requested)
        self.undo.clicked.connect(presenter.undo)
        self.show_rows.clicked.connect(self.rows_requested)

    def _on_state_changed(self) -> None:
        state = self._presenter.state
        name = state.path.name if state.path is not None else ""
        self.message.show_words(problem=state.problem, said=state.said)
        self.file.show_state(state)
        if state.phase == "looking":
            self.work.show_work(f"Looking at {name}", None)
        elif state.phase == "merging":
            self.work.show_work(
                f"Merging {name}",
                state.progress,
                hint="All of it comes in, or nothing. A backup is made first; verdicts that you give "
                "meanwhile are kept when it is done.",
                cancelling=state.cancelling,
            )
        if state.report is not None and state.phase == "done":
            self.report.show_report(state.report, undone=state.undone)
            self.undo.setVisible(not state.undone)
        working = state.phase in ("looking", "merging")
        self._middle.setCurrentWidget(
            self._pages["work" if working else "done" if state.phase == "done" else "file"]
        )
        if state.phase != self._phase:
            self._phase = state.phase
            self._take_focus()

    def _take_focus(self) -> None:
        """Where the next key is probably meant for."""
        places = {"choosing": self.file.choose, "looked": self.file.merge, "done": self.agreement}
        self.focus_on(places.get(self._presenter.state.phase, self.work.cancel))

    def _on_choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Merge another project", str(Path.home()), _FILTER)
        if path:
            self._presenter.look(Path(path))

    def _on_cancelled(self) -> None:
        if self._presenter.is_working:
            self._presenter.cancel()
        else:
            self._presenter.start_over()


class ProjectCard(QFrame):
    """Which file, and what is in it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_role(self, "card")
        self._icon, self.title, self.words, self.manner = QLabel(), QLabel(), QLabel(), QLabel(_MANNER)
        self.choose, self.merge = QPushButton("Choose a project…"), QPushButton("Merge")
        self.other = QPushButton("Another file")
        set_role(self.title, "heading")
        set_role(self.words, "secondary")
        set_role(self.manner, "caption")
        set_role(self.choose, "primary")
        set_role(self.merge, "primary")
        set_role(self.other, "quiet")
        for label in (self.title, self.words, self.manner):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(Space.S)
        buttons.addStretch(1)
        for button in (self.choose, self.other, self.merge):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.XXL, Space.XXL, Space.XXL, Space.XL)
        column.setSpacing(Space.M)
        for part in (self._icon, self.title, self.words):
            column.addWidget(part)
        column.addLayout(buttons)
        column.addWidget(self.manner)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_state(self, state: MergeState) -> None:
        looked = state.phase == "looked"
        self.title.setText(state.path.name if looked and state.path else "Drop another project here")
        self.words.setText(
            _holdings(state) if looked else "To bring an annotator's verdicts together with yours."
        )
        self.choose.setVisible(not looked)
        self.merge.setVisible(looked)
        self.other.setVisible(looked)

    def _on_theme_changed(self) -> None:
        size = self._theme.px(32)
        self._icon.setPixmap(self._theme.icon("git-merge", "faint").pixmap(size, size))
        self.setFixedWidth(self._theme.px(560))


def _holdings(state: MergeState) -> str:
    found = state.holdings
    if found is None:
        return _OLDER
    new = found.prompts - found.known_prompts
    known = f", {found.known_prompts:,} of them here already" if found.known_prompts else ""
    people = [f"{count(number, 'verdict')} by {name}" for name, number in found.verdicts[:6]]
    more = len(found.verdicts) - len(people)
    lines = [
        f"{count(found.prompts, 'prompt')}{known}; {count(new, 'new one')}."
        if found.known_prompts
        else f"{count(found.prompts, 'prompt')}, all of them new.",
        f"{count(found.comparisons, 'comparison')}.",
        f"{', '.join(people)}{f' and of {more} more' if more else ''}." if people else "No verdict yet.",
    ]
    return "\n".join(lines)
