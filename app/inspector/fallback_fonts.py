"""Fonts for what the app's own font has no letters for, found before the first pair that needs them.

The system is asked once for each script and each font, which takes a few milliseconds, or many where there
are many fonts: here in turns, while nobody waits, rather than when a key is pressed.
"""

from collections.abc import Callable, Iterable, Iterator

from PySide6.QtCore import QObject, QPointF, QTimer
from PySide6.QtGui import QFont, QPainter, QPixmap, QTextLayout

_BEGIN_AFTER_MS = 1000
_BETWEEN_MS = 40
_SAMPLES = ("字", "🙂", "한", "ع", "ไ")


class FallbackFonts(QObject):
    """Begins by itself, once, a moment after it was made. `fonts` are asked for then."""

    def __init__(self, fonts: Callable[[], Iterable[QFont]], parent: QObject) -> None:
        super().__init__(parent)
        self._fonts = fonts
        self._left: Iterator[tuple[str, QFont]] | None = None
        self._turns = QTimer(self, singleShot=True, interval=_BEGIN_AFTER_MS)
        self._turns.timeout.connect(self._on_turn)
        self._turns.start()

    @property
    def finished(self) -> bool:
        return not self._turns.isActive()

    def _on_turn(self) -> None:
        if self._left is None:
            self._left = ((sample, font) for font in self._fonts() for sample in _SAMPLES)
        following = next(self._left, None)
        if following is not None:
            _write(*following)
            self._turns.start(_BETWEEN_MS)


def _write(text: str, font: QFont) -> None:
    """Where nobody sees it."""
    layout = QTextLayout(text, font)
    layout.beginLayout()
    layout.createLine()
    layout.endLayout()
    paper = QPixmap(8, 8)
    painter = QPainter(paper)
    layout.draw(painter, QPointF(0, 0))
    painter.end()
