"""The places down the left edge, in the order in which the work flows."""

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role


@dataclass(frozen=True, kw_only=True)
class Place:
    key: str
    title: str
    icon: str
    shortcut: str


PLACES = (
    Place(key="annotate", title="Annotate", icon="pen-line", shortcut="Ctrl+1"),
    Place(key="library", title="Library", icon="library", shortcut="Ctrl+2"),
    Place(key="train", title="Train", icon="chart-line", shortcut="Ctrl+3"),
    Place(key="inspector", title="Inspector", icon="scan-search", shortcut="Ctrl+4"),
)


class Navigation(QFrame):
    """Emits `place_chosen` with a place's key when a person chose it."""

    place_chosen = Signal(str)
    palette_requested = Signal()

    WIDTH = 208

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("navigation")
        self.setFixedWidth(self.WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.M, Space.L, Space.M, Space.M)
        layout.setSpacing(Space.XS)
        name = QLabel("DPO Studio")
        set_role(name, "heading")
        name.setContentsMargins(Space.M, 0, 0, Space.M)
        layout.addWidget(name)
        self._group = QButtonGroup(self)
        self._buttons = {place.key: self._button(place) for place in PLACES}
        for button in self._buttons.values():
            layout.addWidget(button)
        layout.addStretch(1)
        self._search = QToolButton()
        self._search.setText("All actions")
        self._search.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_role(self._search, "quiet")
        self._search.setToolTip("Every action by name (Ctrl+K)")
        self._search.setAccessibleName("All actions")
        self._search.clicked.connect(self.palette_requested)
        layout.addWidget(self._search)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_place(self, key: str) -> None:
        self._buttons[key].setChecked(True)
        self._on_theme_changed()

    def _button(self, place: Place) -> QPushButton:
        button = QPushButton(place.title)
        button.setCheckable(True)
        set_role(button, "nav")
        button.setIconSize(QSize(18, 18))
        button.setToolTip(f"{place.title} ({place.shortcut})")
        button.setAccessibleName(place.title)
        button.clicked.connect(lambda _=False, key=place.key: self.place_chosen.emit(key))
        self._group.addButton(button)
        return button

    def _on_theme_changed(self) -> None:
        for place in PLACES:
            button = self._buttons[place.key]
            button.setIcon(self._theme.icon(place.icon, "accent" if button.isChecked() else "secondary"))
        self._search.setIcon(self._theme.icon("command"))
