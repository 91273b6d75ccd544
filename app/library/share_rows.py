"""Shares as lines: a name, a bar from 0 to 100 % with its 95 % interval, and the figure in words."""

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.shell.palette import FontSize, Space
from app.shell.theme import Theme, set_role

_DOT = 10


@dataclass(frozen=True, kw_only=True)
class Share:
    name: str
    share: float | None
    words: str
    """The figure as it stands beside the bar."""
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    """Marked on the bar: what chance would give."""


class ShareRows(QWidget):
    """`buttons`: one for each line that leads somewhere; the owner connects them after `show_shares`."""

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(name)
        self.buttons: list[QPushButton] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(Space.M)
        self._grid.setVerticalSpacing(Space.XS)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnMinimumWidth(0, theme.px(96))

    def show_shares(self, shares: list[Share], *, leading: bool = False) -> None:
        """`leading`: each name is a button."""
        while (item := self._grid.takeAt(0)) is not None:
            part = item.widget()
            if part is not None:
                part.deleteLater()
        self.buttons.clear()
        for row, share in enumerate(shares):
            self._grid.addWidget(self._name(share, leading), row, 0)
            self._grid.addWidget(_Bar(share, self._theme), row, 1)
            words = QLabel(share.words)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setFont(self._theme.figures(FontSize.CAPTION))
            set_role(words, "secondary")
            words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(words, row, 2)
        description = "; ".join(f"{share.name}: {share.words}" for share in shares)
        self.setAccessibleDescription(description)

    def _name(self, share: Share, leading: bool) -> QWidget:
        short = share.name if len(share.name) <= 24 else share.name[:23] + "…"
        if not leading:
            label = QLabel(short)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setToolTip(share.name)
            return label
        button = QPushButton(short.replace("&", "&&"))
        button.setToolTip(f"Show the rows: {share.name}")
        button.setAccessibleName(f"Show the rows of {share.name}: {share.words}")
        set_role(button, "line")
        self.buttons.append(button)
        return button


class _Bar(QWidget):
    def __init__(self, share: Share, theme: Theme) -> None:
        super().__init__()
        self._share, self._theme = share, theme
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(theme.px(80))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(120), self._theme.px(20))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        # Room for half a dot at either end.
        painter.translate(_DOT / 2, 0)
        middle, width = self.height() / 2, float(self.width() - _DOT)
        painter.setBrush(self._theme.colour("sunken"))
        painter.drawRoundedRect(QRectF(0, middle - 3, width, 6), 3, 3)
        share = self._share
        if share.share is None:
            return
        if share.low is None or share.high is None:
            painter.setBrush(self._theme.colour("accent"))
            painter.drawRoundedRect(QRectF(0, middle - 3, max(6.0, width * share.share), 6), 3, 3)
            return
        if share.expected is not None:
            painter.setPen(QPen(self._theme.colour("border_strong"), 1))
            painter.drawLine(
                round(width * share.expected), 2, round(width * share.expected), self.height() - 2
            )
            painter.setPen(Qt.PenStyle.NoPen)
        soft = self._theme.colour("accent")
        soft.setAlphaF(0.35)
        painter.setBrush(soft)
        painter.drawRoundedRect(
            QRectF(width * share.low, middle - 3, max(6.0, width * (share.high - share.low)), 6), 3, 3
        )
        painter.setBrush(self._theme.colour("accent"))
        painter.drawEllipse(QRectF(width * share.share - _DOT / 2, middle - _DOT / 2, _DOT, _DOT))
