"""Work that has nothing to do with the project file: looking at a stranger's file, going online. Qt-free.

Each piece has a thread of its own, so that one that hangs in the network holds up nothing else.
"""

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from app.store.errors import StoreError
from app.store.writer import Deliver, as_store_error

T = TypeVar("T")


class Errands(Protocol):
    def start(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> Callable[[], None]:
        """Run `work` elsewhere; then call `done` or `failed` on the presenters' thread.

        Call the result to give it up: then neither is called.
        """


class ErrandThreads:
    """The real one. Its threads never keep the app open."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def start(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> Callable[[], None]:
        given_up = threading.Event()

        def answer(call: Callable[[], None]) -> None:
            self._deliver(lambda: None if given_up.is_set() else call())

        def job() -> None:
            try:
                result = work()
            except BaseException as raised:
                problem = as_store_error(raised)
                answer(lambda: failed(problem))
            else:
                answer(lambda: done(result))

        threading.Thread(target=job, name="errand", daemon=True).start()
        return given_up.set
