"""Small runs for the tests of training and checkpoints: tiny pairs, tiny model, events by kind."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.events import Event, StepDone
from dpo_engine.preferences import Message, Pair
from dpo_engine.requests import Train
from dpo_engine.training.run import Directive, train

Kind = TypeVar("Kind")

CLOCK = ("step_seconds", "tokens_per_second", "memory")
"""The metrics that no two runs share: of the machine, not of what is learned."""


def some_pairs(train_pairs: int = 10, held_out: int = 3) -> list[Pair]:
    """Pairs of different lengths; the short friendly one is chosen."""
    return [
        Pair(
            id=f"pair-{number}",
            prompt=(Message("user", f"Question {number}" + "?" * (number % 4)),),
            chosen="yes" * (number % 3 + 1),
            rejected="certainly not " * (number % 2 + 1),
            split="train" if number < train_pairs else "held_out",
        )
        for number in range(train_pairs + held_out)
    ]


def settings(**changes: Any) -> TrainConfig:
    """Four steps of two epochs, quick enough to learn something visible."""
    values: dict[str, Any] = {
        "learning_rate": 1e-3,
        "num_train_epochs": 2.0,
        "per_device_train_batch_size": 5,
        "save_steps": 100,
        "eval_steps": 100,
        "device": "cpu",
        "dtype": "float32",
    }
    return TrainConfig(**(values | changes))


def new_run(
    parent: Path, model: Path, *, pairs: list[Pair] | None = None, name: str | None = None, **changes: Any
) -> Path:
    chosen = some_pairs() if pairs is None else pairs
    return run_folder.create(parent, policy=str(model), config=settings(**changes), pairs=chosen, name=name)


def run_it(
    run: Path,
    *,
    resume: bool = False,
    after: Mapping[int, Directive] | None = None,
    reference_cache: bool = True,
) -> list[Event]:
    """Every event of a training; `after` says which directive holds once so many steps are done."""
    events: list[Event] = []

    def directive() -> Directive:
        done = max((event.step for event in of_kind(events, StepDone)), default=0)
        return (after or {}).get(done, "go")

    request = Train(id="t", run=str(run), resume=resume, reference_cache=reference_cache)
    told = train(request, directive)
    events.extend(event for event in told if event is not None)
    return events


def of_kind(events: Iterable[Event], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def curve(events: Iterable[Event]) -> list[tuple[int, dict[str, float]]]:
    """Step and metrics of every step, without the clock's."""
    return [(event.step, without_clock(event.metrics)) for event in of_kind(events, StepDone)]


def without_clock(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in CLOCK}
