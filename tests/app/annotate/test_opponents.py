"""Comparisons of two different authors: one response from each, and nothing that tells which is which."""

from pathlib import Path

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.annotate.state import Opponent
from app.store.collecting import comparisons
from app.store.handle import Project
from dpo_engine.config import SamplingConfig
from dpo_engine.requests import Cancel, FetchModel, Generate, GenerateMany
from tests.app.annotate.scenes import begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

OTTER = Opponent(policy="/runs/otter", sampling=SamplingConfig(temperature=0.3))
HOTTER = Opponent(policy="starter", sampling=SamplingConfig(temperature=1.5))


def by(model: str, sampling: dict[str, float | int], project: Project) -> set[int]:
    """Comparisons in which this author has exactly one side."""
    found = set()
    for (number,) in project.db.execute("SELECT id FROM comparisons").fetchall():
        kept = comparisons.get(project, number)
        sides = [
            side.model == model and side.sampling["temperature"] == sampling["temperature"]
            for side in (kept.left, kept.right)
        ]
        if sum(sides) == 1:
            found.add(number)
    return found


@pytest.mark.parametrize("opponent", [OTTER, HOTTER], ids=["another model", "other sampling"])
def test_each_comparison_has_one_response_of_each(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project, opponent: Opponent
) -> None:
    begun(presenter, engine)
    presenter.set_opponent(opponent)
    assert presenter.state.opponent == opponent
    engine.deliver()
    before = project.db.table("comparisons").count
    for _ in range(8):
        presenter.give("left")
        engine.deliver()
    (after,) = project.db.execute("SELECT max(id) FROM comparisons").fetchone()
    fresh = set(range(before + 1, after + 1))
    assert fresh
    assert fresh <= by(opponent.policy, {"temperature": opponent.sampling.temperature}, project)
    both = [request for request in engine.requests if isinstance(request, (Generate, GenerateMany))]
    assert {request.n for request in both[2:]} == {1}


def test_sides_and_who_streams_first_are_drawn_at_random(starter: Path, project: Project) -> None:
    engine = FakeEngine()
    engine.auto_generate(["some text"])
    presenter = new_presenter(engine, DirectStore(project), seed=4)
    presenter.set_opponent(OTTER)
    begun(presenter, engine)
    presenter.set_opponent(None)
    presenter.set_opponent(OTTER)
    lefts, firsts = set(), set()
    for _ in range(12):
        shown = presenter.state.comparison
        assert shown is not None
        lefts.add(shown.left.model)
        presenter.write_again()
        request = engine.last(Generate)
        firsts.add(request.policy)
        engine.deliver()
    assert lefts == firsts == {"starter", "/runs/otter"}


def test_it_is_kept_over_a_restart_and_given_up_again(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    presenter.set_opponent(OTTER)
    engine.deliver()
    later = new_presenter(FakeEngine(), DirectStore(project))
    later.start()
    assert later.state.opponent == OTTER
    presenter.set_opponent(None)
    assert presenter.state.opponent is None
    last = new_presenter(FakeEngine(), DirectStore(project))
    last.start()
    assert last.state.opponent is None


def test_without_the_opponent_what_it_wrote_leaves_the_queue(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    presenter.set_opponent(OTTER)
    begun(presenter, engine)
    presenter.set_opponent(OTTER)
    engine.deliver()
    on_screen = shown_id(presenter)
    presenter.set_opponent(None)
    engine.deliver()
    assert shown_id(presenter) == on_screen
    rows = project.db.execute(
        """
        SELECT DISTINCT model FROM comparisons JOIN candidates ON candidates.id IN (left_id, right_id)
        WHERE state = 'waiting'
        """
    ).fetchall()
    assert rows == [("starter",)]


def test_one_side_is_written_again_by_the_one_who_wrote_it(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    begun(presenter, engine)
    presenter.set_opponent(OTTER)
    engine.deliver()
    presenter.write_again()
    engine.deliver()
    old = presenter.state.comparison
    assert old is not None
    presenter.write_again("left")
    assert engine.last(Generate).policy == old.left.model
    engine.deliver()
    new = presenter.state.comparison
    assert new is not None
    assert (new.left.model, new.right.model) == (old.left.model, old.right.model)


def test_a_side_of_a_response_that_no_author_wrote_is_written_by_the_policy(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    with project.db.conn as db:
        db.execute("UPDATE candidates SET model = 'imported', fingerprint = ''")
    presenter.refresh()
    presenter.write_again("right")
    assert engine.last(Generate).policy == "starter"


def test_a_failure_between_the_two_leaves_nothing_half_written(starter: Path, project: Project) -> None:
    engine = FakeEngine()
    presenter = new_presenter(engine, DirectStore(project))
    presenter.start()
    presenter.set_opponent(OTTER)
    engine.auto_generate(["a text"])
    for first in engine.open:
        engine.die()
        assert first not in engine.open
    engine.deliver()
    assert presenter.state.phase == "ready"
    rows = project.db.execute(
        "SELECT count(*), count(DISTINCT candidates.id) FROM comparisons "
        "JOIN candidates ON candidates.id IN (left_id, right_id)"
    ).fetchone()
    candidates = project.db.table("candidates").count
    assert rows == (candidates, candidates)
    assert candidates == 2 * project.db.table("comparisons").count


def test_an_opponent_that_cannot_be_used_is_told_with_the_engines_sentence(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    begun(presenter, engine)
    engine.script(Generate, lambda _request: ())
    engine.script(GenerateMany, lambda _request: ())
    presenter.set_opponent(OTTER)
    for _ in range(8):
        if presenter.state.writing_stopped:
            break
        for request in list(engine.open):
            engine.fail(request, code="model_unusable", message="There is no model in /runs/otter.")
        presenter.give("left")
    assert presenter.state.message == "There is no model in /runs/otter."
    engine.auto_generate(["one", "two"])
    presenter.set_opponent(None)
    engine.deliver()
    assert presenter.state.phase == "ready"


def test_an_opponent_of_the_catalogue_is_fetched_as_the_policy_is(project: Project) -> None:
    engine = FakeEngine()
    presenter = new_presenter(engine, DirectStore(project))
    presenter.set_policy("/runs/otter")
    presenter.start()
    assert not any(isinstance(request, FetchModel) for request in engine.requests)
    presenter.set_opponent(Opponent(policy="starter", sampling=SamplingConfig()))
    fetch = engine.last(FetchModel)
    assert fetch.model == "starter"
    assert presenter.state.phase == "fetching"
    presenter.set_opponent(None)
    assert Cancel(target=fetch.id) in engine.controls
    assert presenter.state.phase == "writing"


def test_nothing_that_the_page_is_given_names_an_author_by_side_before_the_verdict(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    """The records hold it, since the verdict needs it; no text that is made to be shown does."""
    begun(presenter, engine)
    presenter.set_opponent(OTTER)
    engine.deliver()
    presenter.write_again()
    engine.deliver()
    state = presenter.state
    shown_words = (state.message, state.stage, state.writing_stopped, state.margins)
    assert not any("otter" in words for words in shown_words)
    notice = state.notice
    assert notice is not None
    assert "otter" not in notice.text
