"""β: on the slider, in the field, and what follows from it everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inspector.presenter import BETAS, InspectorPresenter
from app.inspector.what_if import beta_at, read_beta, stop_of
from app.store.handle import Project
from tests.app.inspector.scenes import add_scene_run, make_pairs, make_scores
from tests.helpers.fake_engine import FakeEngine

PAIRS = make_pairs(9, held_out=3)
SCORES = make_scores(PAIRS)


@given(st.floats(*BETAS))
def test_the_slider_is_logarithmic_and_finds_every_beta(beta: float) -> None:
    assert beta_at(stop_of(beta)) == pytest.approx(beta, rel=0.02)


def test_its_ends_and_middle() -> None:
    assert [beta_at(stop) for stop in (0, 100, 200, 300)] == [0.01, 0.1, 1.0, 10.0]


@pytest.mark.parametrize(
    ("text", "beta"),
    [
        ("0.5", 0.5),
        (" 0,25 ", 0.25),
        ("100", 10.0),
        ("0.0001", 0.01),
        ("", None),
        ("x", None),
        ("-1", None),
        ("nan", None),
    ],
)
def test_typed_values(text: str, beta: float | None) -> None:
    assert read_beta(text) == beta


@pytest.fixture
def opened(presenter: InspectorPresenter, engine: FakeEngine, project: Project) -> InspectorPresenter:
    add_scene_run(project, "brave-otter", PAIRS, checkpoints=(20,), beta=0.3)
    engine.auto_score(SCORES)
    presenter.set_visible(True)
    engine.deliver()
    return presenter


def test_all_figures_are_those_of_the_asked_beta_and_back(opened: InspectorPresenter) -> None:
    own = opened.table
    opened.set_beta(1.0)
    assert (opened.state.what_if, opened.state.beta) == (1.0, 1.0)
    assert list(opened.table.figures.margin) == [score.margin(1.0) for score in SCORES]
    opened.set_beta(None)
    assert opened.state.what_if is None
    assert list(opened.table.figures.margin) == list(own.figures.margin)


def test_it_holds_for_another_checkpoint_and_not_for_another_run(
    opened: InspectorPresenter, engine: FakeEngine, project: Project
) -> None:
    other = add_scene_run(project, "calm-heron", PAIRS, beta=0.2)
    opened.refresh()
    opened.set_beta(2.0)
    opened.choose_checkpoint("step-000020")
    engine.deliver()
    assert opened.table.figures.beta == 2.0 == opened.state.beta
    opened.choose_run(other.id)
    engine.deliver()
    assert opened.table.figures.beta == 0.2
    assert opened.state.what_if is None


def test_it_stays_within_bounds_and_its_own_value_is_no_what_if(opened: InspectorPresenter) -> None:
    opened.set_beta(1e6)
    assert opened.state.beta == 10.0
    opened.set_beta(0.3)
    assert opened.state.what_if is None
