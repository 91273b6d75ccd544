"""What waits is scored in the background, so that what the policy is least sure of can come first."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.annotate.margins import FEWEST, MOST
from app.annotate.presenter import AnnotatePresenter
from app.store import settings
from app.store.collecting import comparisons, ordering
from app.store.errors import StoreFull
from app.store.handle import Project
from app.store.training import runs
from dpo_engine.events import PairsScored, TrainingStarted
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import read_pairs
from dpo_engine.requests import Cancel, Generate, Score, Train
from tests.app.annotate.scenes import Clock, add_comparison, begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


def scored(pair: str, margin: float) -> PairScore:
    """Log-ratio `margin` for left, 0 for right."""
    return PairScore(
        pair=pair,
        split="train",
        policy_chosen_logp=-10.0 + margin,
        policy_rejected_logp=-12.0,
        reference_chosen_logp=-10.0,
        reference_rejected_logp=-12.0,
        chosen_tokens=3,
        rejected_tokens=3,
        truncated=False,
    )


@pytest.fixture(autouse=True)
def handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where texts lie while the engine reads them."""
    folder = tmp_path / "handed-over"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def trained(project: Project) -> Project:
    """The policy is the result of a run from the starter model; six comparisons of it wait."""
    folder = project.path.parent / "demo.runs" / "otter"
    folder.mkdir(parents=True)
    runs.add_run(
        project,
        folder,
        policy="starter",
        method="lora",
        beta=0.1,
        config={},
        total_steps=4,
        train_pairs=8,
        held_out_pairs=0,
    )
    settings.set_setting(project, "policy", str(folder))
    for number in range(6):
        add_comparison(project, f"left {number}", f"right {number}", prompt=f"P{number}", model=str(folder))
    return project


@pytest.fixture
def asked(trained: Project) -> Iterator[tuple[AnnotatePresenter, FakeEngine]]:
    """Ordered by margin, with the first Score under way."""
    engine = FakeEngine()
    engine.auto_generate(["one", "two"])
    presenter = begun(new_presenter(engine, DirectStore(trained)), engine)
    presenter.set_order("margin", 0.0)
    yield presenter, engine
    presenter.close()


def answer(engine: FakeEngine, margins: dict[int, float]) -> None:
    request = engine.last(Score)
    pairs = [int(pair.id) for pair in read_pairs(request.pairs).pairs]
    rows = tuple(scored(str(pair), margins[pair]) for pair in pairs if pair in margins)
    engine.emit(PairsScored(request=request.id, scores=rows))
    engine.finish(request.id)


def test_what_waits_is_scored_against_what_the_policy_was_trained_from(
    asked: tuple[AnnotatePresenter, FakeEngine], trained: Project
) -> None:
    presenter, engine = asked
    request = engine.last(Score)
    assert request.policy == presenter.state.policy
    assert request.reference == "starter"
    pairs = read_pairs(request.pairs, strict=True).pairs
    assert shown_id(presenter) not in {int(pair.id) for pair in pairs}
    for pair in pairs:
        kept = comparisons.get(trained, int(pair.id))
        assert (pair.prompt, pair.chosen, pair.rejected) == (
            kept.prompt.messages,
            kept.left.text,
            kept.right.text,
        )


def test_the_least_sure_come_first_and_what_is_written_later_is_scored_too(
    asked: tuple[AnnotatePresenter, FakeEngine], trained: Project
) -> None:
    presenter, engine = asked
    first = shown_id(presenter)
    ids = [int(pair.id) for pair in read_pairs(engine.last(Score).pairs).pairs]
    margins = {one: 5.0 + place for place, one in enumerate(ids)} | {ids[3]: -0.5, ids[1]: 2.0}
    answer(engine, margins)
    assert comparisons.get(trained, ids[3]).margin == pytest.approx(-0.5)
    order = []
    for _ in range(3):
        presenter.give("left")
        order.append(shown_id(presenter))
    assert order == [ids[3], ids[1], ids[0]]
    assert first not in order
    later = {int(pair.id) for pair in read_pairs(engine.last(Score).pairs).pairs}
    assert later
    assert not later & set(ids)
    answer(engine, dict.fromkeys(later, 0.01))
    presenter.give("left")
    assert shown_id(presenter) in later


