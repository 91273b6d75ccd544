"""One response token by token: text that flows like text, a heat behind it, one token to look at closer.

Only what is seen is painted, and what is not seen yet is laid out in short turns.
"""

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFocusEvent,
    QFont,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCharFormat,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.inspector.tokens.blocks import blocks
from app.inspector.tokens.flow import Cell, Flow, Fonts
from app.inspector.tokens.painting import Colouring, paint_flow
from app.shell.palette import READING_WIDTH, FontSize
from app.shell.theme import Theme
from dpo_engine.token_scores.details import TokenDetail

_TURN = 0.004
_INDENT = 3
"""Pixels around the text, so that marks at its edges are whole."""


class TokenCanvas(QAbstractScrollArea):
    """Give it tokens and their colours; it tells which token is looked at, by pointer or by keys."""

    looked_at = Signal(int)
    """The token's place; −1 for none."""
    scrolled = Signal(float)
    """How far a person or a key moved down: 0 at the top, 1 at the end."""

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._name = theme, name
        self._tokens: Sequence[TokenDetail] = ()
        self._colouring: Colouring | None = None
        self._flow: Flow | None = None
        self._current = -1
        self._partner = False
        self._following = False
        self._turns = QTimer(self, interval=0)
        self._turns.timeout.connect(self._on_turn)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(name)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        theme.changed.connect(self._lay_out_again)

    @property
    def current(self) -> int:
        return self._current

    def show_tokens(self, tokens: Sequence[TokenDetail], colouring: Colouring) -> None:
        """Another response, from its beginning, with no token looked at."""
        self._tokens, self._colouring = tokens, colouring
        self._current = -1
        self._following = True
        self.verticalScrollBar().setValue(0)
        self._following = False
        self._lay_out_again()

    def show_colours(self, colouring: Colouring) -> None:
        """The same tokens in another mode."""
        self._colouring = colouring
        self.viewport().update()

    def mark(self, token: int, *, words: str = "", reveal: bool = False) -> None:
        """Look at this token (−1: at none); `words` say to a screen reader what it is."""
        if token != self._current:
            self._current = token
            self.viewport().update()
        self.setAccessibleDescription(words)
        if words:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        if reveal:
            self._reveal(token)

    def scroll_to_share(self, share: float) -> None:
        """As far down as another response is, which is to be read beside this one."""
        self._following = True
        bar = self.verticalScrollBar()
        bar.setValue(round(share * bar.maximum()))
        self._following = False

    def whole(self) -> Flow | None:
        """All of it laid out, for a picture."""
        if self._flow is not None:
            self._flow.lay_out()
            self._fit_bar()
        return self._flow

    @property
    def colouring(self) -> Colouring | None:
        return self._colouring

    # --- layout ---------------------------------------------------------------------------------------

    def _lay_out_again(self) -> None:
        """From the start: for another text, width or font."""
        flow = Flow(blocks(self._tokens), self._fonts(), self._text_width())
        flow.lay_out(0.0, at_least=self.verticalScrollBar().value() + self.viewport().height())
        self._flow = flow
        self._fit_bar()
        if flow.finished:
            self._turns.stop()
        else:
            self._turns.start()
        self.viewport().update()

    def _on_turn(self) -> None:
        if self._flow is not None:
            self._flow.lay_out(_TURN)
            self._fit_bar()
        if self._flow is None or self._flow.finished:
            self._turns.stop()

    def _fit_bar(self) -> None:
        if self._flow is None:
            return
        height, bar = round(self._flow.height) + 2 * _INDENT, self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._flow.line_height)
        bar.setRange(0, max(0, height - self.viewport().height()))

    def _fonts(self) -> Fonts:
        text, mono = self._theme.font(FontSize.READING), self._theme.font(FontSize.CAPTION, mono=True)
        for font in (text, mono):
            font.setFeature(QFont.Tag("calt"), 0)  # sign by sign, so that "->" is not drawn as an arrow
        quiet, special = QTextCharFormat(), QTextCharFormat()
        quiet.setForeground(self._theme.colour("faint"))
        special.setForeground(self._theme.colour("secondary"))
        special.setFont(mono)
        return Fonts(text, quiet, special)

    def _text_width(self) -> float:
        return float(max(80, min(self.viewport().width() - 2 * _INDENT, self._theme.px(READING_WIDTH))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._flow is None or self._flow.width != self._text_width():
            self._lay_out_again()
        else:
            self._fit_bar()

    # --- painting -------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._flow is None or self._colouring is None:
            return
        painter = QPainter(self.viewport())
        painter.translate(-self._origin())
        clip = QRectF(event.rect()).translated(self._origin())
        paint_flow(painter, self._flow, self._colouring, clip, current=self._current, sure=self.hasFocus())

    def _origin(self) -> QPointF:
        """The viewport's top left corner in the flow's coordinates."""
        return QPointF(-_INDENT, self.verticalScrollBar().value() - _INDENT)

    # --- pointer, keys --------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._look(self._token_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._look(self._token_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moved = self._moved(event)
        if moved is None:
            super().keyPressEvent(event)
        elif self._tokens:
            self._look(max(0, min(len(self._tokens) - 1, moved)))
            self._reveal(self._current)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if by_key and self._tokens and self._current < 0:
            self._look(0)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._flow is not None:
            self._lay_out_again()

    def _moved(self, event: QKeyEvent) -> int | None:
        """The token that a key goes to; None for a key that goes to none."""
        key = QKeySequence.StandardKey
        if event.matches(key.MoveToNextChar):
            return self._current + 1
        if event.matches(key.MoveToPreviousChar):
            return max(0, self._current - 1)
        if event.matches(key.MoveToStartOfDocument) or event.matches(key.MoveToStartOfLine):
            return 0
        if event.matches(key.MoveToEndOfDocument) or event.matches(key.MoveToEndOfLine):
            return len(self._tokens) - 1
        if event.matches(key.MoveToNextLine):
            return self._on_line(1)
        if event.matches(key.MoveToPreviousLine):
            return self._on_line(-1)
        return None

    def _on_line(self, direction: int) -> int:
        """The token nearest to the current one, a line further."""
        here, flow = self._cells_of(self._current), self._flow
        if flow is None or not here:
            return max(0, self._current)
        rect = here[-1].rect if direction > 0 else here[0].rect
        height = rect.center().y() + direction * flow.line_height
        flow.lay_out(0.0, at_least=height + flow.line_height)
        line = flow.cells_at(height)
        if not line:
            return self._current
        return min(line, key=lambda cell: abs(cell.rect.center().x() - rect.center().x())).token

    def _token_at(self, position: QPointF) -> int:
        return -1 if self._flow is None else self._flow.token_at(position + self._origin())

    def _look(self, token: int) -> None:
        if token >= 0 and token != self._current:
            self.looked_at.emit(token)

    def _cells_of(self, token: int) -> list[Cell]:
        return self._flow.cells_of(token) if self._flow is not None else []

    def _reveal(self, token: int) -> None:
        flow = self._flow
        while flow is not None and not flow.finished and not flow.cells_of(token):
            flow.lay_out(0.0, at_least=flow.height + 1)
        self._fit_bar()
        cells = self._cells_of(token)
        if not cells:
            return
        bar, page = self.verticalScrollBar(), self.viewport().height()
        top, bottom = math.floor(cells[0].rect.top()), math.ceil(cells[-1].rect.bottom()) + 2 * _INDENT
        if top < bar.value():
            bar.setValue(top)
        elif bottom > bar.value() + page:
            bar.setValue(bottom - page)

    def _on_scrolled(self, value: int) -> None:
        bar = self.verticalScrollBar()
        if not self._following and bar.maximum() > 0:
            self.scrolled.emit(value / bar.maximum())
