"""The thread for slow work, with a real queue between the threads."""

import queue
import threading
from collections.abc import Callable

from app.train.background import BackgroundThread


def test_work_runs_elsewhere_and_answers_come_in_order() -> None:
    posted: queue.Queue[Callable[[], None]] = queue.Queue()
    background = BackgroundThread(posted.put)
    heard: list[object] = []
    threads: list[str] = []

    def work(value: int) -> int:
        threads.append(threading.current_thread().name)
        if value == 2:
            raise ValueError("two")
        return value

    for value in (1, 2, 3):
        background.submit(lambda value=value: work(value), heard.append, heard.append)
    for _ in range(3):
        posted.get(timeout=10)()
    assert heard[0] == 1
    assert isinstance(heard[1], ValueError)
    assert heard[2] == 3
    assert set(threads) == {"train-background"}
