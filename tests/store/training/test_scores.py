"""Scores of a run's pairs at its checkpoints, with the texts of its own snapshot."""

import dataclasses
import math
from pathlib import Path

import pytest

from app.store.collecting import verdicts
from app.store.errors import BadValue, NoSuchRow, ProjectDamaged
from app.store.project import Project
from app.store.records import Run
from app.store.training import runs, scores
from dpo_engine import run_folder
from dpo_engine.config import TrainConfig
from dpo_engine.pair_math import PairScore, TokenScore
from dpo_engine.preferences import Message, Pair
from tests.store.makers import comparison

PAIRS = tuple(
    Pair(
        id=f"comparison-{i}",
        prompt=(Message("user", f"q{i}"),),
        chosen=f"good {i}",
        rejected=f"bad {i}",
        split="held_out" if i == 3 else "train",
    )
    for i in (1, 2, 3)
)


def score(pair: Pair, policy_chosen: float = -10.25) -> PairScore:
    return PairScore(
        pair=pair.id,
        split=pair.split,
        policy_chosen_logp=policy_chosen,
        policy_rejected_logp=-20.5,
        reference_chosen_logp=-11.125,
        reference_rejected_logp=-19.75,
        chosen_tokens=4,
        rejected_tokens=5,
        truncated=pair.split == "held_out",
    )


@pytest.fixture
def run(project: Project) -> Run:
    return runs.add_run(
        project, project.runs_dir / "one", policy="starter", method="lora", beta=0.1, config={}, pairs=PAIRS
    )


def test_scores_come_back_with_the_texts_in_the_order_of_the_snapshot(project: Project, run: Run) -> None:
    scores.record_scores(project, run.id, "policy", [score(PAIRS[2]), score(PAIRS[0])])
    first, last = scores.scored_pairs(project, run.id, "policy")
    assert (first.pair, first.prompt, first.chosen, first.rejected) == (
        PAIRS[0].id,
        PAIRS[0].prompt,
        "good 1",
        "bad 1",
    )
    for scored, pair in ((first, PAIRS[0]), (last, PAIRS[2])):
        expected = dataclasses.asdict(score(pair))
        names = set(expected) - {"chosen_token_scores", "rejected_token_scores"}
        assert {name: getattr(scored, name) for name in names} == {name: expected[name] for name in names}
        assert (scored.run_id, scored.checkpoint) == (run.id, "policy")


def test_scoring_again_replaces_and_checkpoints_are_apart(project: Project, run: Run) -> None:
    for value in (-10.0, -9.0, -9.0):
        scores.record_scores(project, run.id, "policy", [score(PAIRS[0], value)])
    scores.record_scores(project, run.id, "step-000040", [score(pair) for pair in PAIRS])
    (scored,) = scores.scored_pairs(project, run.id, "policy")
    assert scored.policy_chosen_logp == -9.0
    assert scores.scored_checkpoints(project, run.id) == {"policy": 1, "step-000040": 3}
    assert scores.scored_pairs(project, run.id, "step-000020") == []


def test_a_verdict_changed_later_does_not_change_the_texts(project: Project) -> None:
    one = comparison(project)
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="me", seconds=1.0)
    pairs = verdicts.training_pairs(project)
    run = runs.add_run(
        project, project.runs_dir / "one", policy="starter", method="lora", beta=0.1, config={}, pairs=pairs
    )
    verdicts.give_verdict(project, one.id, "right", strength=1, annotator="me", seconds=1.0)
    scores.record_scores(project, run.id, "policy", [score(pairs[0])])
    (scored,) = scores.scored_pairs(project, run.id, "policy")
    assert (scored.chosen, scored.rejected) == (one.left.text, one.right.text)
    assert verdicts.training_pairs(project)[0].chosen == one.right.text


def test_texts_are_found_in_the_run_folder(project: Project) -> None:
    folder = run_folder.create(project.runs_dir, policy="starter", config=TrainConfig(), pairs=PAIRS)
    run = runs.add_run(project, folder, policy="starter", method="lora", beta=0.1, config={})
    scores.record_scores(project, run.id, "policy", [score(PAIRS[1])])
    (scored,) = scores.scored_pairs(project, run.id, "policy")
    assert (scored.chosen, scored.rejected) == ("good 2", "bad 2")


def test_texts_may_be_given(project: Project) -> None:
    run = runs.add_run(
        project, Path("/gone"), policy="starter", method="lora", beta=0.1, config={}, name="gone"
    )
    with pytest.raises(BadValue, match="cannot be read"):
        scores.record_scores(project, run.id, "policy", [score(PAIRS[0])])
    scores.record_scores(project, run.id, "policy", [score(PAIRS[0])], pairs=PAIRS)
    assert scores.scored_checkpoints(project, run.id) == {"policy": 1}


def test_token_scores_are_kept_until_there_are_new_ones(project: Project, run: Run) -> None:
    tokens = (TokenScore(text=" hé", id=3, policy=-0.5, reference=-0.75),)
    with_tokens = dataclasses.replace(score(PAIRS[0]), chosen_token_scores=tokens)
    scores.record_scores(project, run.id, "policy", [with_tokens, score(PAIRS[1])])
    scores.record_scores(project, run.id, "policy", [score(PAIRS[0], -1.0)])
    assert scores.token_scores(project, run.id, "policy", PAIRS[0].id) == (tokens, ())
    assert scores.token_scores(project, run.id, "policy", PAIRS[1].id) is None
    assert scores.token_scores(project, run.id, "policy", "no such pair") is None
    project.db.execute("UPDATE pair_scores SET token_scores = x'c1ff'")
    with pytest.raises(ProjectDamaged, match="Score the run again"):
        scores.token_scores(project, run.id, "policy", PAIRS[0].id)


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_a_log_prob_that_is_no_number_keeps_none_of_them(project: Project, run: Run, value: float) -> None:
    with pytest.raises(BadValue, match=r"pair comparison-2 are not finite"):
        scores.record_scores(project, run.id, "policy", [score(PAIRS[0]), score(PAIRS[1], value)])
    assert scores.scored_checkpoints(project, run.id) == {}


def test_pairs_runs_and_checkpoints_that_there_are_not(project: Project, run: Run) -> None:
    stranger = dataclasses.replace(score(PAIRS[0]), pair="comparison-77")
    with pytest.raises(BadValue):
        scores.record_scores(project, run.id, "policy", [score(PAIRS[0]), stranger])
    with pytest.raises(BadValue):
        scores.record_scores(project, run.id, "", [score(PAIRS[0])])
    with pytest.raises(NoSuchRow):
        scores.record_scores(project, run.id + 1, "policy", [score(PAIRS[0])])
    assert scores.scored_checkpoints(project, run.id) == {}
