"""Which response is to be edited: the one that has the focus, else the one that the next key names."""

from app.annotate.page_header import PageHeader
from app.annotate.reading_area import ReadingArea
from app.shell.keymap import Keymap
from app.shell.shortcuts import shown_key
from app.store.records import Choice


class EditQuestion:
    """While it is asked, the verdict keys of the two sides answer it and give no verdict."""

    def __init__(self, reading: ReadingArea, header: PageHeader, keymap: Keymap) -> None:
        self._reading, self._header, self._keymap = reading, header, keymap
        self._asked = False

    @property
    def is_asked(self) -> bool:
        return self._asked

    def begin(self, *, possible: bool) -> None:
        """`possible`: there are finished responses on the screen."""
        if not possible:
            self._header.say("There is no finished response to edit yet.")
        elif (side := self._reading.focused_side()) is not None:
            self._reading.edit(side)
        else:
            self._asked = True
            left, right = (shown_key(self._keymap, f"annotate.{side}") for side in ("left", "right"))
            self._header.ask(f"Edit which response? {left} or {right}")

    def is_answered_by(self, choice: Choice) -> bool:
        """Whether this was an answer and no verdict. Any other verdict than a side ends the question."""
        if not self._asked:
            return False
        self.forget()
        if choice not in ("left", "right"):
            return False
        self._reading.edit("left" if choice == "left" else "right")
        return True

    def forget(self) -> None:
        if self._asked:
            self._asked = False
            self._header.ask("")
