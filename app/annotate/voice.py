"""What the page says to the person: a short word, or what did not work and how to try it again. Qt-free."""

from collections.abc import Callable
from itertools import count

from app.annotate.state import Notice, Problem
from app.store.errors import StoreError
from app.store.records import Choice


class Voice:
    """`changed` is called with each new word."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.notice: Notice | None = None
        self.problem: Problem | None = None
        self._changed = changed
        self._numbers = count(1)
        self._again: Callable[[], None] | None = None

    def say(self, text: str) -> None:
        """A hint that goes by itself."""
        self.notice = Notice(number=next(self._numbers), text=text, kind="hint")
        self._changed()

    def saved(self, choice: Choice) -> None:
        """A verdict is on the disk. What is shown next tells of the change."""
        text = "Skipped for later" if choice == "skip" else "Saved"
        self.notice = Notice(number=next(self._numbers), text=text, kind="saved", choice=choice)

    def complain(self, error: StoreError | str, again: Callable[[], None] | None = None) -> None:
        """Something did not work; `again` does it once more, exactly as it was asked."""
        self.problem = Problem(sentence=str(error), can_retry=again is not None)
        self._again = again
        self._changed()

    def hush(self) -> None:
        """The problem is over, or given up."""
        self.problem = self._again = None

    def try_again(self) -> bool:
        """Do what failed once more; False when nothing failed that could be."""
        again = self._again
        if again is None:
            return False
        self.hush()
        again()
        return True
