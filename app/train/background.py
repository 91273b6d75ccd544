"""One thread for what is too slow for the window and has nothing to do with the project file. Qt-free.

Preparing a run's folder takes seconds the first time (its library is large); on the store's thread it would
hold up verdicts.
"""

import queue
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")

Deliver = Callable[[Callable[[], None]], None]
"""Has a callback run where its listener lives; the app posts it to the GUI thread."""


class Background(Protocol):
    def submit(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        """Run `work` elsewhere; then call `done` or `failed` on the presenters' thread."""


class BackgroundThread:
    """The real one. Its thread starts with the first piece of work and never keeps the app open."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        def job() -> None:
            try:
                result = work()
            except Exception as error:
                problem = error
                self._deliver(lambda: failed(problem))
            else:
                self._deliver(lambda: done(result))

        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="train-background", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while True:
            self._jobs.get()()
