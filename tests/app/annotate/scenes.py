"""Short ways to set the Annotate page's stage."""

import random

from app.annotate.presenter import AnnotatePresenter
from app.engine_host.protocol import Engine
from app.history import History
from app.store.access import StoreAccess
from app.store.collecting import comparisons, prompts
from app.store.handle import Project
from app.store.records import Comparison, NewCandidate
from dpo_engine.preferences import Message
from tests.helpers.fake_engine import FakeEngine
from tests.helpers.stores import DirectStore


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def new_presenter(
    engine: Engine,
    store: StoreAccess,
    clock: Clock | None = None,
    *,
    seed: int = 1,
    reader: StoreAccess | None = None,
) -> AnnotatePresenter:
    """Annotator "me"; what is read beside the store's thread is there at once, if no `reader` is given."""
    beside = DirectStore(store.project) if isinstance(store, DirectStore) else store
    return AnnotatePresenter(
        engine=engine,
        store=store,
        reader=reader or beside,
        history=new_history(store),
        annotator="me",
        rng=random.Random(seed),
        clock=clock or Clock(),
    )


def new_history(store: StoreAccess) -> History:
    def failed(sentence: str) -> None:
        raise AssertionError(sentence)

    return History(store=store, annotator="me", failed=failed)


def add_prompts(project: Project, number: int) -> None:
    for place in range(1, number + 1):
        prompts.add_prompt(project, [Message("user", f"Question {place}?")], source="starter")


def candidate(text: str, *, model: str = "starter", finish_reason: str = "end") -> NewCandidate:
    return NewCandidate(
        text=text,
        model=model,
        fingerprint="f" * 64,
        sampling={"temperature": 0.9},
        seed=7,
        finish_reason=finish_reason,
        tokens=3,
        seconds=0.5,
    )


def add_comparison(
    project: Project,
    left: str,
    right: str,
    *,
    prompt: str | tuple[Message, ...] = "Hello?",
    model: str = "starter",
) -> Comparison:
    """One that waits, with these texts on these sides."""
    messages = (Message("user", prompt),) if isinstance(prompt, str) else prompt
    row = prompts.add_prompt(project, messages, source="import")
    pair = (candidate(left, model=model), candidate(right, model=model))
    return comparisons.add_comparison(project, row.id, pair, swapped=False)


def begun(presenter: AnnotatePresenter, engine: FakeEngine) -> AnnotatePresenter:
    """Started, with all written that the engine was asked for."""
    presenter.start()
    engine.deliver()
    return presenter


def shown_id(presenter: AnnotatePresenter) -> int:
    """Of the comparison on the screen; the test fails when there is none."""
    comparison = presenter.state.comparison
    assert comparison is not None
    return comparison.id
