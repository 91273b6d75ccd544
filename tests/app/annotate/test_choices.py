"""Order, random share, goal and repeats: what a person chooses holds from the next comparison on."""

import json

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store import settings
from app.store.collecting import comparisons
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.records import Choice, Comparison
from tests.app.annotate.scenes import add_comparison, begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


@pytest.fixture
def waiting(empty_project: Project) -> list[int]:
    """Thirty comparisons of fifteen prompts, whose texts name them; the engine writes nothing."""
    return [
        add_comparison(empty_project, f"a{number}", f"b{number}", prompt=f"P{number // 2}").id
        for number in range(30)
    ]


@pytest.fixture
def alone(starter: object, empty_project: Project, waiting: list[int]) -> AnnotatePresenter:
    presenter = new_presenter(FakeEngine(), DirectStore(empty_project))
    presenter.start()
    return presenter


def shown(presenter: AnnotatePresenter) -> Comparison:
    comparison = presenter.state.comparison
    assert comparison is not None
    return comparison


def judged(presenter: AnnotatePresenter, number: int) -> list[int]:
    found = []
    for _ in range(number):
        found.append(shown_id(presenter))
        presenter.give("left")
    return found


def test_the_newest_or_those_of_unseen_prompts_come_first(
    alone: AnnotatePresenter, waiting: list[int]
) -> None:
    alone.set_order("newest", 0.0)
    assert judged(alone, 3) == [waiting[0], waiting[29], waiting[28]]
    alone.set_order("unseen", 0.0)
    assert judged(alone, 2)[1] == waiting[2]


def test_a_random_share_is_drawn_at_random_and_marked(
    alone: AnnotatePresenter, empty_project: Project
) -> None:
    alone.set_order("newest", 0.5)
    assert (alone.state.order, alone.state.random_share) == ("newest", 0.5)
    picked = {comparisons.get(empty_project, one).picked for one in judged(alone, 25)}
    assert picked == {"order", "random"}


def test_a_share_that_is_none_is_kept_within_reason(alone: AnnotatePresenter) -> None:
    alone.set_order("random", 7.0)
    assert alone.state.random_share == 1.0
    alone.set_order("random", -1.0)
    assert alone.state.random_share == 0.0
    assert alone.state.problem is None


def test_choices_are_kept_over_a_restart(alone: AnnotatePresenter, empty_project: Project) -> None:
    alone.set_order("margin", 0.25)
    alone.set_goal(40)
    alone.set_repeats(6)
    alone.set_overlap(True)
    later = new_presenter(FakeEngine(), DirectStore(empty_project))
    later.start()
    state = later.state
    assert (state.order, state.random_share, state.goal, state.repeat_every, state.overlap) == (
        "margin",
        0.25,
        40,
        6,
        True,
    )


@pytest.mark.parametrize("stored", ["sideways", 7, None, [1], {"x": 1}, -3, float("nan")])
@pytest.mark.parametrize(
    "name",
    [f"annotate.{one}" for one in ("order", "random_share", "goal", "repeat_every", "overlap", "opponent")],
)
def test_stored_choices_that_cannot_be_are_the_usual_ones(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project, name: str, stored: object
) -> None:
    settings.set_setting(project, name, json.loads(json.dumps(stored)))
    state = begun(presenter, engine).state
    assert state.phase == "ready"
    assert state.order == "oldest"
    assert 0.0 <= state.random_share <= 1.0
    assert state.goal >= 0
    assert state.repeat_every == 0 or state.repeat_every >= 2
    assert state.opponent is None


def test_a_choice_that_cannot_be_kept_is_told_and_holds_for_now(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    store.fail_next(StoreFull("The disk is full."))
    presenter.set_goal(10)
    assert presenter.state.goal == 10
    assert presenter.state.problem is not None
    assert presenter.state.problem.sentence == "The disk is full."


# --- asked again, and the figures ---------------------------------------------------------------------


def test_an_earlier_pair_comes_back_with_its_sides_swapped_and_unannounced(
    alone: AnnotatePresenter, empty_project: Project
) -> None:
    alone.set_repeats(4)
    repeats = 0
    for _ in range(28):
        comparison = shown(alone)
        assert alone.state.notice is None or alone.state.notice.text == "Saved"
        if comparison.purpose == "repeat":
            repeats += 1
            assert comparison.of_id is not None
            first = comparisons.get(empty_project, comparison.of_id)
            assert (comparison.left.id, comparison.right.id) == (first.right.id, first.left.id)
        # The same text is preferred whichever side it stands on.
        choice: Choice = "left" if comparison.left.text.startswith("a") else "right"
        alone.give(choice)
    assert repeats >= 2
    meter = alone.state.meter
    assert meter is not None
    assert (meter.repeats, meter.agreed) == (repeats, repeats)
    assert alone.state.counts.preferences == 28 - repeats


def test_without_repeats_none_comes_back(alone: AnnotatePresenter) -> None:
    alone.set_repeats(0)
    for _ in range(28):
        assert shown(alone).purpose == "collect"
        alone.give("left")


def test_left_ten_times_in_a_row_is_noticed_at_once_and_forgotten_with_another_side(
    alone: AnnotatePresenter,
) -> None:
    alone.set_repeats(0)
    streaks = []
    for _ in range(10):
        alone.give("left")
        streaks.append(alone.state.left_streak)
    assert streaks == list(range(1, 11))
    alone.give("skip")
    assert alone.state.left_streak == 10
    alone.undo()
    alone.undo()
    assert alone.state.left_streak == 9
    alone.give("right")
    assert alone.state.left_streak == 0


def test_figures_that_cannot_be_read_keep_nobody_from_judging(
    starter: object, empty_project: Project, waiting: list[int]
) -> None:
    store, reader = DirectStore(empty_project), DirectStore(empty_project)
    presenter = new_presenter(FakeEngine(), store, reader=reader)
    presenter.start()
    reader.failing = StoreFull("The disk cannot be read.")
    presenter.give("left")
    assert presenter.state.phase == "ready"
    assert presenter.state.counts.preferences == 0
    reader.failing = None
    presenter.give("left")
    assert presenter.state.counts.preferences == 2


def test_figures_that_take_long_hold_nobody_up_and_are_read_once_more_at_the_end(
    starter: object, empty_project: Project, waiting: list[int]
) -> None:
    store, reader = DirectStore(empty_project), DirectStore(empty_project)
    presenter = new_presenter(FakeEngine(), store, reader=reader)
    presenter.start()
    reader.hold()
    before = reader.submitted
    for _ in range(6):
        presenter.give("left")
    assert presenter.state.left_streak == 6
    assert reader.submitted == before + 2, "one reading, of counts and meter"
    reader.release()
    assert reader.submitted == before + 4
    assert presenter.state.counts.preferences == 6
    meter = presenter.state.meter
    assert meter is not None
    assert meter.verdicts == 6
