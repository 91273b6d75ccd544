"""Both responses with all their tokens as one figure, to be saved or copied."""

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.inspector.tokens.canvas import TokenCanvas
from app.inspector.tokens.painting import paint_flow
from app.inspector.tokens.values import PairTokens
from app.inspector.tokens.words import rows
from app.shell.palette import FontSize, Space
from app.shell.theme import Theme


class TokenPicture(QWidget):
    """Never shown: it is as high as the longer response. `captions` are the words above and below."""

    def __init__(
        self,
        pair: PairTokens | None,
        canvases: tuple[TokenCanvas, TokenCanvas],
        captions: tuple[str, str, str],
        theme: Theme,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.hide()
        self.setAccessibleName("Tokens of a pair")
        self._pair, self._canvases, self._captions, self._theme = pair, canvases, captions, theme
        self._line = theme.px(24)
        flows = [flow for canvas in canvases if (flow := canvas.whole()) is not None]
        self._flows = flows
        width = sum(round(flow.width) for flow in flows) + 3 * Space.XL
        height = max((round(flow.height) for flow in flows), default=0) + 2 * self._line + 2 * Space.L
        self.resize(width, height)

    def csv_rows(self) -> Iterable[tuple[str | int | float, ...]]:
        return rows(self._pair) if self._pair is not None else ()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        left = float(Space.XL)
        for flow, canvas, caption in zip(self._flows, self._canvases, self._captions, strict=False):
            if canvas.colouring is None:
                continue
            painter.setFont(self._theme.font(FontSize.BODY, weight=600))
            painter.setPen(self._theme.colour("text"))
            painter.drawText(QPointF(left, Space.L + self._line / 2), caption)
            painter.save()
            painter.translate(left, Space.L + self._line)
            paint_flow(painter, flow, canvas.colouring, QRectF(0, 0, flow.width, flow.height + 1))
            painter.restore()
            left += flow.width + Space.XL
        painter.setFont(self._theme.figures(FontSize.CAPTION))
        painter.setPen(self._theme.colour("secondary"))
        painter.drawText(QPointF(Space.XL, self.height() - Space.L), self._captions[2])
