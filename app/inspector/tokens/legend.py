"""The scale of the heat: what its ends stand for, in nats, and how its signs are marked."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.inspector.tokens.painting import Look
from app.inspector.tokens.values import Heat, Mode
from app.inspector.wording import count, decimal
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role

_ENDS: dict[Mode, str] = {
    "log_ratio": "Purple, with a bar below: the policy lowered it. Green, with a bar above: it raised it.",
    "policy": "The darker, the less likely the token is to the policy.",
    "reference": "The darker, the less likely the token is to the reference.",
    "share": "Green, with a bar above: the token speaks for the chosen response. Purple, with a bar below: "
    "against it. Words of the rejected response that the chosen one has too are counted there.",
}


class Legend(QWidget):
    """`−2.4 ▂▂▂▔▔▔ +2.4 nats`, and how many tokens are further out than that."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.low, self.high, self.beyond = QLabel(), QLabel(), QLabel()
        self._bar = _Bar(theme)
        for label in (self.low, self.high, self.beyond):
            set_role(label, "caption")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(Space.S)
        for part in (self.low, self._bar, self.high, self.beyond):
            row.addWidget(part)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_heat(self, heat: Heat, mode: Mode) -> None:
        end = decimal(heat.limit, _places(heat.limit))
        self.low.setText(f"−{end}")
        self.high.setText(f"+{end} nats" if heat.signed else "0 nats")
        self._bar.show_scale(signed=heat.signed)
        words = ""
        if heat.beyond:
            furthest = decimal(heat.furthest, 1)
            words = f"{count(heat.beyond, 'token')} beyond, to {furthest}"
        self.beyond.setText(words)
        self.beyond.setVisible(bool(words))
        ends = _ENDS[mode]
        clip = " Tokens beyond the ends have the colour of an end." if heat.beyond else ""
        self.setToolTip(f"{ends} One scale for both responses.{clip}")
        self.setAccessibleName(f"Scale from {self.low.text()} to {self.high.text()}. {words}")

    def _on_theme_changed(self) -> None:
        for label in (self.low, self.high, self.beyond):
            label.setFont(self._theme.figures(FontSize.CAPTION))


class _Bar(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._signed = theme, True
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.updateGeometry)

    def show_scale(self, *, signed: bool) -> None:
        self._signed = signed
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(120), self._theme.px(14))

    def paintEvent(self, _event: QPaintEvent) -> None:
        look = Look.of(self._theme, signed=self._signed)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        gradient = QLinearGradient(whole.topLeft(), whole.topRight())
        gradient.setColorAt(0.0, look.lowered[-1])
        gradient.setColorAt(0.5 if self._signed else 1.0, look.surface)
        if self._signed:
            gradient.setColorAt(1.0, look.raised[-1])
        painter.setPen(look.line)
        painter.setBrush(gradient)
        painter.drawRoundedRect(whole, 3, 3)
        if self._signed:
            self._bars(painter, whole, look.lowered_bar, look.raised_bar)

    def _bars(self, painter: QPainter, whole: QRectF, lowered: QColor, raised: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        third = whole.width() * 0.4
        painter.fillRect(QRectF(whole.left() + 2, whole.bottom() - 2.5, third, 2), lowered)
        painter.fillRect(QRectF(whole.right() - 2 - third, whole.top() + 0.5, third, 2), raised)


def _places(limit: float) -> int:
    return 0 if limit >= 100 else 1 if limit >= 1 else 2 if limit >= 0.1 else 3
