"""What is read on the Annotate page: the prompt, and below it the two responses."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from app.annotate.drafts import Draft
from app.shell.palette import Space
from app.shell.theme import Theme
from app.store.records import Comparison, Side
from app.widgets.conversation import ConversationText
from app.widgets.difference_view import DifferenceView
from app.widgets.response_pane import ResponsePane
from dpo_engine.preferences import Message

SIDES: tuple[Side, Side] = ("left", "right")
_STACKED_BELOW = 720
_EDITED_SHARE = 4
_PROMPT_SHARE, _PROMPT_SHARE_STACKED, _PROMPT_SHARE_BESIDE = 0.38, 0.26, 0.14
"""Of the area's height, at most so much is the prompt's (the last: while something else is typed in)."""


class ReadingArea(QWidget):
    """Nothing here jumps: what streams in grows below, and the panes keep their size and place."""

    edited = Signal(str, str, int)
    """Side, the text in the person's words, and how much better it is."""
    edit_ended = Signal()
    said = Signal(str)
    stacked_changed = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._raw = False
        self._wanted: bool | None = None
        self._beside = False
        self.prompt = ConversationText(theme)
        self.prompt.setObjectName("prompt")
        self.panes = (ResponsePane("Response 1", "1", theme), ResponsePane("Response 2", "2", theme))
        self._responses = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._responses.setSpacing(Space.L)
        for pane, side in zip(self.panes, SIDES, strict=True):
            pane.setObjectName(f"response-{side}")
            pane.edited.connect(lambda text, strength, side=side: self.edited.emit(side, text, strength))
            pane.edit_left.connect(self.end_edit)
            self._responses.addWidget(pane, 1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(Space.L)
        self._column.addWidget(self.prompt)
        self._column.addLayout(self._responses, 1)
        self.differences = DifferenceView(self.panes[0].text, self.panes[1].text, theme, self)
        self.differences.said.connect(self.said)

    # --- showing ----------------------------------------------------------------------------------------

    def show_comparison(self, comparison: Comparison) -> None:
        self._show_prompt(comparison.prompt.messages)
        sides = (comparison.left, comparison.right)
        for pane, candidate in zip(self.panes, sides, strict=True):
            pane.show_done(candidate.text, cut=candidate.finish_reason in ("length", "cut"))

    def show_draft(self, draft: Draft | None) -> None:
        """What is coming in; None while nothing has begun."""
        if draft is None:
            self._show_prompt(())
            for pane in self.panes:
                pane.show_nothing()
            return
        self._show_prompt(draft.prompt.messages)
        for side, pane in enumerate(self.panes):
            if (done := draft.done_on(side)) is not None:
                pane.show_done(done.text, cut=done.finish_reason == "length")
            else:
                pane.show_live(draft.text_on(side))

    def mark(self, side: str | None) -> None:
        for name, pane in zip(SIDES, self.panes, strict=True):
            pane.set_marked(name == side)

    def set_keys(self, left: str, right: str) -> None:
        self.panes[0].set_key(left)
        self.panes[1].set_key(right)

    # --- how it is shown --------------------------------------------------------------------------------

    @property
    def is_stacked(self) -> bool:
        return self._responses.direction() == QBoxLayout.Direction.TopToBottom

    def set_stacked(self, stacked: bool | None) -> None:
        """One above the other, side by side, or (None) as the width allows."""
        self._wanted = stacked
        self._arrange()

    def toggle_stacked(self) -> None:
        self.set_stacked(not self.is_stacked)

    def toggle_raw(self) -> None:
        self._raw = not self._raw
        self.prompt.set_raw(self._raw)
        for pane in self.panes:
            pane.text.set_raw(self._raw)
        self.said.emit("As written" if self._raw else "Rendered")

    def set_beside(self, beside: bool) -> None:
        """Whether something else on the page is typed in and needs the room."""
        self._beside = beside
        self.fit()

    def fit(self) -> None:
        share = _PROMPT_SHARE_STACKED if self.is_stacked else _PROMPT_SHARE
        if self._beside or self.edited_side() is not None:
            share = _PROMPT_SHARE_BESIDE
        self.prompt.fit(int(self.height() * share))
        # At once: a layout that settles a moment later would be seen as a jump.
        self._column.activate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        self.fit()

    # --- one's own words --------------------------------------------------------------------------------

    def edited_side(self) -> Side | None:
        return next((side for side, pane in zip(SIDES, self.panes, strict=True) if pane.is_edited), None)

    def focused_side(self) -> Side | None:
        """The side whose text has the keyboard focus."""
        return next((s for s, pane in zip(SIDES, self.panes, strict=True) if pane.text.hasFocus()), None)

    def edit(self, side: Side) -> None:
        for name, pane in zip(SIDES, self.panes, strict=True):
            if name == side:
                pane.edit()
            else:
                pane.end_edit()
        self._share_room()
        self.fit()

    def end_edit(self) -> None:
        if self.edited_side() is None:
            return
        for pane in self.panes:
            pane.end_edit()
        self._share_room()
        self.fit()
        self.edit_ended.emit()

    def _show_prompt(self, messages: Sequence[Message]) -> None:
        self.prompt.show_messages(messages)
        self.fit()

    def _share_room(self) -> None:
        """Half each; one above the other, an editor needs more than the text that is only read."""
        for number, pane in enumerate(self.panes):
            self._responses.setStretch(number, _EDITED_SHARE if pane.is_edited and self.is_stacked else 1)

    def _arrange(self) -> None:
        stacked = self.width() < _STACKED_BELOW if self._wanted is None else self._wanted
        if stacked != self.is_stacked:
            direction = QBoxLayout.Direction
            self._responses.setDirection(direction.TopToBottom if stacked else direction.LeftToRight)
            self._share_room()
            self.stacked_changed.emit(stacked)
            self.fit()
