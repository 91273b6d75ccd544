"""The logic of suspect verdicts: making a study, following it, and asking verdicts again, blind. Qt-free.

One study at a time. One that was stopped, or that failed, goes on at the fold where it was. What is asked
again comes up on the page where verdicts are given, like anything else; its answer counts from then on, in
the ordinary history, so that undo takes it back.
"""

import dataclasses
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Literal

from app.engine_host.protocol import Engine
from app.history import History
from app.inspector.suspects import material
from app.inspector.suspects.material import FEWEST_PAIRS, Built, Material, SuspectRow, expected_seconds
from app.inspector.suspects.work import Advance, StudyWork
from app.store.access import StoreAccess, StoreReader
from app.store.errors import StoreError
from app.store.figures import agreement
from app.store.training import studies
from app.store.training.studies import Outcome, Study, StudyTexts
from app.store.undo.journal import Done
from dpo_engine.suspects.settings import FOLDS

Phase = Literal["loading", "too_few", "none", "preparing", "running", "ready", "failed"]
"""`ready`: a study is there, done or not; `failed`: nothing could be read."""


@dataclass(frozen=True, kw_only=True)
class SuspectsState:
    """Everything that the page shows."""

    phase: Phase = "loading"
    pairs: int = 0
    """What a new study would ask about."""
    folds: int = FOLDS
    expected: float | None = None
    """Seconds that a new study would take; None where nothing was measured yet."""
    studies: tuple[Study, ...] = ()
    shown: Study | None = None
    rows: tuple[SuspectRow, ...] = ()
    disagreeing: int = 0
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    advance: Advance | None = None
    """Of the study under way, if there is one."""
    message: str = ""
    """Why something failed, as sentences."""
    notes: tuple[str, ...] = ()
    notice: str = ""
    """What was just done, as a sentence."""

    @property
    def goes_on(self) -> bool:
        """The study shown can go on where it was."""
        return self.phase == "ready" and self.shown is not None and self.shown.status != "finished"

    def next_to_ask(self, number: int) -> list[int]:
        """The comparisons of the most suspect that disagree and may be asked again, so many at most."""
        wanted = (one.row.comparison_id for one in self.rows if one.disagrees and one.may_be_asked)
        return list(islice(wanted, number))


