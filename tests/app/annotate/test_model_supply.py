"""The first run: the model is fetched, or taken from a folder, before anything is written."""

from pathlib import Path

import pytest

from app.annotate.presenter import AnnotatePresenter
from app.store import settings
from app.store.handle import Project
from dpo_engine.catalogue import STARTER
from dpo_engine.events import Progress
from dpo_engine.requests import Cancel, FetchModel, Generate, GenerateMany
from tests.app.annotate.scenes import add_comparison, new_presenter
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

NO_NETWORK = "There is no network. Connect and try again, or use a model folder."


@pytest.fixture
def engine() -> FakeEngine:
    """Answers nothing by itself."""
    return FakeEngine()


@pytest.fixture
def presenter(engine: FakeEngine, store: DirectStore) -> AnnotatePresenter:
    """Started, with no model on the disk."""
    new = new_presenter(engine, store)
    new.start()
    return new


def put_starter_in_place() -> None:
    STARTER.folder.mkdir(parents=True)
    (STARTER.folder / "config.json").write_text("{}")


def asked(engine: FakeEngine) -> list[str]:
    return [type(request).__name__ for request in engine.requests]


def test_a_missing_model_is_fetched_with_progress_and_then_writes(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    assert asked(engine) == ["FetchModel"]
    fetch = engine.last(FetchModel)
    assert fetch.model == "starter"
    assert presenter.state.phase == "fetching"
    engine.emit(Progress(request=fetch.id, stage="Downloading", done=30, total=90, unit="bytes"))
    state = presenter.state
    assert (state.stage, state.done, state.total) == ("Downloading", 30, 90)
    put_starter_in_place()
    engine.finish(fetch.id)
    assert presenter.state.phase == "writing"
    assert engine.last(Generate).policy == "starter"


def test_a_model_that_is_there_is_not_fetched(starter: Path, store: DirectStore, engine: FakeEngine) -> None:
    presenter = new_presenter(engine, store)
    presenter.start()
    assert asked(engine) == ["Generate"]
    assert presenter.state.phase == "writing"


def test_comparisons_that_wait_can_be_judged_while_the_model_is_fetched(
    engine: FakeEngine, project: Project, store: DirectStore
) -> None:
    add_comparison(project, "a", "b")
    presenter = new_presenter(engine, store)
    presenter.start()
    assert presenter.state.phase == "ready"
    presenter.give("left")
    assert presenter.state.phase == "fetching"


def test_without_network_the_sentence_is_shown_and_it_can_be_tried_again(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    engine.fail(engine.last(FetchModel).id, code="fetch_failed", message=NO_NETWORK)
    assert presenter.state.phase == "no_model"
    assert presenter.state.message == NO_NETWORK
    assert asked(engine) == ["FetchModel"]
    presenter.try_again()
    assert presenter.state.phase == "fetching"
    assert presenter.state.message == ""
    assert asked(engine) == ["FetchModel", "FetchModel"]


def test_fetching_can_be_cancelled_and_gone_on_with(presenter: AnnotatePresenter, engine: FakeEngine) -> None:
    fetch = engine.last(FetchModel).id
    presenter.cancel_fetching()
    assert engine.controls == [Cancel(target=fetch)]
    engine.fail(fetch, code="cancelled", message="Cancelled.")
    assert presenter.state.phase == "no_model"
    assert "What was downloaded is kept" in presenter.state.message
    presenter.try_again()
    assert presenter.state.phase == "fetching"


def test_a_folder_that_can_write_becomes_the_policy(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    engine.fail(engine.last(FetchModel).id, code="fetch_failed", message=NO_NETWORK)
    presenter.use_model("/models/mine")
    trial = engine.last(Generate)
    assert (trial.policy, trial.n, trial.sampling.max_new_tokens) == ("/models/mine", 1, 1)
    assert presenter.state.trying
    engine.finish(trial.id)
    assert not presenter.state.trying
    assert presenter.state.phase == "writing"
    assert presenter.state.policy == "/models/mine"
    assert settings.get_setting(project, "policy") == "/models/mine"
    assert engine.last(Generate).n == 2
    assert engine.last(Generate).policy == "/models/mine"


def test_an_unusable_folder_is_a_sentence_that_changes_nothing(
    presenter: AnnotatePresenter, engine: FakeEngine, project: Project
) -> None:
    engine.fail(engine.last(FetchModel).id, code="fetch_failed", message=NO_NETWORK)
    presenter.use_model("/etc")
    engine.fail(engine.last(Generate).id, code="model_unusable", message="/etc holds no model.")
    state = presenter.state
    assert state.problem is not None
    assert state.problem.sentence == "/etc holds no model."
    assert not state.problem.can_retry
    assert (state.phase, state.message, state.policy) == ("no_model", NO_NETWORK, "starter")
    assert settings.get_setting(project, "policy") is None


def test_an_unusable_folder_does_not_disturb_the_judging(
    starter: Path, engine: FakeEngine, project: Project, store: DirectStore
) -> None:
    waiting = add_comparison(project, "a", "b")
    presenter = new_presenter(engine, store)
    presenter.start()
    writing = engine.last(GenerateMany).id
    presenter.use_model("/etc")
    engine.fail(engine.last(Generate).id, code="model_unusable", message="/etc holds no model.")
    assert presenter.state.phase == "ready"
    assert presenter.state.comparison is not None
    assert presenter.state.comparison.id == waiting.id
    assert writing in engine.open
    presenter.dismiss_problem()
    assert presenter.state.problem is None


def test_a_folder_can_be_chosen_while_the_starter_is_being_fetched(
    presenter: AnnotatePresenter, engine: FakeEngine
) -> None:
    fetch = engine.last(FetchModel).id
    presenter.use_model("/models/mine")
    engine.finish(engine.last(Generate).id)
    assert Cancel(target=fetch) in engine.controls
    assert presenter.state.policy == "/models/mine"
    engine.fail(fetch, code="cancelled", message="Cancelled.")
    assert presenter.state.phase == "writing", "the end of the fetch is no news any more"
    assert presenter.state.message == ""


def test_a_trial_can_be_cancelled(presenter: AnnotatePresenter, engine: FakeEngine) -> None:
    engine.fail(engine.last(FetchModel).id, code="fetch_failed", message=NO_NETWORK)
    presenter.use_model("/models/mine")
    trial = engine.last(Generate).id
    presenter.use_model("/models/other")
    assert engine.last(Generate).id == trial, "one trial at a time"
    presenter.cancel_fetching()
    assert Cancel(target=trial) in engine.controls
    engine.fail(trial, code="cancelled", message="Cancelled.")
    assert not presenter.state.trying
    assert presenter.state.problem is None
    assert presenter.state.policy == "starter"


def test_a_model_that_went_away_is_fetched_again_on_trying_again(
    starter: Path, engine: FakeEngine, store: DirectStore
) -> None:
    presenter = new_presenter(engine, store)
    presenter.start()
    (starter / "config.json").unlink()
    engine.fail(engine.last(Generate).id, code="not_fetched", message="The starter is not on this disk.")
    assert presenter.state.phase == "trouble"
    presenter.try_again()
    assert presenter.state.phase == "fetching"
    assert asked(engine) == ["Generate", "FetchModel"], "nothing is asked of a model that is not there"


def test_back_to_the_starter_after_a_folder_went_away(
    starter: Path, engine: FakeEngine, store: DirectStore, project: Project
) -> None:
    settings.set_setting(project, "policy", "/models/gone")
    presenter = new_presenter(engine, store)
    presenter.start()
    engine.fail(engine.last(Generate).id, code="model_unusable", message="/models/gone is not there.")
    assert presenter.state.phase == "trouble"
    presenter.set_policy("starter")
    assert presenter.state.phase == "writing"
    assert engine.last(Generate).policy == "starter"
