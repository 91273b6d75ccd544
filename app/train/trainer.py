"""Has runs trained: made, begun or queued, ended, and the next one begun. Qt-free."""

from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

from app.store.errors import StoreError
from app.store.records import PairSelection, Run
from app.store.training import runs as stored
from app.train.conductor import Conductor
from app.train.preparation import Preparation
from app.train.runs.queue import Queue
from app.train.tools import Tools
from app.train.training import Outcome
from dpo_engine.config import TrainConfig
from dpo_engine.errors import BadInput
from dpo_engine.events import Event, RequestFailed, RequestFinished
from dpo_engine.requests import KeepStep
from dpo_engine.settings_file import known_settings


class Trainer:
    """At most one run trains, others wait in the `queue`, one may be in preparation.

    `reload`: the runs are to be read again. `began` and `ended`: a run did; `failed`: what did not work, as a
    sentence (empty: it is over); `said`: what did.
    """

    def __init__(
        self,
        tools: Tools,
        *,
        changed: Callable[[], None],
        reload: Callable[[], None],
        began: Callable[[Run], None],
        ended: Callable[[int, Outcome], None],
        failed: Callable[[str], None],
        said: Callable[[str], None],
    ) -> None:
        self.preparing = False
        self._tools = tools
        self._changed, self._reload = changed, reload
        self._began, self._ended, self._failed, self._said = began, ended, failed, said
        self._keep_at_end: tuple[int, int] | None = None
        """A run that trains, and the step of it that is kept once it has ended."""
        self._waited: int | None = None
        """The run under way, where it came out of the queue."""
        self.queue = Queue(
            store=tools.store, begin=self._begin_waiting, changed=reload, failed=self._on_store_failed
        )
        self.conductor = Conductor(
            engine=tools.engine,
            store=tools.store,
            clock=tools.clock,
            call_later=tools.call_later,
            changed=changed,
            began=reload,
            ended=self._on_ended,
            failed=self._on_store_failed,
        )

    @property
    def busy(self) -> bool:
        """A run trains, so that another one has to wait."""
        return self.conductor.progress is not None

    def make(
        self, policy: str, config: TrainConfig, selection: PairSelection = "all", like: Path | None = None
    ) -> None:
        """Make a run of the verdicts as they are now, or of the pairs of the run in the folder `like`, and
        train it: at once, or after those that wait."""
        self.preparing = True
        self._failed("")
        Preparation(
            store=self._tools.store,
            background=self._tools.background,
            policy=policy,
            selection=selection,
            config=config,
            queued=self.busy,
            like=like,
            done=self._on_prepared,
            failed=self._on_preparation_failed,
        ).begin()
        self._changed()

    def make_again(self, run: Run, changes: Mapping[str, object]) -> None:
        """The same run with some settings changed. Settings that are none start nothing."""
        if self.preparing:
            return
        values = known_settings(run.config)
        try:
            config = TrainConfig(**{**values, **changes})
        except (BadInput, TypeError) as error:
            self._failed(f"{error} Nothing was started.")
            return
        self.make(run.policy, config, like=Path(run.folder))

    def resume(self, run: Run) -> None:
        """From its last checkpoint; while another one trains, after those that wait."""
        self._failed("")
        if self.busy:
            self.queue.put_last(run.id)
        else:
            self._begin(run, resume=True)

    def keep_step(self, run: Run, step: int) -> None:
        """Make the checkpoint of a step the run's policy; a run that trains is ended first."""
        progress = self.conductor.progress
        if progress is not None and progress.run.id == run.id:
            self._keep_at_end = (run.id, step)
            if progress.phase in ("waiting", "loading"):
                self.conductor.cancel()  # it has trained nothing yet that could be kept
            else:
                self.conductor.stop_and_keep()
            self._changed()
            return
        self._tools.engine.submit(
            KeepStep(id=f"keep-{uuid4().hex[:12]}", run=run.folder, step=step),
            lambda event: self._on_keeping(run, step, event),
        )

    def start_next(self) -> None:
        """Begin the run that waits first, if nothing is in its way."""
        if not self.busy and not self.preparing:
            self.queue.start_next()

    # --- answers --------------------------------------------------------------------------------------

    def _on_prepared(self, run: Run) -> None:
        self.preparing = False
        if run.queue_place is None:
            self._begin(run, resume=False)
        else:
            self._reload()
            self._changed()

    def _on_preparation_failed(self, sentence: str) -> None:
        self.preparing = False
        self._failed(sentence)

    def _on_ended(self, run_id: int, outcome: Outcome) -> None:
        if outcome.put_off and (self.queue.state.waiting or self._waited == run_id):
            self.queue.held = True
            self.queue.put_first(run_id)
        kept, self._keep_at_end = self._keep_at_end, None
        if kept is not None and kept[0] == run_id:
            self._tools.store.submit(
                lambda project: stored.get_run(project, run_id),
                lambda run: self.keep_step(run, kept[1]),
                self._on_store_failed,
            )
        self._ended(run_id, outcome)

    def _on_keeping(self, run: Run, step: int, event: Event) -> None:
        match event:
            case RequestFinished():
                self._tools.store.submit(
                    lambda project: stored.catch_up(project, run.id),
                    lambda _run: self._on_kept(run, step),
                    self._on_store_failed,
                )
            case RequestFailed(message=message):
                self._failed(message)
            case _:
                pass

    def _on_kept(self, run: Run, step: int) -> None:
        self._said(f"The policy of {run.name} is that of step {step:,} now")
        self._reload()

    def _on_store_failed(self, error: StoreError) -> None:
        self._failed(str(error))

    # --- small things ---------------------------------------------------------------------------------

    def _begin_waiting(self, run: Run) -> None:
        self._waited = run.id
        self._begin(run, resume=run.status != "created")

    def _begin(self, run: Run, *, resume: bool) -> None:
        self.conductor.begin(run, resume=resume)
        self._began(run)
