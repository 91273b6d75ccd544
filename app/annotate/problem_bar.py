"""A line for something that did not work while the page stays as it is."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.annotate.state import Problem
from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class ProblemBar(QFrame):
    """Hidden while there is no problem."""

    retry_requested = Signal()
    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._problem: Problem | None = None
        set_role(self, "banner-danger")
        self._icon = QLabel()
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.retry = QPushButton("Try again")
        self.retry.setObjectName("problem-retry")
        self.retry.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.retry.setAutoDefault(True)
        self.retry.clicked.connect(self.retry_requested)
        self._close = QToolButton()
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._close.clicked.connect(self.dismissed)
        set_role(self._close, "quiet")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.S, Space.S, Space.S)
        layout.setSpacing(Space.M)
        layout.addWidget(self._icon)
        layout.addWidget(self.sentence, 1)
        layout.addWidget(self.retry)
        layout.addWidget(self._close)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.hide()

    def show_problem(self, problem: Problem | None) -> None:
        if problem == self._problem:
            return
        self._problem = problem
        if problem is not None:
            self.sentence.setText(problem.sentence)
            self.retry.setVisible(problem.can_retry)
        self.setVisible(problem is not None)

    def _on_theme_changed(self) -> None:
        self._icon.setPixmap(self._theme.icon("circle-alert", "danger").pixmap(18, 18))
        self._close.setIcon(self._theme.icon("x"))
