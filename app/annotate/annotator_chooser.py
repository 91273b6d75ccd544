"""Who judges: the names that the project knows, and a field for a new one."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_WIDTH, _ROW, _MOST_ROWS = 360, 36, 8
_EDGE = 4
"""Between the frame of the list, which shows the focus, and its rows."""
MOST_CHARACTERS = 60


class AnnotatorChooser(QWidget):
    """Stands in place of the responses, at the start where several people judge and whenever asked for."""

    chosen = Signal(str)
    added = Signal(str)
    """A new name; answer with `answer`."""
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._names: tuple[str, ...] = ()
        self._block = QWidget()
        self.list = QListWidget()
        self.list.setAccessibleName("Who judges")
        self.list.setViewportMargins(_EDGE, _EDGE, _EDGE, _EDGE)
        self.field = QLineEdit(placeholderText="Somebody new: a name")
        self.field.setAccessibleName("Name of somebody new")
        self.field.setMaxLength(MOST_CHARACTERS)
        self.add = QPushButton("Add")
        self.add.setObjectName("annotator-add")
        self.go = QPushButton("Begin")
        self.go.setObjectName("annotator-begin")
        self.back = QPushButton("Back")
        self.back.setObjectName("annotator-back")
        self._error = QLabel()
        self._lay_out()
        self.list.itemActivated.connect(lambda item: self.chosen.emit(item.text()))
        self.go.clicked.connect(self._on_go)
        self.add.clicked.connect(self._on_add)
        self.back.clicked.connect(self.left)
        self.field.returnPressed.connect(self._on_add)
        self.field.textChanged.connect(lambda _: self._on_typed())
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self._on_typed()

    def open_for(self, names: tuple[str, ...], current: str, *, must: bool) -> None:
        """`must`: nothing is judged before somebody is named."""
        self.back.setVisible(not must)
        self._error.hide()
        if names != self._names or self.list.count() == 0:
            self._names = names
            self.list.clear()
            for name in names:
                QListWidgetItem(name, self.list).setSizeHint(QSize(0, self._theme.px(_ROW)))
        at = names.index(current) if current in names else 0
        self.list.setCurrentRow(at)
        self.list.setFixedHeight(min(_MOST_ROWS, max(1, len(names))) * self._theme.px(_ROW) + 2 * (_EDGE + 2))
        self.list.setVisible(bool(names))
        self.go.setEnabled(bool(names))
        (self.list if names else self.field).setFocus()

    def answer(self, problem: str) -> None:
        """The new name was taken (""), or why it was not."""
        self._error.setText(problem)
        self._error.setVisible(bool(problem))
        if not problem:
            self.field.clear()

    def _on_go(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.chosen.emit(item.text())

    def _on_add(self) -> None:
        name = " ".join(self.field.text().split())
        if name:
            self.added.emit(name)

    def _on_typed(self) -> None:
        self.add.setEnabled(bool(self.field.text().strip()))
        self._error.hide()

    def _lay_out(self) -> None:
        title, body = (
            QLabel("Who judges?"),
            QLabel("Each verdict is signed with a name."),
        )
        set_role(title, "title")
        set_role(body, "secondary")
        set_role(self._error, "error")
        set_role(self.go, "primary")
        set_role(self.back, "quiet")
        self._error.setWordWrap(True)
        self._error.hide()
        new = QHBoxLayout()
        new.setSpacing(Space.S)
        self.field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        new.addWidget(self.field, 1)
        new.addWidget(self.add)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self.go)
        row.addWidget(self.back)
        row.addStretch(1)
        column = QVBoxLayout(self._block)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        for widget in (title, body, self.list):
            column.addWidget(widget)
        column.addLayout(new)
        column.addWidget(self._error)
        column.addLayout(row)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(self._block, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)

    def _on_theme_changed(self) -> None:
        self._block.setFixedWidth(self._theme.px(_WIDTH))
