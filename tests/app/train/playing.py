"""Playing the engine of a training run, and a stand-in for its plots."""

from typing import Any

from app.store.records import Run
from app.train.curves import Columns
from dpo_engine.events import (
    RequestStarted,
    StepDone,
    TrainingStarted,
)
from dpo_engine.requests import Train
from tests.app.train.conftest import Room
from tests.helpers.fake_engine import training_metrics


class Curves:
    """Writes down what it is given to draw."""

    def __init__(self) -> None:
        self.shown: list[int | None] = []
        self.points: list[tuple[int, int, float | None, float | None]] = []
        self.loaded: list[tuple[int, Columns, int]] = []
        self.cuts: list[tuple[int, int]] = []

    def show_run(self, run_id: int | None) -> None:
        self.shown.append(run_id)

    def curves_loaded(self, run_id: int, columns: Columns, planned_steps: int) -> None:
        self.loaded.append((run_id, columns, planned_steps))

    def points_added(self, run_id: int, step: int, metrics: Any, planned_steps: int) -> None:
        self.points.append((run_id, step, metrics.get("loss"), metrics.get("eval_loss")))

    def curves_cut(self, run_id: int, after_step: int) -> None:
        self.cuts.append((run_id, after_step))


def begin(room: Room, *, total: int = 10, first: int = 0) -> str:
    """What the engine says until the first step, to the request that was submitted last."""
    request = room.engine.last(Train)
    room.engine.emit(RequestStarted(request=request.id))
    room.engine.emit(
        TrainingStarted(
            request=request.id,
            run=request.run,
            first_step=first,
            total_steps=total,
            train_pairs=6,
            held_out_pairs=2,
            learning_rate=2e-4,
            device="cpu",
            dtype="float32",
            trainable_parameters=10,
        )
    )
    return request.id


def step(room: Room, request: str, number: int, total: int = 10) -> None:
    room.engine.emit(
        StepDone(
            request=request,
            step=number,
            total_steps=total,
            metrics=training_metrics(number, total),
            seconds_left=3.0 * (total - number),
        )
    )


def the_run(room: Room) -> Run:
    (run,) = room.runs()
    return run
