"""Scores by column: the same numbers as by row, with the verdicts' strength as it was then; and searching."""

import math

import pytest

from app.store.collecting import verdicts
from app.store.errors import ProjectDamaged
from app.store.handle import Project
from app.store.training.pair_texts import find_pairs
from app.store.training.runs import add_run
from app.store.training.score_columns import LINE, log_ratio_differences, score_columns
from app.store.training.scores import forget_scores, record_scores, scored_ids, scored_pairs, scores_of_pair
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Message, Pair
from tests.store.makers import comparison


def pair(number: int, prompt: str, **changes: object) -> Pair:
    values: dict[str, object] = {"chosen": f"chosen {number}", "rejected": f"rejected {number}"}
    return Pair(id=f"comparison-{number}", prompt=(Message("user", prompt),), **(values | changes))  # type: ignore[arg-type]


PAIRS = [
    pair(7, "beta  two\n lines", split="held_out"),
    pair(3, "Alpha", chosen="Straße und ΣΟΦΟΣ"),
    pair(5, "alpha"),
    pair(1, "x" * 900),
]


def score(number: int, shift: float) -> PairScore:
    return PairScore(
        pair=f"comparison-{number}",
        split="train",
        policy_chosen_logp=-10.25 - shift,
        policy_rejected_logp=-20.5,
        reference_chosen_logp=-11.0,
        reference_rejected_logp=-19.0,
        chosen_tokens=number,
        rejected_tokens=2 * number,
        truncated=number == 5,
    )


@pytest.fixture
def run_id(project: Project) -> int:
    run = add_run(
        project, project.runs_dir / "otter", policy="starter", method="lora", beta=0.1, config={}, pairs=PAIRS
    )
    record_scores(project, run.id, "policy", [score(number, 0.5) for number in (1, 3, 5, 7)])
    record_scores(project, run.id, "step-000010", [score(3, 0.0)])
    return run.id


def test_columns_are_the_rows_turned(project: Project, run_id: int) -> None:
    columns, rows = score_columns(project, run_id, "policy"), scored_pairs(project, run_id, "policy")
    assert columns.ids == tuple(row.pair for row in rows) == tuple(one.id for one in PAIRS)
    assert list(columns.rows) == sorted(columns.rows)
    assert list(columns.policy_chosen) == [row.policy_chosen_logp for row in rows]
    assert list(columns.policy_rejected) == [row.policy_rejected_logp for row in rows]
    assert list(columns.reference_chosen) == [row.reference_chosen_logp for row in rows]
    assert list(columns.reference_rejected) == [row.reference_rejected_logp for row in rows]
    assert list(columns.chosen_tokens) == [7, 3, 5, 1] and list(columns.rejected_tokens) == [14, 6, 10, 2]
    assert list(columns.truncated) == [False, False, True, False]
    assert list(columns.held_out) == [True, False, False, False]
    assert columns.prompt_lines[:3] == ("beta two lines", "Alpha", "alpha")
    assert len(columns.prompt_lines[3]) == LINE and columns.prompt_lines[3].endswith("…")
    assert list(columns.prompt_rank) == [2, 1, 1, 3]
    assert list(columns.strength) == [0, 0, 0, 0], "no such comparison in this project"


def test_another_checkpoint_and_an_unknown_one(project: Project, run_id: int) -> None:
    assert score_columns(project, run_id, "step-000010").ids == ("comparison-3",)
    assert score_columns(project, run_id, "step-000099").ids == ()
    rows, differences = log_ratio_differences(project, run_id, "step-000010")
    assert (len(rows), list(differences)) == (1, [0.75 + 1.5])


def test_a_strength_is_that_of_the_verdict_when_the_run_was_made(project: Project) -> None:
    made = comparison(project)
    verdicts.give_verdict(project, made.id, "left", strength=3, annotator="ada", seconds=1.0)
    pairs = [pair(made.id, "p")]
    run = add_run(
        project, project.runs_dir / "hare", policy="starter", method="lora", beta=0.1, config={}, pairs=pairs
    )
    record_scores(project, run.id, "policy", [score(made.id, 0.0)])
    verdicts.give_verdict(project, made.id, "right", strength=1, annotator="ada", seconds=1.0)
    assert list(score_columns(project, run.id, "policy").strength) == [3]


def test_a_damaged_number_is_a_sentence(project: Project, run_id: int) -> None:
    project.db.execute("UPDATE pair_scores SET policy_chosen_logp = 'many'")
    with pytest.raises(ProjectDamaged, match="cannot be read"):
        score_columns(project, run_id, "policy")


def test_pairs_without_finite_log_probs_can_be_taken_out(project: Project, run_id: int) -> None:
    project.db.execute("UPDATE pair_scores SET reference_chosen_logp = 9e999 WHERE pair = 'comparison-3'")
    columns = score_columns(project, run_id, "policy")
    assert math.isinf(columns.reference_chosen[1])
    kept = columns.only(columns.are_finite())
    assert kept.ids == ("comparison-7", "comparison-5", "comparison-1")
    assert list(kept.chosen_tokens) == [7, 5, 1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ALPHA", [3, 5]),
        ("strasse σοφος", [3]),
        ("chosen 5", [5]),
        ("comparison-7", [7]),
        ("two LINES rejected", [7]),
        ("user", []),
        ("content", []),
        ("nowhere", []),
    ],
)
def test_search_finds_every_word_in_any_case(
    project: Project, run_id: int, text: str, found: list[int]
) -> None:
    columns = score_columns(project, run_id, "policy")
    rows = dict(zip(columns.rows.tolist(), columns.ids, strict=True))
    assert sorted(rows[row] for row in find_pairs(project, run_id, text).tolist()) == sorted(
        f"comparison-{number}" for number in found
    )


def test_one_pair_over_checkpoints(project: Project, run_id: int) -> None:
    found = scores_of_pair(project, run_id, "comparison-3", ("policy", "step-000010", "step-000020"))
    assert found == {"policy": (-10.75, -20.5, -11.0, -19.0), "step-000010": (-10.25, -20.5, -11.0, -19.0)}


def test_scores_are_forgotten_by_checkpoint(project: Project, run_id: int) -> None:
    forget_scores(project, run_id, "policy")
    assert scored_ids(project, run_id, "policy") == ()
    assert scored_ids(project, run_id, "step-000010") == ("comparison-3",)
