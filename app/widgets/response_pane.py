"""One response of a comparison: a heading with its key, the text, and what there is to know about it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.reading_text import ReadingText
from app.widgets.response_editor import ResponseEditor


class ResponsePane(QFrame):
    """Nothing here says which model wrote the text."""

    edited = Signal(str, int)
    """The response in the person's words is the better one; by how much (1 or 2)."""
    edit_left = Signal()

    def __init__(self, title: str, key: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._marked = False
        heading = QLabel(title)
        set_role(heading, "heading")
        self._key = QLabel(key)
        set_role(self._key, "key")
        self._note = QLabel()
        set_role(self._note, "caption")
        self.text = ReadingText(theme)
        self.text.setMinimumHeight(44)
        self.text.setAccessibleName(title)
        self.text.focused.connect(self._show_border)
        self.editor = ResponseEditor(title, theme)
        self.editor.hide()
        self.editor.given.connect(self.edited)
        self.editor.left.connect(self.edit_left)
        top = QHBoxLayout()
        top.setSpacing(Space.S)
        top.setContentsMargins(0, 0, Space.S, 0)
        top.addWidget(self._key)
        top.addWidget(heading)
        top.addStretch(1)
        top.addWidget(self._note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.M, Space.S, Space.M)
        layout.setSpacing(Space.M)
        layout.addLayout(top)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.editor, 1)
        self.set_key(key)
        self._show_border()

    @property
    def note(self) -> str:
        return self._note.text()

    @property
    def is_marked(self) -> bool:
        return self._marked

    @property
    def is_edited(self) -> bool:
        return not self.editor.isHidden()

    def set_key(self, key: str) -> None:
        """The key that says that this one is better; empty for none."""
        self._key.setText(key)
        self._key.setVisible(bool(key))
        self.text.setAccessibleDescription(f"Key {key} says that this one is better" if key else "")

    def show_done(self, text: str, *, cut: bool) -> None:
        """A finished response; `cut`: it reached the longest length and was ended there."""
        self.text.show_text(text)
        self._note.setText("Cut at the longest length" if cut else "" if text.strip() else "Empty response")

    def show_live(self, text: str) -> None:
        """A response that is being written."""
        self.text.show_live(text)
        self._note.setText("Writing…")

    def show_nothing(self) -> None:
        self.text.show_live("")
        self._note.setText("Waiting for the model…")

    def edit(self) -> None:
        """Open the editor below the response, with its text."""
        self.editor.begin(self.text.text)

    def end_edit(self) -> None:
        self.editor.hide()

    def set_marked(self, marked: bool) -> None:
        """A border that says "this one" while its verdict is being saved."""
        if marked != self._marked:
            self._marked = marked
            self._show_border()

    def _show_border(self) -> None:
        role = "pane-chosen" if self._marked else "pane-focus" if self.text.hasFocus() else "pane"
        if self.property("role") != role:
            set_role(self, role)
