"""The quiet line at the bottom: project, policy, what the engine does, the device with its memory."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.shell.engine_status import EngineStatus
from app.shell.palette import Space
from app.shell.theme import Theme, set_role


class StatusBar(QWidget):
    HEIGHT = 32

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("status-bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(self.HEIGHT)
        self._project = self._label("Project")
        self._policy = self._label("Policy that writes the responses")
        self._engine = self._label("Engine")
        self._device = self._label("Device and memory")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.L, 0, Space.L, 0)
        layout.setSpacing(Space.XL)
        layout.addWidget(self._project)
        layout.addWidget(self._policy)
        layout.addStretch(1)
        layout.addWidget(self._engine)
        layout.addWidget(self._device)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_project(self, name: str, path: str) -> None:
        self._project.setText(name)
        self._project.setToolTip(path)

    def show_policy(self, name: str) -> None:
        self._policy.setText(f"Policy: {name}")

    def show_engine(self, status: EngineStatus) -> None:
        self._engine.setText(status.words)
        role = "error" if status.problem else "caption"
        if self._engine.property("role") != role:
            set_role(self._engine, role)
        self._device.setText(status.device_words)

    @property
    def engine_words(self) -> str:
        return self._engine.text()

    def _label(self, name: str) -> QLabel:
        label = QLabel()
        set_role(label, "caption")
        label.setAccessibleName(name)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label

    def _on_theme_changed(self) -> None:
        for label in (self._engine, self._device):
            label.setFont(self._theme.figures())
