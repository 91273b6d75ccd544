"""The sampling settings, in a panel under their button; they hold for what is written from now on."""

import dataclasses
from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.config_form import ConfigForm
from dpo_engine.config import SamplingConfig, options_of

_WIDTH = 340


class SamplingPanel(QFrame):
    """Right values are taken over when the panel closes; a wrong one leaves its setting as it was."""

    sampling_changed = Signal(object)
    """A `SamplingConfig`."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("sampling-panel")
        set_role(self, "popup")
        self._theme = theme
        self._before = SamplingConfig()
        title = QLabel("How responses are drawn")
        set_role(title, "heading")
        self._help = QLabel()
        self._help.setWordWrap(True)
        self._help.setAlignment(Qt.AlignmentFlag.AlignTop)
        set_role(self._help, "caption")
        self.form = ConfigForm(SamplingConfig, theme)
        self.form.described.connect(self._help.setText)
        self.form.edited.connect(self._on_edited)
        self.usual = QPushButton("Usual settings")
        set_role(self.usual, "quiet")
        self.usual.clicked.connect(self._on_usual_clicked)
        self.done = QPushButton("Done")
        self.done.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addWidget(self.usual)
        row.addStretch(1)
        row.addWidget(self.done)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.L, Space.L, Space.M)
        layout.setSpacing(Space.M)
        for widget in (title, self.form, self._help):
            layout.addWidget(widget)
        layout.addLayout(row)

    def open_under(self, button: QWidget, sampling: SamplingConfig) -> None:
        self._before = sampling
        self.form.set_values(_values(sampling))
        self._help.setText("For responses that are written from now on.")
        self.setFixedWidth(self._theme.px(_WIDTH))
        self._help.setFixedHeight(3 * self._theme.px(18))
        self.adjustSize()
        self.move(button.mapToGlobal(QPoint(button.width() - self.width(), button.height() + Space.XS)))
        self.show()
        self.form.field("temperature").focus_field()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
            return
        super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        wanted = dataclasses.replace(self._before, **self.form.values())
        if wanted != self._before:
            self._before = wanted
            self.sampling_changed.emit(wanted)

    def _on_edited(self) -> None:
        # An error beside a field takes a line more.
        self.adjustSize()

    def _on_usual_clicked(self) -> None:
        self.form.set_values(_values(SamplingConfig()))


def _values(sampling: SamplingConfig) -> dict[str, Any]:
    return {name: getattr(sampling, name) for name in options_of(SamplingConfig)}
