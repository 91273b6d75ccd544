"""One response of a comparison: a heading with its key, the text, and a line below it."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.reading_text import ReadingText


class ResponsePane(QFrame):
    """Nothing here says which model wrote the text."""

    def __init__(self, title: str, key: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        heading = QLabel(title)
        set_role(heading, "heading")
        self._key = QLabel(key)
        set_role(self._key, "key")
        self._note = QLabel()
        set_role(self._note, "caption")
        self.text = ReadingText(theme)
        self.text.setAccessibleName(title)
        top = QHBoxLayout()
        top.setSpacing(Space.S)
        top.addWidget(self._key)
        top.addWidget(heading)
        top.addStretch(1)
        top.addWidget(self._note)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.M, Space.S, Space.M)
        layout.setSpacing(Space.M)
        layout.addLayout(top)
        layout.addWidget(self.text, 1)

    def show_done(self, text: str, *, cut: bool) -> None:
        """A finished response; `cut`: it reached the longest length and was ended there."""
        self.text.show_text(text if text.strip() else "(an empty response)")
        self._note.setText("Cut at the longest length" if cut else "")

    def show_live(self, text: str, *, done: bool) -> None:
        if done:
            self.show_done(text, cut=False)
            return
        self.text.show_live(text)
        self._note.setText("Writing…" if text else "Waiting for the first word…")

    def clear(self) -> None:
        self.text.show_live("")
        self._note.setText("")

    def set_marked(self, marked: bool) -> None:
        """A border that says "this one" while its verdict is being saved."""
        role = "card-active" if marked else "card"
        if self.property("role") != role:
            set_role(self, role)
