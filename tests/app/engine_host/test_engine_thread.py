"""The engine's thread over a scripted worker process: order, bursts, cancelling, closing."""

import itertools
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QTimer
from pytestqt.exceptions import capture_exceptions

from dpo_engine.events import (
    EngineReady,
    RequestFailed,
    RequestFinished,
    RequestStarted,
    StepDone,
    TextDelta,
    TrainingPaused,
    TrainingResumed,
)
from dpo_engine.requests import Cancel, Pause, Resume, Shutdown, StopAndKeep
from tests.app.engine_host.conftest import SCRIPTED_WORKER, Witness, generate, train

Open = Callable[..., Witness]


def test_a_request_is_answered_in_order_on_the_gui_thread(open_engine: Open) -> None:
    engine = open_engine()
    threads: set[int] = set()
    engine.engine.subscribe(lambda event: threads.add(threading.get_ident()))
    answers = engine.submit(generate("g1", "text:Hello text:_ text:world"))
    engine.wait_for(RequestFinished, "g1")
    assert [type(event).__name__ for event in answers] == [
        "RequestStarted",
        "TextDelta",
        "TextDelta",
        "TextDelta",
        "RequestFinished",
    ]
    assert [event.text for event in answers if isinstance(event, TextDelta)] == ["Hello", "_", "world"]
    assert threads == {threading.get_ident()}
    assert engine.phases == ["starting", "ready"]
    assert engine.engine.state.device_name.startswith("pid ")
    assert isinstance(engine.heard[0], EngineReady)
    assert engine.heard[1:] == answers


def test_each_listener_hears_its_own_request_only(open_engine: Open) -> None:
    engine = open_engine()
    first = engine.submit(generate("g1", "text:a"))
    second = engine.submit(train("t1", "steps:3"))
    engine.wait_for(RequestFinished, "t1")
    assert {event.request for event in first} == {"g1"}  # type: ignore[union-attr]
    assert {event.request for event in second} == {"t1"}  # type: ignore[union-attr]
    assert [event.step for event in second if isinstance(event, StepDone)] == [1, 2, 3]


