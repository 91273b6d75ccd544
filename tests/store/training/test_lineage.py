"""Whose verdicts made a run, what its policy wrote, and how the pairs of two runs differ."""

from dataclasses import replace

from app.store.collecting import comparisons, verdicts
from app.store.project import Project
from app.store.records import Run
from app.store.training import runs
from app.store.training.lineage import PairDifference, lineage, pair_difference
from dpo_engine.preferences import Pair
from tests.store.makers import candidate, comparison, prompt


def run_of(project: Project, name: str, pairs: list[Pair]) -> Run:
    return runs.add_run(
        project,
        project.runs_dir / name,
        policy="starter",
        method="lora",
        beta=0.1,
        config={},
        pairs=pairs,
    )


def judge(project: Project, text: str, choice: verdicts.Choice, annotator: str) -> int:
    made = comparison(project, text)
    verdicts.give_verdict(project, made.id, choice, strength=1, annotator=annotator, seconds=1.0)
    return made.id


def test_a_pair_counts_for_who_judged_it_last_before_the_run(project: Project) -> None:
    ids = [judge(project, f"Question {number}?", "left", "ada") for number in range(3)]
    verdicts.give_verdict(project, ids[0], "right", strength=1, annotator="ben", seconds=1.0)
    pairs = [pair for pair in verdicts.training_pairs(project) if pair.id != f"comparison-{ids[0]}"]
    changed = Pair(id=f"comparison-{ids[0]}", prompt=pairs[0].prompt, chosen="b", rejected="a", split="train")
    foreign = replace(changed, id="from-a-file-7")
    run = run_of(project, "one", [changed, *pairs, foreign])
    verdicts.give_verdict(project, ids[1], "right", strength=1, annotator="cleo", seconds=1.0)
    found = lineage(project, run.id)
    assert found.annotators == (("ada", 2), ("ben", 1))
    assert found.unknown == 1
    assert found.first is not None and found.last is not None
    assert found.first < found.last < run.created_at


def test_what_the_policy_wrote_and_what_of_it_was_judged(project: Project) -> None:
    run = run_of(project, "one", [])
    assert (lineage(project, run.id).written, lineage(project, run.id).first) == (0, None)
    pair = (candidate("first", run.folder), candidate("second", run.folder))
    made = comparisons.add_comparison(project, prompt(project, "Hm?"), pair, swapped=False)
    comparison(project, "By another?", model="starter")
    found = lineage(project, run.id)
    assert (found.written, found.judged) == (2, 0)
    verdicts.give_verdict(project, made.id, "tie", strength=1, annotator="ada", seconds=1.0)
    assert lineage(project, run.id).judged == 2


def test_pairs_of_two_runs_side_by_side(project: Project) -> None:
    for number in range(6):
        judge(project, f"Question {number}?", "left", "ada")
    # Responses of their own, so that turned round is not the same again.
    pairs = [
        replace(pair, chosen=f"good {number}", rejected=f"bad {number}")
        for number, pair in enumerate(verdicts.training_pairs(project))
    ]
    first = run_of(project, "one", pairs[:5])
    second = run_of(
        project,
        "two",
        [
            pairs[0],
            replace(pairs[1], chosen=pairs[1].rejected, rejected=pairs[1].chosen),
            replace(pairs[2], chosen="edited"),
            replace(pairs[3], split="held_out"),
            pairs[5],
        ],
    )
    expected = PairDifference(same=2, turned=1, changed=1, only_first=1, only_second=1, moved=1)
    assert pair_difference(project, first.id, second.id) == expected
    assert pair_difference(project, second.id, first.id) == expected
    empty = run_of(project, "three", [])
    assert pair_difference(project, first.id, empty.id) == PairDifference(
        same=0, turned=0, changed=0, only_first=5, only_second=0, moved=0
    )
