"""The β what-if: a slider and a field for the β that all is shown at, and the way back to the run's own."""

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSlider, QToolButton, QWidget

from app.inspector.presenter import BETAS
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_STOPS = 300
"""Places of the slider, in equal ratios: each is 2.3 % more than the one before."""
_STEP = 10
_ON = "What if β"


class WhatIf(QWidget):
    """Emits `beta_chosen` with another β, or None for the run's own."""

    beta_chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._own = self._shown = 0.1
        self.name, self.slider, self.field = QLabel("β"), QSlider(Qt.Orientation.Horizontal), _BetaField()
        self.back = QToolButton()
        self._lay_out()
        self.slider.valueChanged.connect(lambda stop: self._choose(beta_at(stop)))
        self.field.editingFinished.connect(self._on_typed)
        self.field.left.connect(self._show)
        self.back.clicked.connect(self.go_back)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self._show()

    def show_beta(self, own: float, what_if: float | None) -> None:
        """`own`: the run's; `what_if`: what is shown in its place."""
        shown = own if what_if is None else what_if
        if (own, shown) != (self._own, self._shown):
            self._own, self._shown = own, shown
            self._show()

    def step(self, by: int) -> None:
        """So many steps up or down, of about a quarter each."""
        self._choose(beta_at(min(_STOPS, max(0, stop_of(self._shown) + by * _STEP))))

    def go_back(self) -> None:
        self.beta_chosen.emit(None)

    def edit(self) -> None:
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    @property
    def is_on(self) -> bool:
        return self._shown != self._own

    def _lay_out(self) -> None:
        self.name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.slider.setRange(0, _STOPS)
        self.slider.setPageStep(_STEP)
        self.slider.setAccessibleName("β, what if")
        self.slider.setToolTip(
            "What if β were another one? Rewards, margins, losses and cases follow at once."
        )
        self.field.setAccessibleName("β")
        self.field.setToolTip("Any number from 0.01 to 10")
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        set_role(self.back, "quiet-small")
        self.back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self.name, 0, Qt.AlignmentFlag.AlignVCenter)
        for part in (self.slider, self.field, self.back):
            row.addWidget(part)

    def _choose(self, beta: float) -> None:
        if beta != self._shown:
            self.beta_chosen.emit(beta)

    def _on_typed(self) -> None:
        beta = read_beta(self.field.text())
        if beta is None:
            self._show()
        elif f"{beta:.3g}" != f"{self._shown:.3g}":
            self.beta_chosen.emit(None if f"{beta:.3g}" == f"{self._own:.3g}" else beta)

    def _show(self) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(stop_of(self._shown))
        self.slider.blockSignals(False)
        self.field.setText(f"{self._shown:.3g}")
        self.back.setVisible(self.is_on)
        self.back.setText(f"Back to {self._own:.3g}")
        self.back.setToolTip(
            f"Everything is shown at β {self._shown:.3g}; the run was trained at {self._own:.3g}"
        )
        self.back.setAccessibleName(f"Back to the run's own β, {self._own:.3g}")
        self.name.setText(_ON if self.is_on else "β")
        set_role(self.name, "strong" if self.is_on else "secondary")
        self.name.updateGeometry()

    def _on_theme_changed(self) -> None:
        # As wide as it may become: the slider must not move away below the mouse that drags it.
        self.name.setMinimumWidth(self.name.fontMetrics().horizontalAdvance(_ON) + 2 * Space.S)
        self.slider.setFixedWidth(self._theme.px(96))
        self.field.setFixedWidth(self._theme.px(56))
        self.field.setFont(self._theme.figures())
        self.back.setIcon(self._theme.icon("undo-2"))


class _BetaField(QLineEdit):
    """Esc leaves it as it was."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
            self.selectAll()
        else:
            super().keyPressEvent(event)


def beta_at(stop: int) -> float:
    """The β of a place of the slider."""
    low, high = map(math.log, BETAS)
    return float(f"{math.exp(low + (high - low) * stop / _STOPS):.3g}")


def stop_of(beta: float) -> int:
    """The place nearest to a β."""
    low, high = map(math.log, BETAS)
    return round(_STOPS * min(1.0, max(0.0, (math.log(beta) - low) / (high - low))))


def read_beta(text: str) -> float | None:
    """A typed β, kept within `BETAS`; None for what is no number. A comma may stand for the point."""
    try:
        beta = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return min(BETAS[1], max(BETAS[0], beta)) if math.isfinite(beta) and beta > 0 else None
