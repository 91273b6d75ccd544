"""Which checkpoint is being scored: one at a time, what a person looks at before all others. Qt-free.

Runs whose training ended are put on a list in the project, so that it outlives the app: their result and
their checkpoints are scored in the background, the latest first, whenever the engine has nothing else to do.
"""

from collections.abc import Callable, Iterable
from itertools import count

from app.engine_host.protocol import Engine
from app.inspector.ledger.marks import Target
from app.inspector.ledger.scoring import Ended, Scoring
from app.inspector.material import InspectableRun
from app.store import settings
from app.store.access import StoreAccess
from app.store.errors import StoreError
from app.store.handle import Project

_WAITING = "inspector/ledger/waiting"
_AUTOMATIC = "inspector/ledger/automatic"


class Scorer:
    """`entry` finds a run by its id; `stored` and `ended` name the scoring that they are about."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        entry: Callable[[int], InspectableRun | None],
        changed: Callable[[], None],
        stored: Callable[[Scoring], None],
        ended: Callable[[Scoring, Ended], None],
    ) -> None:
        self.current: Scoring | None = None
        self.automatic = True
        """Score what was trained without being asked."""
        self._engine, self._store, self._entry = engine, store, entry
        self._changed, self._stored, self._ended = changed, stored, ended
        self._numbers = count(1)
        self._waiting: tuple[int, ...] = ()
        self._declined: set[Target] = set()
        self._closed = False

    def start(self) -> None:
        """Read what was left to do when the app ended."""
        self._store.submit(_left_to_do, self._on_read, self._on_not_saved)

    def close(self) -> None:
        """End what is under way; what waits stays on the list."""
        self._closed = True
        if self.current is not None:
            self.current.cancel()

    def of(self, target: Target | None) -> Scoring | None:
        return self.current if self.current is not None and self.current.target == target else None

    @property
    def to_do(self) -> tuple[Target, ...]:
        """What waits to be scored in the background, in order."""
        entries = filter(None, map(self._entry, self._waiting))
        targets = (Target(entry.run.id, name) for entry in entries for name in entry.unfinished)
        return tuple(target for target in targets if target not in self._declined)

    def declined(self, target: Target) -> bool:
        """It was ended by a person, or failed: it is not begun again unasked."""
        return target in self._declined

    def want(self, target: Target) -> None:
        """Somebody waits for this one: begin it now, in place of what is under way."""
        self._declined.discard(target)
        if self.of(target) is None:
            self._begin(target, background=False)

    def cancel(self) -> None:
        """A person ends what is under way. Of a run in the background nothing more is scored."""
        current = self.current
        if current is None:
            return
        self._declined.add(current.target)
        if current.background:
            self._wait_for(run_id for run_id in self._waiting if run_id != current.target.run_id)
        current.cancel()

    def trained(self, run_ids: Iterable[int]) -> None:
        """Trainings ended: what came of them is to be scored, where that is wanted."""
        fresh = [run_id for run_id in run_ids if run_id not in self._waiting]
        if fresh and self.automatic:
            self._wait_for((*self._waiting, *fresh))

    def score_all(self, run_id: int) -> None:
        """Every checkpoint of this run, in the background, before other runs."""
        self._declined = {target for target in self._declined if target.run_id != run_id}
        self._wait_for((run_id, *(other for other in self._waiting if other != run_id)))
        self.go_on()

    def set_automatic(self, automatic: bool) -> None:
        self.automatic = automatic
        self._store.submit(
            lambda project: settings.set_setting(project, _AUTOMATIC, automatic),
            lambda _nothing: self._changed(),
            self._on_not_saved,
        )

    def go_on(self) -> None:
        """Begin the next one in the background, where none is under way. Call it when the runs are known."""
        if self.current is not None or self._closed:
            return
        left = tuple(run_id for run_id in self._waiting if self._is_unfinished(run_id))
        if left != self._waiting:
            self._wait_for(left)
        waiting = self.to_do
        if waiting:
            self._begin(waiting[0], background=True)

    def _begin(self, target: Target, *, background: bool) -> None:
        entry = self._entry(target.run_id)
        if entry is None or self._closed:
            return
        previous, self.current = self.current, None
        if previous is not None:
            previous.cancel()
        self.current = scoring = Scoring(
            engine=self._engine,
            store=self._store,
            run=entry,
            checkpoint=target.checkpoint,
            request_id=f"inspect-{target.run_id}-{target.checkpoint}-{next(self._numbers)}",
            background=background,
            changed=self._changed,
            stored=lambda: self._stored(scoring),
            ended=lambda end: self._on_ended(scoring, end),
        )
        scoring.begin()
        self._changed()

    def _is_unfinished(self, run_id: int) -> bool:
        entry = self._entry(run_id)
        return entry is not None and bool(entry.unfinished)

    def _on_ended(self, scoring: Scoring, end: Ended) -> None:
        if scoring is not self.current:
            return
        self.current = None
        if end.outcome == "failed" or (end.outcome == "cancelled" and not self._closed):
            self._declined.add(scoring.target)
        self._ended(scoring, end)

    def _wait_for(self, run_ids: Iterable[int]) -> None:
        self._waiting = waiting = tuple(run_ids)
        self._store.submit(
            lambda project: settings.set_setting(project, _WAITING, list(waiting)),
            lambda _nothing: None,
            self._on_not_saved,
        )

    def _on_read(self, left: tuple[tuple[int, ...], bool]) -> None:
        waiting, self.automatic = left
        self._waiting = tuple(dict.fromkeys((*self._waiting, *waiting)))
        self._changed()

    def _on_not_saved(self, _error: StoreError) -> None:
        """It holds until the app ends; whatever is scored then fails with the store's own sentence."""


def _left_to_do(project: Project) -> tuple[tuple[int, ...], bool]:
    waiting = settings.get_setting(project, _WAITING, [])
    found = tuple(one for one in waiting if isinstance(one, int)) if isinstance(waiting, list) else ()
    return found, settings.get_setting(project, _AUTOMATIC, True) is not False
