"""The sampling settings, in a panel under their button; they hold for what is written from now on."""

from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.config_form import ConfigForm
from dpo_engine.config import SamplingConfig, options_of

_WIDTH = 340


class SamplingPanel(QFrame):
    """Values are taken over as they are typed, once they all are right."""

    sampling_changed = Signal(object)
    """A `SamplingConfig`."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        set_role(self, "card")
        self.setFixedWidth(_WIDTH)
        title = QLabel("How responses are drawn")
        set_role(title, "heading")
        self._help = QLabel("They hold for responses written from now on.")
        self._help.setWordWrap(True)
        self._help.setMinimumHeight(40)
        self._help.setAlignment(Qt.AlignmentFlag.AlignTop)
        set_role(self._help, "caption")
        self._form = ConfigForm(SamplingConfig, theme)
        self._form.edited.connect(self._on_edited)
        self._form.described.connect(self._help.setText)
        usual = QPushButton("Usual settings")
        set_role(usual, "quiet")
        usual.clicked.connect(self._on_usual_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.L, Space.L, Space.M)
        layout.setSpacing(Space.M)
        for widget in (title, self._form, self._help):
            layout.addWidget(widget)
        layout.addWidget(usual, alignment=Qt.AlignmentFlag.AlignLeft)

    def open_under(self, button: QWidget, sampling: SamplingConfig) -> None:
        self._form.set_values(_values(sampling))
        self.adjustSize()
        corner = button.mapToGlobal(QPoint(button.width() - _WIDTH, button.height() + Space.XS))
        self.move(corner)
        self.show()
        self._form.setFocus()

    def _on_edited(self) -> None:
        if not self._form.errors():
            self.sampling_changed.emit(SamplingConfig(**self._form.values()))

    def _on_usual_clicked(self) -> None:
        self._form.set_values(_values(SamplingConfig()))
        self.sampling_changed.emit(SamplingConfig())


def _values(sampling: SamplingConfig) -> dict[str, Any]:
    return {name: getattr(sampling, name) for name in options_of(SamplingConfig)}
