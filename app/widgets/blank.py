"""What stands in the page's middle when there are no rows: why, what happens next, and one button."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class Blank(QWidget):
    """An icon, a title, a sentence, perhaps progress, perhaps a button."""

    pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon_name = "info"
        self._icon, self._title, self._text = QLabel(), QLabel(), QLabel()
        self._block = QWidget()
        self.button = QPushButton()
        self.progress = QProgressBar()
        set_role(self._title, "heading")
        set_role(self._text, "secondary")
        set_role(self.button, "primary")
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress")
        for part in (self._icon, self._title, self._text):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()
        self.button.clicked.connect(self.pressed)
        theme.changed.connect(self._on_theme_changed)

    def show_words(
        self,
        icon: str,
        title: str,
        text: str,
        *,
        button: str = "",
        primary: bool = True,
        progress: tuple[int, int] | None = None,
    ) -> None:
        """Without `button` or `progress` (done, total; a total of 0 for "not known") there is none."""
        self._icon_name = icon
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        # A wrapped label inside a centred block would get the height of a wider one.
        self._text.setMinimumHeight(max(0, self._text.heightForWidth(self._block.width())))
        self.button.setText(button)
        self.button.setVisible(bool(button))
        set_role(self.button, "primary" if primary else "")
        self.progress.setVisible(progress is not None)
        if progress is not None:
            self.progress.setRange(0, progress[1])
            self.progress.setValue(progress[0])
        self._on_theme_changed()

    def words(self) -> str:
        return f"{self._title.text()}\n{self._text.text()}"

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.addStretch(2)
        self._block.setFixedWidth(self._theme.px(420))
        column.addWidget(self._block, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        words = QVBoxLayout(self._block)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(Space.S)
        for part in (self._icon, self._title, self._text):
            words.addWidget(part)
        words.addSpacing(Space.S)
        words.addWidget(self.progress)
        words.addSpacing(Space.XS)
        words.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)

    def _on_theme_changed(self) -> None:
        size = self._theme.px(32)
        self._icon.setPixmap(self._theme.icon(self._icon_name, "faint").pixmap(QSize(size, size)))