def test_nothing_is_scored_unless_that_order_was_chosen(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    begun(presenter, engine)
    presenter.set_order("newest", 0.2)
    assert not any(isinstance(request, Score) for request in engine.requests)


def test_writing_comes_before_scoring(trained: Project) -> None:
    engine = FakeEngine()
    presenter = new_presenter(engine, DirectStore(trained))
    presenter.start()
    presenter.add_prompt("Mine")
    assert isinstance(engine.requests[-1], Generate)
    presenter.set_order("margin", 0.0)
    assert not any(isinstance(request, Score) for request in engine.requests)
    engine.die()
    engine.auto_generate(["one", "two"])
    presenter.try_again()
    engine.deliver()
    assert isinstance(engine.requests[-1], Score)


def test_nothing_is_scored_during_a_training_and_it_goes_on_after_it(trained: Project) -> None:
    engine = FakeEngine()
    engine.auto_generate(["one", "two"])
    presenter = begun(new_presenter(engine, DirectStore(trained)), engine)
    engine.submit(Train(id="train", run="/runs/x"), lambda _event: None)
    engine.emit(
        TrainingStarted(
            request="train",
            run="/runs/x",
            first_step=0,
            total_steps=2,
            train_pairs=2,
            held_out_pairs=0,
            learning_rate=1e-4,
            device="cpu",
            dtype="float32",
            trainable_parameters=1,
        )
    )
    presenter.set_order("margin", 0.0)
    assert not any(isinstance(request, Score) for request in engine.requests)
    engine.finish("train")
    assert isinstance(engine.requests[-1], Score)


def test_another_policy_ends_the_scoring_and_its_late_answer_is_not_kept(
    asked: tuple[AnnotatePresenter, FakeEngine], trained: Project
) -> None:
    presenter, engine = asked
    old = engine.last(Score)
    presenter.set_policy("/somewhere/else")
    assert Cancel(target=old.id) in engine.controls
    engine.emit(PairsScored(request=old.id, scores=(scored("2", 1.0),)))
    engine.finish(old.id)
    assert comparisons.get(trained, 2).margin is None


def test_a_policy_that_was_never_trained_has_nothing_to_order_by(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    begun(presenter, engine)
    presenter.set_order("margin", 0.1)
    assert not any(isinstance(request, Score) for request in engine.requests)
    assert presenter.state.margins.startswith("This policy is not trained yet")
    presenter.give("left")
    assert presenter.state.phase == "ready"
    presenter.set_order("oldest", 0.0)
    assert presenter.state.margins == ""


def test_what_the_engine_leaves_out_is_not_asked_for_again(
    asked: tuple[AnnotatePresenter, FakeEngine], trained: Project
) -> None:
    presenter, engine = asked
    ids = [int(pair.id) for pair in read_pairs(engine.last(Score).pairs).pairs]
    answer(engine, dict.fromkeys(ids[1:], 1.0))
    policy = presenter.state.policy
    assert comparisons.get(trained, ids[0]).margin is None
    assert ids[0] not in ordering.to_score(trained, policy, 100)


@pytest.mark.parametrize(
    ("seconds", "largest"), [(2.0, FEWEST), (0.7, FEWEST), (0.1, MOST)], ids=["slow", "in time", "fast"]
)
def test_as_many_are_scored_at_a_time_as_one_who_waits_would_not_notice(
    trained: Project, handed_over: Path, seconds: float, largest: int
) -> None:
    policy = str(settings.get_setting(trained, "policy"))
    for number in range(3 * MOST):
        add_comparison(trained, f"l {number}", f"r {number}", prompt=f"Q{number}", model=policy)
    engine = FakeEngine()
    engine.auto_generate(["one", "two"])
    sizes: list[int] = []
    clock = Clock()

    def score(request: Score) -> list[PairScore]:
        pairs = read_pairs(request.pairs).pairs
        sizes.append(len(pairs))
        clock.now += seconds
        return [scored(pair.id, 1.0) for pair in pairs]

    engine.auto_score(score)
    presenter = begun(new_presenter(engine, DirectStore(trained), clock), engine)
    presenter.set_order("margin", 0.0)
    engine.deliver()
    assert max(sizes) == largest
    assert list(handed_over.iterdir()) == []
    assert ordering.to_score(trained, policy, 1000) == []


@pytest.mark.parametrize("code", ["out_of_memory", "engine_died"])
def test_failures_are_tried_again_with_the_next_verdict_and_given_up_at_the_third(
    asked: tuple[AnnotatePresenter, FakeEngine], code: str
) -> None:
    presenter, engine = asked
    for number in range(3):
        requests = [request for request in engine.requests if isinstance(request, Score)]
        assert len(requests) == number + 1
        engine.fail(requests[-1].id, code=code, message="There is too little memory.")
        presenter.give("left")
        engine.deliver()
    assert sum(isinstance(request, Score) for request in engine.requests) == 3
    assert presenter.state.margins == "There is too little memory."


def test_margins_that_cannot_be_kept_are_told(trained: Project) -> None:
    engine, store = FakeEngine(), DirectStore(trained)
    engine.auto_generate(["one", "two"])
    presenter = begun(new_presenter(engine, store), engine)
    presenter.set_order("margin", 0.0)
    store.fail_next(StoreFull("The disk is full."))
    answer(engine, {})
    assert presenter.state.margins == "The disk is full."


def test_the_handed_over_texts_are_gone_when_the_page_is_closed(
    asked: tuple[AnnotatePresenter, FakeEngine],
) -> None:
    presenter, engine = asked
    request = engine.last(Score)
    assert json.loads(Path(request.pairs).read_text().splitlines()[0])["id"]
    presenter.close()
    assert not Path(request.pairs).exists()
    assert Cancel(target=request.id) in engine.controls
