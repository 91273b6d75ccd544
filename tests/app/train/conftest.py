"""A Train presenter over a real temporary project, with a fake engine and a clock that the test turns."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from app.history import History
from app.store.collecting import comparisons, prompts, verdicts
from app.store.project import Project, create_project
from app.store.records import NewCandidate, Run
from app.store.training.runs import runs
from app.train.presenter import TrainPresenter
from app.train.tools import Tools
from dpo_engine.preferences import Message, Split
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectReader, DirectStore

T = TypeVar("T")


class DirectBackground:
    def submit(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        try:
            result = work()
        except Exception as error:
            failed(error)
            return
        done(result)


class Clock:
    """Seconds that pass only when a test says so; what was to be called later is called then."""

    def __init__(self) -> None:
        self.now = 100.0
        self._later: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self._later.append((self.now + seconds, call))

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [entry for entry in self._later if entry[0] <= self.now + 1e-9]
        self._later = [entry for entry in self._later if entry not in due]
        for _, call in due:
            call()


class Room:
    """Everything around one presenter."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.on_battery = False
        self.problems: list[str] = []
        """What an undo that did not succeed said."""
        self.store = DirectStore(project)
        self.engine = FakeEngine()
        self.clock = Clock()
        self.background = DirectBackground()
        self.history = History(store=self.store, annotator="me", failed=self.problems.append)
        self.presenter = self.new_presenter()

    def new_presenter(self) -> TrainPresenter:
        return TrainPresenter(
            Tools(
                engine=self.engine,
                store=self.store,
                reader=DirectReader(self.project),
                background=self.background,
                history=self.history,
                annotator=lambda: "me",
                clock=self.clock,
                call_later=self.clock.call_later,
                on_battery=lambda: self.on_battery,
            )
        )

    def judge(self, number: int, *, split: Split = "train", model: str = "starter") -> None:
        """Give `number` verdicts, each on a prompt of its own, the left response being the better one."""
        for _ in range(number):
            count = prompts.counts(self.project).total
            prompt = prompts.add_prompt(
                self.project, (Message("user", f"Question {count}?"),), source="test", split=split
            )
            pair = (_candidate(f"Good answer {count}.", model), _candidate(f"Bad answer {count}.", model))
            comparison = comparisons.add_comparison(self.project, prompt.id, pair, swapped=False)
            verdicts.give_verdict(
                self.project, comparison.id, "left", strength=1, annotator="me", seconds=2.0
            )

    def runs(self) -> list[Run]:
        return runs(self.project)


def _candidate(text: str, model: str) -> NewCandidate:
    return NewCandidate(
        text=text,
        model=model,
        fingerprint="f" * 64,
        sampling={"temperature": 0.9},
        seed=1,
        finish_reason="end",
        tokens=4,
        seconds=0.5,
    )


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = create_project(tmp_path / "taste.dpo", with_starter_prompts=False)
    yield made
    made.close()


@pytest.fixture
def room(project: Project) -> Room:
    """An empty project, opened."""
    room = Room(project)
    room.presenter.open()
    return room


@pytest.fixture
def ready(room: Room) -> Room:
    """Six preferences to train on and two held out."""
    room.judge(6)
    room.judge(2, split="held_out")
    room.presenter.refresh()
    return room
