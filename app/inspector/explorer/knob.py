"""A number to move: its name, a slider, a field to type it into, and a few words beside it."""

import math
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSlider, QWidget

from app.inspector.explorer.numbers import setting
from app.shell.palette import Space
from app.shell.theme import Theme, set_role

_STOPS = 400
_PAGE = 20
_NAME, _FIELD, _ASIDE = 76, 96, 48


class Knob(QWidget):
    """Emits `moved` with what a person chose; shows nothing by itself."""

    moved = Signal(float)

    def __init__(
        self,
        name: str,
        said: str,
        theme: Theme,
        *,
        ends: tuple[float, float],
        by_ratio: bool = False,
        read: Callable[[str], float | None] | None = None,
        write: Callable[[float], str] = setting,
        parent: QWidget | None = None,
    ) -> None:
        """`said`: the name in full; `ends`: of the slider; `by_ratio`: each stop is so many times the one
        before; `read` makes a number of a typed text, None of what is none."""
        super().__init__(parent)
        self._theme, self._ends, self._by_ratio = theme, ends, by_ratio
        self._read, self._write = read or within(*ends), write
        self._value = ends[0]
        self.name, self.aside = QLabel(name), QLabel()
        self.slider, self.field = QSlider(Qt.Orientation.Horizontal), _Field()
        self._lay_out(said)
        self.slider.valueChanged.connect(lambda stop: self.moved.emit(self._at(stop)))
        self.field.editingFinished.connect(self._on_typed)
        self.field.left.connect(self._show)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_value(self, value: float, aside: str = "", ends: tuple[float, float] | None = None) -> None:
        self._value, self._ends = value, ends or self._ends
        self.aside.setText(aside)
        self._show()

    def _lay_out(self, said: str) -> None:
        set_role(self.name, "secondary")
        set_role(self.aside, "caption")
        self.name.setBuddy(self.field)
        self.slider.setRange(0, _STOPS)
        self.slider.setPageStep(_PAGE)
        self.slider.setAccessibleName(f"{said}, slider")
        self.field.setAccessibleName(said)
        self.name.setToolTip(said)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        row.addWidget(self.name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        row.addWidget(self.aside)

    def _at(self, stop: int) -> float:
        low, high = self._ends
        share = stop / _STOPS
        if self._by_ratio:
            return float(f"{math.exp(math.log(low) + share * math.log(high / low)):.3g}")
        # No more digits than stops tell apart.
        places = max(0, 3 - math.floor(math.log10(high - low)))
        return round(low + share * (high - low), places)

    def _stop(self) -> int:
        low, high = self._ends
        value = min(high, max(low, self._value))
        share = (
            math.log(value / low) / math.log(high / low) if self._by_ratio else (value - low) / (high - low)
        )
        return round(_STOPS * share)

    def _on_typed(self) -> None:
        text = self.field.text()
        value = None if text == self._write(self._value) else self._read(text)
        if value is None or value == self._value:
            self._show()
        else:
            self.moved.emit(value)

    def _show(self) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(self._stop())
        self.slider.blockSignals(False)
        self.field.setText(self._write(self._value))

    def _on_theme_changed(self) -> None:
        self.name.setFixedWidth(self._theme.px(_NAME))
        self.field.setFixedWidth(self._theme.px(_FIELD))
        self.aside.setFixedWidth(self._theme.px(_ASIDE))
        self.field.setFont(self._theme.figures())
        self.aside.setFont(self._theme.figures())


class _Field(QLineEdit):
    """Esc puts back what was there; when nothing was typed it is left to others."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isModified():
            self.left.emit()
            self.selectAll()
        else:
            super().keyPressEvent(event)


def number_in(text: str) -> float | None:
    """A typed number; a comma may stand for the point, a typographic minus for the plain one."""
    try:
        value = float(text.strip().replace(",", ".").replace("−", "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def within(low: float, high: float) -> Callable[[str], float | None]:
    """Reads numbers and keeps them between these two."""

    def read(text: str) -> float | None:
        value = number_in(text)
        return None if value is None else min(high, max(low, value))

    return read


def log_prob_in(text: str) -> float | None:
    """A typed log-prob, 0 or less; a number above 0, 1 at most, is taken for a probability."""
    value = number_in(text)
    if value is None or value > 1:
        return None
    return math.log(value) if value > 0 else value
