"""With the real engine and a tiny model: figures are those of the training, and those of the command."""

import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

from app.engine_host.protocol import Listener
from app.inspector.columns import COLUMNS
from app.inspector.pair_table import summary_of
from app.inspector.presenter import InspectorPresenter
from app.inspector.wording import decimal
from app.store.handle import Project
from app.store.records import Run
from app.store.training.runs import add_run, set_status
from dpo_engine import run_folder
from dpo_engine.commands.main import main
from dpo_engine.config import TrainConfig
from dpo_engine.events import Evaluated, Event, RequestFailed, RequestFinished, StepDone
from dpo_engine.requests import Control, Request, Shutdown, Train
from dpo_engine.session import Session
from tests.app.inspector.scenes import make_pairs
from tests.helpers.stores import DirectReader, DirectStore


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


@dataclass(frozen=True)
class Trained:
    run: Run
    measured: dict[str, float]
    """At the last check on held-out pairs."""


@pytest.fixture
def trained(real_engine: ThreadedEngine, project: Project, tiny_model_folder: Path) -> Trained:
    """A run of a tiny model that has moved, with its result and a checkpoint."""
    pairs = make_pairs(10, held_out=4)
    config = TrainConfig(
        beta=0.2,
        learning_rate=1e-3,
        max_length=256,
        num_train_epochs=2,
        save_steps=1,
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
    return Trained(set_status(project, run.id, "finished", step=steps), measured)


@pytest.fixture
def inspected(real_engine: ThreadedEngine, project: Project, trained: Trained) -> InspectorPresenter:
    presenter = InspectorPresenter(
        engine=real_engine,
        store=DirectStore(project),
        reader=DirectReader(project),
        slow_reader=DirectReader(project),
    )
    presenter.set_visible(True)
    real_engine.deliver_until_end()
    return presenter


def test_held_out_figures_are_those_of_the_last_evaluation(
    inspected: InspectorPresenter, trained: Trained
) -> None:
    state, measured = inspected.state, trained.measured
    assert (state.phase, state.complete, state.message, len(inspected.table)) == ("ready", True, "", 10)
    held_out = summary_of(inspected.table, "held_out")
    assert held_out.pairs == 4
    assert held_out.mean_margin == pytest.approx(measured["eval_rewards/margins"], abs=1e-5)
    assert held_out.mean_loss == pytest.approx(measured["eval_loss"], abs=1e-5)
    assert held_out.accuracy == measured["eval_rewards/accuracies"]
    assert abs(measured["eval_rewards/margins"]) > 0.01, "the policy has moved, so that this says something"


@pytest.mark.parametrize("number", [0, -1])
def test_every_figure_is_that_of_the_command_to_its_last_digit(
    inspected: InspectorPresenter,
    real_engine: ThreadedEngine,
    trained: Trained,
    number: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert inspected.state.selected is not None
    checkpoint = inspected.state.selected.checkpoints[number]
    if checkpoint != inspected.state.checkpoint:
        inspected.choose_checkpoint(checkpoint)
        real_engine.deliver_until_end()
    source = inspected.state.source
    assert source is not None
    asked = ["--policy", source.policy, "--reference", source.reference, "--pairs", trained.run.folder]
    sized = ["--max-length", str(source.max_length), "--beta", str(trained.run.beta)]
    out = tmp_path / "scores.jsonl"
    assert main(["score", *asked, *sized, "--dtype", "float32", "--device", "cpu", "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    table, told = inspected.table, capsys.readouterr().out
    assert [row["id"] for row in rows] == list(table.ids)
    for place, row in enumerate(rows):
        shown = {column.key: column.text(table, place) for column in COLUMNS}
        for key, name, places in (
            ("margin", "margin", 3),
            ("chosen_log_ratio", "chosen_log_ratio", 3),
            ("rejected_log_ratio", "rejected_log_ratio", 3),
            ("policy_chosen", "policy_chosen_logp", 2),
            ("policy_rejected", "policy_rejected_logp", 2),
            ("reference_chosen", "reference_chosen_logp", 2),
            ("reference_rejected", "reference_rejected_logp", 2),
        ):
            assert shown[key] == decimal(row[name], places), (place, key)
        assert table.figures.margin[place] == row["margin"]
        assert (shown["chosen_tokens"], shown["rejected_tokens"]) == (
            str(row["chosen_tokens"]),
            str(row["rejected_tokens"]),
        )
    assert f"10 pairs, mean margin {table.figures.margin.mean():+.4f}, " in told
    assert np.ptp(table.figures.margin) > 1e-3
