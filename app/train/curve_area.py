"""The right column's upper part: the curves of the selected run, or words while there are none.

Importing the plotting library takes a third of a second, so it begins only when the page is first shown,
and on a thread of its own: the window answers meanwhile.
"""

import importlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.settings import SettingsFile
from app.shell.theme import Theme, set_role
from app.train.state import TrainState

if TYPE_CHECKING:
    from app.train.curve_board.board import CurveBoard


class CurveArea(QStackedWidget):
    """`board` is there once the plots were loaded (`load`), and `board_built` says so."""

    board_built = Signal()
    _imported = Signal()

    def __init__(
        self, theme: Theme, settings: SettingsFile | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._settings = theme, settings
        self._empty = _Empty(theme)
        self._loading = False
        self.board: CurveBoard | None = None
        self.addWidget(self._empty)
        self._imported.connect(self._on_imported, Qt.ConnectionType.QueuedConnection)

    def load(self) -> None:
        """Begin to load the plots; once is enough."""
        if not self._loading:
            self._loading = True
            threading.Thread(target=_import_plots, args=(self._imported.emit,), daemon=True).start()

    def show_state(self, state: TrainState) -> None:
        if state.loading:
            self._empty.show_words("Reading the project…", "")
        elif state.selected is None:
            self._empty.show_words(
                "No run yet",
                "Press Start training: the loss, the reward margin and the other curves are drawn here while "
                "the policy learns.",
            )
        else:
            self._empty.show_words("Getting the curves ready…", "")
        shown = self.board if self.board is not None and state.selected is not None else self._empty
        self.setCurrentWidget(shown)

    def _on_imported(self) -> None:
        from app.train.curve_board.board import CurveBoard

        board = CurveBoard(self._theme, self._settings)
        self.addWidget(board)
        self._build(board)

    def _build(self, board: "CurveBoard") -> None:
        """A plot a turn, so that the window answers in between."""
        if board.build_one():
            self.board = board
            self.board_built.emit()
        else:
            QTimer.singleShot(0, self, lambda: self._build(board))


class _Empty(QWidget):
    """An icon, a title and a sentence in the middle."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._icon, self._title, self._text = QLabel(), QLabel(), QLabel()
        set_role(self._title, "heading")
        set_role(self._text, "secondary")
        self._text.setWordWrap(True)
        self._text.setFixedWidth(theme.px(400))
        column = QVBoxLayout(self)
        column.setSpacing(Space.S)
        column.addStretch(2)
        for label in (self._icon, self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_words(self, title: str, text: str) -> None:
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        # A wrapped label in a centred column is not asked for its height otherwise.
        self._text.setFixedHeight(max(0, self._text.heightForWidth(self._text.width())))

    def _restyle(self) -> None:
        size = self._theme.px(32)
        self._icon.setPixmap(self._theme.icon("chart-line", "faint").pixmap(QSize(size, size)))


def _import_plots(done: Callable[[], None]) -> None:
    importlib.import_module("app.train.curve_board.board")
    done()
