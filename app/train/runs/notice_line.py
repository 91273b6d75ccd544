"""The line below the runs: what was just done with a way back, else why the selected run ended as it did."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.runs.desk import Notice

_SHOWN_MS = 8_000


class NoticeLine(QWidget):
    """A notice shows for a few seconds; one about something that did not work until there is another."""

    undo_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._notice: Notice | None = None
        self._message, self._failed = "", False
        self._fade = QTimer(self, singleShot=True, interval=_SHOWN_MS)
        self._fade.timeout.connect(self._on_faded)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.undo = QPushButton("Undo")
        set_role(self.undo, "quiet-small")
        self.undo.setToolTip("Take it back (Ctrl+Z)")
        self.undo.clicked.connect(self._on_undo_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.XS)
        row.addWidget(self._text, 1)
        row.addWidget(self.undo)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._show()

    def show_line(self, notice: Notice | None, message: str, *, failed: bool) -> None:
        """`message` is the selected run's own, of one that `failed` or not."""
        if notice is not None and (self._notice is None or notice.number > self._notice.number):
            self._notice = notice
            if notice.problem:
                self._fade.stop()
            else:
                self._fade.start()
        self._message, self._failed = message, failed
        self._show()

    def words(self) -> str:
        return self._text.text()

    def _show(self) -> None:
        notice = self._notice if self._notice is not None and not self._is_over else None
        self._text.setText(notice.text if notice else self._message)
        problem = notice.problem if notice else self._failed
        role = "error" if problem else "secondary"
        if self._text.property("role") != role:
            set_role(self._text, role)
        self.undo.setVisible(notice is not None and notice.undo)

    @property
    def _is_over(self) -> bool:
        notice = self._notice
        return notice is not None and not notice.problem and not self._fade.isActive()

    def _restyle(self) -> None:
        self.undo.setIcon(self._theme.icon("undo-2"))

    def _on_faded(self) -> None:
        self._show()

    def _on_undo_clicked(self) -> None:
        self._fade.stop()
        self._show()
        self.undo_wanted.emit()
