"""A verdict while the text streams: what is there is kept, the rest dropped, both or neither on the disk."""

import random

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store.collecting import comparisons, verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.records import Choice
from dpo_engine.events import CandidateDone, ModelLoaded, RequestStarted, TextDelta
from dpo_engine.requests import Cancel, Generate, GenerateMany
from tests.app.annotate.scenes import Clock, begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


@pytest.fixture
def streaming(presenter: AnnotatePresenter, engine: FakeEngine) -> AnnotatePresenter:
    """Both texts have begun: `first` and `second`."""
    presenter.start()
    engine.deliver(3)
    draft = presenter.state.draft
    assert draft is not None
    assert draft.texts == ["first", "second"]
    assert presenter.state.can_judge_draft
    return presenter


def kept(project: Project) -> list[tuple[str, str]]:
    return [
        tuple(row)
        for row in project.db.execute("SELECT text, finish_reason FROM candidates ORDER BY id").fetchall()
    ]


@pytest.mark.parametrize("choice", ["left", "right"])
def test_what_is_there_is_kept_with_the_verdict_and_said_to_be_cut(
    streaming: AnnotatePresenter, engine: FakeEngine, project: Project, choice: Choice
) -> None:
    draft = streaming.state.draft
    assert draft is not None
    wanted = draft.text_on(0 if choice == "left" else 1)
    request = engine.last(Generate)
    streaming.give(choice, 2)
    assert Cancel(target=request.id) in engine.controls
    assert sorted(kept(project)) == [("first", "cut"), ("second", "cut")]
    (pair,) = verdicts.training_pairs(project)
    assert (pair.chosen, pair.strength) == (wanted, 2)
    notice = streaming.state.notice
    assert notice is not None
    assert (notice.kind, notice.choice) == ("saved", choice)
    engine.deliver()
    assert streaming.state.phase == "ready"
    assert shown_id(streaming) != pair.id


