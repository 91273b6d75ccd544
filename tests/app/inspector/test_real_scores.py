"""With the real engine and a tiny model: the Inspector's figures are those that the training measured."""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from app.engine_host.protocol import Listener
from app.inspector.pair_table import summary_of
from app.inspector.presenter import InspectorPresenter
from app.store.handle import Project
from app.store.training.runs import add_run, set_status
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.events import Evaluated, Event, RequestFailed, RequestFinished, StepDone
from dpo_engine.requests import Control, Request, Shutdown, Train
from dpo_engine.session import Session
from tests.app.inspector.scenes import make_pairs
from tests.helpers.stores import DirectStore


class ThreadedEngine:
    """The engine's session on a thread of its own; `deliver_until_end` hands its events out on this one."""

    def __init__(self) -> None:
        self._events: queue.Queue[Event] = queue.Queue()
        self._listeners: dict[str, Listener] = {}
        self._session = Session(self._events.put)
        self._thread = threading.Thread(target=self._session.run)
        self._thread.start()

    def submit(self, request: Request, listener: Listener) -> None:
        self._listeners[request.id] = listener
        self._session.put(request)

    def control(self, control: Control) -> None:
        self._session.put(control)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        return lambda: None

    def deliver_until_end(self) -> list[Event]:
        heard: list[Event] = []
        while not (heard and isinstance(heard[-1], (RequestFinished, RequestFailed))):
            event = self._events.get(timeout=120)
            heard.append(event)
            listener = self._listeners.get(getattr(event, "request", ""))
            if listener is not None:
                listener(event)
        return heard

    def close(self) -> None:
        self._session.put(Shutdown())
        self._thread.join(timeout=60)


@pytest.fixture
def real_engine() -> Iterator[ThreadedEngine]:
    engine = ThreadedEngine()
    yield engine
    engine.close()


def test_held_out_figures_are_those_of_the_last_evaluation(
    real_engine: ThreadedEngine, project: Project, tiny_model_folder: Path
) -> None:
    pairs = make_pairs(10, held_out=4)
    config = TrainConfig(
        beta=0.2,
        learning_rate=1e-3,
        max_length=256,
        num_train_epochs=2,
        save_steps=100,
        device="cpu",
        dtype="float32",
    )
    policy = str(tiny_model_folder)
    folder = run_folder.create(project.runs_dir, policy=policy, config=config, pairs=pairs)
    real_engine.submit(Train(id="train", run=str(folder)), lambda _event: None)
    heard = real_engine.deliver_until_end()
    measured = [event for event in heard if isinstance(event, Evaluated)][-1].metrics
    steps = max(event.step for event in heard if isinstance(event, StepDone))
    run = add_run(project, folder, policy=policy, method="lora", beta=0.2, config=asdict(config), pairs=pairs)
    set_status(project, run.id, "finished", step=steps)

    presenter = InspectorPresenter(engine=real_engine, store=DirectStore(project))
    presenter.set_visible(True)
    real_engine.deliver_until_end()

    state = presenter.state
    assert (state.phase, state.complete, state.message, len(presenter.table)) == ("ready", True, "", 10)
    held_out = summary_of(presenter.table, "held_out")
    assert held_out.pairs == 4
    assert held_out.mean_margin == pytest.approx(measured["eval_rewards/margins"], abs=1e-5)
    assert held_out.mean_loss == pytest.approx(measured["eval_loss"], abs=1e-5)
    assert held_out.accuracy == measured["eval_rewards/accuracies"]
    assert abs(measured["eval_rewards/margins"]) > 0.01, "the policy has moved, so that this says something"
