"""One response in the token view: its name, what its tokens add up to, and the tokens."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.inspector.tokens.canvas import TokenCanvas
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role


class SideCard(QFrame):
    """A heading as the texts have it, then the canvas."""

    def __init__(self, title: str, role: str, icon: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._icon_name, self._role = theme, icon, role
        set_role(self, "card")
        self._icon, self.title, self.sum = QLabel(), QLabel(title), QLabel()
        set_role(self.title, role)
        set_role(self.sum, "caption")
        self.canvas = TokenCanvas(f"{title}, token by token", theme)
        head = QHBoxLayout()
        head.setSpacing(Space.XS)
        head.addWidget(self._icon)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.sum)
        head.addSpacing(Space.S)
        column = QVBoxLayout(self)
        column.setContentsMargins(Space.M, Space.S, Space.XS, Space.S)
        column.setSpacing(Space.XS)
        column.addLayout(head)
        column.addWidget(self.canvas, 1)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        size = self._theme.px(16)
        self._icon.setPixmap(self._theme.icon(self._icon_name, self._role).pixmap(QSize(size, size)))
        self.sum.setFont(self._theme.figures(FontSize.CAPTION))
