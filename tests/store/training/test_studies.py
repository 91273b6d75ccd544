"""Studies: what they asked about stays, and what came of asking again is what the second looks say."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.store.collecting import comparisons, notes, verdicts
from app.store.errors import BadValue, NoSuchRow
from app.store.figures import agreement
from app.store.handle import Project
from app.store.records import Choice, Comparison
from app.store.training import runs, studies
from app.store.training.studies import Study, StudyRow
from app.store.undo import journal
from dpo_engine.pair_math import PairScore
from tests.store.makers import comparison


@pytest.fixture
def judged(project: Project) -> list[Comparison]:
    """Three comparisons: left, right, and one held out whose left side was edited."""
    made = [
        comparison(project, text, split="held_out" if text == "C?" else "train")
        for text in ("A?", "B?", "C?")
    ]
    for one, choice, edited in zip(made, ("left", "right", "left"), (None, None, "better"), strict=True):
        verdicts.give_verdict(
            project, one.id, choice, strength=2, annotator="Ann", seconds=1.0, edited=edited
        )
    return made


@pytest.fixture
def study(project: Project, judged: list[Comparison]) -> Study:
    return studies.add_study(
        project,
        project.runs_dir / "studies" / "one",
        policy="starter",
        folds=2,
        config={"beta": 0.1},
        asked=studies.to_study(project),
    )


def score(comparison_id: int, difference: float = -4.0) -> PairScore:
    return PairScore(
        pair=f"comparison-{comparison_id}",
        split="train",
        policy_chosen_logp=-20 + difference,
        policy_rejected_logp=-30,
        reference_chosen_logp=-20,
        reference_rejected_logp=-30,
        chosen_tokens=8,
        rejected_tokens=9,
    )


def score_all(project: Project, study: Study, judged: Sequence[Comparison]) -> None:
    for fold, one in enumerate(judged, start=1):
        studies.record_fold(project, study.id, fold, [score(one.id, -float(fold))])


def row_of(project: Project, study: Study, one: Comparison) -> StudyRow:
    return next(row for row in studies.study_rows(project, study.id) if row.comparison_id == one.id)


def second_look(project: Project, one: Comparison, choice: Choice | None, by: str = "Ann") -> int:
    """Asked again and, unless None, answered in terms of the first one's sides; the new comparison's id."""
    assert agreement.ask_again(project, [one.id], by, purpose="second_look") == 1
    again = comparisons.get(project, project.db.execute("SELECT max(id) FROM comparisons").fetchone()[0])
    if choice is not None:
        turned: dict[Choice, Choice] = {"left": "right", "right": "left"}
        same = again.left.id == one.left.id
        said = choice if same else turned.get(choice, choice)
        verdicts.give_verdict(project, again.id, said, strength=1, annotator=by, seconds=1.0)
    return again.id


def counted(project: Project, one: Comparison) -> Choice | None:
    (choice,) = project.db.execute("SELECT choice FROM comparisons WHERE id = ?", [one.id]).fetchone()
    kept: Choice | None = choice
    return kept


def test_everything_that_counts_is_asked_about_with_its_verdict(
    project: Project, judged: list[Comparison]
) -> None:
    tie = comparison(project, "Tie?")
    verdicts.give_verdict(project, tie.id, "tie", strength=1, annotator="Ann", seconds=1.0)
    asked = studies.to_study(project)
    assert [one.pair.id for one in asked] == [f"comparison-{one.id}" for one in judged]
    assert [(one.choice, one.pair.split) for one in asked] == [
        ("left", "train"),
        ("right", "train"),
        ("left", "held_out"),
    ]
    for one, compared in zip(asked, judged, strict=True):
        found = verdicts.verdict_of(project, compared.id)
        assert found is not None and found.id == one.verdict_id
    assert asked[2].pair.chosen == "better"


def test_a_study_is_kept(project: Project, study: Study) -> None:
    assert studies.studies(project) == [study]
    assert (study.policy, study.folds, study.config, study.status) == ("starter", 2, {"beta": 0.1}, "created")
    assert (study.pairs, study.scored, study.folder) == (3, 0, str(project.runs_dir / "studies" / "one"))
    with pytest.raises(BadValue, match="in this project already"):
        studies.add_study(
            project, Path(study.folder), policy="starter", folds=2, config={}, asked=studies.to_study(project)
        )
    with pytest.raises(NoSuchRow, match="no study 99"):
        studies.get_study(project, 99)


def test_its_state_follows(project: Project, study: Study) -> None:
    assert studies.set_study_status(project, study.id, "running").finished_at is None
    failed = studies.set_study_status(project, study.id, "failed", "Too little memory.")
    assert (failed.status, failed.message, failed.finished_at is not None) == (
        "failed",
        "Too little memory.",
        True,
    )
    with pytest.raises(BadValue, match="cannot be 'lost'"):
        studies.set_study_status(project, study.id, "lost")  # type: ignore[arg-type]


def test_scores_come_fold_by_fold(project: Project, study: Study, judged: list[Comparison]) -> None:
    studies.record_fold(project, study.id, 2, [score(judged[1].id, -3.0)])
    assert studies.get_study(project, study.id).scored == 1
    studies.record_fold(project, study.id, 1, [score(judged[0].id), score(judged[2].id, 5.0)])
    studies.record_fold(project, study.id, 1, [score(judged[0].id), score(judged[2].id, 5.0)])
    rows = studies.study_rows(project, study.id)
    assert [(row.comparison_id, row.fold) for row in rows] == [
        (judged[0].id, 1),
        (judged[1].id, 2),
        (judged[2].id, 1),
    ]
    third = rows[2]
    assert third.score == replace(score(judged[2].id, 5.0), split="held_out")
    assert (third.opening, third.choice, third.strength, third.annotator) == ("C?", "left", 2, "Ann")
    assert {row.outcome for row in rows} == {""}


def test_scores_of_other_pairs_are_refused_whole(
    project: Project, study: Study, judged: list[Comparison]
) -> None:
    other = comparison(project, "Other?")
    with pytest.raises(BadValue, match="does not ask about"):
        studies.record_fold(project, study.id, 1, [score(judged[0].id), score(other.id)])
    with pytest.raises(BadValue, match="no pair of this project"):
        studies.record_fold(project, study.id, 1, [replace(score(1), pair="p7")])
    assert studies.study_rows(project, study.id) == []


def test_the_texts_are_those_of_the_verdict_it_asked_about(
    project: Project, study: Study, judged: list[Comparison]
) -> None:
    verdicts.give_verdict(project, judged[0].id, "right", strength=1, annotator="Ann", seconds=1.0)
    texts = [studies.study_texts(project, study.id, one.id) for one in judged]
    assert [(one.chosen, one.rejected) for one in texts] == [
        ("first", "second"),
        ("second", "first"),
        ("better", "second"),
    ]
    assert [one.prompt[-1].content for one in texts] == ["A?", "B?", "C?"]
    with pytest.raises(NoSuchRow):
        studies.study_texts(project, study.id, 99)


@pytest.mark.parametrize(
    ("answer", "outcome", "counts"),
    [
        ("left", "confirmed", "left"),
        ("right", "turned", "right"),
        ("tie", "tie", "tie"),
        ("both_bad", "both_bad", "both_bad"),
        ("skip", "later", "left"),
        (None, "waiting", "left"),
    ],
)
def test_what_came_of_a_second_look(
    project: Project,
    study: Study,
    judged: list[Comparison],
    answer: Choice | None,
    outcome: str,
    counts: Choice,
) -> None:
    score_all(project, study, judged)
    second_look(project, judged[0], answer)
    assert [row.outcome for row in studies.study_rows(project, study.id)] == [outcome, "", ""]
    assert counted(project, judged[0]) == counts
    assert len(verdicts.training_pairs(project)) == (2 if counts in ("tie", "both_bad") else 3)


def test_a_turned_verdict_is_a_pair_the_other_way_round_and_undo_takes_it_back(
    project: Project, study: Study, judged: list[Comparison]
) -> None:
    score_all(project, study, judged)
    again = second_look(project, judged[1], "left")
    turned = verdicts.training_pairs(project)[1]
    assert (turned.chosen, turned.rejected, turned.strength) == ("first", "second", 1)
    assert row_of(project, study, judged[1]).choice == "right"
    assert [one.choice for one in verdicts.history(project, judged[1].id)] == ["right"]
    assert len(verdicts.history(project, again)) == 1

    assert journal.undo(project, "Ann") is not None
    assert verdicts.training_pairs(project)[1].chosen == "second"
    assert row_of(project, study, judged[1]).outcome == "waiting"
    assert journal.undo(project, "Ann") is not None
    assert row_of(project, study, judged[1]).outcome == ""
    assert journal.redo(project, "Ann") is not None
    assert journal.redo(project, "Ann") is not None
    assert row_of(project, study, judged[1]).outcome == "turned"
    assert verdicts.training_pairs(project)[1].chosen == "first"


def test_a_second_look_counts_above_everybody(project: Project, judged: list[Comparison]) -> None:
    for who in ("Bo", "Cy"):
        verdicts.give_verdict(project, judged[0].id, "left", strength=1, annotator=who, seconds=1.0)
    second_look(project, judged[0], "right", by="Bo")
    assert counted(project, judged[0]) == "right"
    assert verdicts.counts(project).disputed == 0


def test_what_was_asked_again_before_the_study_is_none_of_its_second_looks(
    project: Project, judged: list[Comparison]
) -> None:
    second_look(project, judged[0], "right")
    study = studies.add_study(
        project,
        project.runs_dir / "studies" / "two",
        policy="starter",
        folds=2,
        config={},
        asked=studies.to_study(project),
    )
    score_all(project, study, judged)
    row = row_of(project, study, judged[0])
    assert (row.choice, row.outcome) == ("right", "")
    assert studies.study_texts(project, study.id, judged[0].id).chosen == "second"


def test_a_verdict_that_changed_otherwise_and_one_that_is_gone(
    project: Project, study: Study, judged: list[Comparison]
) -> None:
    score_all(project, study, judged)
    verdicts.give_verdict(project, judged[0].id, "right", strength=1, annotator="Ann", seconds=1.0)
    notes.set_deleted(project, [judged[1].id], True, annotator="Ann")
    assert [row.outcome for row in studies.study_rows(project, study.id)] == ["changed", "deleted", ""]


def test_the_model_below_all_training(project: Project) -> None:
    assert studies.untrained_below(project, "starter") == "starter"
    first, second = (project.runs_dir / name for name in ("one", "two"))
    runs.add_run(project, first, policy="starter", method="lora", beta=0.1, config={})
    runs.add_run(project, second, policy=str(first), method="lora", beta=0.1, config={})
    assert studies.untrained_below(project, str(second)) == "starter"
    assert studies.untrained_below(project, "/elsewhere") == "/elsewhere"


def test_a_long_prompt_is_shown_by_its_opening(project: Project) -> None:
    text = "word \n" * 200
    one = comparison(project, text)
    verdicts.give_verdict(project, one.id, "left", strength=1, annotator="Ann", seconds=1.0)
    study = studies.add_study(
        project, project.runs_dir / "s", policy="starter", folds=2, config={}, asked=studies.to_study(project)
    )
    studies.record_fold(project, study.id, 1, [score(one.id)])
    (row,) = studies.study_rows(project, study.id)
    assert row.opening.startswith("word word") and len(row.opening) <= 200 and "\n" not in row.opening


def test_a_second_look_comes_next_for_who_is_asked_and_for_nobody_else(
    project: Project, judged: list[Comparison]
) -> None:
    fresh = comparison(project, "Fresh?")
    again = second_look(project, judged[1], None)
    for who, expected in (("Ann", again), ("Zoë", fresh.id)):
        found = comparisons.next_comparison(project, annotator=who)
        assert found is not None and found.id == expected
