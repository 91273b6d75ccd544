"""A study under way: asks the engine, and puts what each fold says into the store. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass

from app.engine_host.protocol import Engine
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.training import studies
from app.store.training.studies import Study, StudyStatus
from dpo_engine.events import (
    Event,
    FoldScored,
    Note,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    StudyAdvanced,
)
from dpo_engine.requests import Cancel, Suspect


@dataclass(frozen=True, kw_only=True)
class Advance:
    """How far the study is."""

    waiting: bool = True
    """The engine does something else first."""
    fold: int = 0
    folds: int = 0
    share: float = 0.0
    """Of all the work, 0 to 1."""
    seconds_left: float | None = None


class StudyWork:
    """Calls `changed` with news, `stored` when a fold's scores are kept and, once, `ended` at last."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        study: Study,
        request_id: str,
        changed: Callable[[], None],
        stored: Callable[[], None],
        ended: Callable[[str], None],
    ) -> None:
        """`ended` hears why it failed, as a sentence; empty when it did not."""
        self.study, self.advance = study, Advance(folds=study.folds)
        self.notes: tuple[str, ...] = ()
        self._engine, self._store, self._id = engine, store, request_id
        self._changed, self._stored, self._ended = changed, stored, ended
        self._over = False
        engine.submit(Suspect(id=request_id, study=study.folder), self._on_event)

    def cancel(self) -> None:
        """End early; folds that are done stay done."""
        if not self._over:
            self._engine.control(Cancel(target=self._id))
            self._finish("interrupted")

    def _on_event(self, event: Event) -> None:
        if self._over:
            return
        match event:
            case RequestStarted():
                self._note_status("running")
                self._advance(Advance(waiting=False, folds=self.study.folds))
            case StudyAdvanced(fold=fold, folds=folds, share=share, seconds_left=left):
                self._advance(Advance(waiting=False, fold=fold, folds=folds, share=share, seconds_left=left))
            case FoldScored(fold=fold, scores=scores, left_out=left_out):
                self.notes += left_out
                self._store.submit(
                    lambda project: studies.record_fold(project, self.study.id, fold, scores),
                    lambda _nothing: self._stored(),
                    self._on_store_failed,
                )
            case Note(level="warning", message=message):
                self.notes += (message,)
                self._changed()
            case RequestFinished():
                self._finish("finished")
            case RequestFailed(code="cancelled"):
                self._finish("interrupted")
            case RequestFailed(message=message):
                self._finish("failed", message)

    def _advance(self, advance: Advance) -> None:
        self.advance = advance
        self._changed()

    def _finish(self, status: StudyStatus, message: str = "") -> None:
        self._over = True
        self._note_status(status, message, lambda _study: self._ended(message))

    def _note_status(
        self, status: StudyStatus, message: str = "", done: Callable[[Study], None] = lambda _study: None
    ) -> None:
        self._store.submit(
            lambda project: studies.set_study_status(project, self.study.id, status, message),
            done,
            self._on_store_failed,
        )

    def _on_store_failed(self, error: StoreError) -> None:
        """The project cannot take the results: there is no use in computing more of them."""
        if not self._over:
            self._over = True
            self._engine.control(Cancel(target=self._id))
        self._ended(str(error))
