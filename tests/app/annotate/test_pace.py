"""How many comparisons are kept ready, and that the annotator never waits when the engine could be ahead."""

import heapq
import random
from collections.abc import Callable
from itertools import count

import pytest

from app.annotate.pace import FEWEST, MOST, Pace
from app.engine_host.protocol import Listener
from app.store.handle import Project
from dpo_engine.events import CandidateDone, Event, RequestFinished, RequestStarted
from dpo_engine.requests import Cancel, Control, Generate, GenerateMany, Request
from tests.app.annotate.scenes import Clock, add_prompts, new_presenter
from tests.helpers.stores import DirectStore


def paced(seconds: float, number: int = 10) -> Pace:
    pace = Pace()
    for _ in range(number):
        pace.judged(seconds)
    return pace


def test_before_anything_is_known_only_a_few_are_wanted() -> None:
    assert Pace().target == FEWEST
    assert paced(3.0, number=4).target == FEWEST


def test_two_minutes_of_judging_are_wanted_of_an_engine_of_which_nothing_is_known() -> None:
    assert [paced(seconds).target for seconds in (6.0, 10.0, 24.0)] == [20, 12, 5]


def test_there_are_never_fewer_or_more_than_sense_would_have() -> None:
    assert paced(600.0).target == FEWEST
    assert paced(0.0).target == MOST


def test_an_engine_far_faster_than_the_person_need_not_be_far_ahead() -> None:
    fast, slow = paced(5.0), paced(5.0)
    fast.wrote(8, 0.8)
    slow.wrote(8, 80.0)
    assert (fast.target, slow.target) == (7, 24)


def test_what_is_known_of_earlier_days_counts_until_today_says_more() -> None:
    pace = Pace()
    pace.expect(10.0, 200)
    assert pace.target == 12
    for _ in range(10):
        pace.judged(24.0)
    assert pace.target == 5
    fresh = Pace()
    fresh.expect(None, 0)
    assert fresh.target == FEWEST
    fresh.expect(2.0, 3)
    assert fresh.target == FEWEST


def test_a_long_pause_does_not_change_a_persons_pace() -> None:
    pace = paced(6.0)
    pace.judged(3600.0)
    assert pace.target == 20


def test_with_little_memory_left_less_is_written_and_in_smaller_batches() -> None:
    pace = paced(3.0)
    pace.memory(79, 80)
    assert (pace.target, pace.together) == (FEWEST, 2)
    pace.memory(40, 80)
    assert (pace.target, pace.together) == (MOST, 8)
    pace.memory(0, 0)
    assert pace.together == 8, "a device that tells nothing is not short of memory"


def test_each_batch_that_ran_out_of_memory_makes_the_next_ones_smaller() -> None:
    pace = Pace()
    sizes = []
    for _ in range(5):
        pace.ran_out_of_memory()
        sizes.append(pace.together)
    assert sizes == [4, 2, 1, 1, 1]


def test_writing_begins_when_a_quarter_of_many_is_used_up_and_at_once_when_few_are_wanted() -> None:
    assert (paced(5.0).target, paced(5.0).few) == (24, 18)
    assert Pace().few == FEWEST


# --- an annotator and an engine, by the clock -----------------------------------------------------------


class TimedEngine:
    """Takes `alone` seconds for a comparison, a tenth of that more for each other one of the batch, and
    before each request up to `step` seconds of training."""

    def __init__(self, clock: Clock, *, alone: float, step: float = 0.0) -> None:
        self._clock, self._alone, self._step = clock, alone, step
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._open: set[str] = set()

    def submit(self, request: Request, listener: Listener) -> None:
        assert isinstance(request, (Generate, GenerateMany))
        assert not self._open, "one request at a time"
        self._open.add(request.id)
        prompts = len(request.prompts) if isinstance(request, GenerateMany) else 1
        seconds = self._step + self._alone * (1 + 0.1 * (prompts - 1))
        events: list[Event] = [RequestStarted(request=request.id)]
        for index in range(2 * prompts):
            events.append(
                CandidateDone(
                    request=request.id,
                    index=index,
                    text=f"response {next(self._order)}",
                    tokens=3,
                    seed=index,
                    finish_reason="end",
                    seconds=seconds,
                    fingerprint="f" * 64,
                )
            )
        self._at(self._clock.now + seconds, lambda: self._tell(request.id, events, listener))

    def control(self, control: Control) -> None:
        assert isinstance(control, Cancel)
        self._open.discard(control.target)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        return lambda: None

    def run_until(self, moment: float) -> None:
        """Let time pass."""
        while self._due and self._due[0][0] <= moment:
            self._clock.now, _order, act = heapq.heappop(self._due)
            act()
        self._clock.now = moment

    def run_to_next(self) -> None:
        """Let time pass until something is told."""
        assert self._due, "the annotator would wait for ever"
        self.run_until(self._due[0][0])

    def _at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (moment, next(self._order), act))

    def _tell(self, request: str, events: list[Event], listener: Listener) -> None:
        if request not in self._open:
            return
        for event in events:
            listener(event)
        self._open.discard(request)
        listener(RequestFinished(request=request))


def waits(
    project: Project, *, judging: float, alone: float, step: float = 0.0, verdicts: int = 60
) -> list[float]:
    """Seconds that an annotator who takes about `judging` for each verdict has waited before each."""
    add_prompts(project, 150)
    clock, draw = Clock(), random.Random(5)
    engine = TimedEngine(clock, alone=alone, step=step)
    presenter = new_presenter(engine, DirectStore(project), clock)
    presenter.start()
    waited = []
    for _ in range(verdicts):
        since = clock.now
        while presenter.state.comparison is None:
            engine.run_to_next()
        waited.append(clock.now - since)
        engine.run_until(clock.now + judging * draw.uniform(0.5, 1.5))
        presenter.give("left")
    return waited


@pytest.mark.usefixtures("starter")
@pytest.mark.parametrize(
    ("judging", "alone", "step"),
    [
        pytest.param(5.0, 0.5, 0.0, id="a GPU"),
        pytest.param(5.0, 4.5, 0.0, id="a CPU that just keeps up"),
        pytest.param(20.0, 15.0, 0.0, id="long responses"),
        pytest.param(8.0, 2.0, 3.0, id="while a training goes on"),
    ],
)
def test_an_annotator_waits_for_the_first_comparison_only(
    empty_project: Project, judging: float, alone: float, step: float
) -> None:
    first, *others = waits(empty_project, judging=judging, alone=alone, step=step)
    assert first == alone + step
    assert sum(seconds > 0 for seconds in others) <= 1, others
    assert others[5:] == [0.0] * len(others[5:])


@pytest.mark.usefixtures("starter")
def test_batches_catch_up_with_one_who_judges_faster_than_the_engine_writes_alone(
    empty_project: Project,
) -> None:
    waited = waits(empty_project, judging=3.0, alone=6.0)
    assert sum(waited[20:]) == 0.0, waited
