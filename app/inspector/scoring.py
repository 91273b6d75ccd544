"""One scoring under way: asks the engine, and puts the results into the store as they come. Qt-free.

At most one write is under way; what comes meanwhile goes with the next one, so that the size of a batch
follows the speed of the disk.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.engine_host.protocol import Engine
from app.inspector.material import InspectableRun, Target, mark_complete
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project
from app.store.training import scores
from dpo_engine.config import TrainConfig
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

Outcome = Literal["finished", "cancelled", "failed"]


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
        changed: Callable[[], None],
        stored: Callable[[], None],
        ended: Callable[[Ended], None],
    ) -> None:
        self.run = run
        self.target = Target(run.run.id, checkpoint)
        self.done = 0
        self.total = run.pairs
        self.stage = "Waiting for the engine"
        self.notes: tuple[str, ...] = ()
        self.stored_pairs: set[str] = set()
        self._engine, self._store, self._id = engine, store, request_id
        self._changed, self._stored, self._ended = changed, stored, ended
        self._waiting: list[PairScore] = []
        self._writing = False
        self._end: Ended | None = None
        engine.submit(score_request(request_id, run, checkpoint), self._on_event)

    def cancel(self) -> None:
        """End early; what is scored so far stays."""
        if self._end is None:
            self._engine.control(Cancel(target=self._id))
            self._finish(Ended(outcome="cancelled"))

    def _on_event(self, event: Event) -> None:
        if self._end is not None:
            return
        match event:
            case RequestStarted():
                self._tell("Loading the models")
            case Progress(stage=stage, total=total, unit=unit):
                if unit == "pairs" and total:
                    self.total = total
                self._tell(stage)
            case ModelLoaded():
                self._tell("Scoring")
            case Note(message=message):
                self.notes += (message,)
                self._changed()
            case PairsScored(scores=rows):
                self.done += len(rows)
                self._take(rows)
                self._tell("Scoring")
                self._write()
            case RequestFinished():
                self._finish(Ended(outcome="finished"))
            case RequestFailed(code="cancelled"):
                self._finish(Ended(outcome="cancelled"))
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
        self._store.submit(
            lambda project: self._record(project, batch, end),
            lambda _nothing: self._on_written(batch, end),
            self._on_store_failed,
        )

    def _record(self, project: Project, batch: tuple[PairScore, ...], end: Ended | None) -> None:
        if batch:
            scores.record_scores(project, self.target.run_id, self.target.checkpoint, batch)
        if end is not None and end.outcome == "finished":
            mark_complete(project, self.run.run, self.target.checkpoint)

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
        if self._end is None:
            self._engine.control(Cancel(target=self._id))
        self._end = Ended(outcome="failed", message=str(error))
        self._writing = False
        self._waiting.clear()
        self._ended(self._end)


def _is_finite(score: PairScore) -> bool:
    # An infinity or a NaN in any of the four log-probs leaves no finite log-ratio on its side.
    return math.isfinite(score.chosen_log_ratio) and math.isfinite(score.rejected_log_ratio)


def score_request(request_id: str, run: InspectableRun, checkpoint: str) -> Score:
    """What `python -m dpo_engine score` would be asked for this checkpoint, so that the numbers are its."""
    length = run.run.config.get("max_length")
    return Score(
        id=request_id,
        policy=run.model(checkpoint),
        reference=run.run.policy,
        pairs=run.run.folder,
        beta=run.run.beta,
        max_length=length if isinstance(length, int) else TrainConfig().max_length,
        dtype="float32",
    )
