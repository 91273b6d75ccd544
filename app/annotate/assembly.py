"""Makes the objects behind the Annotate page, each for one topic, and joins them together. Qt-free."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from app.annotate.choices import Choices
from app.annotate.desk import Asking
from app.annotate.figures import Figures
from app.annotate.judging import Judging
from app.annotate.line import Line
from app.annotate.margins import Margins
from app.annotate.pace import Pace
from app.annotate.prompting import Prompting
from app.annotate.remarks import Remarks
from app.annotate.voice import Voice
from app.annotate.write_ahead import WriteAhead
from app.annotate.writers import Writers
from app.engine_host.protocol import Engine
from app.history import History
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.records import Comparison


@dataclass(frozen=True, kw_only=True)
class Means:
    """What they all work with."""

    engine: Engine
    store: StoreAccess
    reader: StoreAccess
    """For what takes longer than a verdict may."""
    history: History
    clock: Callable[[], float]
    """Seconds from any start."""
    rng: random.Random
    """Draws seeds."""
    rng_of_store: random.Random
    """Draws sides, on the store's thread: two threads at one generator would not repeat."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """Whom they tell that something happened."""

    changed: Callable[[], None]
    failed: Callable[[StoreError], None]
    looked: Callable[[int], None]
    """So many comparisons wait."""
    written: Callable[[Comparison], None]
    writing_changed: Callable[[], None]
    chosen: Callable[[], None]
    """Who writes, or in which order it is asked, may be another."""
    sat_down: Callable[[], None]
    """Somebody else judges from now on."""
    noted: Callable[[], None]
    counted: Callable[[], None]
    """The figures are others."""


class Parts:
    """What names a part that is made further down is called only after all are there."""

    def __init__(self, means: Means, told: Told, annotator: str) -> None:
        self.history = means.history
        self.pace, self.voice = Pace(), Voice(told.changed)
        self.line = Line(
            store=means.store,
            asking=Asking(annotator=annotator),
            clock=means.clock,
            rng=means.rng_of_store,
            may_show=lambda: not (self.judging.busy or self.choices.needs_annotator),
            looked=told.looked,
            changed=told.changed,
            failed=told.failed,
        )
        self._make_writing(means, told)
        self._make_judging(means, told)
        self._make_choosing(means, told)

    def who(self) -> str:
        """Who judges."""
        return self.line.asking.annotator

    def _make_writing(self, means: Means, told: Told) -> None:
        self.ahead = WriteAhead(
            engine=means.engine,
            store=means.store,
            rng=means.rng,
            stored=told.written,
            changed=told.writing_changed,
            someone_waits=lambda: self.line.shown is None,
            annotator=self.who,
            gave_up=lambda sentence: self.prompting.on_side_given_up(sentence),  # noqa: PLW0108 (made below)
            pace=self.pace,
            clock=means.clock,
        )
        self.writers = Writers(
            engine=means.engine,
            store=means.store,
            ahead=self.ahead,
            line=self.line,
            voice=self.voice,
            changed=told.chosen,
            failed=told.failed,
        )

    def _make_judging(self, means: Means, told: Told) -> None:
        self.figures = Figures(reader=means.reader, annotator=self.who, changed=told.counted)
        self.remarks = Remarks(
            store=means.store, line=self.line, voice=self.voice, annotator=self.who, noted=told.noted
        )
        self.judging = Judging(
            store=means.store,
            history=means.history,
            line=self.line,
            ahead=self.ahead,
            figures=self.figures,
            remarks=self.remarks,
            pace=self.pace,
            voice=self.voice,
            annotator=self.who,
            clock=means.clock,
            changed=told.changed,
        )
        self.prompting = Prompting(
            store=means.store,
            history=means.history,
            line=self.line,
            ahead=self.ahead,
            writers=self.writers,
            judging=self.judging,
            voice=self.voice,
            annotator=self.who,
            changed=told.changed,
            failed=told.failed,
        )

    def _make_choosing(self, means: Means, told: Told) -> None:
        self.choices = Choices(
            store=means.store,
            reader=means.reader,
            history=means.history,
            line=self.line,
            voice=self.voice,
            sat_down=told.sat_down,
            changed=told.chosen,
        )
        self.margins = Margins(
            engine=means.engine,
            store=means.store,
            reader=means.reader,
            clock=means.clock,
            may_score=lambda: self.ahead.idle,
            scored=self.line.look_ahead,
        )
