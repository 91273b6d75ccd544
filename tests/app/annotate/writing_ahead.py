"""A queue that writes ahead with what it called back, and its engine played by hand."""

import random

from app.annotate.drafts import Author
from app.annotate.pace import Pace
from app.annotate.write_ahead import WriteAhead
from app.store.records import Comparison
from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone
from dpo_engine.requests import Generate, GenerateMany
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore

SAMPLING = SamplingConfig(temperature=0.7, max_new_tokens=64)


def author(policy: str = "starter") -> Author:
    return Author(policy=policy, sampling=SAMPLING)


class Steady(Pace):
    """So many are wanted, however fast a person judges."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target

    @property
    def target(self) -> int:
        return self._target


class Ahead:
    """A `WriteAhead` and what it called back."""

    def __init__(self, engine: FakeEngine, store: DirectStore, *, seed: int = 1, target: int = 4) -> None:
        self.stored: list[Comparison] = []
        self.given_up: list[str] = []
        self.changes = 0
        self.someone_waits = True
        self.queue = WriteAhead(
            engine=engine,
            store=store,
            rng=random.Random(seed),
            stored=self.stored.append,
            changed=self._on_changed,
            someone_waits=lambda: self.someone_waits,
            annotator=lambda: "me",
            gave_up=self.given_up.append,
            pace=Steady(target),
        )

    def _on_changed(self) -> None:
        self.changes += 1


def texts_asked(request: object) -> list[str]:
    if isinstance(request, GenerateMany):
        return [one.prompt[-1].content for one in request.prompts]
    assert isinstance(request, Generate)
    return [request.prompt[-1].content]


def finish_by_hand(engine: FakeEngine) -> None:
    request = engine.last(Generate).id
    for index in (0, 1):
        engine.emit(done(request, index))
    engine.finish(request)


def done(request: str, index: int) -> CandidateDone:
    return CandidateDone(
        request=request,
        index=index,
        text=f"text {index}",
        tokens=2,
        seed=index,
        finish_reason="end",
        seconds=0.1,
        fingerprint="f" * 64,
    )
