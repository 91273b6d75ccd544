"""The figures of a project against what can be counted by hand."""

from datetime import date

import pytest

from app.store.collecting import comparisons, notes, verdicts
from app.store.figures.statistics import statistics
from app.store.handle import Project
from app.store.records import Choice
from tests.store.makers import candidate, prompt


def judged(
    project: Project,
    text: str,
    left: str,
    right: str,
    choice: Choice | None,
    *,
    annotator: str = "ada",
    day: str = "2026-11-20T10:00:00.000000+00:00",
    edited: str | None = None,
) -> int:
    made = comparisons.add_comparison(
        project, prompt(project, text), (candidate(left), candidate(right)), swapped=False
    )
    if choice is not None:
        given = verdicts.give_verdict(
            project, made.id, choice, strength=1, annotator=annotator, seconds=2.0, edited=edited
        )
        project.db.execute("UPDATE verdicts SET created_at = ? WHERE id = ?", [day, given.id])
    return made.id


def test_nothing_is_counted_in_an_empty_project(project: Project) -> None:
    found = statistics(project)
    assert found.days == () and found.lengths is None and found.between is None
    assert found.sides.share is None
    assert found.tags == found.sources == found.splits == ()


def test_lengths(project: Project) -> None:
    judged(project, "a", "longer", "short", "left")  # +1
    judged(project, "b", "longer", "ab", "right")  # -4
    judged(project, "c", "abc", "abcdef", "right")  # +3
    judged(project, "d", "same", "size", "left")  # 0
    judged(project, "e", "ab", "abc", "tie")
    judged(project, "f", "ab", "abcd", "left", edited="abcdefgh")  # +4 for the edit
    found = statistics(project).lengths
    assert found is not None
    assert (found.pairs, found.longer_won, found.shorter_won, found.same) == (5, 3, 1, 1)
    assert dict(zip(found.differences.tolist(), found.times.tolist(), strict=True)) == {
        -4: 1,
        0: 1,
        1: 1,
        3: 1,
        4: 1,
    }
    assert found.share == 0.75
    assert found.interval.low < 0.75 < found.interval.high
    assert found.mean_chosen == pytest.approx((6 + 2 + 6 + 4 + 8) / 5)
    assert found.mean_rejected == pytest.approx((5 + 6 + 3 + 4 + 4) / 5)


def test_what_is_deleted_or_disputed_is_no_pair(project: Project) -> None:
    gone = judged(project, "a", "longer", "short", "left")
    kept = judged(project, "b", "longer", "short", "left")
    notes.set_deleted(project, [gone], True, annotator="ada")
    found = statistics(project)
    assert found.lengths is not None and found.lengths.pairs == 1
    assert (found.sides.left, found.sides.right) == (1, 0)
    verdicts.give_verdict(project, kept, "right", strength=1, annotator="bob", seconds=1.0)
    assert statistics(project).lengths is None, "ada and bob do not agree"


def test_days_have_no_gaps_and_no_skips(project: Project) -> None:
    judged(project, "a", "x", "y", "left", day="2026-11-18T12:00:00.000000+00:00")
    judged(project, "b", "x", "y", "tie", day="2026-11-18T12:30:00.000000+00:00")
    judged(project, "c", "x", "y", "right", day="2026-11-20T12:00:00.000000+00:00")
    judged(project, "d", "x", "y", "skip", day="2026-11-21T12:00:00.000000+00:00")
    days = statistics(project).days
    assert [(day.day, day.total) for day in days] == [
        (date(2026, 11, 18), 2),
        (date(2026, 11, 19), 0),
        (date(2026, 11, 20), 1),
    ]
    assert days[0].counts == {"left": 1, "tie": 1}


def test_coverage_counts_each_comparison_once(project: Project) -> None:
    first = judged(project, "a", "x", "y", "left")
    second = judged(project, "b", "x", "y", None)
    judged(project, "c", "x", "y", "skip")
    notes.add_tags(project, [first, second], ["hard"], annotator="ada")
    ids = [comparisons.get(project, first).prompt.id]
    notes.add_tags(project, [], ["hard", "long"], annotator="ada", prompt_ids=ids)
    found = statistics(project)
    assert [(one.name, one.judged, one.of) for one in found.tags] == [("hard", 1, 2), ("long", 1, 1)]
    assert [(one.name, one.judged, one.of) for one in found.sources] == [("import", 1, 3)]
    assert [(one.name, one.judged, one.of) for one in found.splits] == [("Train", 1, 3)]


def test_annotators_with_themselves_and_each_other(project: Project) -> None:
    for number in range(4):
        both = judged(project, f"number {number}", "x", "y", "left")
        verdicts.give_verdict(project, both, "left", strength=1, annotator="bob", seconds=1.0)
    found = statistics(project)
    assert [name for name, _meter in found.meters] == ["ada", "bob"]
    assert found.between is not None and found.between.pairs[0].same == 4
