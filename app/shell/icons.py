"""Icons: Lucide's line drawings, tinted for the theme and drawn sharp at any scale."""

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

import resources


class _TintedSvg(QIconEngine):
    """Paints one SVG whose `currentColor` is a colour a mode: normal, selected, disabled."""

    def __init__(self, drawing: str, normal: str, selected: str, disabled: str) -> None:
        super().__init__()
        self._drawing = drawing
        self._colours = {
            QIcon.Mode.Normal: normal,
            QIcon.Mode.Active: normal,
            QIcon.Mode.Selected: selected,
            QIcon.Mode.Disabled: disabled,
        }

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:  # noqa: ARG002
        drawing = self._drawing.replace("currentColor", QColor(self._colours[mode]).name())
        QSvgRenderer(QByteArray(drawing.encode())).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self.paint(painter, image.rect(), mode, state)
        painter.end()
        return QPixmap.fromImage(image)

    def clone(self) -> QIconEngine:
        return _TintedSvg(
            self._drawing,
            self._colours[QIcon.Mode.Normal],
            self._colours[QIcon.Mode.Selected],
            self._colours[QIcon.Mode.Disabled],
        )


def tinted_icon(name: str, *, normal: str, selected: str, disabled: str) -> QIcon:
    """The icon `resources/icons/<name>.svg` in these colours; `FileNotFoundError` for a wrong name."""
    drawing = resources.path("icons", f"{name}.svg").read_text(encoding="utf-8")
    return QIcon(_TintedSvg(drawing, normal, selected, disabled))
