"""What a death of the engine does to those who asked something of it."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engine_host.restarts import Restarts
from dpo_engine.events import EngineReady, RequestFinished, RequestStarted, StepDone, TextDelta
from dpo_engine.requests import Cancel
from tests.app.engine_host.conftest import Witness, generate, train

Open = Callable[..., Witness]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and exit codes as POSIX has them")


def test_death_while_generating_fails_that_request_and_serves_the_next(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(generate("g1", "text:half stderr:last_words die"))
    engine.submit(generate("g2", "text:whole"))
    engine.wait_for(RequestFinished, "g2")
    failure = engine.failure("g1")
    assert failure.code == "engine_died"
    assert "killed by the system, probably because the machine ran out of memory" in failure.message
    assert "ask for this again" in failure.message
    assert "signal SIGKILL" in failure.detail
    assert "last_words" in failure.detail
    assert TextDelta(request="g2", index=0, text="whole") in engine.answers["g2"]
    assert engine.phases == ["starting", "ready", "restarting", "ready"]
    assert "killed by the system" in engine.states[2].message


def test_kill_while_training_tells_to_resume_and_the_engine_is_back(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(train("t1", "steps:3 hang"))
    engine.wait_until(lambda: any(isinstance(event, StepDone) and event.step == 3 for event in engine.heard))
    first = engine.worker
    os.kill(first, signal.SIGKILL)
    failure = engine.failure("t1")
    assert failure.code == "engine_died"
    assert "resume it" in failure.message
    engine.wait_until(lambda: engine.phase == "ready")
    assert engine.worker != first
    engine.submit(train("t1", "steps:1"))
    engine.wait_for(RequestFinished, "t1")


def test_an_exit_code_is_named(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(generate("g1", "exit:3"))
    failure = engine.failure("g1")
    assert failure.message.startswith("The engine ended unexpectedly.")
    assert "exit code 3" in failure.detail


def test_malformed_output_ends_that_life_and_no_request_hangs(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(generate("g1", "text:a malformed"))
    engine.submit(generate("g2", "text:b"))
    failure = engine.failure("g1")
    assert failure.code == "engine_died"
    assert "could not be read" in failure.message
    assert "what a library prints" in failure.detail
    engine.wait_for(RequestFinished, "g2")


def test_death_at_the_start_is_survived_when_the_next_life_is_better(
    open_engine: Open, tmp_path: Path
) -> None:
    engine = open_engine("--lives", str(tmp_path / "lives"), "1", "--dead-on-arrival")
    engine.submit(generate("g1", "text:a"))
    engine.wait_for(RequestFinished, "g1")
    assert engine.phases == ["starting", "restarting", "ready"]


def test_three_deaths_in_a_row_and_the_engine_is_down_until_restarted(
    open_engine: Open, tmp_path: Path
) -> None:
    engine = open_engine("--lives", str(tmp_path / "lives"), "3", "--dead-on-arrival")
    engine.submit(generate("g1", "text:a"))
    engine.wait_until(lambda: engine.phase == "down")
    failure = engine.failure("g1")
    assert failure.code == "engine_died"
    assert "no such device" in failure.detail
    assert "exit code 7" in failure.detail
    assert "several times" in engine.states[-1].message

    engine.submit(generate("g2", "text:too soon"))
    assert engine.failure("g2").message == engine.states[-1].message

    engine.engine.restart()
    engine.wait_for(EngineReady)
    engine.submit(generate("g3", "text:b"))
    engine.wait_for(RequestFinished, "g3")
    assert engine.phases == ["starting", "restarting", "restarting", "down", "restarting", "ready"]


def test_a_request_that_kills_the_engine_before_it_starts_is_not_sent_for_ever(open_engine: Open) -> None:
    engine = open_engine("--dies-before-start")
    engine.submit(generate("poison", "text:a"))
    assert engine.failure("poison").code == "engine_died"
    assert engine.phase == "down"


def test_a_waiting_request_that_was_cancelled_is_not_sent_to_the_next_life(
    open_engine: Open, tmp_path: Path
) -> None:
    engine = open_engine("--lives", str(tmp_path / "lives"), "1", "--deaf")
    engine.submit(generate("g1", "hang"))
    engine.wait_for(RequestStarted, "g1")
    os.kill(engine.worker, signal.SIGSTOP)  # so that the cancel is not heard in this life
    engine.submit(generate("g2", "text:a"))
    engine.engine.control(Cancel(target="g2"))
    os.kill(engine.worker, signal.SIGKILL)
    assert engine.failure("g2").code == "cancelled"
    assert engine.failure("g1").code == "engine_died"
    assert RequestStarted(request="g2") not in engine.heard


def test_cancelling_between_two_lives_answers_at_once(open_engine: Open) -> None:
    engine = open_engine("--dead-on-arrival", restarts=Restarts(delays=(600.0,)))
    engine.submit(generate("g1", "text:a"))
    engine.wait_until(lambda: engine.phase == "restarting")
    engine.engine.control(Cancel(target="g1"))
    assert engine.failure("g1").code == "cancelled"
    assert engine.phase == "restarting"


def test_a_stuck_engine_can_be_restarted_by_hand(open_engine: Open) -> None:
    engine = open_engine("--deaf")
    engine.submit(train("t1", "hang"))
    engine.wait_for(RequestStarted, "t1")
    for _ in range(4):  # as often as one likes: what a person asks for is no failure of the engine
        before = engine.worker
        engine.engine.restart()
        engine.wait_until(lambda old=before: engine.phase == "ready" and engine.worker != old)  # type: ignore[misc]
    assert engine.failure("t1").message.startswith("The engine was restarted.")


def test_a_command_that_cannot_be_started_is_down_with_the_reason(open_engine: Open, tmp_path: Path) -> None:
    engine = open_engine(command=[str(tmp_path / "absent")])
    engine.wait_until(lambda: engine.phase == "down")
    assert "could not be started: No such file" in engine.states[-1].message
