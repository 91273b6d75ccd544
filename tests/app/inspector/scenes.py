"""A real project on disk with a run in it, a store that answers at once, and scores made of thin air."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np

from app.inspector.pair_table import PairTable
from app.store.handle import Project
from app.store.project import create_project
from app.store.records import Run, RunStatus
from app.store.training.runs import add_run, set_status
from app.store.training.score_columns import ScoreColumns
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


def table_of(
    pairs: Sequence[Pair], scores: Sequence[PairScore], beta: float = 0.1, strengths: Sequence[int] = ()
) -> PairTable:
    """What the Inspector makes of these scores of these pairs."""
    lines = [" ".join(pair.prompt[-1].content.split()) for pair in pairs]
    ranks = {line: rank for rank, line in enumerate(sorted(set(lines), key=str.lower))}
    columns = ScoreColumns(
        rows=np.arange(1, len(pairs) + 1),
        ids=tuple(pair.id for pair in pairs),
        prompt_lines=tuple(lines),
        prompt_rank=np.array([ranks[line] for line in lines], dtype=np.int64),
        held_out=np.array([pair.split == "held_out" for pair in pairs], dtype=np.bool_),
        policy_chosen=np.array([score.policy_chosen_logp for score in scores], dtype=np.float64),
        policy_rejected=np.array([score.policy_rejected_logp for score in scores], dtype=np.float64),
        reference_chosen=np.array([score.reference_chosen_logp for score in scores], dtype=np.float64),
        reference_rejected=np.array([score.reference_rejected_logp for score in scores], dtype=np.float64),
        chosen_tokens=np.array([score.chosen_tokens for score in scores], dtype=np.int64),
        rejected_tokens=np.array([score.rejected_tokens for score in scores], dtype=np.int64),
        truncated=np.array([score.truncated for score in scores], dtype=np.bool_),
        strength=np.array(strengths or [0] * len(pairs), dtype=np.int64),
    )
    return PairTable.of(columns, beta)


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
