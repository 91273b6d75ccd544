"""A `StoreAccess` over a real project for presenter and page tests: no thread, and faults on demand.

store = DirectStore(project)        # work is done and answered inside `submit`
store.hold(); …; store.release()    # work is done, the answers wait
store.fail_next(StoreFull("…"))     # the next work is not done, and fails with this
store.failing = StoreFull("…")      # no work is done until this is None again
store.submitted                     # how often it was asked for something
"""

from collections.abc import Callable
from typing import TypeVar

from app.store.errors import StoreError
from app.store.handle import Project

T = TypeVar("T")


class DirectStore:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.submitted = 0
        self.failing: StoreError | None = None
        self._holding = False
        self._held: list[Callable[[], None]] = []
        self._faults: list[StoreError] = []

    def submit(
        self, work: Callable[[Project], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> None:
        self.submitted += 1
        try:
            if self._faults:
                raise self._faults.pop(0)
            if self.failing is not None:
                raise self.failing
            result = work(self.project)
        except StoreError as error:
            problem = error
            self._answer(lambda: failed(problem))
        else:
            self._answer(lambda: done(result))

    def hold(self) -> None:
        self._holding = True

    def release(self, limit: int | None = None) -> None:
        """Give the answers that wait, in order; with a limit so many of them, and go on holding."""
        self._holding = limit is not None
        held = self._held[:limit]
        del self._held[: len(held)]
        for answer in held:
            answer()

    @property
    def held(self) -> int:
        return len(self._held)

    def fail_next(self, error: StoreError) -> None:
        self._faults.append(error)

    def _answer(self, answer: Callable[[], None]) -> None:
        if self._holding:
            self._held.append(answer)
        else:
            answer()


class DirectReader(DirectStore):
    """A `StoreReader` whose work can be given up before its answer was given."""

    def submit(
        self, work: Callable[[Project], T], done: Callable[[T], None], failed: Callable[[StoreError], None]
    ) -> Callable[[], None]:
        given_up: list[bool] = []
        super().submit(
            work,
            lambda result: None if given_up else done(result),
            lambda error: None if given_up else failed(error),
        )
        return lambda: given_up.append(True)
