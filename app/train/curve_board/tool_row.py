"""The quiet row above the curves: which charts, how smooth, which axis, and what leaves the app."""

from collections.abc import Callable, Collection, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QSlider, QToolButton, QWidget

from app.shell.palette import Space
from app.shell.theme import Theme, set_role
from app.widgets.plot_export import add_export_actions
from app.widgets.plots.chart import Chart, Look

WINDOWS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""What the slider offers to average over, in steps; 1: as it came."""
_SLIDER_WIDTH = 84
_ROOM_FOR_WORDS = 660
"""Narrower than this, buttons have their icons only (and their names in their tips)."""


class ToolRow(QWidget):
    """Says what a person wants; the board does it."""

    look_chosen = Signal(Look)
    hidden_chosen = Signal(tuple)
    """Keys of the charts that are not wanted."""
    whole_wanted = Signal()
    all_wanted = Signal()
    """All charts again, after one was large."""

    def __init__(
        self,
        theme: Theme,
        charts: Sequence[Chart],
        *,
        figure: Callable[[], QWidget],
        name: Callable[[], str],
        parent: QWidget | None = None,
    ) -> None:
        """`figure` gives what is to be saved when a person asks for it, `name` a file's name for it."""
        super().__init__(parent)
        self._theme = theme
        self.charts, self.log, self.export = QToolButton(), QToolButton(), QToolButton()
        self.whole, self.all = QToolButton(), QToolButton()
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self._words, self._window, self._problem = QLabel("Smoothing"), QLabel(), QLabel()
        self._menu = _StayingMenu(self)
        self._toggles = {chart.key: self._menu.addAction(chart.title) for chart in charts}
        exports = QMenu(self)
        add_export_actions(exports, figure, name, self.show_problem)
        self.export.setMenu(exports)
        self._exports = exports
        self._lay_out()
        self._connect()
        self.show_look(Look())
        self.show_hidden(())
        self.show_place(zoomed=False, large=False)
        self._restyle()

    def show_look(self, look: Look) -> None:
        """Without telling that anything was chosen."""
        for control in (self.smoothing, self.log):
            control.blockSignals(True)
        self.smoothing.setValue(max(n for n, window in enumerate(WINDOWS) if window <= max(1, look.window)))
        self.log.setChecked(look.log)
        for control in (self.smoothing, self.log):
            control.blockSignals(False)
        self._write_window()

    def show_hidden(self, hidden: Collection[str]) -> None:
        for key, action in self._toggles.items():
            action.blockSignals(True)
            action.setCheckable(True)
            action.setChecked(key not in hidden)
            action.blockSignals(False)

    def show_place(self, *, zoomed: bool, large: bool) -> None:
        """The ways back, while there is something to go back from."""
        self.whole.setVisible(zoomed)
        self.all.setVisible(large)
        self.charts.setVisible(not large)

    def show_problem(self, sentence: str) -> None:
        self._problem.setText(sentence)
        self._problem.setToolTip(sentence)

    def look(self) -> Look:
        return Look(window=WINDOWS[self.smoothing.value()], log=self.log.isChecked())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_words()

    def _fit_words(self) -> None:
        """Nothing in this row is ever a reason for a wider window."""
        room = self.width() >= self._theme.px(_ROOM_FOR_WORDS)
        style = Qt.ToolButtonStyle
        for button in (self.charts, self.log, self.export, self.whole, self.all):
            button.setToolButtonStyle(style.ToolButtonTextBesideIcon if room else style.ToolButtonIconOnly)
        self._words.setVisible(room)

    def _lay_out(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._dress(self.charts, "Charts", "Which charts are shown")
        self.charts.setMenu(self._menu)
        self._dress(self.export, "Export", "Save or copy what is shown here: picture, drawing or values")
        for button in (self.charts, self.export):
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            button.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self._dress(self.log, "Log axis", "Heights by powers of ten, where all values are above 0")
        self.log.setCheckable(True)
        self._dress(self.whole, "Whole curves", "End the zoom and follow the run again (0)")
        self._dress(self.all, "All charts", "Back to all charts (Esc)")
        self.smoothing.setRange(0, len(WINDOWS) - 1)
        self.smoothing.setPageStep(1)
        self.smoothing.setAccessibleName("Smoothing")
        self.smoothing.setToolTip(
            "Average each line over about so many steps (exponentially); the line as it came stays behind it"
        )
        for label in (self._words, self._window):
            set_role(label, "caption")
        set_role(self._problem, "error")
        # A long sentence is cut (and is whole in its tip); it makes nothing wider.
        self._problem.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        for button in (self.all, self.charts, self.log):
            row.addWidget(button)
        row.addSpacing(Space.S)
        for part in (self._words, self.smoothing, self._window):
            row.addWidget(part)
        row.addWidget(self._problem, 1)
        row.addStretch(0)
        row.addWidget(self.whole)
        row.addWidget(self.export)

    def _dress(self, button: QToolButton, text: str, tip: str) -> None:
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_role(button, "quiet-small")

    def _connect(self) -> None:
        self.smoothing.valueChanged.connect(self._on_look_changed)
        self.log.toggled.connect(self._on_look_changed)
        self.whole.clicked.connect(self.whole_wanted)
        self.all.clicked.connect(self.all_wanted)
        for action in self._toggles.values():
            action.toggled.connect(self._on_charts_toggled)
        self._exports.aboutToShow.connect(lambda: self.show_problem(""))
        self._theme.changed.connect(self._restyle)

    def _restyle(self) -> None:
        size = self._theme.px(16)
        for button, icon in (
            (self.charts, "list-filter"),
            (self.log, "chart-line"),
            (self.export, "download"),
            (self.whole, "search"),
            (self.all, "arrow-left"),
        ):
            button.setIcon(self._theme.icon(icon))
            button.setIconSize(QSize(size, size))
        self.smoothing.setFixedWidth(self._theme.px(_SLIDER_WIDTH))
        self._window.ensurePolished()
        self._window.setFixedWidth(self._window.fontMetrics().horizontalAdvance("1,000") + Space.XS)
        self._fit_words()

    def _write_window(self) -> None:
        window = self.look().window
        self._window.setText(f"{window:,}" if window > 1 else "off")
        self.smoothing.setAccessibleDescription(f"{window:,} steps" if window > 1 else "off")

    def _on_look_changed(self) -> None:
        self._write_window()
        self.look_chosen.emit(self.look())

    def _on_charts_toggled(self) -> None:
        self.hidden_chosen.emit(tuple(key for key, action in self._toggles.items() if not action.isChecked()))


class _StayingMenu(QMenu):
    """Several boxes can be ticked before it is closed."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        action = self.activeAction()
        if action is not None and action.isCheckable():
            action.trigger()
            event.accept()
        else:
            super().mouseReleaseEvent(event)
