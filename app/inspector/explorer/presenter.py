"""What the explorer holds: a pair as it was moved, what it began as, how far it can go. Qt-free."""

from collections.abc import Callable
from dataclasses import dataclass

from app.inspector.explorer.curves import AxisName, Spans, moved, reach, spans_of
from app.inspector.explorer.explored import Explored, case_example, worked_example
from app.inspector.explorer.formulas import OptionName
from dpo_engine.loss_values import LOSSES
from dpo_engine.pair_math import Case


@dataclass(frozen=True, kw_only=True)
class OpenedPair:
    """A pair of a run as it was scored."""

    title: str
    explored: Explored


class ExplorerPresenter:
    """Begins with the worked example. Every change is told to the listener."""

    def __init__(self) -> None:
        self.opened: OpenedPair | None = None
        self.title = "Worked example"
        self.axis: AxisName = "both"
        self._begin = self.explored = worked_example()
        self.spans: Spans = spans_of(self.explored.point)
        self._told: Callable[[], None] = lambda: None

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """`told` is called after every change; the answer ends that."""
        self._told = told

        def stop() -> None:
            self._told = lambda: None

        return stop

    @property
    def changed(self) -> bool:
        """Something has been moved since the beginning, other than the choice of the loss."""
        now, begin = self.explored, self._begin
        return (now.point, now.options) != (begin.point, begin.options)

    # --- where it begins -------------------------------------------------------------------------------

    def show_pair(self, opened: OpenedPair) -> None:
        self.opened = opened
        self.go_back()

    def go_back(self) -> None:
        """To the pair that was opened, as it was."""
        if self.opened is not None:
            self._start(self.opened.explored, self.opened.title)

    def show_worked_example(self) -> None:
        self._start(worked_example(), "Worked example", keep_loss=True)

    def show_case(self, case: Case) -> None:
        self._start(case_example(case), f"Example: {case}", keep_loss=True)

    def _start(self, explored: Explored, title: str, *, keep_loss: bool = False) -> None:
        if keep_loss:
            explored = Explored(point=explored.point, loss=self.explored.loss, options=explored.options)
        self._begin, self.title = explored, title
        self.spans = spans_of(explored.point)
        self._become(explored)

    # --- moving it --------------------------------------------------------------------------------------

    def set_log_prob(self, name: str, value: float) -> None:
        """`name` is a field of `LossPoint`, `value` in nats."""
        self._become(self.explored.at(**{name: value}))

    def set_tokens(self, *, chosen: int | None = None, rejected: int | None = None) -> None:
        self._become(self.explored.with_tokens(chosen=chosen, rejected=rejected))

    def set_beta(self, beta: float) -> None:
        self._become(self.explored.with_options(beta=beta))

    def set_option(self, name: OptionName, value: float) -> None:
        self._become(self.explored.with_options(**{name: value}))

    def set_loss(self, loss: str) -> None:
        """Raises `KeyError` for what is no loss."""
        now = self.explored
        self._become(Explored(point=now.point, loss=_known(loss), options=now.options))

    def set_axis(self, axis: AxisName) -> None:
        self.axis = axis
        self._told()

    def move_to(self, place: float) -> None:
        """Along the axis, as far as it reaches."""
        low, high = reach(self.explored, self.axis, self.spans)
        self._become(moved(self.explored, self.axis, min(high, max(low, place))))

    def _become(self, explored: Explored) -> None:
        self.explored = explored
        point, spans = explored.point, self.spans
        self.spans = Spans(
            chosen=spans.chosen.with_value(point.policy_chosen).with_value(point.reference_chosen),
            rejected=spans.rejected.with_value(point.policy_rejected).with_value(point.reference_rejected),
        )
        self._told()


def _known(loss: str) -> str:
    if loss not in LOSSES:
        raise KeyError(loss)
    return loss
