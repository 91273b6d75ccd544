"""Which answers are shown: those of the folder, those heard of meanwhile, at the place gone to."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.store.records import Run
from app.train.samples import presenter as module
from app.train.samples.presenter import SamplesPresenter
from app.train.samples.state import SamplesState
from dpo_engine.events import Event, Sampled, TrainingStarted
from dpo_engine.run_folder import StepSamples
from tests.app.train.samples.conftest import FIRST, SECOND, Later, answers, new_run


def sampled(row: StepSamples) -> Event:
    return Sampled(request="t", step=row.step, samples=row.samples, distinct=row.distinct, kl=row.kl)


def started(first_step: int) -> Event:
    return TrainingStarted(
        request="t",
        run="",
        first_step=first_step,
        total_steps=8,
        train_pairs=1,
        held_out_pairs=0,
        learning_rate=1e-4,
        device="cpu",
        dtype="float32",
        trainable_parameters=1,
    )


def texts(state: SamplesState) -> tuple[str, str]:
    return (
        state.reference.text if state.reference else "",
        state.policy.text if state.policy else "",
    )


@pytest.fixture
def presenter(later: Later, run: Run) -> SamplesPresenter:
    made = SamplesPresenter(later)
    made.show_run(run)
    later.catch_up()
    return made


def test_the_last_answers_stand_beside_the_references(presenter: SamplesPresenter) -> None:
    state = presenter.state
    assert (state.case, state.steps, state.step) == ("there", (0, 2, 4), 4)
    assert state.asked == FIRST
    assert texts(state) == ("The moon pulls the sea.", "Gravity.")
    assert (state.kl, state.tokens) == (0.3, 1.0)


def test_steps_and_prompts_are_gone_through_and_end_at_their_ends(presenter: SamplesPresenter) -> None:
    presenter.go_to(1)
    presenter.go_to_prompt(1)
    assert texts(presenter.state) == ("Old pond, a frog.", "Old pond, a toad.")
    presenter.go_to(-3)
    presenter.go_to_prompt(9)
    assert (presenter.state.step, presenter.state.asked) == (0, SECOND)
    presenter.go_to_prompt(-1)
    assert presenter.state.prompt == 0


def test_new_answers_are_followed_only_from_the_end(presenter: SamplesPresenter, run: Run) -> None:
    presenter.hear(run, sampled(answers(6, "Six.", "Six.")))
    assert presenter.state.step == 6
    presenter.go_to(1)
    presenter.hear(run, sampled(answers(8, "Eight.", "Eight.")))
    assert presenter.state.step == 2  # what is being read stays
    presenter.go_to(4)
    assert texts(presenter.state)[1] == "Eight."


def test_answers_heard_before_the_file_was_read_stay(later: Later, run: Run) -> None:
    presenter = SamplesPresenter(later)
    presenter.show_run(run)
    assert presenter.state.case == "reading"
    presenter.hear(run, sampled(answers(4, "Heard.", "Heard.")))
    assert texts(presenter.state) == ("", "Heard.")
    later.catch_up()
    assert presenter.state.steps == (0, 2, 4)
    assert texts(presenter.state)[1] == "Heard."


def test_a_resumed_run_answers_again(presenter: SamplesPresenter, run: Run) -> None:
    presenter.hear(run, started(2))
    assert presenter.state.steps == (0, 2)
    presenter.hear(run, sampled(answers(4, "Again.", "Again.")))
    assert texts(presenter.state)[1] == "Again."


def test_a_prompt_that_could_not_be_answered(presenter: SamplesPresenter, run: Run) -> None:
    presenter.hear(run, sampled(answers(6, "Six.")))
    presenter.go_to_prompt(1)
    assert presenter.state.policy is None and presenter.state.reference is not None


def test_another_runs_events_change_nothing_shown(presenter: SamplesPresenter, run: Run) -> None:
    before = presenter.state
    presenter.hear(replace(run, id=9), sampled(answers(9, "Other.", "Other.")))
    assert presenter.state == before


def test_each_reason_why_there_is_nothing(tmp_path: Path, later: Later) -> None:
    presenter = SamplesPresenter(later)
    assert presenter.state.case == "no_run"
    presenter.show_run(new_run(tmp_path, number=2, eval_samples=0))
    assert presenter.state.case == "reading"
    later.catch_up()
    assert presenter.state.case == "off"
    presenter.show_run(new_run(tmp_path, number=3))
    later.catch_up()
    assert presenter.state.case == "waiting"
    presenter.show_run(None)
    assert presenter.state.case == "no_run"


def test_a_damaged_file_is_a_sentence(later: Later, run: Run) -> None:
    file = Path(run.folder) / "samples.jsonl"
    file.write_bytes(b"nonsense\n" + file.read_bytes())
    presenter = SamplesPresenter(later)
    presenter.show_run(run)
    later.catch_up()
    assert presenter.state.case == "unreadable"
    assert "Line 1" in presenter.state.problem and "damaged" in presenter.state.problem


def test_a_file_far_too_large_is_not_read(later: Later, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    presenter = SamplesPresenter(later)
    presenter.show_run(run)
    later.catch_up()
    assert "too large" in presenter.state.problem


def test_an_answer_that_comes_late_for_another_run_is_dropped(tmp_path: Path, later: Later, run: Run) -> None:
    presenter = SamplesPresenter(later)
    presenter.show_run(run)
    presenter.show_run(new_run(tmp_path, number=2, eval_samples=0))
    later.catch_up()
    assert presenter.state.case == "off"
