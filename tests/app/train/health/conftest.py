"""Real trainings of the tiny model, each of a condition that a rule looks for, or of none."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from app.store.records import MetricRow
from app.train.curves import Columns, columns_of
from app.train.health.finding import Finding, Kind, RunFacts
from app.train.health.rules import judge
from dpo_engine import run_folder
from dpo_engine.conversations import Message, Pair
from tests.helpers.tiny_model import save_tiny_model
from tests.helpers.training_runs import new_run, run_it


@dataclass(frozen=True)
class Trained:
    columns: Columns
    facts: RunFacts
    policy: Path

    @property
    def findings(self) -> tuple[Finding, ...]:
        return judge(self.columns, self.facts)

    @property
    def kinds(self) -> dict[Kind, str]:
        return {finding.kind: finding.level for finding in self.findings}

    def finding(self, kind: Kind) -> Finding:
        """The test fails where there is none of this kind."""
        found = [finding for finding in self.findings if finding.kind == kind]
        assert found, f"{kind} was not found, but {self.kinds}"
        return found[0]


class Gym:
    """Trains a tiny model in a second; the same training once only."""

    def __init__(self, parent: Path, model: Path) -> None:
        self._parent, self.model = parent, model
        self._done: dict[str, Trained] = {}

    def __call__(
        self, pairs: Sequence[Pair] | None = None, *, model: Path | None = None, **changes: Any
    ) -> Trained:
        key = repr((pairs, model, sorted(changes.items())))
        if key not in self._done:
            run = new_run(
                self._parent, model or self.model, pairs=None if pairs is None else list(pairs), **changes
            )
            run_it(run)
            self._done[key] = _read(run)
        return self._done[key]

    def spoiled(self, name: str, family: Literal["llama", "qwen2"] = "llama") -> Path:
        """A model of its own, to be spoiled by the test."""
        return save_tiny_model(self._parent / name, family=family)


def _read(run: Path) -> Trained:
    spec, state = run_folder.read_spec(run), run_folder.read_state(run)
    rows = run_folder.read_metrics(run)
    columns = columns_of(
        MetricRow(run_id=1, step=row.step, split=row.split, metrics=row.metrics) for row in rows
    )
    facts = RunFacts(
        config=spec.config,
        total_steps=state.total_steps,
        train_pairs=spec.train_pairs,
        held_out_pairs=spec.held_out_pairs,
        checkpoints=tuple(step for step, _ in run_folder.checkpoints(run)),
        policy_step=state.policy_step,
        dtype=spec.dtype,
    )
    return Trained(columns, facts, run_folder.policy_folder(run))


@pytest.fixture(scope="session")
def gym(tmp_path_factory: pytest.TempPathFactory, tiny_model_folder: Path) -> Gym:
    return Gym(tmp_path_factory.mktemp("gym"), tiny_model_folder)


@pytest.fixture(scope="session")
def healthy(gym: Gym) -> Trained:
    """Learns, moderately far, what holds for held-out pairs too; answers are sampled."""
    return gym(num_train_epochs=6.0, eval_steps=4, eval_samples=4, eval_sample_tokens=32)


@pytest.fixture(scope="session")
def own_pairs(tiny_model_folder: Path) -> tuple[Pair, ...]:
    """Both responses drawn from the reference itself, as in the app; which is the better one is chance."""
    from dpo_engine.events import CandidateDone
    from dpo_engine.generation.writing import generate_many
    from dpo_engine.models.loading import load
    from dpo_engine.requests import GenerateMany, PromptToAnswer, SamplingConfig

    prompts = tuple(
        PromptToAnswer(prompt=(Message("user", f"Question {number}"),), seed=7 * number)
        for number in range(14)
    )
    request = GenerateMany(
        id="g", policy="tiny", prompts=prompts, n=2, sampling=SamplingConfig(max_new_tokens=24)
    )
    loaded = load(str(tiny_model_folder), device="cpu", dtype="float32")
    texts = {
        event.index: event.text
        for event in generate_many(request, loaded)
        if isinstance(event, CandidateDone)
    }
    return tuple(
        Pair(
            id=f"own-{number}",
            prompt=asked.prompt,
            chosen=texts[2 * number],
            rejected=texts[2 * number + 1],
            split="train",
        )
        for number, asked in enumerate(prompts)
    )


def same_pairs(chosen: str, rejected: str, number: int = 10) -> list[Pair]:
    """The same two responses to different prompts."""
    return [pair(place, chosen, rejected) for place in range(number)]


def pairs_by_chance(train: int, held_out: int) -> list[Pair]:
    """Words of chance on either side: there is nothing that holds for all."""
    chance = random.Random(3)

    def word() -> str:
        return "".join(chance.choice("abcdefgh") for _ in range(6))

    return [pair(number, word(), word(), held_out=number >= train) for number in range(train + held_out)]


def pair(number: int, chosen: str, rejected: str, *, held_out: bool = False) -> Pair:
    return Pair(
        id=f"pair-{number}",
        prompt=(Message("user", f"Question {number}"),),
        chosen=chosen,
        rejected=rejected,
        split="held_out" if held_out else "train",
    )
