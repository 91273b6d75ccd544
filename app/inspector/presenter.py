"""The Inspector's logic: which run and checkpoint are looked at, and at which β. Qt-free.

A run that is opened without scores is scored by itself, quietly: the table fills while the engine works,
and a cancel keeps what is there. What nobody looks at is scored in the background (`ledger.scorer`).
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

from app.engine_host.protocol import Engine
from app.inspector.errands import Errands
from app.inspector.ledger.marks import Target
from app.inspector.ledger.scorer import Scorer
from app.inspector.ledger.scoring import Ended, Scoring
from app.inspector.material import POLICY, InspectableRun, Runs, Scored, load_runs, load_scored
from app.inspector.pair_table import PairTable
from app.inspector.reading import PairReading
from app.inspector.state import InspectorState, Phase
from app.inspector.tokens.presenter import TokensPresenter
from app.store.access import StoreAccess, StoreReader
from app.store.errors import StoreError
from dpo_engine.events import CheckpointSaved, Event, RequestFailed, RequestFinished, TrainingFinished

BETAS = (0.01, 10.0)
"""The ends of what a what-if can ask."""


class InspectorPresenter:
    """Listeners hear that `state` or `table` is another one; both are read, never changed, by the page."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        reader: StoreReader,
        slow_reader: StoreReader,
    ) -> None:
        """`slow_reader`: for searches and for all checkpoints of a run."""
        self.table = PairTable.empty()
        """At the β of `state`."""
        self._last = self.table
        """What was read last, also while something else is being read."""
        self.reading = PairReading(quick=reader, slow=slow_reader)
        self.tokens = TokensPresenter(engine=engine, store=store, reader=reader)
        self._reader = reader
        self._listeners: list[Callable[[], None]] = []
        self._runs = Runs(inspectable=(), others=())
        self._phase: Phase = "loading"
        self._target: Target | None = None
        self._complete = False
        self._what_if: float | None = None
        self._message = ""
        self._visible = self._stale = False
        self._training_requests: set[str] = set()
        self._finished_folders: set[Path] = set()
        self._wanted_run: int | None = None
        self._cannot_read = False
        self._loads = count(1)
        self._newest_load = 0
        self._reload_at = 0
        self.scorer = Scorer(
            engine=engine,
            store=store,
            entry=self.entry,
            changed=self._tell,
            stored=self._on_stored,
            ended=self._on_scoring_ended,
        )
        self.errands = Errands(
            store=store, reader=slow_reader, changed=self._tell, scored_run_made=self._on_scored_run_made
        )
        self._unsubscribe = engine.subscribe(self._on_engine_event)

    @property
    def state(self) -> InspectorState:
        selected = self._selected()
        scoring = self.scorer.of(self._target)
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
            notice=self.errands.notice,
            notice_failed=self.errands.failed,
            what_if=self._what_if,
            automatic=self.scorer.automatic,
        )

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def start(self) -> None:
        """Go on with what was to be scored in the background when the app ended."""
        self.scorer.start()
        self.refresh()

    def close(self) -> None:
        """Hear the engine no more, and end a scoring under way."""
        self._unsubscribe()
        self._listeners.clear()
        self.scorer.close()
        self.tokens.close()

    def set_visible(self, visible: bool) -> None:
        """Tell whether the page is in view: only then is what is open read again and scored unasked."""
        self._visible = visible
        if visible:
            self.refresh()

    def refresh(self) -> None:
        """Look again at which runs there are; keeps what is selected while it exists."""
        self._reader.submit(load_runs, self._on_runs_loaded, self._on_load_failed)

    def choose_run(self, run_id: int) -> None:
        """Open a run at its result, or at its latest checkpoint when it has none."""
        self.errands.dismiss()
        self._open_latest(run_id)

    def choose_checkpoint(self, checkpoint: str) -> None:
        selected = self._selected()
        if selected is not None and checkpoint in selected.checkpoints:
            self._open(Target(selected.run.id, checkpoint))

    def set_beta(self, beta: float | None) -> None:
        """Show everything at this β, or (None) at the run's own again. Nothing is stored."""
        selected = self._selected()
        if selected is None:
            return
        wanted = None if beta is None else min(BETAS[1], max(BETAS[0], beta))
        self._what_if = None if wanted == selected.run.beta else wanted
        self.table = self.table.at_beta(self.state.beta)
        self._tell()

    def score(self) -> None:
        """Score every pair of what is open (again, where an earlier scoring was ended or failed)."""
        if self._target is not None:
            self._begin_scoring(self._target)

    def retry(self) -> None:
        """Do again what failed: read, or score."""
        if self._cannot_read:
            self.refresh()
        else:
            self.score()

    def cancel_scoring(self) -> None:
        """End the scoring under way; what is scored stays, and it is not started again unasked."""
        self.scorer.cancel()

    def entry(self, run_id: int) -> InspectableRun | None:
        return next((entry for entry in self._runs.inspectable if entry.run.id == run_id), None)

    # --- runs and what is open --------------------------------------------------------------------

    def _on_runs_loaded(self, runs: Runs) -> None:
        if self._cannot_read:
            self._cannot_read, self._phase, self._message = False, "loading", ""
        before, self._runs = self._selected(), runs
        selected = self._selected()
        if selected is not None and self._target and self._target.checkpoint in selected.checkpoints:
            if self._stale or not self._complete or self._phase == "loading" or _changed(before, selected):
                self._load()
        elif selected is not None:
            self._open_latest(selected.run.id)
        elif runs.inspectable:
            self._open_latest(runs.inspectable[0].run.id)
        else:
            self._target, self._phase, self._message = None, "no_runs", ""
            self.table = PairTable.empty()
        if self._wanted_run is not None and self.entry(self._wanted_run) is not None:
            self._open_latest(self._wanted_run)
            self._wanted_run = None
        self._follow_finished()
        self.scorer.go_on()
        self._tell()

    def _on_scored_run_made(self, run_id: int) -> None:
        self._wanted_run = run_id
        self.refresh()

    def _follow_finished(self) -> None:
        """Turn to the result of the run that is open; have the others' scored in the background."""
        finished = [
            entry
            for entry in self._runs.inspectable
            if Path(entry.run.folder) in self._finished_folders and POLICY in entry.checkpoints
        ]
        self._finished_folders.clear()
        self.scorer.trained(entry.run.id for entry in finished)
        for entry in finished:
            if self._target is None or self._target.run_id == entry.run.id:
                self._open(Target(entry.run.id, POLICY))

    def _open_latest(self, run_id: int) -> None:
        entry = self.entry(run_id)
        if entry is not None:
            self._open(Target(run_id, entry.checkpoints[0]))

    def _open(self, target: Target) -> None:
        if target == self._target:
            return
        if self._target is None or self._target.run_id != target.run_id:
            self._what_if = None
        self._target, self._phase = target, "loading"
        self._complete, self._message = False, ""
        self.table = PairTable.empty()
        self._tell()
        self._load()

    def _load(self) -> None:
        """Read the pairs of what is open; an answer that comes after a newer question is dropped."""
        selected, target = self._selected(), self._target
        self._stale = not self._visible
        if selected is None or target is None or not self._visible:
            return
        load = self._newest_load = next(self._loads)
        like = self._last
        self._reader.submit(
            lambda project: load_scored(project, selected, target.checkpoint, like),
            lambda scored: self._on_scored_loaded(load, scored),
            lambda error: self._on_load_failed(error) if load == self._newest_load else None,
        )

    def _on_scored_loaded(self, load: int, scored: Scored) -> None:
        if load != self._newest_load or self._target is None:
            return
        self.table = self._last = scored.table
        self._complete = scored.complete
        if self._what_if is not None:
            self.table = self.table.at_beta(self._what_if)
        if self._phase != "failed":
            self._phase = "ready"
        idle = self.scorer.of(self._target) is None
        if idle and self._visible and not scored.complete and not self.scorer.declined(self._target):
            self._begin_scoring(self._target)
        self._tell()

    def _on_load_failed(self, error: StoreError) -> None:
        self._cannot_read = True
        self._phase, self._message = "failed", str(error)
        self._tell()

    # --- scoring ------------------------------------------------------------------------------------

    def _begin_scoring(self, target: Target) -> None:
        if target == self._target:
            self._phase, self._message = "ready", ""
        self._reload_at = 1
        self.scorer.want(target)

    def _on_stored(self, scoring: Scoring) -> None:
        """Read the table again each time its rows have doubled, so that a long scoring stays cheap."""
        if scoring.target == self._target and self._visible and len(scoring.stored_pairs) >= self._reload_at:
            self._reload_at = 2 * len(scoring.stored_pairs)
            self._load()

    def _on_scoring_ended(self, scoring: Scoring, end: Ended) -> None:
        if scoring.target == self._target:
            self._message = " ".join([end.message, *scoring.notes]).strip()
            self._phase = "failed" if end.outcome == "failed" else "ready"
            self._load()
        self.refresh()
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
                    self.refresh()

    # --- small things ---------------------------------------------------------------------------------

    def _selected(self) -> InspectableRun | None:
        return self.entry(self._target.run_id) if self._target else None

    def _elsewhere(self) -> str:
        scoring = self.scorer.current
        if scoring is None or scoring.target == self._target:
            return ""
        return f"Scoring {scoring.run.run.name} in the background: {scoring.done:,} of {scoring.total:,}"

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _changed(before: InspectableRun | None, now: InspectableRun) -> bool:
    """Is there more to it than how far it is scored?"""
    return before is None or (before.run, before.checkpoints) != (now.run, now.checkpoints)


__all__ = ["BETAS", "POLICY", "InspectorPresenter", "InspectorState", "Phase"]
