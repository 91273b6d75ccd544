"""Beside the page when wanted: how steadily one judges, the day's goal, and how comparisons come."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.annotate.state import AnnotateState
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role
from app.store.figures.intervals import Interval
from app.store.figures.quality import Meter

_WIDTH, _MOST_GOAL = 276, 10_000
_SURE = 0.25
"""Width of an interval under which a share near one half is called even."""
_ORDERS = (
    ("oldest", "Oldest first"),
    ("newest", "Newest first"),
    ("random", "At random"),
    ("unseen", "Prompts not seen yet first"),
    ("margin", "Closest for the model first"),
)
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.5)
_REPEATS = (0, 8, 12, 20)


class IntervalLine(QWidget):
    """A share with its 95 % interval on a line from 0 to 100 %; the words beside it say the same."""

    def __init__(self, theme: Theme, *, middle: bool = False, parent: QWidget | None = None) -> None:
        """`middle`: with a tick at one half."""
        super().__init__(parent)
        self._theme, self._middle = theme, middle
        self._share: float | None = None
        self._range = Interval(0.0, 1.0)
        self.setFixedHeight(14)
        theme.changed.connect(self.update)

    def show_share(self, share: float | None, interval: Interval) -> None:
        self._share, self._range = share, interval
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        width, middle = self.width() - 8, self.height() / 2
        painter.setBrush(self._theme.colour("pressed"))
        painter.drawRoundedRect(QRectF(0, middle - 2, self.width(), 4), 2, 2)
        if self._middle:
            painter.setBrush(self._theme.colour("faint"))
            painter.drawRect(QRectF(4 + width / 2 - 0.5, middle - 6, 1, 12))
        if self._share is None:
            return
        low, high = self._range.low, self._range.high
        soft = self._theme.colour("accent")
        soft.setAlphaF(0.45)
        painter.setBrush(soft)
        painter.drawRoundedRect(QRectF(4 + width * low, middle - 2, width * (high - low), 4), 2, 2)
        painter.setBrush(self._theme.colour("accent"))
        painter.drawEllipse(QRectF(4 + width * self._share - 4, middle - 4, 8, 8))


class QualityPanel(QFrame):
    """Off the page while annotating, unless wanted."""

    closed = Signal()
    goal_changed = Signal(int)
    order_changed = Signal(str, float)
    repeats_changed = Signal(int)
    overlap_changed = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("quality-panel")
        set_role(self, "card")
        self._theme = theme
        self.close_button = QToolButton()
        self.agreement, self.agreement_note = QLabel(), QLabel()
        self.agreement_line = IntervalLine(theme)
        self.left, self.left_note = QLabel(), QLabel()
        self.left_line = IntervalLine(theme, middle=True)
        self.pace = QLabel()
        self.goal = QSpinBox()
        self.order, self.share = QComboBox(), QComboBox()
        self.order_note = QLabel()
        self.repeats = QComboBox()
        self.overlap = QCheckBox("Everybody judges every pair")
        self._column = QVBoxLayout()
        self._fill()
        self._lay_out()
        self._connect()
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_state(self, state: AnnotateState) -> None:
        self._show_meter(state.meter)
        if not self.goal.hasFocus():
            _quietly(self.goal, lambda: self.goal.setValue(state.goal))
        _quietly(self.order, lambda: self.order.setCurrentIndex(self.order.findData(state.order)))
        self._show_share(state.random_share)
        _quietly(self.overlap, lambda: self.overlap.setChecked(state.overlap))
        self.overlap.setVisible(len(state.annotators) > 1)
        _quietly(
            self.repeats,
            lambda: self.repeats.setCurrentIndex(max(0, self.repeats.findData(state.repeat_every))),
        )
        self.order_note.setText(state.margins)
        self.order_note.setVisible(bool(state.margins))

    def _show_meter(self, meter: Meter | None) -> None:
        if meter is None or meter.agreement is None:
            self.agreement.setText("Not known yet")
            self.agreement_note.setText("Some pairs come back unannounced, with their sides swapped.")
            self.agreement_line.show_share(None, Interval(0.0, 1.0))
        else:
            self.agreement.setText(f"{meter.agreement:.0%}")
            low, high = meter.interval.low, meter.interval.high
            pairs = "pair" if meter.repeats == 1 else "pairs"
            self.agreement_note.setText(
                f"{low:.0%} to {high:.0%} · {meter.agreed} of {meter.repeats} {pairs} alike"
            )
            self.agreement_line.show_share(meter.agreement, meter.interval)
        if meter is None or meter.left_share is None:
            self.left.setText("Not known yet")
            self.left_note.setText("Sides are drawn at random: half and half is even.")
            self.left_line.show_share(None, Interval(0.0, 1.0))
        else:
            self.left.setText(f"{meter.left_share:.0%} left")
            low, high = meter.left_interval.low, meter.left_interval.high
            lean = _lean(low, high)
            self.left_note.setText(f"{low:.0%} to {high:.0%} · {lean}")
            self.left_line.show_share(meter.left_share, meter.left_interval)
        self.pace.setText(_pace_words(meter))

    def _show_share(self, share: float) -> None:
        at = self.share.findData(share)
        if at < 0:
            self.share.addItem(f"{share:.0%}", share)
            at = self.share.count() - 1
        _quietly(self.share, lambda: self.share.setCurrentIndex(at))

    def _fill(self) -> None:
        for key, words in _ORDERS:
            self.order.addItem(words, key)
        for share in _SHARES:
            self.share.addItem(f"{share:.0%} of them at random" if share else "None at random", share)
        for every in _REPEATS:
            self.repeats.addItem(f"About one in {every}" if every else "Never", every)
        self.goal.setRange(0, _MOST_GOAL)
        self.goal.setSpecialValueText("No goal")
        self.goal.setSuffix(" a day")
        self.goal.lineEdit().setTextMargins(Space.XS, 0, 0, 0)
        for field, words in (
            (self.order, "In which order comparisons come"),
            (self.share, "Share of comparisons that come at random"),
            (self.repeats, "How often a pair comes back"),
            (self.goal, "Verdicts a day"),
            (self.overlap, "Everybody judges every pair"),
            (self.close_button, "Close this panel"),
        ):
            field.setAccessibleName(words)
        self.share.setToolTip("Marked as such, so that figures without bias remain")
        self.overlap.setToolTip("Off: a pair is judged by whoever comes to it first")
        self.close_button.setToolTip("Close this panel")
        self.close_button.setObjectName("quality-close")
        set_role(self.close_button, "quiet")

    def _lay_out(self) -> None:
        title = QLabel("Quality")
        set_role(title, "heading")
        top = QHBoxLayout()
        top.addWidget(title)
        top.addStretch(1)
        top.addWidget(self.close_button)
        column = self._column
        column.setContentsMargins(Space.L, 0, Space.L, Space.L)
        column.setSpacing(Space.XS)
        self._section("Agreement with yourself", self.agreement, self.agreement_line, self.agreement_note)
        self._section("Left and right", self.left, self.left_line, self.left_note)
        self._section("Pace", self.pace)
        self._section("Goal", self.goal)
        self._section("Order", self.order, self.share, self.order_note)
        self._section("Pairs asked again", self.repeats)
        self._section("", self.overlap)
        column.addStretch(1)
        inside = QWidget()
        inside.setLayout(column)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        top.setContentsMargins(Space.L, Space.S, Space.S, 0)
        layout.addLayout(top)
        layout.addWidget(scroll, 1)

    def _section(self, title: str, *widgets: QWidget) -> None:
        if title:
            heading = QLabel(title)
            set_role(heading, "caption")
            self._column.addWidget(heading)
        for widget in widgets:
            if isinstance(widget, QLabel):
                widget.setWordWrap(True)
                widget.setTextFormat(Qt.TextFormat.PlainText)
            self._column.addWidget(widget)
        self._column.addSpacing(Space.L)
        for label in (self.agreement_note, self.left_note, self.order_note):
            set_role(label, "caption")

    def _connect(self) -> None:
        self.close_button.clicked.connect(self.closed)
        self.goal.editingFinished.connect(lambda: self.goal_changed.emit(self.goal.value()))
        for box in (self.order, self.share):
            box.activated.connect(
                lambda _: self.order_changed.emit(self.order.currentData(), self.share.currentData())
            )
        self.repeats.activated.connect(lambda _: self.repeats_changed.emit(self.repeats.currentData()))
        self.overlap.clicked.connect(self.overlap_changed)

    def _on_theme_changed(self) -> None:
        self.setFixedWidth(self._theme.px(_WIDTH))
        self.close_button.setIcon(self._theme.icon("x"))
        for label in (self.agreement, self.left, self.pace):
            label.setFont(self._theme.figures(FontSize.HEADING, weight=600))


def _pace_words(meter: Meter | None) -> str:
    if meter is None or meter.median_seconds is None:
        return "Not known yet"
    hour = f" · {meter.per_hour:,.0f} an hour" if meter.per_hour is not None else ""
    seconds = meter.median_seconds
    return f"{seconds:.{1 if seconds < 10 else 0}f} s a verdict{hour}"


def _lean(low: float, high: float) -> str:
    if low > 0.5:
        return "leaning left"
    if high < 0.5:
        return "leaning right"
    return "even" if high - low < _SURE else "too few to tell"


def _quietly(widget: QWidget, change: Callable[[], None]) -> None:
    """A change that is not the person's, and is not to be heard as theirs."""
    with QSignalBlocker(widget):
        change()
