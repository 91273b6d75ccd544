"""A run folder with answers to two prompts after three checks."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from app.store.records import Run
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.conversations import Message, Pair
from dpo_engine.events import Sample
from dpo_engine.run_folder import StepSamples

T = TypeVar("T")

FIRST = (Message("user", "How do tides work?"),)
SECOND = (Message("user", "Write a haiku."),)


class Later:
    """A background whose work is done when the test says so."""

    def __init__(self) -> None:
        self._jobs: list[Callable[[], None]] = []

    def submit(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        def job() -> None:
            try:
                result = work()
            except Exception as error:
                failed(error)
            else:
                done(result)

        self._jobs.append(job)

    def catch_up(self) -> None:
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job()


def answers(step: int, *texts: str, kl: float | None = None) -> StepSamples:
    """One text a prompt; an empty one for a prompt that was not answered."""
    samples = tuple(
        Sample(prompt=prompt, text=text, finish_reason="end", tokens=len(text.split()))
        for prompt, text in zip((FIRST, SECOND), texts, strict=False)
        if text
    )
    return StepSamples(step=step, samples=samples, distinct=0.9, kl=kl)


def new_run(parent: Path, *, number: int = 1, eval_samples: int = 2) -> Run:
    config = TrainConfig(eval_samples=eval_samples)
    pair = Pair(id="a", prompt=FIRST, chosen="x", rejected="y", split="train")
    folder = run_folder.create(parent, policy="starter", config=config, pairs=[pair], name=f"run-{number}")
    return Run(
        id=number,
        name=folder.name,
        folder=str(folder),
        policy="starter",
        method="lora",
        beta=0.1,
        config={"eval_samples": eval_samples},
        status="finished",
        step=4,
        total_steps=4,
        train_pairs=1,
        held_out_pairs=0,
        message="",
        created_at="2026-11-23T10:00:00+00:00",
        finished_at=None,
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = new_run(tmp_path)
    for row in (
        answers(0, "The moon pulls the sea.", "Old pond, a frog."),
        answers(2, "The moon pulls the water.", "Old pond, a toad.", kl=0.02),
        answers(4, "Gravity.", "Frog.", kl=0.3),
    ):
        run_folder.append_samples(Path(made.folder), row)
    return made


@pytest.fixture
def later() -> Later:
    return Later()
