"""Who writes the two responses: one model twice, or two models, checkpoints or ways of drawing."""

import dataclasses
from pathlib import PurePath
from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.annotate.state import AnnotateState, Opponent
from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.config_form import ConfigForm
from dpo_engine.catalogue import CATALOGUE
from dpo_engine.config import SamplingConfig, options_of

_WIDTH = 360


class WritersPanel(QFrame):
    """What was chosen is taken over when the panel closes. Which side is whose is drawn each time."""

    opponent_changed = Signal(object)
    """An `Opponent`, or None: both responses are the policy's."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("writers-panel")
        set_role(self, "popup")
        self._theme = theme
        self._before: Opponent | None = None
        self.one = QRadioButton("Two draws of one model")
        self.two = QRadioButton("Two different writers")
        self.policy = QLabel()
        self.model = QComboBox()
        self.model.setAccessibleName("The second writer")
        self.form = ConfigForm(SamplingConfig, theme)
        self.done = QPushButton("Done")
        self._second = QWidget()
        self._lay_out()
        self.one.toggled.connect(lambda one: self._show_second(not one))
        self.form.edited.connect(self.adjustSize)
        self.done.clicked.connect(self.close)

    def open_under(self, button: QWidget, state: AnnotateState) -> None:
        self._before = state.opponent
        chosen = state.opponent or Opponent(policy=state.policy, sampling=state.sampling)
        self.policy.setText(f"First: {writer_name(state.policy)}, with the page's sampling settings")
        self.model.clear()
        for writer in dict.fromkeys((*state.writers, state.policy, chosen.policy)):
            if writer:
                self.model.addItem(writer_name(writer), writer)
        self.model.setCurrentIndex(max(0, self.model.findData(chosen.policy)))
        self.form.set_values({name: getattr(chosen.sampling, name) for name in options_of(SamplingConfig)})
        (self.one if state.opponent is None else self.two).setChecked(True)
        self._show_second(state.opponent is not None)
        self.setFixedWidth(self._theme.px(_WIDTH))
        self.adjustSize()
        self.move(button.mapToGlobal(QPoint(button.width() - self.width(), button.height() + Space.XS)))
        self.show()
        (self.one if state.opponent is None else self.two).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
            return
        super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        wanted = self._chosen()
        if wanted != self._before:
            self._before = wanted
            self.opponent_changed.emit(wanted)

    def _chosen(self) -> Opponent | None:
        if self.one.isChecked() or self.model.currentIndex() < 0:
            return None
        before = self._before.sampling if self._before else SamplingConfig()
        values: dict[str, Any] = self.form.values()
        return Opponent(policy=str(self.model.currentData()), sampling=dataclasses.replace(before, **values))

    def _show_second(self, shown: bool) -> None:
        self._second.setVisible(shown)
        self.adjustSize()

    def _lay_out(self) -> None:
        title = QLabel("Who writes")
        set_role(title, "heading")
        hint = QLabel("For what is written from now on. Nothing on the page tells who wrote which response.")
        hint.setWordWrap(True)
        self.policy.setWordWrap(True)
        self.policy.setTextFormat(Qt.TextFormat.PlainText)
        set_role(hint, "caption")
        set_role(self.policy, "caption")
        second = QLabel("Second")
        set_role(second, "caption")
        inside = QVBoxLayout(self._second)
        inside.setContentsMargins(Space.XL, 0, 0, 0)
        inside.setSpacing(Space.S)
        parts: tuple[QWidget, ...] = (self.policy, second, self.model, self.form)
        for part in parts:
            inside.addWidget(part)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.done)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.L, Space.L, Space.L, Space.M)
        layout.setSpacing(Space.S)
        for widget in (title, self.one, self.two, self._second, hint):
            layout.addWidget(widget)
        layout.addLayout(row)


def writer_name(reference: str) -> str:
    """A model as a person knows it: the catalogue's title, a run and its step, a folder's name."""
    known = CATALOGUE.get(reference)
    if known is not None:
        return known.title
    path = PurePath(reference)
    if path.parent.name == "checkpoints":
        step = path.name.removeprefix("step-").lstrip("0") or "0"
        return f"{path.parent.parent.name}, step {step}"
    return path.parent.name if path.name == "policy" else path.name or reference
