"""A real project on disk with a run in it, a store that answers at once, and scores made of thin air."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from app.store.handle import Project
from app.store.project import create_project
from app.store.records import Run, RunStatus, ScoredPair
from app.store.training.runs import add_run, set_status
from dpo_engine.config import TrainConfig
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Message, Pair

T = TypeVar("T")


def new_project(folder: Path) -> Project:
    return create_project(folder / "demo.dpo", with_starter_prompts=False)


def make_pairs(number: int, held_out: int = 0) -> list[Pair]:
    """`held_out` of them at the end; texts differ from pair to pair."""
    return [
        Pair(
            id=f"comparison-{place + 1}",
            prompt=(Message(role="user", content=f"Question {place + 1} about topic {place % 7}?"),),
            chosen=f"A kind answer, number {place + 1}.",
            rejected=f"A rude answer, number {place + 1}!",
            split="held_out" if place >= number - held_out else "train",
        )
        for place in range(number)
    ]


def make_scores(pairs: Sequence[Pair], seed: int = 1, shift: float = 0.0) -> list[PairScore]:
    """Plausible log-probs: the policy a little away from the reference, either way."""
    rng = random.Random(seed)
    scores = []
    for pair in pairs:
        reference = (-rng.uniform(20, 90), -rng.uniform(20, 90))
        scores.append(
            PairScore(
                pair=pair.id,
                split=pair.split,
                policy_chosen_logp=reference[0] + rng.gauss(1.0 + shift, 4),
                policy_rejected_logp=reference[1] + rng.gauss(-2.0, 5),
                reference_chosen_logp=reference[0],
                reference_rejected_logp=reference[1],
                chosen_tokens=rng.randint(5, 80),
                rejected_tokens=rng.randint(5, 80),
            )
        )
    return scores


def scored_pairs(pairs: Sequence[Pair], scores: Sequence[PairScore]) -> list[ScoredPair]:
    """What the store gives back for these."""
    return [
        ScoredPair(
            run_id=1,
            checkpoint="policy",
            pair=pair.id,
            split=pair.split,
            prompt=pair.prompt,
            chosen=pair.chosen,
            rejected=pair.rejected,
            policy_chosen_logp=score.policy_chosen_logp,
            policy_rejected_logp=score.policy_rejected_logp,
            reference_chosen_logp=score.reference_chosen_logp,
            reference_rejected_logp=score.reference_rejected_logp,
            chosen_tokens=score.chosen_tokens,
            rejected_tokens=score.rejected_tokens,
            truncated=score.truncated,
        )
        for pair, score in zip(pairs, scores, strict=True)
    ]


def add_scene_run(
    project: Project,
    name: str,
    pairs: Sequence[Pair],
    *,
    status: RunStatus = "finished",
    policy: bool = True,
    checkpoints: Sequence[int] = (),
    beta: float = 0.1,
    step: int = 30,
) -> Run:
    """A run as it lies on disk after training: its row, its folder, its policy and checkpoint folders."""
    folder = project.runs_dir / name
    folder.mkdir(parents=True)
    for step_saved in checkpoints:
        (folder / "checkpoints" / f"step-{step_saved:06d}" / "policy").mkdir(parents=True)
    if policy:
        (folder / "policy").mkdir()
    config = TrainConfig(beta=beta, max_length=512)
    run = add_run(
        project, folder, policy="starter", method="lora", beta=beta, config=asdict(config), pairs=pairs
    )
    return set_status(project, run.id, status, step=step, total_steps=30)
