"""Small cards over the page for what a person notes on a comparison: a comment, tags."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.shell.palette import Space
from app.shell.theme import Theme, set_role

MOST_CHARACTERS = 5000
_WIDTH, _ROW, _SHOWN = 340, 30, 5
_OFFERED = 50
_STEPS: dict[int, int] = {int(Qt.Key.Key_Down): 1, int(Qt.Key.Key_Up): -1}


class NoteCard(QFrame):
    """A card above a button. `Enter` keeps what it holds, `Esc` changes nothing."""

    closed = Signal()

    def __init__(self, title: str, hint: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        set_role(self, "popup")
        self.theme, self._page = theme, parent
        heading, self.hint = QLabel(title), QLabel(hint)
        set_role(heading, "strong")
        set_role(self.hint, "caption")
        self.hint.setWordWrap(True)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(Space.M, Space.M, Space.M, Space.M)
        self.column.setSpacing(Space.S)
        self.column.addWidget(heading)
        self.hide()

    def open_above(self, button: QWidget) -> None:
        self.setFixedWidth(self.theme.px(_WIDTH))
        self.adjustSize()
        page = self._page
        bar = button.parentWidget() or button
        left = button.mapTo(page, QPoint(0, 0)).x()
        top = bar.mapTo(page, QPoint(0, 0)).y() - self.height() - Space.S
        self.move(min(max(Space.S, left), page.width() - self.width() - Space.S), top)
        self.show()
        self.raise_()

    def close_card(self) -> None:
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def keep(self) -> None:
        """Take over what the card holds."""
        raise NotImplementedError

    def on_key(self, event: QKeyEvent) -> bool:
        """A key that is the card's and not its field's; True when it was."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.KeyPress:
                self.close_card()
            return True
        if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            if event.type() == QEvent.Type.KeyPress:
                self.keep()
            return True
        return False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() in (
            QEvent.Type.KeyPress,
            QEvent.Type.ShortcutOverride,
        ):
            if self.on_key(event):
                event.accept()
                return True
        elif event.type() == QEvent.Type.FocusOut and not self.isAncestorOf(self.focusWidget() or self):
            self.close_card()
        return super().eventFilter(watched, event)


class CommentCard(NoteCard):
    comment_given = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__("Comment", "Enter keeps it · Shift+Enter: new line · Esc: as it was", theme, parent)
        self.setObjectName("comment-card")
        self.field = QPlainTextEdit()
        self.field.setAccessibleName("Comment on this comparison")
        self.field.setPlaceholderText("What should be remembered about this pair?")
        self.field.setTabChangesFocus(True)
        self.field.installEventFilter(self)
        self.column.addWidget(self.field)
        self.column.addWidget(self.hint)

    def begin(self, comment: str, button: QWidget) -> None:
        self.field.setPlainText(comment)
        self.field.setFixedHeight(self.theme.px(84))
        self.open_above(button)
        self.field.selectAll()
        self.field.setFocus()

    def keep(self) -> None:
        text = self.field.toPlainText().strip()
        if len(text) > MOST_CHARACTERS:
            self.hint.setText(f"A comment has at most {MOST_CHARACTERS:,} characters.")
            return
        self.close_card()
        self.comment_given.emit(text)


class TagsCard(NoteCard):
    """One field with the tags, separated by commas, and the known ones that fit below it."""

    tags_given = Signal(object)
    """A tuple of tags."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__("Tags", "↓ a known tag · Enter keeps them · Esc: as it was", theme, parent)
        self.setObjectName("tags-card")
        self._known: tuple[str, ...] = ()
        self.field = QLineEdit(placeholderText="factual, too long")
        self.field.setAccessibleName("Tags of this comparison, separated by commas")
        self.field.installEventFilter(self)
        self.field.textEdited.connect(lambda _: self._offer())
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_role(self.list, "plain")
        self.list.setAccessibleName("Known tags")
        self.list.itemClicked.connect(lambda item: self._take(item.text()))
        self.column.addWidget(self.field)
        self.column.addWidget(self.list)
        self.column.addWidget(self.hint)

    def begin(self, tags: Sequence[str], known: Sequence[str], button: QWidget) -> None:
        self._known = tuple(known)
        self.field.setText("".join(f"{tag}, " for tag in tags))
        self._offer()
        self.list.setFixedHeight(min(_SHOWN, len(known)) * self.theme.px(_ROW))
        self.list.setVisible(bool(known))
        self.open_above(button)
        self.field.setFocus()

    def keep(self) -> None:
        chosen: QListWidgetItem | None = self.list.currentItem()
        if chosen is not None:
            self._take(chosen.text())
            return
        self.close_card()
        self.tags_given.emit(tags_in(self.field.text()))

    def on_key(self, event: QKeyEvent) -> bool:
        step = _STEPS.get(event.key(), 0)
        if step and self.list.count():
            if event.type() == QEvent.Type.KeyPress:
                row = self.list.currentRow() + step
                self.list.setCurrentRow(row if 0 <= row < self.list.count() else -1)
            return True
        return super().on_key(event)

    def _offer(self) -> None:
        """The known tags that begin with, or have, what is typed last; none of those that are there."""
        *before, last = self.field.text().split(",")
        there, begun = {tag.strip().casefold() for tag in before}, last.strip().casefold()
        fitting = [tag for tag in self._known if begun in tag.casefold() and tag.casefold() not in there]
        fitting.sort(key=lambda tag: not tag.casefold().startswith(begun))
        self.list.clear()
        for tag in fitting[:_OFFERED]:
            QListWidgetItem(tag, self.list).setSizeHint(QSize(0, self.theme.px(_ROW)))
        self.list.setCurrentRow(-1)

    def _take(self, tag: str) -> None:
        before = self.field.text().rpartition(",")[0]
        self.field.setText(f"{before.strip()}, {tag}, ".removeprefix(", "))
        self._offer()


def tags_in(text: str) -> tuple[str, ...]:
    """The tags of a line, each once, in order; their spaces are single ones."""
    found = (" ".join(part.split()) for part in text.split(","))
    first: dict[str, str] = {}
    for tag in found:
        if tag:
            first.setdefault(tag.casefold(), tag)
    return tuple(first.values())
