"""Keeps verdicts: one write at a time, undo and redo, and what failed can be tried again. Qt-free."""

from collections.abc import Callable
from typing import TypeVar

from app.annotate import desk
from app.annotate.state import Problem
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Choice, Comparison, Verdict
from app.store.verdicts import give_verdict

T = TypeVar("T")


class Ledger:
    """Calls back only after the store has it on disk. While `busy` everything that is asked is ignored."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        annotator: str,
        saved: Callable[[Verdict], None],
        undone: Callable[[tuple[Verdict, Comparison] | None], None],
        redone: Callable[[Verdict | None], None],
        changed: Callable[[], None],
    ) -> None:
        self.busy = False
        self.problem: Problem | None = None
        self._store, self._annotator = store, annotator
        self._saved, self._undone, self._redone, self._changed = saved, undone, redone, changed
        self._again: Callable[[], None] | None = None

    def give(self, comparison: Comparison, choice: Choice, strength: int, seconds: float) -> None:
        """`seconds`: from both responses being there to the key press."""

        def work(project: Project) -> Verdict:
            return give_verdict(
                project,
                comparison.id,
                choice,
                strength=strength,
                annotator=self._annotator,
                seconds=seconds,
            )

        self._write(work, self._saved)

    def undo(self) -> None:
        self._write(lambda project: desk.undo(project, self._annotator), self._undone)

    def redo(self) -> None:
        self._write(lambda project: desk.redo(project, self._annotator), self._redone)

    def try_again(self) -> None:
        """Do what failed once more, exactly as it was asked."""
        if self._again is not None:
            self._again()

    def dismiss(self) -> None:
        """Give up what failed."""
        self.problem = self._again = None

    def _write(self, work: Callable[[Project], T], done: Callable[[T], None]) -> None:
        if self.busy:
            return
        self.busy = True
        self.dismiss()

        def succeeded(result: T) -> None:
            self.busy = False
            done(result)

        def failed(error: StoreError) -> None:
            self.busy = False
            self.problem = Problem(sentence=str(error), can_retry=True)
            self._again = lambda: self._write(work, done)
            self._changed()

        self._store.submit(work, succeeded, failed)
        if self.busy:
            self._changed()
