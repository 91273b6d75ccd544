"""One scoring under way: asks the engine, and puts the results into the store as they come. Qt-free.

What is scored with the same weights already is left out, so that a scoring that ended goes on where it was.
At most one write is under way; what comes meanwhile goes with the next one, so that the size of a batch
follows the speed of the disk.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.engine_host.protocol import Engine
from app.inspector.ledger.marks import Mark, Target, write_mark
from app.inspector.material import InspectableRun
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.rows import writing
from app.store.training import scores
from dpo_engine.events import (
    Event,
    ModelLoaded,
    Note,
    PairsScored,
    Progress,
    RequestFailed,
    RequestFinished,
    RequestStarted,
)
from dpo_engine.pair_math import PairScore
from dpo_engine.requests import Cancel, Score

Outcome = Literal["finished", "cancelled", "gave_way", "failed"]


@dataclass(frozen=True, kw_only=True)
class Ended:
    outcome: Outcome
    message: str = ""
    """Why it failed, as a sentence."""


class Scoring:
    """Calls `changed` with news, `stored` after each write and, once, `ended` after the last one."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        run: InspectableRun,
        checkpoint: str,
        request_id: str,
        background: bool,
        changed: Callable[[], None],
        stored: Callable[[], None],
        ended: Callable[[Ended], None],
    ) -> None:
        """`background`: nobody waits for it, so it gives way to whatever else the engine is asked for."""
        self.run = run
        self.target = Target(run.run.id, checkpoint)
        self.background = background
        self.done = 0
        self.total = run.pairs
        self.stage = "Waiting for the engine"
        self.notes: tuple[str, ...] = ()
        self.stored_pairs: set[str] = set()
        self._engine, self._store, self._id = engine, store, request_id
        self._changed, self._stored, self._ended = changed, stored, ended
        self._weights = ""
        self._asked = False
        self._waiting: list[PairScore] = []
        self._writing = False
        self._end: Ended | None = None

    def begin(self) -> None:
        self._store.submit(self._begun, self._ask, self._on_store_failed)

    def cancel(self) -> None:
        """End early; what is scored so far stays."""
        if self._end is None:
            if self._asked:
                self._engine.control(Cancel(target=self._id))
            self._finish(Ended(outcome="cancelled"))

    def _begun(self, project: Project) -> tuple[str, tuple[str, ...]]:
        """The weights of now, and which pairs are scored with them."""
        mark = self.run.mark(project, self.target.checkpoint)
        if mark.pairs and not mark.complete:
            return mark.weights, scores.scored_ids(project, *self.target)
        if not mark.complete:
            scores.forget_scores(project, *self.target)
        return mark.weights, ()

    def _ask(self, begun: tuple[str, tuple[str, ...]]) -> None:
        if self._end is not None:
            return
        self._weights, leave_out = begun
        self.stored_pairs.update(leave_out)
        self.done = len(leave_out)
        self._asked = True
        request = score_request(
            self._id, self.run, self.target.checkpoint, leave_out=leave_out, background=self.background
        )
        self._engine.submit(request, self._on_event)
        self._changed()

    def _on_event(self, event: Event) -> None:
        if self._end is not None:
            return
        match event:
            case RequestStarted():
                self._tell("Loading the models")
            case Progress(stage=stage, done=done, total=total, unit=unit):
                if unit == "pairs" and total:
                    self.done, self.total = done, total
                self._tell(stage)
            case ModelLoaded():
                self._tell("Scoring")
            case Note(message=message):
                self.notes += (message,)
                self._changed()
            case PairsScored(scores=rows):
                self.done += sum(score.pair not in self.stored_pairs for score in rows)
                self._take(rows)
                self._tell("Scoring")
                self._write()
            case RequestFinished():
                self._finish(Ended(outcome="finished"))
            case RequestFailed(code="cancelled"):
                self._finish(Ended(outcome="cancelled"))
            case RequestFailed(code="gave_way"):
                self._finish(Ended(outcome="gave_way"))
            case RequestFailed(message=message):
                self._finish(Ended(outcome="failed", message=message))

    def _take(self, rows: tuple[PairScore, ...]) -> None:
        usable = [score for score in rows if _is_finite(score)]
        self._waiting.extend(usable)
        names = ", ".join(score.pair for score in rows if not _is_finite(score))
        if names:
            self.notes += (f"Left out, since a log-prob is not a finite number: {names}.",)

    def _tell(self, stage: str) -> None:
        self.stage = stage
        self._changed()

    def _finish(self, end: Ended) -> None:
        self._end = end
        self._write()

    def _write(self) -> None:
        """Store what waits; when the scoring has ended and nothing waits, say so."""
        if self._writing:
            return
        batch, end = tuple(self._waiting), self._end
        if not batch and end is None:
            return
        self._writing = True
        self._waiting.clear()
        known = len(self.stored_pairs | {score.pair for score in batch})
        complete = end is not None and end.outcome == "finished"
        self._store.submit(
            lambda project: self._record(project, batch, known, complete=complete),
            lambda _nothing: self._on_written(batch, end),
            self._on_store_failed,
        )

    def _record(self, project: Project, batch: tuple[PairScore, ...], known: int, *, complete: bool) -> None:
        if not batch and not complete:
            return
        with writing(project, "saving the scores"):
            if batch:
                scores.record_scores(project, *self.target, batch)
            write_mark(project, self.target, Mark(weights=self._weights, pairs=known, complete=complete))

    def _on_written(self, batch: tuple[PairScore, ...], end: Ended | None) -> None:
        self._writing = False
        self.stored_pairs.update(score.pair for score in batch)
        if end is not None:
            self._ended(end)
            return
        self._stored()
        self._write()

    def _on_store_failed(self, error: StoreError) -> None:
        """The project cannot take the results: there is no use in computing more of them."""
        if self._end is None and self._asked:
            self._engine.control(Cancel(target=self._id))
        self._end = Ended(outcome="failed", message=str(error))
        self._writing = False
        self._waiting.clear()
        self._ended(self._end)


def _is_finite(score: PairScore) -> bool:
    # An infinity or a NaN in any of the four log-probs leaves no finite log-ratio on its side.
    return math.isfinite(score.chosen_log_ratio) and math.isfinite(score.rejected_log_ratio)


def score_request(
    request_id: str,
    run: InspectableRun,
    checkpoint: str,
    *,
    leave_out: tuple[str, ...] = (),
    background: bool = False,
) -> Score:
    """What `python -m dpo_engine score` would be asked for this checkpoint, so that the numbers are its."""
    source = run.source(checkpoint)
    return Score(
        id=request_id,
        policy=source.policy,
        reference=source.reference,
        pairs=run.run.folder,
        beta=run.run.beta,
        max_length=source.max_length,
        leave_out=leave_out,
        background=background,
        reference_cache=True,
        dtype="float32",
    )
