"""A line across the top of the window for what concerns all of it: an engine that is down, a bug met."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class Banner(QFrame):
    """Hidden until `show_message`; one message at a time, the newest."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._act: Callable[[], None] | None = None
        set_role(self, "banner-warning")
        self._text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._button = QPushButton()
        self._button.clicked.connect(self._on_button_clicked)
        self._dismiss = QToolButton()
        set_role(self._dismiss, "quiet")
        self._dismiss.setAccessibleName("Close this message")
        self._dismiss.setToolTip("Close this message")
        self._dismiss.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.S, Space.S, Space.S)
        layout.setSpacing(Space.M)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._button)
        layout.addWidget(self._dismiss)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text() if self.isVisible() else ""

    def show_message(
        self,
        sentence: str,
        button: str = "",
        act: Callable[[], None] | None = None,
        *,
        calm: bool = False,
    ) -> None:
        """`calm` for good news; everything else is in the colour of a warning."""
        set_role(self, "banner" if calm else "banner-warning")
        self._text.setText(sentence)
        self._button.setText(button)
        self._button.setVisible(act is not None)
        self._act = act
        self.show()

    def _on_button_clicked(self) -> None:
        self.hide()
        if self._act is not None:
            self._act()

    def _on_theme_changed(self) -> None:
        self._dismiss.setIcon(self._theme.icon("x"))
