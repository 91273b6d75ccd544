"""The check before training, made again by itself when that is cheap, and else out of date. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

from app.store.collecting import verdicts
from app.train.preflight.checking import Checked, Checking, Measuring
from app.train.preflight.facts import Places
from app.train.preflight.material import Asked, asked_by
from app.train.preflight.report import Line, Report, line_of
from app.train.preflight.tokens import PairTokens, TokensOfPair
from app.train.state import TrainState
from app.train.tools import Tools
from dpo_engine.preflight import Measured

AUTOMATIC = 2_000
"""Pairs up to which a check is made again by itself: two or three seconds' work for the engine."""
_DEBOUNCE = 0.6
"""Seconds without a change before that."""

Phase = Literal["idle", "checking", "done", "failed"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PreflightState:
    """What the panel shows. A report stays while a newer one is being made."""

    phase: Phase = "idle"
    stage: str = ""
    finished: int = 0
    total: int = 0
    """0 while it is not known."""
    report: Report | None = None
    outdated: str = ""
    """Why the report is not of the run that would start now, as a sentence."""
    problem: str = ""
    """Why there is no report, or no measurement, as a sentence."""
    measuring: bool = False
    no_measuring: str = ""
    """Why nothing can be measured now, as a sentence."""
    opened: Line | None = None
    """The line whose pairs are listed."""
    places: Places | None = None
    """Those pairs, in the report's table (of refused ones: in its list)."""
    tokens: PairTokens | None = None
    """Of the pair that was picked."""


class PreflightPresenter:
    """`follow` every state of the Train page; `set_visible` when the panel comes into view or goes."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._listeners: list[Callable[[], None]] = []
        self._visible = False
        self._asked: Asked | None = None
        self._obstacle = ""
        self._ingredients: object = None
        self._training = False
        self._checking: Checking | None = None
        self._measuring: Measuring | None = None
        self._checked: Checked | None = None
        self._state = PreflightState()
        self._wanted = 0
        """Counts changes, so that only the last of several starts a check."""
        self._picking: TokensOfPair | None = None

    @property
    def state(self) -> PreflightState:
        return self._state

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change of `state`; call the result to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    # --- what happens around it -----------------------------------------------------------------------

    def follow(self, train: TrainState) -> None:
        """The Train page's state is this now."""
        if train.loading:
            return
        asked, counted = asked_by(train), train.ingredients
        others = asked is None or self._asked is None or not asked.means_the_same(self._asked)
        recounted = counted is not self._ingredients
        self._asked, self._ingredients = asked, counted
        self._obstacle = train.obstacle
        ended, self._training = self._training and train.progress is None, train.progress is not None
        self._say(no_measuring=self._why_not_measure())
        if asked is None:
            self._drop(train.obstacle)
        elif others or ended:
            self._look_whether_outdated()
        elif recounted:
            self._look_at_version()

    def set_visible(self, visible: bool) -> None:
        self._visible = visible
        if visible:
            self._look_whether_outdated()
            self._look_at_version()

    def close(self) -> None:
        """End what is under way and leave nothing behind."""
        self._cancel_all()
        self._let_go_of_checked()
        self._listeners.clear()

    # --- what the person does -------------------------------------------------------------------------

    def check(self) -> None:
        """Look at every pair (again), with the settings as they are now."""
        if self._asked is None:
            return
        self._cancel_all()
        self._checking = Checking(
            self._tools,
            self._asked,
            _new_id(),
            changed=self._on_checking_changed,
            done=self._on_checked,
            failed=self._on_check_failed,
        )
        self._on_checking_changed()
        self._checking.begin()

    def measure(self) -> None:
        """Compute the longest pairs for real."""
        if self._checked is None or self._measuring or self._state.no_measuring or self._state.outdated:
            return
        self._measuring = Measuring(
            self._tools,
            self._checked,
            _new_id(),
            changed=self._on_measuring_changed,
            done=self._on_measured,
            failed=self._on_measure_failed,
        )
        self._say(measuring=True, problem="", stage=self._measuring.stage, finished=0, total=0)

    def cancel(self) -> None:
        """End the check or the measurement under way."""
        self._cancel_all()
        has_report = self._state.report is not None
        self._say(phase="done" if has_report else "idle", measuring=False)

    def open(self, key: str) -> None:
        """List the pairs that a line is about, and pick the first."""
        report = self._state.report
        line = line_of(report, key) if report else None
        if report is None or line is None or line.opens is None:
            return
        places = line.opens()
        self._say(opened=line, places=places, tokens=None)
        if len(places):
            self.pick(int(places[0]))

    def close_list(self) -> None:
        self._say(opened=None, places=None, tokens=None)

    def pick(self, place: int) -> None:
        """Show the exact tokens of the pair at this place of the list's table."""
        report, checked, opened = self._state.report, self._checked, self._state.opened
        if report is None or checked is None or opened is None:
            return
        refused = opened.key == "refused"
        names = [one.pair for one in report.table.refused] if refused else report.table.ids
        if not 0 <= place < len(names) or (self._picking and self._picking.name == names[place]):
            return
        if self._picking is not None:
            self._picking.cancel()
        self._picking = TokensOfPair(self._tools, checked, names[place], _new_id(), shown=self._on_tokens)
        self._picking.begin()

    # --- when to look again ---------------------------------------------------------------------------

    def _look_whether_outdated(self) -> None:
        """After other settings."""
        asked, checked = self._asked, self._checked
        if asked is None:
            return
        if self._checking is not None:
            if not self._checking.asked.means_the_same(asked):
                self._want_soon()
        elif checked is None:
            self._want_soon()
        elif not checked.asked.means_the_same(asked):
            self._say(outdated="The settings changed since this check.")
            self._want_soon()
        elif self._state.outdated.startswith("The settings"):
            self._say(outdated="")

    def _look_at_version(self) -> None:
        """After verdicts may have been given."""
        checked = self._checked
        if checked is None or not self._visible:
            return
        self._tools.reader.submit(
            lambda project: verdicts.pairs_version(project, checked.asked.selection),
            lambda version: self._on_version(checked, version),
            lambda _error: None,  # the check itself says what is wrong with the project
        )

    def _on_version(self, checked: Checked, version: str) -> None:
        if checked is self._checked and version != checked.version:
            self._say(outdated="Verdicts were given since this check.")
            self._want_soon()

    def _want_soon(self) -> None:
        self._wanted += 1
        wanted = self._wanted
        self._tools.call_later(_DEBOUNCE, lambda: self._check_if_cheap(wanted))

    def _check_if_cheap(self, wanted: int) -> None:
        """By itself only while somebody looks, nothing trains, and it takes a moment."""
        cheap = getattr(self._ingredients, "preferences", AUTOMATIC + 1) <= AUTOMATIC
        if wanted == self._wanted and self._visible and cheap and not self._training:
            self.check()

    # --- answers --------------------------------------------------------------------------------------

    def _on_checking_changed(self) -> None:
        work = self._checking
        if work is not None:
            self._say(
                phase="checking", problem="", stage=work.stage, finished=work.finished, total=work.total
            )

    def _on_checked(self, checked: Checked) -> None:
        self._checking = None
        self._let_go_of_checked()
        self._checked = checked
        self._say(
            phase="done",
            report=checked.report,
            outdated="",
            problem="",
            opened=None,
            places=None,
            tokens=None,
        )
        self._look_whether_outdated()

    def _on_check_failed(self, sentence: str) -> None:
        self._checking = None
        self._let_go_of_checked()
        self._state = PreflightState(phase="failed", problem=sentence, no_measuring=self._state.no_measuring)
        self._changed()

    def _on_measuring_changed(self) -> None:
        if self._measuring is not None:
            work = self._measuring
            self._say(stage=work.stage, finished=work.finished, total=work.total)

    def _on_measured(self, measured: Measured) -> None:
        self._measuring = None
        checked = self._checked
        if checked is not None:
            report = replace(checked.report, measured=measured)
            self._checked = replace(checked, report=report)
            self._say(measuring=False, report=report)

    def _on_measure_failed(self, sentence: str) -> None:
        self._measuring = None
        self._say(measuring=False, problem=sentence)

    def _on_tokens(self, tokens: PairTokens) -> None:
        self._picking = None
        if self._state.opened is not None:
            self._say(tokens=tokens)

    # --- small things ---------------------------------------------------------------------------------

    def _drop(self, obstacle: str) -> None:
        """There is nothing to check."""
        self._cancel_all()
        self._let_go_of_checked()
        if self._state.phase != "idle" or self._state.problem != obstacle or self._state.report is not None:
            self._state = PreflightState(problem=obstacle, no_measuring=self._state.no_measuring)
            self._changed()

    def _why_not_measure(self) -> str:
        if self._training:
            return "Measuring takes the memory that the run under way needs. Measure when it is over."
        return ""

    def _cancel_all(self) -> None:
        self._wanted += 1
        for work in (self._checking, self._measuring, self._picking):
            if work is not None:
                work.cancel()
        self._checking = self._measuring = self._picking = None
        if self._state.measuring:
            self._say(measuring=False)

    def _let_go_of_checked(self) -> None:
        checked, self._checked = self._checked, None
        if checked is not None:
            self._tools.background.submit(checked.scratch.close, lambda _: None, lambda _: None)

    def _say(self, **changes: object) -> None:
        if any(getattr(self._state, name) is not value for name, value in changes.items()):
            self._state = replace(self._state, **changes)  # type: ignore[arg-type]  # its own fields
            self._changed()

    def _changed(self) -> None:
        for listener in list(self._listeners):
            listener()


def _new_id() -> str:
    return f"check-{uuid4().hex[:12]}"
