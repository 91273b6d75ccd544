"""How SQLite goes about the Library's queries: along an index, or from few rows; none sorts in vain."""

import pytest

from app.store.handle import Project
from app.store.library import query as library_query
from app.store.library.filters import Filter, Sort, SortKey

SELECTIVE = {
    "verdict": Filter(standings=("both_bad",)),
    "waiting": Filter(standings=("waiting",)),
    "retired": Filter(standings=("retired",)),
    "strength": Filter(strengths=(2, 3)),
    "annotator": Filter(annotators=("ada",)),
    "tag": Filter(tags=("hard",)),
    "flag": Filter(flagged=True),
    "comment": Filter(commented=True),
    "disputed": Filter(disputed=True),
    "edited": Filter(edited=True),
    "deleted": Filter(deleted=True),
    "model": Filter(models=("starter",)),
    "run": Filter(runs=(1,)),
    "split": Filter(splits=("held_out",)),
    "source": Filter(sources=("typed",)),
    "purpose": Filter(purposes=("repeat",)),
    "length": Filter(shortest=100, longest=200),
    "margin": Filter(least_margin=1.0),
    "words": Filter(text="otter "),
}


def plans(project: Project, wanted: Filter, sort: Sort, *, whole: bool = False) -> list[str]:
    """What SQLite says it does for each part of the table, a line a step."""
    query = library_query.build(project.db, wanted, sort, whole=whole)
    return [
        "\n".join(
            str(row[3])
            for row in project.db.execute(f"EXPLAIN QUERY PLAN {part.sql} LIMIT 100", query.parameters)
        )
        for part in query.parts
    ]


@pytest.mark.parametrize("facet", SELECTIVE)
def test_few_rows_are_started_from(project: Project, facet: str) -> None:
    """With nothing in the file every facet has few rows, so each is started from by its own index."""
    plan = plans(project, SELECTIVE[facet], Sort())[0]
    assert "SEARCH c USING INTEGER PRIMARY KEY" in plan
    scanned = [line for line in plan.splitlines() if line.startswith("SCAN")]
    allowed = ("json_each", "few", "VIRTUAL TABLE INDEX", "USING COVERING INDEX", "USING INDEX", "subquery")
    assert all(any(word in line for word in allowed) for line in scanned), plan


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("added", ""),
        ("prompt", "comparisons_by_prompt"),
        ("judged", "comparisons_by_verdict"),
        ("margin", "comparisons_by_margin"),
    ],
)
@pytest.mark.parametrize("descending", [True, False])
def test_many_rows_are_walked_in_their_order(
    project: Project, monkeypatch: pytest.MonkeyPatch, key: SortKey, index: str, descending: bool
) -> None:
    monkeypatch.setattr(library_query, "FEW", -1)
    plan = plans(project, Filter(annotators=("ada",)), Sort(key=key, descending=descending))[0]
    steps = plan.splitlines()
    assert any(f"USING INDEX {index}" in step for step in steps) if index else "SCAN c" in steps
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps, plan


@pytest.mark.parametrize("descending", [True, False])
def test_many_of_some_verdicts_are_walked_along_their_index(
    project: Project, monkeypatch: pytest.MonkeyPatch, descending: bool
) -> None:
    monkeypatch.setattr(library_query, "FEW", -1)
    wanted = Filter(standings=("left", "tie"), annotators=("ada",))
    steps = plans(project, wanted, Sort(descending=descending))[0].splitlines()
    arms = [step for step in steps if "SEARCH c USING INDEX comparisons_by_choice" in step]
    assert len(arms) == 4 and "MERGE (UNION ALL)" in steps
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN c") for step in steps), steps


def test_prompts_without_a_comparison_are_found_by_their_index(project: Project) -> None:
    *_compared, lonely = plans(project, Filter(), Sort())
    assert "prompts_by_need" in lonely and "TEMP B-TREE" not in lonely


def test_the_whole_table_is_sorted_rather_than_looked_up(project: Project) -> None:
    plan = plans(project, Filter(), Sort(key="margin"), whole=True)[0]
    assert "SCAN c" in plan and "INDEX" not in plan.splitlines()[0]


def test_only_what_was_asked_is_read(project: Project) -> None:
    assert len(plans(project, Filter(standings=("uncompared",)), Sort())) == 1
    assert len(plans(project, Filter(flagged=True), Sort())) == 1
    assert len(plans(project, Filter(), Sort())) == 2
    assert plans(project, Filter(text="?!"), Sort()) == []
