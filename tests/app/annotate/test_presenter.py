"""The state machine behind the page, with a real project and a played engine: opening, writing, policies."""

import json
from pathlib import Path

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store import settings
from app.store.collecting import comparisons, prompts, verdicts
from app.store.errors import StoreFull
from app.store.handle import Project
from dpo_engine.config import SamplingConfig
from dpo_engine.preferences import Message
from dpo_engine.requests import Cancel, Generate, GenerateMany
from tests.app.annotate.scenes import add_comparison, begun, new_presenter, shown_id
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

# --- from the start to the first comparison -----------------------------------------------------------


def test_the_first_comparison_streams_in_and_can_then_be_judged(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    assert presenter.state.phase == "opening"
    presenter.start()
    assert presenter.state.phase == "writing"
    engine.deliver(2)
    draft = presenter.state.draft
    assert draft is not None
    assert draft.texts == ["first", ""]
    assert presenter.state.comparison is None
    engine.deliver()
    state = presenter.state
    assert state.phase == "ready"
    assert state.comparison is not None
    assert {state.comparison.left.text, state.comparison.right.text} == {"first text", "second text"}
    assert state.waiting == 4


def test_listeners_hear_of_changes_until_they_stop(presenter: AnnotatePresenter, engine: FakeEngine) -> None:
    heard = []
    stop = presenter.subscribe(lambda: heard.append(presenter.state.phase))
    begun(presenter, engine)
    assert {"writing", "ready"} <= set(heard)
    stop()
    heard.clear()
    presenter.give("left")
    assert heard == []


def test_a_project_that_cannot_be_read_says_so_and_can_be_tried_again(
    presenter: AnnotatePresenter, store: DirectStore, engine: FakeEngine
) -> None:
    store.fail_next(StoreFull("The disk is full."))
    presenter.start()
    assert presenter.state.phase == "trouble"
    assert presenter.state.message == "The disk is full."
    presenter.try_again()
    engine.deliver()
    assert presenter.state.phase == "ready"


def test_without_prompts_the_page_is_told(starter: Path, empty_project: Project, engine: FakeEngine) -> None:
    presenter = new_presenter(engine, DirectStore(empty_project))
    presenter.start()
    assert presenter.state.phase == "empty"
    presenter.add_prompt("My first question")
    engine.deliver()
    assert presenter.state.phase == "ready"


# --- writing ---------------------------------------------------------------------------------------------


def test_stopping_ends_the_live_responses_and_waits(presenter: AnnotatePresenter, engine: FakeEngine) -> None:
    presenter.start()
    engine.deliver(3)
    live = engine.last(Generate).id
    presenter.stop_writing()
    assert Cancel(target=live) in engine.controls
    assert presenter.state.phase == "held"
    engine.deliver()
    assert presenter.state.phase == "held"
    presenter.write_again()
    engine.deliver()
    assert presenter.state.phase == "ready"


def test_stopping_with_a_comparison_on_the_screen_does_nothing(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    presenter.start()
    engine.deliver()
    presenter.stop_writing()
    assert presenter.state.phase == "ready"
    assert engine.controls == []


def test_writing_again_makes_a_new_comparison_of_the_same_prompt(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    old = presenter.state.comparison
    assert old is not None
    engine.auto_generate(["third text", "fourth text"])
    presenter.write_again()
    assert presenter.state.comparison is None
    assert engine.last(Generate).prompt == old.prompt.messages
    engine.deliver(4)
    assert presenter.state.comparison is None, "others wait, but this one is what was asked for"
    engine.deliver()
    new = presenter.state.comparison
    assert new is not None
    assert new.prompt.id == old.prompt.id
    assert {new.left.text, new.right.text} == {"third text", "fourth text"}
    assert comparisons.get(project, old.id).state == "retired"
    assert engine.requests[-1] != engine.requests[0]


def test_an_answer_on_its_way_does_not_cut_in_on_what_is_written_again(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    store.hold()
    presenter.give("left")
    store.release(1)
    shown = presenter.state.comparison
    assert shown is not None
    presenter.write_again()
    store.release()
    assert presenter.state.comparison is None
    assert presenter.state.draft is not None
    assert presenter.state.draft.prompt == shown.prompt


def test_stopping_what_is_written_again_shows_what_waits(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    begun(presenter, engine)
    old = shown_id(presenter)
    presenter.write_again()
    engine.deliver(3)
    presenter.stop_writing()
    assert presenter.state.phase == "ready"
    assert shown_id(presenter) != old
    presenter.give("left")
    engine.deliver()
    assert presenter.state.waiting == 4, "a verdict has the queue filled again"


def test_a_typed_prompt_comes_next(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    answers: list[str] = []
    presenter.add_prompt("  What is a fjord? ", " Be brief. ", answers.append)
    engine.deliver()
    assert answers == [""]
    presenter.give("left")
    shown = presenter.state.comparison
    assert shown is not None
    assert shown.prompt.messages == (Message("system", "Be brief."), Message("user", "What is a fjord?"))
    assert shown.prompt.source == prompts.TYPED


def test_a_prompt_that_cannot_be_kept_is_answered_with_the_sentence(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    asked = len(engine.requests)
    answers: list[str] = []
    store.fail_next(StoreFull("The disk is full."))
    presenter.add_prompt("What is a fjord?", "", answers.append)
    presenter.add_prompt("   ", "", answers.append)
    assert answers[0] == "The disk is full."
    assert answers[1].startswith("A prompt needs some text.")
    assert len(engine.requests) == asked


def test_sampling_is_kept_and_used_from_then_on(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    wanted = SamplingConfig(temperature=0.2, top_k=40, max_new_tokens=32)
    presenter.set_sampling(wanted)
    presenter.give("left")
    engine.deliver()
    assert engine.last(Generate).sampling == wanted
    later = begun(new_presenter(FakeEngine(), DirectStore(project)), FakeEngine())
    assert later.state.sampling == wanted


@pytest.mark.parametrize(
    "stored", [{"temperature": 99}, {"temperature": "hot"}, [1], "x", {"unknown": 1, "top_p": -1}]
)
def test_stored_sampling_that_cannot_be_is_the_usual_one(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project, stored: object
) -> None:
    settings.set_setting(project, "sampling", json.loads(json.dumps(stored)))
    begun(presenter, engine)
    assert presenter.state.sampling == SamplingConfig()


def test_trouble_is_told_while_comparisons_wait_and_shown_when_none_does(
    starter: Path, project: Project
) -> None:
    engine = FakeEngine()
    waiting = add_comparison(project, "a", "b")
    presenter = new_presenter(engine, DirectStore(project))
    presenter.start()
    assert shown_id(presenter) == waiting.id
    for kind in (GenerateMany, Generate, Generate):
        assert isinstance(engine.requests[-1], kind), "after a failed batch one prompt at a time"
        engine.fail(engine.requests[-1].id, code="out_of_memory", message="Too little memory.")
    assert presenter.state.phase == "ready"
    assert presenter.state.writing_stopped == "Too little memory."
    presenter.give("left")
    assert presenter.state.phase == "trouble"
    assert presenter.state.message == "Too little memory."
    engine.auto_generate(["c", "d"])
    presenter.try_again()
    engine.deliver()
    assert presenter.state.phase == "ready"


# --- after a crash, and with another policy -----------------------------------------------------------------


def test_what_was_shown_when_the_app_died_comes_first(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    presenter.give("left")
    on_screen = shown_id(presenter)
    later = new_presenter(FakeEngine(), DirectStore(project))  # without any word of farewell
    later.start()
    assert shown_id(later) == on_screen


def test_a_new_policy_retires_what_waits_and_keeps_what_is_shown(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    policies: list[str] = []
    presenter.when_policy_changes(policies.append)
    begun(presenter, engine)
    on_screen = shown_id(presenter)
    presenter.set_policy("/runs/otter")
    assert policies == ["starter", "/runs/otter"]
    assert shown_id(presenter) == on_screen
    assert settings.get_setting(project, "policy") == "/runs/otter"
    engine.deliver()
    presenter.give("left")
    shown = presenter.state.comparison
    assert shown is not None
    assert (shown.left.model, shown.right.model) == ("/runs/otter", "/runs/otter")
    states = [row[0] for row in project.db.execute("SELECT state FROM comparisons ORDER BY id")]
    assert states.count("retired") == 4


def test_an_answer_from_before_the_new_policy_is_not_shown_after_it(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore
) -> None:
    begun(presenter, engine)
    store.hold()
    presenter.give("left")
    store.release(1)  # saved; what comes after the next is still being looked up
    presenter.set_policy("/runs/otter")
    store.release(1)  # there it is, and by the old policy
    presenter.give("left")
    store.release(3)  # what could be undone, the change and the verdict; what comes next is not known yet
    assert presenter.state.comparison is None
    store.release()
    engine.deliver()
    shown = presenter.state.comparison
    assert shown is not None
    assert shown.left.model == "/runs/otter"


def test_the_projects_policy_writes_after_a_restart(
    starter: Path, engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    settings.set_setting(project, "policy", "/runs/otter")
    presenter = begun(new_presenter(engine, store), engine)
    assert engine.last(Generate).policy == "/runs/otter"
    assert presenter.state.policy == "/runs/otter"


def test_a_policy_set_before_the_project_is_read_stays(
    presenter: AnnotatePresenter, engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    store.hold()
    presenter.start()
    presenter.set_policy("/runs/otter")
    store.release()
    engine.deliver()
    assert engine.last(Generate).policy == "/runs/otter"
    assert presenter.state.policy == "/runs/otter"


def test_the_engine_dying_while_a_comparison_is_shown_loses_nothing(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    presenter.start()
    engine.deliver(8)
    while presenter.state.comparison is None:
        engine.deliver(1)
    on_screen = shown_id(presenter)
    engine.deliver(2)
    engine.die()
    assert shown_id(presenter) == on_screen
    presenter.give("right")
    engine.deliver()
    assert presenter.state.phase == "ready"
    assert verdicts.counts(project).preferences == 1


def test_after_close_nothing_is_written_and_nobody_hears(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    heard: list[str] = []
    presenter.subscribe(lambda: heard.append("changed"))
    presenter.start()
    engine.deliver(2)
    heard.clear()
    presenter.close()
    engine.deliver()
    assert heard == []
    assert len(engine.requests) == 1


def test_what_was_stored_and_never_shown_waits_after_a_crash(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    begun(presenter, engine)
    shown, stored = shown_id(presenter), project.db.table("comparisons").count
    later = new_presenter(FakeEngine(), DirectStore(project))  # without any word of farewell
    later.start()
    seen = []
    for _ in range(stored):
        seen.append(shown_id(later))
        later.give("left")
    assert seen[0] == shown
    assert sorted(seen) == list(range(1, stored + 1))
    assert later.state.comparison is None


def test_what_was_half_written_at_a_crash_leaves_no_trace(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    presenter.start()
    engine.deliver(5)
    assert presenter.state.draft is not None
    assert project.db.table("candidates").count == 0
    assert project.db.table("comparisons").count == 0