class SuspectsPresenter:
    """Listeners hear that `state` is another one."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: StoreAccess,
        reader: StoreReader,
        history: History,
        annotator: Callable[[], str],
    ) -> None:
        self._engine, self._store, self._reader = engine, store, reader
        self._history, self._annotator = history, annotator
        self._state = SuspectsState()
        self._listeners: list[Callable[[], None]] = []
        self._work: StudyWork | None = None
        self._visible = False
        self._settled = False
        self._numbers = count(1)
        self._seconds_a_pair: float | None = None
        self._stop_hearing = history.listen(self._on_undone)
        self._give_up_reading: Callable[[], None] = lambda: None
        self._give_up_loading: Callable[[], None] = lambda: None
        self._give_up_building: Callable[[], None] = lambda: None

    @property
    def state(self) -> SuspectsState:
        return self._state

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def close(self) -> None:
        """Stop a study under way; it goes on where it was when the project is opened again."""
        self._listeners.clear()
        self._stop_hearing()
        self._give_up_building()
        if self._work is not None:
            self._work.cancel()

    def set_visible(self, visible: bool) -> None:
        """Tell whether the page is in view: only then is anything read."""
        self._visible = visible
        if visible:
            self.refresh()

    def refresh(self) -> None:
        """Read again what there is."""
        if not self._settled:
            self._settled = True
            running = None if self._work is None else self._work.study.id
            self._store.submit(
                lambda project: material.settle_left(project, running),
                lambda _nothing: self._load(),
                self._on_failed,
            )
            return
        self._load()

    def show_study(self, study_id: int) -> None:
        """Look at another study."""
        shown = next((one for one in self._state.studies if one.id == study_id), None)
        if shown is not None and shown != self._state.shown:
            self._change(shown=shown, rows=())
            self._load()

    def set_folds(self, folds: int) -> None:
        """For the next study."""
        self._change(folds=folds, expected=self._expected(self._state.pairs, folds))

    # --- the study ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make a study of everything that counts now, and begin it."""
        if self._work is not None or self._state.phase in ("preparing", "too_few", "loading"):
            return
        folds = self._state.folds
        self._change(phase="preparing", message="", notes=(), notice="")
        self._give_up_building = self._reader.submit(
            lambda project: material.build(project, folds), self._on_built, self._on_not_built
        )

    def go_on(self) -> None:
        """Do what is left of the study shown."""
        if self._state.goes_on and self._state.shown is not None and self._work is None:
            self._run(self._state.shown)

    def stop(self) -> None:
        """End the study under way early; it can go on later."""
        if self._work is not None:
            self._work.cancel()

    def _on_built(self, built: Built) -> None:
        def not_noted(error: StoreError) -> None:
            shutil.rmtree(built.folder, ignore_errors=True)
            self._on_not_built(error)

        self._store.submit(lambda project: material.note(project, built), self._run, not_noted)

    def _on_not_built(self, error: StoreError) -> None:
        self._change(phase="ready" if self._state.shown else "none", message=str(error))

    def _run(self, study: Study) -> None:
        self._change(phase="running", message="", notes=(), notice="", advance=Advance(folds=study.folds))
        if self._state.shown is None or self._state.shown.id != study.id:
            self._change(shown=study, studies=(study, *self._state.studies), rows=())
        self._work = work = StudyWork(
            engine=self._engine,
            store=self._store,
            study=study,
            request_id=f"suspects-{study.id}-{next(self._numbers)}",
            changed=lambda: self._on_work_changed(work),
            stored=self._load,
            ended=lambda message: self._on_work_ended(work, message),
        )

    def _on_work_changed(self, work: StudyWork) -> None:
        if work is self._work:
            self._change(advance=work.advance, notes=work.notes)

    def _on_work_ended(self, work: StudyWork, message: str) -> None:
        if work is self._work:
            self._work = None
            self._change(phase="ready", advance=None, message=message, notes=work.notes)
            self._load()

    # --- asking again -----------------------------------------------------------------------------------

    def ask_again(self, comparisons: Collection[int]) -> None:
        """Have these judged again, blind, where verdicts are given: one act, which undo takes back."""
        wanted = self._may_be_asked(comparisons)
        if not wanted:
            self._change(notice="They wait to be asked again already, or were.")
            return
        who = self._annotator()
        self._store.submit(
            lambda project: agreement.ask_again(project, wanted, who, purpose="second_look"),
            self._on_asked,
            self._on_failed_act,
        )

    def ask_first(self, number: int) -> None:
        """The same with the most suspect ones that were not asked again yet."""
        self.ask_again(self._state.next_to_ask(number))

    def read(
        self, comparison_id: int, done: Callable[[StudyTexts], None], failed: Callable[[str], None]
    ) -> None:
        """The texts of one pair of the study shown; what was asked for before is not answered any more."""
        self._give_up_reading()
        shown = self._state.shown
        if shown is not None:
            self._give_up_reading = self._reader.submit(
                lambda project: studies.study_texts(project, shown.id, comparison_id),
                done,
                lambda error: failed(str(error)),
            )

    def _may_be_asked(self, comparisons: Collection[int]) -> Sequence[int]:
        wanted = set(comparisons)
        rows = self._state.rows
        return [one.row.comparison_id for one in rows if one.row.comparison_id in wanted and one.may_be_asked]

    def _on_asked(self, number: int) -> None:
        self._history.refresh()
        what = "1 verdict comes" if number == 1 else f"{number:,} verdicts come"
        self._change(notice=f"{what} up again in Annotate, sides drawn anew and nothing told.")
        self._load()

    def _on_undone(self, _done: Done) -> None:
        if self._visible:
            self._change(notice="")
            self._load()

    # --- reading ------------------------------------------------------------------------------------------

    def _load(self) -> None:
        wanted = None if self._state.shown is None else self._state.shown.id
        self._give_up_loading()
        self._give_up_loading = self._reader.submit(
            lambda project: material.load(project, wanted), self._on_loaded, self._on_failed
        )

    def _on_loaded(self, found: Material) -> None:
        phase = self._state.phase
        if phase in ("loading", "too_few", "none", "ready", "failed"):
            phase = "ready" if found.shown else "none" if found.pairs >= FEWEST_PAIRS else "too_few"
        self._seconds_a_pair = found.seconds_a_pair
        self._change(
            phase=phase,
            pairs=found.pairs,
            expected=self._expected(found.pairs, self._state.folds),
            studies=found.studies,
            shown=found.shown,
            rows=found.rows,
            disagreeing=found.disagreeing,
            outcomes=found.outcomes,
        )

    def _on_failed(self, error: StoreError) -> None:
        self._settled = False
        self._change(phase="failed", message=str(error))

    def _on_failed_act(self, error: StoreError) -> None:
        self._change(message=str(error))

    def _expected(self, pairs: int, folds: int) -> float | None:
        if self._seconds_a_pair is None or pairs < FEWEST_PAIRS:
            return None
        return expected_seconds(pairs, folds, self._seconds_a_pair)

    def _change(self, **changes: object) -> None:
        self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]
        for listener in tuple(self._listeners):
            listener()
