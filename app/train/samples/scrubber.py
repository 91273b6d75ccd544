"""The slider over a run's checks. Left and right go through the steps, up and down through the prompts."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QSlider, QWidget


class Scrubber(QSlider):
    """Its value is a place among the checks."""

    prompt_moved = Signal(int)
    """By how many prompts: -1 or 1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setAccessibleName("Step")
        self.setToolTip("Which step's answers are shown (← →); ↑ ↓ go to another prompt")
        self.setPageStep(5)

    def show_place(self, place: int, places: int) -> None:
        """Show where of how many; nothing is told."""
        blocked = self.blockSignals(True)
        self.setRange(0, max(0, places - 1))
        self.setValue(place)
        self.blockSignals(blocked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.prompt_moved.emit(-1 if event.key() == Qt.Key.Key_Up else 1)
            return
        super().keyPressEvent(event)
