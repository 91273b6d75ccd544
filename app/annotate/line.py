"""What is on the screen and what comes after it: the comparison shown, the next one, those skipped. Qt-free.

The next comparison is in memory before the present one is judged, so that nothing stands between a verdict's
acknowledgement and what is shown after it.
"""

import random
from collections.abc import Callable

from app.annotate import desk
from app.annotate.desk import Asking, Outlook
from app.store.access import StoreAccess
from app.store.collecting import comparisons
from app.store.errors import StoreError
from app.store.records import Comparison, Prompt


class Line:
    """`looked` is called when it is known how many wait; `changed` when something else is shown."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        asking: Asking,
        clock: Callable[[], float],
        rng: random.Random,
        may_show: Callable[[], bool],
        looked: Callable[[int], None],
        changed: Callable[[], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        """`may_show`: may something come on the screen by itself now?"""
        self.shown: Comparison | None = None
        self.shown_at = 0.0
        self.waiting = 0
        self.asking = asking
        self._store, self._clock, self._rng = store, clock, rng
        self.may_show, self._looked, self._changed, self._failed = may_show, looked, changed, failed
        self._next: Comparison | None = None
        self._awaited: Prompt | None = None
        self._skipped: set[int] = set()
        self._look = 0

    def begin(self, asking: Asking, outlook: Outlook) -> None:
        """Where the project was left; what is next is shown by `show_next`."""
        self.asking, self._next, self.waiting = asking, outlook.next, outlook.waiting

    def ask(self, asking: Asking) -> None:
        """Someone else is asked, or in another order, from the next comparison on."""
        if asking.annotator != self.asking.annotator:
            self._skipped.clear()
            self.shown = None
            self._store.submit(comparisons.put_back, lambda _nothing: None, self._failed)
        self.asking, self._next = asking, None
        self.look_ahead()

    # --- showing ----------------------------------------------------------------------------------------

    def show(self, comparison: Comparison) -> None:
        self.shown, self.shown_at = comparison, self._clock()
        if self._next is not None and self._next.id == comparison.id:
            self._next = None
        self.look_ahead(note_shown=True)
        self._changed()

    def show_next(self) -> None:
        """What is in memory as the next one; else whatever comes first."""
        self.shown, comparison = None, self._next
        self._next = None
        if comparison is not None:
            self.show(comparison)
        else:
            self.look_ahead()
            self._changed()

    def replace(self, comparison: Comparison) -> None:
        """The one that is shown, with other notes on it."""
        if self.shown is not None and self.shown.id == comparison.id:
            self.shown = comparison
            self._changed()

    # --- what comes next --------------------------------------------------------------------------------

    def skip(self, comparison_id: int) -> None:
        """It comes later, when nothing else does."""
        self._skipped.add(comparison_id)

    def give_back(self, comparison: Comparison) -> None:
        """Its verdict was undone: it is shown again."""
        self._skipped.discard(comparison.id)
        self._awaited = None
        self.show(comparison)

    def return_skipped(self) -> None:
        """Nothing else will come: what was skipped for later is due now."""
        if self._skipped and self.shown is None:
            self._skipped.clear()
            self.look_ahead()

    def wait_for(self, prompt: Prompt) -> None:
        """Nothing else comes on the screen before this prompt's responses are written."""
        self.shown, self._awaited = None, prompt

    def wait_no_more(self) -> None:
        self._awaited = None

    def written(self, comparison: Comparison) -> None:
        """One that was just written: shown if it was waited for, or if anything is."""
        awaited = self._awaited is not None and self._awaited.id == comparison.prompt.id
        if awaited or (self.shown is None and self.may_show()):
            self._awaited = None
            self.show(comparison)
        else:
            self.look_ahead()

    def forget(self) -> None:
        """Others write: what is in memory may be wrong, and so may answers under way."""
        self._next = self._awaited = None
        self._look += 1

    def look_ahead(self, *, note_shown: bool = False) -> None:
        """Ask the store what comes after what is shown."""
        self._look += 1
        look, asking = self._look, self.asking
        shown = self.shown.id if self.shown is not None else None
        in_hand = (*self._skipped, *((shown,) if shown is not None else ()))
        self._store.submit(
            lambda project: desk.outlook(
                project, asking, in_hand, self._rng, shown=shown if note_shown else None
            ),
            lambda outlook: self._on_outlook(look, outlook),
            self._failed,
        )

    def _on_outlook(self, look: int, outlook: Outlook) -> None:
        if look != self._look:
            return
        self._next, self.waiting = outlook.next, outlook.waiting
        self._looked(self.waiting)
        if self.shown is None and self._next is not None and self._awaited is None and self.may_show():
            self.show_next()
        self._changed()
