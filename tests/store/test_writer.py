"""The writer's thread: strict order, every outcome delivered once, and it outlives what goes wrong."""

import queue
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.store.collecting import prompts, verdicts
from app.store.errors import BadValue, StoreBug, StoreClosed, StoreError
from app.store.project import Project, create_project, open_project
from app.store.writer import Writer
from tests.store.makers import comparison, prompt


class Listener:
    """Stands for the GUI thread: outcomes wait here until they are run."""

    def __init__(self) -> None:
        self._posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.heard: list[object] = []

    def post(self, outcome: Callable[[], None]) -> None:
        self._posted.put(outcome)

    def run(self, number: int) -> None:
        for _ in range(number):
            self._posted.get(timeout=20)()

    def hear(self, result: object) -> None:
        self.heard.append(result)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def writer(project: Project, listener: Listener) -> Writer:
    return Writer(project, listener.post)


def test_results_come_in_order_and_only_where_they_are_delivered(writer: Writer, listener: Listener) -> None:
    threads: set[str] = set()

    def work(number: int) -> Callable[[Project], int]:
        def do(project: Project) -> int:
            threads.add(threading.current_thread().name)
            if number % 5 == 3:
                raise BadValue(f"no {number}")
            return number

        return do

    for number in range(40):
        writer.submit(work(number), listener.hear, lambda error: listener.hear(str(error)))
    writer.close()
    assert listener.heard == []
    listener.run(40)
    assert listener.heard == [f"no {number}" if number % 5 == 3 else number for number in range(40)]
    assert threads == {"store-writer"}


def test_what_was_delivered_is_on_the_disk(writer: Writer, listener: Listener, project: Project) -> None:
    one = writer.run(comparison)
    writer.submit(
        lambda p: verdicts.give_verdict(p, one.id, "left", strength=1, annotator="me", seconds=1.0),
        listener.hear,
        listener.hear,
    )
    listener.run(1)
    assert listener.heard == [writer.run(lambda p: verdicts.verdict_of(p, one.id))]
    writer.close()


def test_closing_drains_and_lets_go_of_the_project(
    writer: Writer, listener: Listener, project: Project
) -> None:
    gate = threading.Event()
    writer.submit(lambda _: gate.wait(20), listener.hear, listener.hear)
    for number in range(20):
        writer.submit(lambda p, n=number: prompt(p, f"p{n}"), listener.hear, listener.hear)  # type: ignore[misc]
    closing = threading.Thread(target=writer.close)
    closing.start()
    gate.set()
    closing.join(20)
    assert not closing.is_alive()
    again = open_project(project.path)
    assert prompts.counts(again).total == 20
    again.close()
    writer.close()


def test_after_closing_work_is_refused_not_forgotten(writer: Writer, listener: Listener) -> None:
    writer.close()
    writer.submit(lambda p: 1, listener.hear, listener.hear)
    listener.run(1)
    (error,) = listener.heard
    assert isinstance(error, StoreClosed)
    with pytest.raises(StoreClosed):
        writer.run(lambda p: 1)


def test_a_bug_is_reported_as_one_and_the_thread_goes_on(writer: Writer, listener: Listener) -> None:
    def broken(project: Project) -> None:
        raise ZeroDivisionError("oh")

    def leaving(project: Project) -> None:
        raise SystemExit

    for work in (broken, leaving):
        writer.submit(work, listener.hear, listener.hear)
    listener.run(2)
    for error in listener.heard:
        assert isinstance(error, StoreBug)
        assert error.code == "bug"
    assert "ZeroDivisionError: oh" in str(getattr(listener.heard[0], "detail", ""))
    assert writer.run(lambda p: "still here") == "still here"
    writer.close()


def test_a_transaction_left_open_is_a_bug_and_rolled_back(writer: Writer, listener: Listener) -> None:
    def careless(project: Project) -> None:
        project.db.begin()
        prompt(project, "never committed")

    writer.submit(careless, listener.hear, listener.hear)
    listener.run(1)
    assert isinstance(listener.heard[0], StoreBug)
    assert writer.run(lambda p: prompts.counts(p).total) == 0
    writer.close()


def test_what_failed_half_way_is_rolled_back(writer: Writer, listener: Listener) -> None:
    def failing(project: Project) -> None:
        project.db.begin()
        prompt(project, "never committed")
        project.db.execute("SELECT * FROM nowhere")

    writer.submit(failing, listener.hear, listener.hear)
    listener.run(1)
    (error,) = listener.heard
    assert isinstance(error, StoreError)
    assert "nowhere" in error.detail
    assert writer.run(lambda p: prompts.counts(p).total) == 0
    writer.close()


def test_a_broken_listener_does_not_stop_the_writing(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    def deliver(outcome: Callable[[], None]) -> None:
        raise RuntimeError("the window is gone")

    writer = Writer(project, deliver)
    writer.submit(lambda p: prompt(p, "kept"), lambda _: None, lambda _: None)
    assert writer.run(lambda p: prompts.counts(p).total) == 1
    writer.close()
    assert "could not be delivered" in caplog.text


def test_waiting_for_a_result(writer: Writer) -> None:
    assert writer.run(lambda p: prompt(p, "x")) == 1
    with pytest.raises(BadValue):
        writer.run(lambda p: prompts.add_prompt(p, [], source="typed"))
    with pytest.raises(StoreBug):
        writer.run(lambda p: 1 // 0)
    with pytest.raises(StoreBug, match="went wrong inside"):
        writer.run(lambda p: writer.run(lambda q: 1))
    gate = threading.Event()
    with pytest.raises(TimeoutError):
        writer.run(lambda p: gate.wait(20), timeout=0.01)
    gate.set()
    writer.close()


def test_many_threads_may_submit(writer: Writer, listener: Listener) -> None:
    def submit(name: int) -> None:
        for number in range(25):
            text = f"{name}-{number}"
            writer.submit(lambda p, t=text: prompt(p, t), listener.hear, listener.hear)  # type: ignore[misc]

    threads = [threading.Thread(target=submit, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listener.run(100)
    assert listener.heard == list(range(1, 101))
    writer.close()


def test_an_error_of_closing_reaches_who_closes(path: Path, listener: Listener) -> None:
    class Stuck(Project):
        def close(self) -> None:
            super().close()
            raise StoreError("The drive is gone.")

    made = create_project(path, with_starter_prompts=False)
    stuck = Stuck(made.path, made.db, made._lock)
    writer = Writer(stuck, listener.post)
    with pytest.raises(StoreError, match="drive is gone"):
        writer.close()
    writer.close()
