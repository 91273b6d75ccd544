"""The queue of comparisons that the engine writes ahead."""

import pytest

from app.annotate.pace import FEWEST
from app.store.collecting import comparisons, prompts
from app.store.errors import StoreFull
from app.store.handle import Project
from dpo_engine.events import CandidateRestarted, RequestStarted, TextDelta
from dpo_engine.preferences import Message
from dpo_engine.requests import Cancel, Generate
from tests.app.annotate.scenes import add_prompts
from tests.app.annotate.writing_ahead import SAMPLING, Ahead, author, done
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


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
                engine.emit(done(request.id, index))
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
        engine.emit(done(request, 0))
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
