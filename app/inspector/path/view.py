"""The selected pair over the checkpoints: each response's log-prob beside the reference's, and the margin."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from app.inspector.path.chart import charts, paint_chart
from app.inspector.path.points import PathPoint
from app.inspector.pictures.sheet import plot_of
from app.inspector.wording import decimal
from app.shell.palette import Space
from app.shell.theme import Theme
from app.widgets.plot_export import Cell, add_export_actions

_ALONE = "Only one checkpoint of this run is scored. Choose “Score every checkpoint” to see the pair’s path."
_NOTHING = "Choose a pair to see its path over the checkpoints."


class PathView(QWidget):
    """Three pictures on one axis of steps; mouse and arrow keys go from checkpoint to checkpoint."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._points: tuple[PathPoint, ...] = ()
        self._beta = 0.1
        self._at: int | None = None
        self._problem = ""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)
        self._say()

    def show_path(self, points: Sequence[PathPoint], beta: float) -> None:
        """Of another pair, or the same one at another β; nothing for no pair."""
        self._points, self._beta = tuple(points), beta
        if self._at is not None:
            self._at = min(self._at, len(points) - 1) if points else None
        self._say()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(640), self._theme.px(200))

    def words(self) -> str:
        """What is at the cursor, or what the whole path comes to."""
        if len(self._points) < 2:
            return _ALONE if self._points else _NOTHING
        if self._at is not None:
            return _point_words(self._points[self._at], self._beta)
        first, last = self._points[0].margin(self._beta), self._points[-1].margin(self._beta)
        best = max(self._points, key=lambda point: point.margin(self._beta))
        peak = (
            f", at most {decimal(best.margin(self._beta))} at step {best.step:,}"
            if best is not self._points[-1]
            else ""
        )
        return f"Margin from {decimal(first)} to {decimal(last)} over {len(self._points)} points{peak}."

    def csv_rows(self) -> Iterator[Sequence[Cell]]:
        """A row a checkpoint."""
        yield (
            *("step", "checkpoint", "policy_chosen_logp", "policy_rejected_logp"),
            *("reference_chosen_logp", "reference_rejected_logp", "beta", "margin"),
        )
        for point in self._points:
            yield (
                *(point.step, point.checkpoint or "untrained", point.policy_chosen, point.policy_rejected),
                *(point.reference_chosen, point.reference_rejected, self._beta, point.margin(self._beta)),
            )

    # --- events -------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        if len(self._points) < 2:
            painter.setPen(self._theme.colour("secondary"))
            painter.setFont(self._theme.font())
            where = QRectF(self.rect()).adjusted(Space.XL, 0, -Space.XL, 0)
            painter.drawText(where, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.words())
            return
        steps = [point.step for point in self._points]
        said = [""] * 3
        if self._at is not None:
            point = self._points[self._at]
            said = [
                decimal(point.policy_chosen),
                decimal(point.policy_rejected),
                decimal(point.margin(self._beta), 3),
            ]
            said = [f"step {point.step:,}: {words}" for words in said]
        for room, chart, words in zip(self._rooms(), charts(self._points, self._beta), said, strict=True):
            paint_chart(painter, room, chart, steps, self._theme, at=self._at, said=words)
        if self.hasFocus():
            painter.setPen(self._theme.colour("accent"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go_to(self._nearest(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._go_to(None)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._go_to(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._points) - 1
        here = self._at
        match Qt.Key(event.key()):
            case _ if last < 1:
                super().keyPressEvent(event)
            case Qt.Key.Key_Left:
                self._go_to(last if here is None else max(0, here - 1))
            case Qt.Key.Key_Right:
                self._go_to(0 if here is None else min(last, here + 1))
            case Qt.Key.Key_Home:
                self._go_to(0)
            case Qt.Key.Key_End:
                self._go_to(last)
            case Qt.Key.Key_Escape if here is not None:
                self._go_to(None)
            case _:
                super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        add_export_actions(menu, plot=lambda: self, name=lambda: "path", failed=self._on_export_failed)
        menu.popup(event.globalPos())

    # --- inside -------------------------------------------------------------------------------------

    def _rooms(self) -> list[QRectF]:
        """Three of equal width, within the frame that shows the keyboard's place."""
        inner = QRectF(self.rect()).adjusted(Space.S, Space.S, -Space.S, -Space.XS)
        wide = (inner.width() - 2 * Space.L) / 3
        return [
            QRectF(inner.left() + number * (wide + Space.L), inner.top(), wide, inner.height())
            for number in range(3)
        ]

    def _nearest(self, place: QPointF) -> int | None:
        """The point of the picture below the mouse whose step is nearest."""
        room = next((room for room in self._rooms() if room.contains(place)), None)
        if room is None or len(self._points) < 2:
            return None
        plot = plot_of(room, self._theme)
        first, last = self._points[0].step, self._points[-1].step
        step = first + (place.x() - plot.left()) / max(1.0, plot.width()) * (last - first)
        return min(range(len(self._points)), key=lambda number: abs(self._points[number].step - step))

    def _go_to(self, at: int | None) -> None:
        if at != self._at:
            self._at = at
            self._say()

    def _say(self) -> None:
        self.setAccessibleName("The pair over the checkpoints")
        self.setAccessibleDescription(self.words())
        self.update()

    def _on_export_failed(self, sentence: str) -> None:
        self.setToolTip(sentence)


def _point_words(point: PathPoint, beta: float) -> str:
    where = f"Step {point.step:,}" if point.checkpoint else "Untrained"
    return (
        f"{where}: log-prob of the chosen {decimal(point.policy_chosen)} "
        f"(reference {decimal(point.reference_chosen)}), of the rejected {decimal(point.policy_rejected)} "
        f"(reference {decimal(point.reference_rejected)}), margin {decimal(point.margin(beta), 3)}."
    )
