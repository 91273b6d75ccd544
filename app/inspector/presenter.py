"""The Inspector's logic: which run and checkpoint are looked at, and getting their pairs scored. Qt-free.

A run that is opened without scores is scored by itself, quietly: the table fills while the engine works,
and a cancel keeps what is there. There is one scoring at a time: opening something else that needs one
ends what was under way; opening something that is scored lets it go on in the background.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from app.engine_host.protocol import Engine
from app.inspector.material import POLICY, InspectableRun, Runs, Scored, Target, load_runs, load_scored
from app.inspector.pair_table import PairTable
from app.inspector.scoring import Ended, Scoring
from app.store.access import StoreAccess
from app.store.errors import StoreError
from dpo_engine.events import CheckpointSaved, Event, RequestFailed, RequestFinished, TrainingFinished

Phase = Literal["loading", "no_runs", "ready", "scoring", "failed"]


@dataclass(frozen=True, kw_only=True)
class InspectorState:
    """Everything the page shows besides the table itself."""

    phase: Phase = "loading"
    runs: tuple[InspectableRun, ...] = ()
    selected: InspectableRun | None = None
    checkpoint: str = ""
    training: bool = False
    """A run without anything to look into yet is under way."""
    complete: bool = False
    """Every pair of this checkpoint has been scored."""
    stage: str = ""
    scored: int = 0
    total: int = 0
    message: str = ""
    """Why it failed, or what there is to know, as sentences."""
    elsewhere: str = ""
    """What is being scored while something else is looked at, and how far it is."""

    @property
    def target(self) -> Target | None:
        return Target(self.selected.run.id, self.checkpoint) if self.selected else None


class InspectorPresenter:
    """Listeners hear that `state` or `table` is another one; both are read, never changed, by the page."""

    def __init__(self, *, engine: Engine, store: StoreAccess) -> None:
        self.table = PairTable.build([], 0.1)
        self._engine, self._store = engine, store
        self._listeners: list[Callable[[], None]] = []
        self._runs = Runs(inspectable=(), others=())
        self._phase: Phase = "loading"
        self._target: Target | None = None
        self._complete = False
        self._message = ""
        self._scoring: Scoring | None = None
        self._visible = False
        self._declined: set[Target] = set()
        self._training_requests: set[str] = set()
        self._finished_folders: set[Path] = set()
        self._cannot_read = False
        self._request_numbers = count(1)
        self._loads = count(1)
        self._newest_load = 0
        self._reload_at = 0
        self._unsubscribe = engine.subscribe(self._on_engine_event)

    @property
    def state(self) -> InspectorState:
        selected = self._selected()
        scoring = self._scoring_of_target()
        notes = scoring.notes if scoring else ()
        return InspectorState(
            phase="scoring" if scoring else self._phase,
            runs=self._runs.inspectable,
            selected=selected,
            checkpoint=self._target.checkpoint if self._target else "",
            training=any(run.status in ("running", "paused") for run in self._runs.others),
            complete=self._complete,
            stage=scoring.stage if scoring else "",
            scored=scoring.done if scoring else len(self.table),
            total=scoring.total if scoring else selected.pairs if selected else 0,
            message=" ".join([self._message, *notes]).strip(),
            elsewhere=self._elsewhere(),
        )

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def close(self) -> None:
        """Hear the engine no more, and end a scoring under way."""
        self._unsubscribe()
        self._listeners.clear()
        if self._scoring:
            self._scoring.cancel()

    def set_visible(self, visible: bool) -> None:
        """Tell whether the page is in view: only then is anything read or scored unasked."""
        self._visible = visible
        if visible:
            self.refresh()

    def refresh(self) -> None:
        """Look again at which runs there are; keeps what is selected while it exists."""
        self._store.submit(load_runs, self._on_runs_loaded, self._on_load_failed)

    def choose_run(self, run_id: int) -> None:
        """Open a run at its result, or at its latest checkpoint when it has none."""
        entry = self._entry(run_id)
        if entry is not None:
            self._open(Target(run_id, entry.checkpoints[0]))

    def choose_checkpoint(self, checkpoint: str) -> None:
        selected = self._selected()
        if selected is not None and checkpoint in selected.checkpoints:
            self._open(Target(selected.run.id, checkpoint))

    def score(self) -> None:
        """Score every pair of what is open (again, where an earlier scoring was ended or failed)."""
        if self._target is not None and self._scoring_of_target() is None:
            self._declined.discard(self._target)
            self._start_scoring(self._target)

    def retry(self) -> None:
        """Do again what failed: read, or score."""
        if self._cannot_read:
            self.refresh()
        else:
            self.score()

    def cancel_scoring(self) -> None:
        """End the scoring under way; what is scored stays, and it is not started again unasked."""
        if self._scoring is not None:
            self._declined.add(self._scoring.target)
            self._scoring.cancel()

    # --- runs and what is open --------------------------------------------------------------------

    def _on_runs_loaded(self, runs: Runs) -> None:
        if self._cannot_read:
            self._cannot_read, self._phase, self._message = False, "loading", ""
        before, self._runs = self._selected(), runs
        selected = self._selected()
        if selected is not None and self._target and self._target.checkpoint in selected.checkpoints:
            if selected != before or not self._complete or self._phase == "loading":
                self._load()
        elif selected is not None:
            self.choose_run(selected.run.id)
        elif runs.inspectable:
            self.choose_run(runs.inspectable[0].run.id)
        else:
            self._target, self._phase, self._message = None, "no_runs", ""
            self.table = PairTable.build([], 0.1)
        self._follow_finished()
        self._tell()

    def _follow_finished(self) -> None:
        """Turn to the result of the run that is open; score another one's in the background."""
        for entry in self._runs.inspectable:
            if Path(entry.run.folder) in self._finished_folders and POLICY in entry.checkpoints:
                result = Target(entry.run.id, POLICY)
                if self._target is None or self._target.run_id == entry.run.id:
                    self._open(result)
                elif self._visible and self._scoring is None:
                    self._start_scoring(result)
        self._finished_folders.clear()

    def _open(self, target: Target) -> None:
        if target == self._target:
            return
        self._target, self._phase = target, "loading"
        self._complete, self._message = False, ""
        self.table = PairTable.build([], 0.1)
        self._tell()
        self._load()

    def _load(self) -> None:
        """Read the pairs of what is open; an answer that comes after a newer question is dropped."""
        selected, target = self._selected(), self._target
        if selected is None or target is None:
            return
        load = self._newest_load = next(self._loads)
        run, scoring = selected.run, self._scoring_of_target()
        only = frozenset(scoring.stored_pairs) if scoring else None
        self._store.submit(
            lambda project: load_scored(project, run, target.checkpoint, only),
            lambda scored: self._on_scored_loaded(load, scored),
            lambda error: self._on_load_failed(error) if load == self._newest_load else None,
        )

    def _on_scored_loaded(self, load: int, scored: Scored) -> None:
        if load != self._newest_load or self._target is None:
            return
        self.table, self._complete = scored.table, scored.complete
        if self._phase != "failed":
            self._phase = "ready"
        idle = self._scoring_of_target() is None
        if idle and self._visible and not scored.complete and self._target not in self._declined:
            self._start_scoring(self._target)
        self._tell()

    def _on_load_failed(self, error: StoreError) -> None:
        self._cannot_read = True
        self._phase, self._message = "failed", str(error)
        self._tell()

    # --- scoring ------------------------------------------------------------------------------------

    def _start_scoring(self, target: Target) -> None:
        entry = self._entry(target.run_id)
        if entry is None:
            return
        if self._scoring is not None:
            self._scoring.cancel()
        if target == self._target:
            self._phase, self._message = "ready", ""
        self._reload_at = 1
        self._scoring = scoring = Scoring(
            engine=self._engine,
            store=self._store,
            run=entry,
            checkpoint=target.checkpoint,
            request_id=f"inspect-{target.run_id}-{target.checkpoint}-{next(self._request_numbers)}",
            changed=self._tell,
            stored=self._on_stored,
            ended=lambda end: self._on_scoring_ended(scoring, end),
        )
        self._tell()

    def _on_stored(self) -> None:
        """Read the table again each time its rows have doubled, so that a long scoring stays cheap."""
        scoring = self._scoring_of_target()
        if scoring and self._visible and len(scoring.stored_pairs) >= self._reload_at:
            self._reload_at = 2 * len(scoring.stored_pairs)
            self._load()

    def _on_scoring_ended(self, scoring: Scoring, end: Ended) -> None:
        if scoring is not self._scoring:
            return
        self._scoring = None
        if scoring.target != self._target:
            self._tell()
            return
        self._message = " ".join([end.message, *scoring.notes]).strip()
        if end.outcome != "finished":
            self._declined.add(scoring.target)
        self._phase = "failed" if end.outcome == "failed" else "ready"
        self._load()
        self._tell()

    def _on_engine_event(self, event: Event) -> None:
        """A training that saved or ended something makes for more to look into."""
        match event:
            case TrainingFinished(request=request, run=run):
                self._training_requests.add(request)
                self._finished_folders.add(Path(run))
            case CheckpointSaved() if self._visible:
                self.refresh()
            case RequestFinished(request=request) | RequestFailed(request=request):
                if request in self._training_requests:
                    self._training_requests.discard(request)
                    if self._visible:
                        self.refresh()

    # --- small things ---------------------------------------------------------------------------------

    def _entry(self, run_id: int) -> InspectableRun | None:
        return next((entry for entry in self._runs.inspectable if entry.run.id == run_id), None)

    def _selected(self) -> InspectableRun | None:
        return self._entry(self._target.run_id) if self._target else None

    def _elsewhere(self) -> str:
        scoring = self._scoring
        if scoring is None or scoring.target == self._target:
            return ""
        return f"Scoring {scoring.run.run.name} in the background: {scoring.done:,} of {scoring.total:,}"

    def _scoring_of_target(self) -> Scoring | None:
        return self._scoring if self._scoring and self._scoring.target == self._target else None

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


__all__ = ["POLICY", "InspectorPresenter", "InspectorState", "Phase"]
