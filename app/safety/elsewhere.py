"""Work on a thread of its own, and its outcome back where the listener lives. Qt-free."""

import threading
from collections.abc import Callable
from typing import TypeVar

from app.store.errors import StoreError
from app.store.writer import Deliver, as_store_error

T = TypeVar("T")


class Elsewhere:
    """Starts a thread for each piece of work; none of them keeps the app open."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def run(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> None:
        """Exactly one of `done` and `failed` is delivered."""

        def job() -> None:
            try:
                result = work()
            except Exception as raised:
                problem = as_store_error(raised)
                self._deliver(lambda: failed(problem))
            else:
                self._deliver(lambda: done(result))

        threading.Thread(target=job, name="safety", daemon=True).start()