def test_an_id_in_use_is_refused_and_free_again_after_the_end(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(generate("g1", "hang"))
    with pytest.raises(ValueError, match="already under way"):
        engine.submit(generate("g1", "text:a"))
    engine.engine.control(Cancel(target="g1"))
    engine.wait_for(RequestFailed, "g1")
    engine.submit(generate("g1", "text:a"))
    engine.wait_for(RequestFinished, "g1")


def test_a_listener_may_submit_the_next_request_from_its_last_event(open_engine: Open) -> None:
    engine = open_engine()

    def ask_again(event: object) -> None:
        if isinstance(event, RequestFinished):
            engine.submit(generate("g1", "text:second"))

    engine.engine.submit(generate("g1", "text:first"), ask_again)
    engine.wait_until(lambda: len(engine.answers.get("g1", [])) == 3)


def test_unsubscribing_ends_hearing(open_engine: Open) -> None:
    engine = open_engine()
    heard: list[object] = []
    stop = engine.engine.subscribe(heard.append)
    engine.wait_for(EngineReady)
    stop()
    stop()
    engine.submit(generate("g1", "text:a"))
    engine.wait_for(RequestFinished, "g1")
    assert [type(event) for event in heard] == [EngineReady]


def test_an_error_in_one_listener_is_reported_and_costs_nobody_else_an_event(open_engine: Open) -> None:
    engine = open_engine()

    def fail(event: object) -> None:
        raise RuntimeError("a page's mistake")

    with capture_exceptions() as caught:
        engine.engine.submit(generate("g1", "text:a text:b"), fail)
        engine.wait_for(RequestFinished, "g1")
    assert [str(error) for _, error, _ in caught] == ["a page's mistake"] * 4
    assert len(engine.heard) == 5


def test_a_burst_arrives_whole_and_leaves_the_event_loop_its_turns(open_engine: Open) -> None:
    engine = open_engine()
    ticks: list[float] = []
    timer = QTimer(interval=5)
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    engine.wait_for(EngineReady)
    timer.start()
    answers = engine.submit(generate("g1", "flood:10000"))
    engine.wait_for(RequestFinished, "g1")
    timer.stop()
    texts = [event.text for event in answers if isinstance(event, TextDelta)]
    assert texts == [f"{number} " for number in range(10_000)]
    longest = max(after - before for before, after in itertools.pairwise(ticks))
    assert len(ticks) > 5
    # A turn lasts 8 ms; the rest is room for a busy machine.
    assert longest < 0.25


def test_a_running_and_a_waiting_request_can_be_cancelled(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(generate("g1", "hang"))
    engine.submit(generate("g2", "text:never"))
    engine.wait_for(RequestStarted, "g1")
    engine.engine.control(Cancel(target="g2"))
    engine.engine.control(Cancel(target="g1"))
    assert engine.failure("g1").code == "cancelled"
    assert engine.failure("g2").code == "cancelled"
    assert TextDelta(request="g2", index=0, text="never") not in engine.heard


def test_pause_resume_and_stop_reach_the_training(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(train("t1", "hang"))
    engine.wait_for(RequestStarted, "t1")
    engine.engine.control(Pause(target="t1"))
    engine.wait_for(TrainingPaused, "t1")
    engine.engine.control(Resume(target="t1"))
    engine.wait_for(TrainingResumed, "t1")
    engine.engine.control(StopAndKeep(target="t1"))
    engine.wait_for(RequestFinished, "t1")


def test_controls_of_requests_that_ended_are_dropped(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(generate("g1", "text:a"))
    engine.wait_for(RequestFinished, "g1")
    engine.engine.control(Cancel(target="g1"))
    engine.submit(generate("g1", "text:b"))
    engine.wait_until(lambda: sum(isinstance(event, RequestFinished) for event in engine.heard) == 2)


def test_closing_ends_what_is_under_way_and_leaves_no_process(open_engine: Open) -> None:
    engine = open_engine()
    engine.submit(train("t1", "hang"))
    engine.submit(generate("g1", "text:a"))
    engine.wait_for(RequestStarted, "t1")
    worker = psutil.Process(engine.worker)
    assert engine.engine.close(seconds=10)
    assert not worker.is_running()
    assert engine.failure("t1").code == "cancelled"
    assert engine.failure("g1").code == "cancelled"
    assert engine.phase == "closed"
    assert engine.failure("g1").message.startswith("The engine was closed")


def test_a_worker_that_ignores_everything_is_killed_with_what_it_started(
    open_engine: Open, tmp_path: Path
) -> None:
    engine = open_engine("--deaf", "--spawn", str(tmp_path / "child"))
    engine.wait_for(EngineReady)
    worker = psutil.Process(engine.worker)
    child = psutil.Process(int((tmp_path / "child").read_text()))
    began = time.monotonic()
    assert engine.engine.close(seconds=0.1)
    assert time.monotonic() - began < 8
    _gone, alive = psutil.wait_procs([worker, child], timeout=5)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_the_control_shutdown_closes_without_waiting(open_engine: Open) -> None:
    engine = open_engine()
    engine.wait_for(EngineReady)
    engine.engine.control(Shutdown())
    engine.wait_until(lambda: engine.phase == "closed")
    answers = engine.submit(generate("late", "text:a"))
    assert not answers  # never inside submit
    assert engine.failure("late").code == "engine_died"


def test_an_engine_that_was_never_started_closes_too(open_engine: Open, qapp: object) -> None:
    from app.engine_host.engine_thread import open_engine as open_real_engine

    engine = open_real_engine("worker", Path("nowhere"))
    heard: list[object] = []
    engine.submit(generate("g1", "text:a"), heard.append)
    assert engine.close(seconds=0.1)
    assert [type(event) for event in heard] == [RequestFailed]
    assert engine.state.phase == "closed"


APP_THAT_HOSTS = """
    import sys
    from pathlib import Path
    from PySide6.QtCore import QCoreApplication
    from app.engine_host.engine_log import EngineLog
    from app.engine_host.engine_thread import EngineThread
    from app.engine_host.worker_process import WorkerProcess
    from dpo_engine.events import EngineReady

    app = QCoreApplication([])
    log = EngineLog(Path(sys.argv[1], "engine.log"))
    engine = EngineThread(lambda: WorkerProcess(log, [sys.executable, sys.argv[2]]))
    engine.state_changed.connect(lambda state: print(state.device_name, flush=True))
    engine.start()
    assert not {"torch", "transformers", "datasets"} & set(sys.modules)
    app.exec()
"""


@pytest.mark.skipif(os.name == "nt", reason="kills as POSIX does")
def test_the_worker_does_not_outlive_an_app_that_was_killed(tmp_path: Path) -> None:
    """The app here is a process of its own; it also shows that hosting imports no torch."""
    command = [sys.executable, "-c", textwrap.dedent(APP_THAT_HOSTS), str(tmp_path), str(SCRIPTED_WORKER)]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTED_WORKER.parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as app:
        assert app.stdout is not None
        line = next(line for line in app.stdout if line.startswith("pid "))
        worker = psutil.Process(int(line.removeprefix("pid ")))
        assert worker.is_running()
        app.kill()
    _gone, alive = psutil.wait_procs([worker], timeout=10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
