"""The panels of the Train page, one at a time, with the segments that choose between them."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.shell.palette import Space
from app.train.panels import MakePanel, Means, Panel
from app.widgets.segments import Segments


class PanelStack(QWidget):
    """Builds each panel when it is first shown; `shown` names the one in view.

    A line that has a signal `panel_wanted` (with a panel's key) brings that panel into view by it.
    """

    shown = Signal(str)

    def __init__(
        self,
        means: Means,
        panels: Sequence[Panel],
        lines: Sequence[MakePanel] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._means = means
        self._panels = tuple(panels)
        self._made: dict[str, QWidget] = {}
        self.segments = Segments("View", [panel.title for panel in panels])
        self._stack = QStackedWidget()
        self.lines = tuple(make(means) for make in lines)
        for line in self.lines:
            wanted = getattr(line, "panel_wanted", None)
            if wanted is not None:
                wanted.connect(self.show_panel)
        self._lay_out()
        self.segments.chosen.connect(self._on_segment_chosen)
        self._on_segment_chosen(0)

    @property
    def current(self) -> str:
        return self._panels[self.segments.choice()].key

    def has(self, key: str) -> bool:
        return any(panel.key == key for panel in self._panels)

    def panel(self, key: str) -> QWidget:
        """A panel by its key, made now if it was not yet. `KeyError` for one that is not there."""
        if key not in self._made:
            described = {panel.key: panel for panel in self._panels}[key]
            self._made[key] = described.make(self._means)
            self._stack.addWidget(self._made[key])
        return self._made[key]

    def show_panel(self, key: str) -> None:
        """Bring a panel into view. `ValueError` for one that is not there."""
        self.segments.choose([panel.key for panel in self._panels].index(key))

    def unfold_lines(self) -> None:
        """Show what is behind the lines that have a button `fold`, or hide it again."""
        for line in self.lines:
            fold = getattr(line, "fold", None)
            if isinstance(fold, QAbstractButton) and line.isVisible():
                fold.toggle()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.segments)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        for line in self.lines:
            column.addWidget(line)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    def _on_segment_chosen(self, number: int) -> None:
        key = self._panels[number].key
        self._stack.setCurrentWidget(self.panel(key))
        self.shown.emit(key)
