"""Several prompts written ahead in one batch, while nobody waits."""

import pytest

from app.annotate.pace import FEWEST
from app.store.errors import StoreFull
from app.store.handle import Project
from dpo_engine.events import TextDelta
from dpo_engine.requests import Cancel, Generate, GenerateMany
from tests.app.annotate.writing_ahead import SAMPLING, Ahead, author, done, finish_by_hand, texts_asked
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


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
        engine.emit(done(engine.last(GenerateMany).id, 2 * place + index))


def test_when_nobody_waits_all_that_is_wanted_is_written_in_one_batch(
    ahead: Ahead, engine: FakeEngine
) -> None:
    ahead.someone_waits = False
    ahead.queue.begin([author("starter")], 0)
    (request,) = engine.requests
    assert isinstance(request, GenerateMany)
    assert texts_asked(request) == [f"Question {number}?" for number in (1, 2, 3, 4)]
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
    engine.emit(done(request, 0))
    assert len(ahead.stored) == 1, "one of two is half a comparison"
    engine.emit(done(request, 1))
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
    engine.emit(done(request, 2))
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
        finish_by_hand(engine)
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
    asked = [one for request in engine.requests[2:] for one in texts_asked(request)]
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
