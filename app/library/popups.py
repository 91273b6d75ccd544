"""Small windows that open under a button and close with Esc: values to tick, a range, a line to type."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCompleter,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_MANY = 8
"""Values above which there is a field to look for one."""


class Popup(QFrame):
    """Closes when something else is clicked; deleted then."""

    def __init__(self, title: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(title)
        set_role(self, "popup")
        self.setMinimumWidth(theme.px(260))
        heading = QLabel(title)
        heading.setTextFormat(Qt.TextFormat.PlainText)
        set_role(heading, "strong")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(Space.M, Space.M, Space.M, Space.M)
        self.column.setSpacing(Space.S)
        self.column.addWidget(heading)

    def open_under(self, button: QWidget) -> None:
        self.adjustSize()
        corner = button.mapToGlobal(QPoint(0, button.height() + Space.XS))
        room = button.screen().availableGeometry()
        corner.setX(max(room.left(), min(corner.x(), room.right() - self.width())))
        if corner.y() + self.height() > room.bottom():
            corner.setY(button.mapToGlobal(QPoint(0, 0)).y() - self.height() - Space.XS)
        self.move(corner)
        self.show()


class ValuesPopup(Popup):
    """Values to tick, any number of them; each tick counts at once."""

    changed = Signal(list)
    """The values that are ticked, as they were given."""

    def __init__(
        self,
        title: str,
        values: Sequence[tuple[object, str, int | None]],
        ticked: Sequence[object],
        theme: Theme,
        parent: QWidget,
    ) -> None:
        """`values`: each with its words, and how often it occurs where that is known."""
        super().__init__(title, theme, parent)
        self._values = [value for value, _words, _n in values]
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find")
        self.search.setAccessibleName(f"Find in {title}")
        self.list = QListWidget()
        self.list.setAccessibleName(title)
        set_role(self.list, "plain")
        for value, words, number in values:
            item = QListWidgetItem(words if number is None else f"{words}   {number:,}")
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked if value in ticked else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        rows = min(max(len(values), 2), 12)
        self.list.setFixedHeight(rows * (self.list.sizeHintForRow(0) if values else theme.px(24)) + Space.S)
        self.column.addWidget(self.search)
        self.search.setVisible(len(values) > _MANY)
        self.column.addWidget(self.list)
        if not values:
            self.list.hide()
            nothing = QLabel("There is nothing to choose from yet")
            set_role(nothing, "secondary")
            self.column.addWidget(nothing)
        self.search.textChanged.connect(self._on_search)
        self.list.itemChanged.connect(self._on_changed)
        self.list.setCurrentRow(0)
        (self.search if len(values) > _MANY else self.list).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        elif event.key() == Qt.Key.Key_Down and self.search.hasFocus():
            self.list.setFocus()
        else:
            super().keyPressEvent(event)

    def _on_search(self, text: str) -> None:
        for number in range(self.list.count()):
            item = self.list.item(number)
            item.setHidden(text.casefold() not in item.text().casefold())

    def _on_changed(self, _item: QListWidgetItem) -> None:
        ticked = [
            value
            for number, value in enumerate(self._values)
            if self.list.item(number).checkState() == Qt.CheckState.Checked
        ]
        self.changed.emit(ticked)


class RangePopup(Popup):
    """From … to …; either end may stay open."""

    changed = Signal(object, object)
    """Both ends as numbers, or None."""

    def __init__(
        self,
        title: str,
        ends: tuple[float | None, float | None],
        theme: Theme,
        parent: QWidget,
        *,
        decimals: int,
        lowest: float,
        highest: float,
    ) -> None:
        super().__init__(title, theme, parent)
        self.least = _end(f"{title}, at least", "any", ends[0], decimals, lowest, highest)
        self.most = _end(f"{title}, at most", "any", ends[1], decimals, lowest, highest)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        for words, field in (("From", self.least), ("to", self.most)):
            row.addWidget(QLabel(words))
            row.addWidget(field, 1)
        self.column.addLayout(row)
        for field in (self.least, self.most):
            field.valueChanged.connect(self._on_changed)
        self.least.setFocus()
        self.least.selectAll()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        else:
            super().keyPressEvent(event)

    def _on_changed(self, _value: float) -> None:
        ends = [
            None if field.value() == field.minimum() else field.value() for field in (self.least, self.most)
        ]
        self.changed.emit(*ends)


def _end(
    name: str, open_words: str, value: float | None, decimals: int, lowest: float, highest: float
) -> QDoubleSpinBox:
    """A number, or nothing at the lowest step."""
    field = QDoubleSpinBox()
    field.setAccessibleName(name)
    field.setDecimals(decimals)
    field.setRange(lowest, highest)
    field.setSpecialValueText(open_words)
    field.setGroupSeparatorShown(True)
    field.setSingleStep(10 ** -(decimals // 2) if decimals else 50)
    field.setValue(lowest if value is None else value)
    return field


class LinePopup(Popup):
    """One line to type, perhaps completed from words that are known, and a button that takes it."""

    entered = Signal(str)

    def __init__(
        self,
        title: str,
        placeholder: str,
        button: str,
        theme: Theme,
        parent: QWidget,
        *,
        known: Sequence[str] = (),
        hint: str = "",
        longest: int = 400,
    ) -> None:
        super().__init__(title, theme, parent)
        self.line = QLineEdit()
        self.line.setPlaceholderText(placeholder)
        self.line.setAccessibleName(title)
        self.line.setMaxLength(longest)
        self.line.ensurePolished()
        self.line.setMinimumWidth(self.line.fontMetrics().horizontalAdvance(placeholder) + 2 * Space.L)
        self.take = QPushButton(button)
        set_role(self.take, "primary")
        self.take.setEnabled(False)
        if known:
            self.line.setCompleter(_completer(known, self))
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self.line, 1)
        row.addWidget(self.take)
        self.column.addLayout(row)
        if hint:
            words = QLabel(hint)
            set_role(words, "caption")
            self.column.addWidget(words)
        self.line.textChanged.connect(lambda text: self.take.setEnabled(bool(text.strip())))
        self.line.returnPressed.connect(self._on_taken)
        self.take.clicked.connect(self._on_taken)
        self.line.setFocus()

    def _on_taken(self) -> None:
        text = self.line.text().strip()
        if text:
            self.close()
            self.entered.emit(text)


def _completer(known: Sequence[str], parent: QWidget) -> QCompleter:
    completer = QCompleter(QStringListModel(list(known), parent), parent)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    return completer


def split_tags(text: str) -> list[str]:
    """What was typed as tags, with commas between."""
    return [tag for tag in (part.strip() for part in text.split(",")) if tag]
