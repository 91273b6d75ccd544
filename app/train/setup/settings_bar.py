"""Above the settings: which preset they are, another one instead, and the settings as a file or a command."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.train.presenter import LAST_RUN
from app.train.state import TrainState
from dpo_engine.presets import PRESETS

OWN = "Own settings"


class SettingsBar(QWidget):
    """`preset_chosen` with a preset's key, or `LAST_RUN`."""

    preset_chosen = Signal(str)
    save_wanted = Signal()
    load_wanted = Signal()
    command_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.preset, self.more = QToolButton(), QToolButton()
        self.choices: dict[str, QAction] = {}
        heading = QLabel("Settings")
        set_role(heading, "heading")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.XS)
        row.addWidget(heading)
        row.addStretch(1)
        row.addWidget(self.preset)
        row.addWidget(self.more)
        self._fill()
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_state(self, state: TrainState) -> None:
        words = state.preset.title if state.preset is not None else OWN
        self.preset.setText(words)
        self.preset.setAccessibleName(f"Preset: {words}")
        for key, action in self.choices.items():
            action.setChecked(state.preset is not None and key == state.preset.key)
        self.choices[LAST_RUN].setEnabled(bool(state.runs))

    def _fill(self) -> None:
        presets = QMenu(self.preset)
        presets.setToolTipsVisible(True)
        for preset in PRESETS:
            self._add_choice(presets, preset.key, preset.title, preset.help)
        presets.addSeparator()
        self._add_choice(presets, LAST_RUN, "As the last run", "The settings of the newest run.")
        self.preset.setMenu(presets)
        self.preset.setToolTip("Ready-made settings")
        more = QMenu(self.more)
        for words, signal in (
            ("Save the settings as a file…", self.save_wanted),
            ("Load settings from a file…", self.load_wanted),
            ("Copy command line", self.command_wanted),
        ):
            more.addAction(words).triggered.connect(lambda _checked=False, wanted=signal: wanted.emit())
        self.more.setMenu(more)
        self.more.setToolTip("The settings as a file or a command line")
        self.more.setAccessibleName("The settings as a file or a command line")
        for button in (self.preset, self.more):
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            set_role(button, "quiet")
        # The sign that there are others stands behind the words.
        self.preset.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.preset.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _add_choice(self, menu: QMenu, key: str, title: str, tip: str) -> None:
        action = menu.addAction(title)
        action.setCheckable(True)
        action.setToolTip(tip)
        action.triggered.connect(lambda _checked=False: self.preset_chosen.emit(key))
        self.choices[key] = action

    def _restyle(self) -> None:
        self.preset.setIcon(self._theme.icon("chevron-down"))
        self.more.setIcon(self._theme.icon("ellipsis"))