def test_a_side_that_has_not_begun_is_nothing_to_judge(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    presenter.start()
    engine.deliver(2)
    assert not presenter.state.can_judge_draft
    presenter.give("both_bad")
    assert kept(project) == []
    engine.deliver(1)
    assert presenter.state.can_judge_draft


def test_the_side_that_was_finished_is_not_said_to_be_cut(
    starter: object, project: Project, clock: Clock
) -> None:
    engine = FakeEngine()
    presenter = new_presenter(engine, DirectStore(project), clock)
    presenter.start()
    request = engine.last(Generate)
    for event in (
        RequestStarted(request=request.id),
        ModelLoaded(
            request=request.id,
            model="starter",
            fingerprint="a" * 64,
            parameters=1,
            device="cpu",
            dtype="float32",
        ),
        TextDelta(request=request.id, index=1, text="half of"),
        CandidateDone(
            request=request.id,
            index=0,
            text="whole",
            tokens=1,
            seed=request.seed,
            finish_reason="end",
            seconds=0.1,
            fingerprint="a" * 64,
        ),
    ):
        engine.emit(event)
    clock.now += 2.5
    presenter.give("tie")
    assert sorted(kept(project)) == [("half of", "cut"), ("whole", "end")]
    rows = project.db.execute("SELECT DISTINCT fingerprint FROM candidates").fetchall()
    assert rows == [("a" * 64,)]
    (verdict,) = verdicts.history(project, 1)
    assert verdict.seconds == 2.5, "from both having begun"


def test_it_can_be_undone_and_judged_again_as_it_was(
    streaming: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    streaming.give("left")
    engine.deliver()
    streaming.undo()
    shown = streaming.state.comparison
    assert shown is not None
    assert {shown.left.text, shown.right.text} == {"first", "second"}
    streaming.give("right")
    assert verdicts.counts(project).preferences == 1


def test_a_failed_save_keeps_the_texts_on_the_screen_and_nothing_on_the_disk(
    starter: object, project: Project
) -> None:
    engine, store = FakeEngine(), DirectStore(project)
    engine.auto_generate(["first text", "second text"])
    presenter = new_presenter(engine, store)
    presenter.start()
    engine.deliver(3)
    store.fail_next(StoreFull("The disk is full."))
    presenter.give("left")
    engine.deliver()
    state = presenter.state
    assert state.problem is not None
    assert state.problem.can_retry
    assert state.draft is not None
    assert state.draft.texts == ["first", "second"]
    assert kept(project) == []
    presenter.try_again()
    assert presenter.state.problem is None
    assert len(kept(project)) == 2
    engine.deliver()
    assert presenter.state.phase == "ready"


def test_after_a_failed_save_another_verdict_counts(
    streaming: AnnotatePresenter, engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    store.fail_next(StoreFull("The disk is full."))
    streaming.give("left")
    streaming.dismiss_problem()
    streaming.give("tie")
    assert [verdict.choice for verdict in verdicts.history(project, 1)] == ["tie"]


def test_half_of_it_is_never_kept(
    streaming: AnnotatePresenter, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_args: object, **_kwargs: object) -> None:
        raise StoreFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(verdicts, "give_verdict", dies)
        streaming.give("left")
    assert kept(project) == []
    assert project.db.table("comparisons").count == 0
    streaming.try_again()
    assert len(kept(project)) == 2
    assert project.db.table("verdicts").count == 1


def test_a_batch_goes_on_without_the_one_that_was_judged(
    starter: object, project: Project, clock: Clock
) -> None:
    engine = FakeEngine()
    presenter = new_presenter(engine, DirectStore(project), clock)
    presenter.start()
    _answer(engine, engine.last(Generate))
    batch = engine.last(GenerateMany)
    presenter.give("left")
    assert presenter.state.phase == "writing"
    for index in (0, 1):
        engine.emit(TextDelta(request=batch.id, index=index, text="some"))
    presenter.give("right")
    assert Cancel(target=batch.id) not in engine.controls
    for index in range(2 * len(batch.prompts)):
        engine.emit(_done(batch.id, index))
    engine.finish(batch.id)
    assert [row for row in kept(project) if row[1] == "cut"] == [("some", "cut")] * 2
    assert len(kept(project)) == 2 + 2 * len(batch.prompts), "none twice"
    assert presenter.state.phase == "ready"


def test_a_skip_while_streaming_comes_back_later(
    streaming: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    streaming.give("skip")
    engine.deliver()
    assert shown_id(streaming) != 1
    assert comparisons.get(project, 1).state == "waiting"


def test_verdicts_at_any_moment_of_the_writing_are_what_was_on_the_screen(
    starter: object, project: Project
) -> None:
    """Judge after a random number of events, again and again: the chosen text is the one that stood there."""
    draw = random.Random(3)
    engine = FakeEngine()
    engine.auto_generate(["a b c d e", "v w x y z"])
    presenter = begun(new_presenter(engine, DirectStore(project)), engine)
    presenter.set_repeats(0)
    for _ in range(25):
        engine.deliver(draw.randrange(6))
        state, choice = presenter.state, draw.choice(("left", "right"))
        shown, draft = state.comparison, state.draft
        if shown is not None:
            sides = (shown.left.text, shown.right.text)
        elif draft is not None and state.can_judge_draft:
            sides = (draft.text_on(0), draft.text_on(1))
        else:
            continue
        before = len(verdicts.training_pairs(project))
        presenter.give(choice)
        pairs = {pair.id: pair for pair in verdicts.training_pairs(project)}
        assert len(pairs) == before + 1
        last = presenter.state.last
        assert last is not None
        pair = pairs[f"comparison-{last.comparison.id}"]
        assert (pair.chosen, pair.rejected) == (sides if choice == "left" else sides[::-1])


def _answer(engine: FakeEngine, request: Generate) -> None:
    for index in (0, 1):
        engine.emit(_done(request.id, index))
    engine.finish(request.id)


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
