"""One response for reading, as on the page where it was judged, with what it became and where it is from."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.widgets.reading_text import ReadingText

Fate = str
"""`chosen`, `rejected`, or `` where neither was preferred."""

_ICONS = {"chosen": ("check", "chosen"), "rejected": ("x", "rejected")}


class ResponseCard(QFrame):
    def __init__(self, side: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._fate = theme, ""
        self._original, self._edited = "", ""
        set_role(self, "card")
        self._icon, self.fate = QLabel(), QLabel()
        self.heading = QLabel(side)
        self.origin = QLabel()
        set_role(self.heading, "strong")
        set_role(self.origin, "caption")
        self.origin.setTextFormat(Qt.TextFormat.PlainText)
        self.origin.setWordWrap(True)
        self.origin.setAccessibleName(f"Where the {side.lower()} response is from")
        self.show_original = QToolButton()
        self.show_original.setText("Original")
        self.show_original.setCheckable(True)
        self.show_original.setToolTip("Show what the model wrote, before a person edited it")
        self.show_original.setAccessibleName(f"Show the original of the {side.lower()} response")
        set_role(self.show_original, "quiet-small")
        self.text = ReadingText(theme)
        self.text.setAccessibleName(f"{side} response")
        self.text.setMinimumHeight(theme.px(48))
        self._lay_out()
        self.show_original.toggled.connect(self._show_text)
        theme.changed.connect(self._on_theme_changed)

    def show_response(self, text: str, *, edited: str | None, fate: Fate, origin: str) -> None:
        self._original, self._edited, self._fate = text, edited or "", fate
        self.show_original.setVisible(edited is not None)
        self.show_original.setChecked(False)
        self.origin.setText(origin)
        self.fate.setText({"chosen": "Chosen", "rejected": "Rejected"}.get(fate, ""))
        set_role(self.fate, fate or "caption")
        self._show_text()
        self._on_theme_changed()

    def _show_text(self) -> None:
        original = self.show_original.isChecked() or not self.show_original.isVisibleTo(self)
        self.text.show_text(self._original if original else self._edited)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(Space.XS)
        head.setContentsMargins(0, 0, Space.S, 0)
        # As high with the button as without, so that both texts begin at one height.
        self.heading.setMinimumHeight(self._theme.px(28))
        head.addWidget(self.heading)
        head.addSpacing(Space.XS)
        head.addWidget(self._icon)
        head.addWidget(self.fate)
        head.addStretch(1)
        head.addWidget(self.show_original)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.M, Space.S, Space.XS, Space.S)
        column.setSpacing(Space.XS)
        column.addLayout(head)
        column.addSpacing(Space.XS)
        column.addWidget(self.text, 1)
        column.addWidget(self.origin)

    def _on_theme_changed(self) -> None:
        size = self._theme.px(14)
        known = self._fate in _ICONS
        self._icon.setVisible(known)
        if known:
            self._icon.setPixmap(self._theme.icon(*_ICONS[self._fate]).pixmap(size, size))
        self.origin.setFont(self._theme.figures(FontSize.CAPTION))
