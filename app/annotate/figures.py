"""The person's figures: counts, pace, self-agreement. Read beside the store's own thread. Qt-free."""

from collections.abc import Callable

from app.annotate.state import NO_COUNTS
from app.store.access import StoreAccess
from app.store.collecting import verdicts
from app.store.errors import StoreError
from app.store.figures import quality
from app.store.figures.quality import Meter
from app.store.records import Choice, VerdictCounts


class Figures:
    """`look` after each verdict; at most one reading is under way, and one more waits.

    Figures that cannot be read now are read after the next verdict; nobody is kept from judging.
    """

    def __init__(
        self, *, reader: StoreAccess, annotator: Callable[[], str], changed: Callable[[], None]
    ) -> None:
        self.counts: VerdictCounts = NO_COUNTS
        self.meter: Meter | None = None
        self.left_streak = 0
        self._reader, self._annotator, self._changed = reader, annotator, changed
        self._reading = False
        self._again = False

    def look(self) -> None:
        if self._reading:
            self._again = True
            return
        self._reading, self._again = True, False
        annotator = self._annotator()
        self._reader.submit(verdicts.counts, self._take_counts, _later)
        self._reader.submit(
            lambda project: quality.meter(project, annotator),
            lambda meter: self._take_meter(annotator, meter),
            self._end,
        )

    def given(self, choice: Choice) -> None:
        """A verdict, at once for the nudge; the rest follows when it is read."""
        if choice != "skip":
            self.left_streak = self.left_streak + 1 if choice == "left" else 0

    def somebody_else(self) -> None:
        """Another annotator has figures of their own."""
        self.meter, self.left_streak = None, 0
        self.look()

    def _take_counts(self, counts: VerdictCounts) -> None:
        self.counts = counts
        self._changed()

    def _take_meter(self, annotator: str, meter: Meter) -> None:
        if annotator == self._annotator():
            self.meter = meter
            if not self._again:
                self.left_streak = meter.streak_of_left
            self._changed()
        self._end()

    def _end(self, _error: StoreError | None = None) -> None:
        self._reading = False
        if self._again:
            self.look()


def _later(_error: StoreError) -> None:
    """Read again after the next verdict."""
