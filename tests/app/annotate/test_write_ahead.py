"""The queue of comparisons that the engine writes ahead."""

import random

import pytest

from app.annotate.drafts import Author
from app.annotate.pace import FEWEST, Pace
from app.annotate.write_ahead import WriteAhead
from app.store.collecting import comparisons, prompts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.records import Comparison
from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone, CandidateRestarted, RequestStarted, TextDelta
from dpo_engine.preferences import Message
from dpo_engine.requests import Cancel, Generate, GenerateMany
from tests.app.annotate.scenes import add_prompts
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

SAMPLING = SamplingConfig(temperature=0.7, max_new_tokens=64)


def author(policy: str = "starter") -> Author:
    return Author(policy=policy, sampling=SAMPLING)


class Steady(Pace):
    """So many are wanted, however fast a person judges."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target

    @property
    def target(self) -> int:
        return self._target


class Ahead:
    """A `WriteAhead` and what it called back."""

    def __init__(self, engine: FakeEngine, store: DirectStore, *, seed: int = 1, target: int = 4) -> None:
        self.stored: list[Comparison] = []
        self.given_up: list[str] = []
        self.changes = 0
        self.someone_waits = True
        self.queue = WriteAhead(
            engine=engine,
            store=store,
            rng=random.Random(seed),
            stored=self.stored.append,
            changed=self._on_changed,
            someone_waits=lambda: self.someone_waits,
            annotator=lambda: "me",
            gave_up=self.given_up.append,
            pace=Steady(target),
        )

    def _on_changed(self) -> None:
        self.changes += 1


@pytest.fixture
def ahead(engine: FakeEngine, store: DirectStore) -> Ahead:
    return Ahead(engine, store)


def test_fills_up_to_the_target_one_request_at_a_time(ahead: Ahead, engine: FakeEngine) -> None:
    ahead.queue.begin([author("starter")], 0)
    most_open = 0
    while engine.deliver(1):
        most_open = max(most_open, len(engine.open))
    assert len(ahead.stored) == FEWEST == 4
    assert most_open == 1
    assert engine.open == []


def test_nothing_is_asked_before_begin_or_when_enough_wait(ahead: Ahead, engine: FakeEngine) -> None:
    ahead.queue.set_waiting(0)
    ahead.queue.begin([author("starter")], 4)
    assert engine.requests == []
    ahead.queue.set_waiting(3)
    assert len(engine.requests) == 1


def test_what_is_stored_is_what_was_asked_and_answered(
    engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    ahead = Ahead(engine, store, target=1)
    ahead.queue.begin([author("starter")], 0)
    engine.deliver()
    request = engine.last(Generate)
    (comparison,) = ahead.stored
    assert request.policy == "starter"
    assert request.n == 2
    assert request.sampling == SAMPLING
    assert request.prompt == comparison.prompt.messages == (Message("user", "Question 1?"),)
    kept = comparisons.get(project, comparison.id)
    assert {kept.left.text, kept.right.text} == {"first text", "second text"}
    assert {kept.left.seed, kept.right.seed} == {request.seed, request.seed + 1}
    for candidate in (kept.left, kept.right):
        assert candidate.sampling == {
            "temperature": 0.7,
            "top_p": 0.95,
            "top_k": 0,
            "repetition_penalty": 1.0,
            "max_new_tokens": 64,
        }
        assert candidate.fingerprint == "f" * 64
        assert candidate.model == "starter"


def test_sides_are_drawn_and_both_occur(engine: FakeEngine, project: Project, store: DirectStore) -> None:
    add_prompts(project, 40)
    ahead = Ahead(engine, store, target=30)
    ahead.queue.begin([author("starter")], 0)
    on_screen: dict[int, tuple[str, str]] = {}
    while engine.deliver(1):
        draft = ahead.queue.draft
        if draft is not None and all(draft.texts):
            on_screen[draft.prompt.id] = (draft.text_on(0)[:5], draft.text_on(1)[:5])
    lefts = [comparison.left.text for comparison in ahead.stored]
    assert len(lefts) == 30
    assert {"first text", "second text"} == set(lefts)
    # The side on the screen while it was written is the side that is kept.
    for comparison in ahead.stored:
        assert on_screen[comparison.prompt.id] == (comparison.left.text[:5], comparison.right.text[:5])
    swapped = [row[0] for row in project.db.execute("SELECT swapped FROM comparisons ORDER BY id")]
    assert [text == "second text" for text in lefts] == [bool(value) for value in swapped]


def test_seeds_differ_from_one_comparison_to_the_next(ahead: Ahead, engine: FakeEngine) -> None:
    ahead.queue.begin([author("starter")], 0)
    engine.deliver()
    seeds = [request.seed for request in engine.requests if isinstance(request, Generate)]
    assert len(set(seeds)) == len(seeds) == 4


def test_a_restarted_candidate_forgets_its_text(store: DirectStore) -> None:
    engine = FakeEngine()
    ahead = Ahead(engine, store)
    ahead.queue.begin([author("starter")], 3)
    request = engine.last(Generate).id
    engine.emit(RequestStarted(request=request))
    engine.emit(TextDelta(request=request, index=1, text="the same"))
    engine.emit(CandidateRestarted(request=request, index=1))
    engine.emit(TextDelta(request=request, index=1, text="another"))
    assert ahead.queue.draft is not None
    assert ahead.queue.draft.texts == ["", "another"]


def test_the_draft_stays_until_it_is_on_the_disk(
    ahead: Ahead, engine: FakeEngine, store: DirectStore
) -> None:
    ahead.queue.begin([author("starter")], 3)
    store.hold()
    engine.deliver()
    assert ahead.stored == []
    assert ahead.queue.draft is not None
    assert ahead.queue.draft.texts == ["first text", "second text"]
    store.release()
    assert len(ahead.stored) == 1


def test_a_prompt_put_first_is_written_first_even_when_enough_wait(
    ahead: Ahead, engine: FakeEngine, project: Project
) -> None:
    ahead.queue.begin([author("starter")], 0)
    engine.deliver()
    assert engine.open == []
    mine = prompts.add_prompt(project, [Message("user", "Mine")], source=prompts.TYPED)
    ahead.queue.put_first(mine)
    assert engine.last(Generate).prompt == mine.messages
    engine.deliver()
    assert [comparison.prompt.id for comparison in ahead.stored[4:]] == [mine.id]


def test_write_now_drops_what_is_half_written(ahead: Ahead, engine: FakeEngine, project: Project) -> None:
    ahead.queue.begin([author("starter")], 0)
    engine.deliver(2)
    dropped = engine.last(Generate).id
    ahead.queue.write_now(prompts.get(project, 9))
    assert Cancel(target=dropped) in engine.controls
    assert engine.last(Generate).prompt == (Message("user", "Question 9?"),)
    engine.deliver()
    assert ahead.stored[0].prompt.id == 9
    assert len(ahead.stored) == 4


def test_a_new_policy_cancels_the_draft_and_writes_on(
    ahead: Ahead, engine: FakeEngine, project: Project
) -> None:
    ahead.queue.begin([author("starter")], 0)
    engine.deliver(2)
    first = engine.last(Generate).id
    ahead.queue.stand_by()
    assert ahead.queue.draft is None
    ahead.queue.begin([author("/runs/otter")], 0)
    assert Cancel(target=first) in engine.controls
    engine.deliver()
    assert {request.policy for request in engine.requests[1:]} == {"/runs/otter"}
    assert {comparison.left.model for comparison in ahead.stored} == {"/runs/otter"}


def test_what_the_old_policy_finished_while_it_was_replaced_is_not_announced(
    ahead: Ahead, engine: FakeEngine, store: DirectStore
) -> None:
    ahead.queue.begin([author("starter")], 3)
    store.hold()
    engine.deliver()
    ahead.queue.stand_by()
    ahead.queue.begin([author("/runs/otter")], 0)
    store.release()
    assert ahead.stored == []
    assert engine.last(Generate).policy == "/runs/otter"


def test_a_death_of_the_engine_has_the_same_prompt_written_again(
    engine: FakeEngine, store: DirectStore
) -> None:
    ahead = Ahead(engine, store, target=1)
    ahead.queue.begin([author("starter")], 0)
    engine.deliver(2)
    engine.die()
    first, second = (request for request in engine.requests if isinstance(request, Generate))
    assert first.prompt == second.prompt
    assert first.id != second.id
    engine.deliver()
    assert len(ahead.stored) == 1


def test_other_failures_go_on_with_the_next_prompt_and_stop_at_the_third(
    store: DirectStore,
) -> None:
    engine = FakeEngine()
    ahead = Ahead(engine, store)
    ahead.queue.begin([author("starter")], 0)
    for number in range(3):
        assert ahead.queue.trouble is None
        sentence = f"Too long, number {number}."
        engine.fail(engine.last(Generate).id, code="bad_input", message=sentence)
    assert ahead.queue.trouble is not None
    assert ahead.queue.trouble.sentence == "Too long, number 2."
    asked = [request.prompt[-1].content for request in engine.requests if isinstance(request, Generate)]
    assert asked == ["Question 1?", "Question 2?", "Question 3?"]
    assert engine.open == []
    engine.auto_generate(["a", "b"])
    ahead.queue.go_on()
    engine.deliver()
    assert ahead.queue.trouble is None
    assert len(ahead.stored) == 4


def test_a_success_between_failures_starts_the_count_anew(store: DirectStore) -> None:
    engine = FakeEngine()
    ahead = Ahead(engine, store, target=10)
    ahead.queue.begin([author("starter")], 0)
    for fails in (True, True, False, True, True):
        request = engine.last(Generate)
        if fails:
            engine.fail(request.id, code="bad_input", message="No.")
        else:
            for index in (0, 1):
                engine.emit(_done(request.id, index))
            engine.finish(request.id)
    assert ahead.queue.trouble is None
    assert len(ahead.stored) == 1


@pytest.mark.parametrize("code", ["not_fetched", "model_unusable", "fetch_failed"])
def test_without_a_usable_model_it_stops_at_once(store: DirectStore, code: str) -> None:
    engine = FakeEngine()
    ahead = Ahead(engine, store)
    ahead.queue.begin([author("starter")], 0)
    engine.fail(engine.last(Generate).id, code=code, message="There is no such model.")
    assert ahead.queue.trouble is not None
    assert ahead.queue.trouble.code == code
    assert len(engine.requests) == 1


def test_a_request_that_ends_without_both_responses_is_a_failure(store: DirectStore) -> None:
    engine = FakeEngine()
    ahead = Ahead(engine, store)
    ahead.queue.begin([author("starter")], 0)
    for _ in range(3):
        request = engine.last(Generate).id
        engine.emit(_done(request, 0))
        engine.finish(request)
    assert ahead.queue.trouble is not None
    assert ahead.stored == []


def test_the_only_prompt_failing_is_told_as_trouble_not_as_no_prompts(
    empty_project: Project,
) -> None:
    add_prompts(empty_project, 1)
    engine = FakeEngine()
    ahead = Ahead(engine, DirectStore(empty_project))
    ahead.queue.begin([author("starter")], 0)
    engine.fail(engine.last(Generate).id, code="bad_input", message="That prompt cannot be used.")
    assert ahead.queue.trouble is not None
    assert ahead.queue.trouble.sentence == "That prompt cannot be used."
    assert not ahead.queue.no_prompts


def test_without_prompts_it_says_so_and_goes_on_when_there_is_one(
    empty_project: Project, engine: FakeEngine
) -> None:
    ahead = Ahead(engine, DirectStore(empty_project))
    ahead.queue.begin([author("starter")], 0)
    assert ahead.queue.no_prompts
    assert ahead.changes > 0
    assert engine.requests == []
    add_prompts(empty_project, 1)
    ahead.queue.put_first(prompts.get(empty_project, 1))
    assert not ahead.queue.no_prompts
    engine.deliver()
    assert len(ahead.stored) == 4, "one prompt may have several comparisons"


def test_a_hold_cancels_and_going_on_writes_again(ahead: Ahead, engine: FakeEngine) -> None:
    ahead.queue.begin([author("starter")], 0)
    engine.deliver(3)
    ahead.queue.hold()
    assert ahead.queue.draft is None
    engine.deliver()
    assert ahead.stored == []
    assert engine.open == []
    ahead.queue.go_on()
    engine.deliver()
    assert len(ahead.stored) == 4


def test_a_full_disk_stops_it_with_the_stores_sentence(
    ahead: Ahead, engine: FakeEngine, store: DirectStore
) -> None:
    ahead.queue.begin([author("starter")], 0)
    store.fail_next(StoreFull("The disk is full."))
    engine.deliver()
    assert ahead.queue.trouble is not None
    assert ahead.queue.trouble.sentence == "The disk is full."
    assert ahead.queue.draft is None
    assert ahead.stored == []
    ahead.queue.go_on()
    engine.deliver()
    assert len(ahead.stored) == 4


def test_while_it_stands_by_nothing_is_written(ahead: Ahead, engine: FakeEngine) -> None:
    ahead.queue.begin([author("starter")], 0)
    engine.deliver(2)
    ahead.queue.stand_by()
    ahead.queue.set_waiting(0)
    engine.deliver()
    assert ahead.stored == []
    assert len(engine.requests) == 1


# --- several prompts in one batch ---


@pytest.fixture
def unhurried(store: DirectStore) -> tuple[FakeEngine, Ahead]:
    """Someone has a comparison in front of them, and none waits after it; the engine is played by hand."""
    engine = FakeEngine()
    ahead = Ahead(engine, store)
    ahead.someone_waits = False
    ahead.queue.begin([author("starter")], 0)
    return engine, ahead


def _batch_done(engine: FakeEngine, place: int) -> None:
    for index in (0, 1):
        engine.emit(_done(engine.last(GenerateMany).id, 2 * place + index))


def test_when_nobody_waits_all_that_is_wanted_is_written_in_one_batch(
    ahead: Ahead, engine: FakeEngine
) -> None:
    ahead.someone_waits = False
    ahead.queue.begin([author("starter")], 0)
    (request,) = engine.requests
    assert isinstance(request, GenerateMany)
    assert _asked(request) == [f"Question {number}?" for number in (1, 2, 3, 4)]
    assert len({asked.seed for asked in request.prompts}) == 4
    assert (request.n, request.sampling, request.policy) == (2, SAMPLING, "starter")
    engine.deliver()
    assert [one.prompt.id for one in ahead.stored] == [1, 2, 3, 4]
    for comparison, asked in zip(ahead.stored, request.prompts, strict=True):
        seeds = {comparison.left.seed, comparison.right.seed}
        assert seeds == {asked.seed, asked.seed + 1}
    assert engine.open == []
    assert len(engine.requests) == 1


def test_one_who_waits_is_served_alone_and_first(ahead: Ahead, engine: FakeEngine) -> None:
    ahead.queue.begin([author("starter")], 0)
    assert isinstance(engine.requests[0], Generate)
    ahead.someone_waits = False  # as soon as the first one is there
    engine.deliver()
    assert [type(request) for request in engine.requests] == [Generate, GenerateMany]
    assert len(ahead.stored) == FEWEST


def test_each_of_a_batch_is_kept_as_soon_as_it_is_done(unhurried: tuple[FakeEngine, Ahead]) -> None:
    engine, ahead = unhurried
    request = engine.last(GenerateMany).id
    engine.emit(TextDelta(request=request, index=5, text="of the third"))
    _batch_done(engine, 1)
    assert [one.prompt.id for one in ahead.stored] == [2]
    assert ahead.queue.draft is not None
    assert ahead.queue.draft.prompt.id == 1, "what someone who begins to wait would see"
    engine.emit(_done(request, 0))
    assert len(ahead.stored) == 1, "one of two is half a comparison"
    engine.emit(_done(request, 1))
    assert [one.prompt.id for one in ahead.stored] == [2, 1]
    assert ahead.queue.draft.texts == ["", "of the third"]
    assert len(engine.requests) == 1, "one request at a time"


@pytest.mark.parametrize("how", ["cancel", "crash"])
def test_a_batch_that_ends_early_loses_only_what_is_unfinished(
    unhurried: tuple[FakeEngine, Ahead], project: Project, how: str
) -> None:
    engine, ahead = unhurried
    request = engine.last(GenerateMany).id
    _batch_done(engine, 0)
    engine.emit(_done(request, 2))
    if how == "cancel":
        ahead.queue.hold()
        assert Cancel(target=request) in engine.controls
        engine.fail(request, code="cancelled", message="Cancelled.")
        assert ahead.queue.trouble is None
    else:
        engine.die()
    rows = project.db.execute("SELECT prompt_id FROM comparisons").fetchall()
    assert rows == [(1,)]
    (candidates,) = project.db.execute("SELECT count(*) FROM candidates").fetchone()
    assert candidates == 2, "nothing half-written"
    engine.auto_generate(["a", "b"])
    ahead.queue.go_on()
    if how == "crash":
        assert isinstance(engine.requests[-1], Generate), "after a failure one at a time"
        _finish_by_hand(engine)
    engine.deliver()
    assert len(ahead.stored) >= FEWEST
    assert {1, 2, 3, 4} <= {one.prompt.id for one in ahead.stored}


def test_a_prompt_that_a_batch_left_out_is_asked_for_alone(unhurried: tuple[FakeEngine, Ahead]) -> None:
    engine, ahead = unhurried
    for place in (0, 2, 3):
        _batch_done(engine, place)
    engine.finish(engine.last(GenerateMany).id)
    alone = engine.last(Generate)
    assert alone.prompt[-1].content == "Question 2?"
    assert ahead.queue.trouble is None
    engine.fail(alone.id, code="bad_input", message="The template refuses it.")
    asked = [one for request in engine.requests[2:] for one in _asked(request)]
    assert "Question 2?" not in asked, "it is not tried again by itself"


def test_a_batch_that_cannot_be_kept_stops_with_the_stores_sentence(
    unhurried: tuple[FakeEngine, Ahead], store: DirectStore
) -> None:
    engine, ahead = unhurried
    store.fail_next(StoreFull("The disk is full."))
    _batch_done(engine, 0)
    assert ahead.queue.trouble is not None
    _batch_done(engine, 1)
    engine.finish(engine.last(GenerateMany).id)
    assert [one.prompt.id for one in ahead.stored] == [2]
    assert engine.open == []


def _asked(request: object) -> list[str]:
    if isinstance(request, GenerateMany):
        return [one.prompt[-1].content for one in request.prompts]
    assert isinstance(request, Generate)
    return [request.prompt[-1].content]


def _finish_by_hand(engine: FakeEngine) -> None:
    request = engine.last(Generate).id
    for index in (0, 1):
        engine.emit(_done(request, index))
    engine.finish(request)


def _done(request: str, index: int) -> CandidateDone:
    return CandidateDone(
        request=request,
        index=index,
        text=f"text {index}",
        tokens=2,
        seed=index,
        finish_reason="end",
        seconds=0.1,
        fingerprint="f" * 64,
    )
