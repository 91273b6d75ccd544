"""The check: when it looks, what it says, what it leaves behind."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.store.errors import StoreFull
from app.train.preflight import presenter as module
from dpo_engine.config import TrainConfig
from dpo_engine.preflight import Measured
from dpo_engine.requests import Cancel, Preflight, TokenizePair
from tests.app.train.preflight.conftest import MEASURED, Check, judge


def configure(check: Check, **values: object) -> None:
    config = replace(TrainConfig(), **values)  # type: ignore[arg-type]
    check.train.form.configure({name: getattr(config, name) for name in TrainConfig.__dataclass_fields__})
    check.follow()


def test_it_looks_by_itself_once_somebody_looks_at_it(check: Check) -> None:
    check.settle()
    assert check.asked() == 0
    check.presenter.set_visible(True)
    check.settle()
    state = check.presenter.state
    assert state.phase == "done" and state.report is not None
    assert (state.report.summary.train, state.report.summary.held_out) == (6, 2)
    assert len(state.report.table) == 8
    request = check.room.engine.last(Preflight)
    assert request.policy == "starter" and request.config == check.train.state.config
    assert request.facts and not request.measure


def test_another_setting_makes_it_outdated_and_it_looks_again(check: Check) -> None:
    check.presenter.set_visible(True)
    check.settle()
    configure(check, max_length=9)
    assert "settings changed" in check.presenter.state.outdated
    assert check.presenter.state.report is not None, "the old report stays in view"
    configure(check, max_length=8)
    check.settle()
    assert check.asked() == 2, "once for two changes"
    state = check.presenter.state
    assert not state.outdated and state.report is not None
    assert state.report.summary.most_tokens == 8


def test_a_setting_that_it_does_not_depend_on_changes_nothing(check: Check) -> None:
    check.presenter.set_visible(True)
    check.settle()
    config = check.train.state.config
    values = {name: getattr(config, name) for name in TrainConfig.__dataclass_fields__}
    check.train.form.configure(values | {"beta": 0.5, "seed": 7})
    check.follow()
    check.settle()
    assert check.asked() == 1 and not check.presenter.state.outdated


def test_a_setting_put_back_is_not_outdated_any_more(check: Check) -> None:
    check.presenter.set_visible(True)
    check.settle()
    before = check.train.state.config
    check.presenter.set_visible(False)
    configure(check, max_length=9)
    assert check.presenter.state.outdated
    check.train.form.configure({name: getattr(before, name) for name in TrainConfig.__dataclass_fields__})
    check.follow()
    assert not check.presenter.state.outdated


def test_a_new_verdict_makes_it_outdated_and_it_looks_again(check: Check) -> None:
    check.presenter.set_visible(True)
    check.settle()
    judge(check.room, "A new answer")
    check.train.refresh()
    assert "Verdicts were given" in check.presenter.state.outdated
    check.settle()
    state = check.presenter.state
    assert state.report is not None and state.report.summary.train == 7 and not state.outdated


def test_many_pairs_and_a_run_under_way_are_not_disturbed(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AUTOMATIC", 7)
    check.presenter.set_visible(True)
    check.settle()
    assert check.asked() == 0 and check.presenter.state.phase == "idle"
    check.presenter.check()
    check.settle()
    assert check.presenter.state.phase == "done"
    monkeypatch.setattr(module, "AUTOMATIC", 100)
    check.train.start()
    configure(check, max_length=9)
    check.settle()
    assert check.asked() == 1 and check.presenter.state.outdated
    assert "run under way" in check.presenter.state.no_measuring
    check.room.engine.fail(check.room.engine.open[0], code="cancelled", message="Cancelled.")
    check.follow()
    check.settle()
    assert check.asked() == 2 and not check.presenter.state.no_measuring


def test_nothing_to_train_on_is_said(check: Check) -> None:
    check.presenter.set_visible(True)
    check.settle()
    (folder,) = check.engine.folders
    assert Path(folder).is_dir()
    check.train.form.choose_pairs("much_better")
    check.follow()
    state = check.presenter.state
    assert state.phase == "idle" and "No preference belongs to this selection" in state.problem
    assert not Path(folder).exists()


def test_what_the_engine_refuses_is_said_and_can_be_tried_again(check: Check) -> None:
    check.presenter.set_visible(True)
    check.room.clock.advance(1.0)
    request = check.room.engine.last(Preflight)
    check.room.engine.deliver(1)
    check.room.engine.fail(request.id, code="not_fetched", message="Fetch the model first.")
    state = check.presenter.state
    assert (state.phase, state.problem, state.report) == ("failed", "Fetch the model first.", None)
    assert not Path(request.pairs).exists()
    check.presenter.check()
    check.settle()
    assert check.presenter.state.phase == "done" and not check.presenter.state.problem


def test_cancelling_leaves_nothing(check: Check) -> None:
    check.presenter.check()
    check.room.engine.deliver(2)
    request = check.room.engine.last(Preflight)
    assert check.presenter.state.phase == "checking"
    check.presenter.cancel()
    check.settle()
    assert Cancel(target=request.id) in check.room.engine.controls
    assert check.presenter.state.phase == "idle" and not Path(request.pairs).exists()


def test_a_project_that_cannot_be_read_is_a_sentence(check: Check) -> None:
    check.room.presenter.tools.reader.fail_next(StoreFull("The disk is full."))  # type: ignore[attr-defined]
    check.presenter.check()
    assert check.presenter.state.phase == "failed"
    assert check.presenter.state.problem == "The disk is full."


def test_measuring_sets_measured_beside_estimated(check: Check) -> None:
    check.presenter.check()
    check.settle()
    check.presenter.measure()
    assert check.presenter.state.measuring
    check.presenter.measure()
    check.settle()
    state = check.presenter.state
    assert state.report is not None and state.report.measured == MEASURED and not state.measuring
    request = check.room.engine.last(Preflight)
    assert request.measure and not request.facts and check.asked() == 2


def test_memory_that_runs_out_before_the_first_pass_is_measured_too(check: Check) -> None:
    check.presenter.check()
    check.settle()
    check.presenter.measure()
    request = check.room.engine.last(Preflight)
    check.room.engine.fail(request.id, code="out_of_memory", message="Too large.")
    report = check.presenter.state.report
    assert report is not None and report.measured is not None and not report.measured.fits


def test_a_measurement_that_fails_keeps_the_report(check: Check) -> None:
    check.presenter.check()
    check.settle()
    check.presenter.measure()
    check.room.engine.die()
    state = check.presenter.state
    assert state.report is not None and state.problem and not state.measuring
    assert state.report.measured is None


def test_a_line_opens_its_pairs_and_a_pair_its_tokens(check: Check) -> None:
    judge(check.room, "not comparison-2", prompt="Against it?")
    check.presenter.check()
    check.settle()
    check.presenter.open("contradictions")
    check.room.engine.deliver()
    state = check.presenter.state
    assert state.opened is not None and state.opened.key == "contradictions"
    assert state.places is not None and state.report is not None
    (place,) = state.places.tolist()
    assert state.report.table.ids[place] == "comparison-9"
    assert state.tokens is not None and "".join(state.tokens.chosen.texts) == "not comparison-2"
    check.presenter.pick(0)
    check.room.engine.deliver()
    assert check.presenter.state.tokens is not None
    assert "".join(check.presenter.state.tokens.prompt.texts) == "Question 0?"
    check.presenter.close_list()
    assert check.presenter.state.opened is None
    assert check.room.engine.last(TokenizePair).max_length == check.train.state.config.max_length


def test_refused_pairs_are_listed_with_their_tokens_too(check: Check) -> None:
    judge(check.room, "unusable")
    check.presenter.check()
    check.settle()
    check.presenter.open("refused")
    check.room.engine.deliver()
    tokens = check.presenter.state.tokens
    assert tokens is not None and tokens.name == "comparison-9"


def test_a_new_check_lets_go_of_the_old_pairs_and_closing_of_the_last(check: Check) -> None:
    check.presenter.check()
    check.settle()
    check.presenter.check()
    check.settle()
    first, second = check.engine.folders
    assert not Path(first).exists() and Path(second).is_dir()
    check.presenter.close()
    assert not Path(second).exists()


def test_a_measurement_that_is_over_does_not_speak_for_other_settings(check: Check) -> None:
    check.presenter.set_visible(True)
    check.settle()
    check.presenter.measure()
    check.settle()
    configure(check, max_length=9)
    check.settle()
    report = check.presenter.state.report
    assert report is not None and report.measured is None


def test_the_measurement_of_what_does_not_fit_is_kept(check: Check) -> None:
    check.engine.measured = Measured(peak=0, fits=False, longest_pair="comparison-1", seconds_a_pair=0.0)
    check.presenter.check()
    check.settle()
    check.presenter.measure()
    check.settle()
    report = check.presenter.state.report
    assert report is not None and report.measured == check.engine.measured
