"""Keeps verdicts: one write at a time, and what failed can be tried again. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass

from app.annotate import keeping
from app.annotate.drafts import Draft
from app.annotate.keeping import Said
from app.annotate.state import LastJudged
from app.annotate.voice import Voice
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.records import Comparison


@dataclass(frozen=True)
class Entry:
    """What was kept; `draft`: it was judged while it was written."""

    judged: LastJudged
    draft: Draft | None = None


class Ledger:
    """Calls `saved` only after the store has it on disk. While `busy` everything that is asked is ignored."""

    def __init__(
        self,
        *,
        store: StoreAccess,
        voice: Voice,
        saved: Callable[[Entry], None],
        changed: Callable[[], None],
    ) -> None:
        self.busy = False
        self._store, self._voice, self._saved, self._changed = store, voice, saved, changed

    def give(self, comparison: Comparison, said: Said) -> None:
        self._write(lambda project: Entry(keeping.judge(project, comparison, said)))

    def give_draft(self, draft: Draft, said: Said) -> None:
        """What is there of the draft is kept with the verdict, both or neither."""
        self._write(lambda project: Entry(keeping.judge_draft(project, draft, said), draft))

    def _write(self, work: Callable[[Project], Entry]) -> None:
        if self.busy:
            return
        self.busy = True
        self._voice.hush()

        def succeeded(entry: Entry) -> None:
            self.busy = False
            self._saved(entry)

        def failed(error: StoreError) -> None:
            self.busy = False
            self._voice.complain(error, again=lambda: self._write(work))

        self._store.submit(work, succeeded, failed)
        if self.busy:
            self._changed()
