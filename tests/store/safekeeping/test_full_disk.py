"""A full disk: a sentence, nothing lost, and on it goes when there is room again."""

import pytest

from app.store.collecting import comparisons, prompts, verdicts
from app.store.errors import StoreFull
from app.store.project import Project, open_project
from dpo_engine.preferences import Message
from tests.store.makers import candidate, comparison


def fill_up(project: Project) -> None:
    """Let the file grow no further than it is."""
    (pages,) = project.db.execute("PRAGMA page_count").fetchone()
    assert project.db.execute(f"PRAGMA max_page_count = {pages}").fetchone() == (pages,)


def make_room(project: Project) -> None:
    project.db.execute("PRAGMA max_page_count = 1000000")


def test_verdicts_on_a_full_disk(project: Project) -> None:
    one = comparison(project)
    fill_up(project)
    given: list[int] = []
    with pytest.raises(StoreFull, match="disk is full: saving the verdict did not succeed") as caught:
        while len(given) < 10_000:
            given.append(
                verdicts.give_verdict(
                    project, one.id, "left", strength=1, annotator="me", seconds=len(given)
                ).id
            )
    assert "Everything saved before is intact" in str(caught.value)
    assert "SQLITE_FULL" in caught.value.detail
    assert given

    assert [verdict.id for verdict in verdicts.history(project, one.id)] == given
    standing = verdicts.verdict_of(project, one.id)
    assert standing is not None
    assert standing.id == given[-1]
    assert not project.db.conn.in_transaction

    make_room(project)
    verdicts.give_verdict(project, one.id, "right", strength=1, annotator="me", seconds=1.0)
    assert len(verdicts.history(project, one.id)) == len(given) + 1
    assert project.db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    project.close()
    again = open_project(project.path)
    assert len(verdicts.history(again, one.id)) == len(given) + 1
    again.close()


def test_a_comparison_on_a_full_disk_is_kept_whole_or_not_at_all(project: Project) -> None:
    one = comparison(project)
    before = prompts.prompts_needing_comparisons(project, 9)
    fill_up(project)
    long = candidate("x" * 50_000)
    with pytest.raises(StoreFull, match="saving the two responses"):
        comparisons.add_comparison(project, one.prompt.id, (long, long), swapped=False)
    with pytest.raises(StoreFull, match="saving the prompt"):
        prompts.add_prompt(project, [Message("user", "y" * 50_000)], source="typed")
    assert project.db.table("candidates").count == 2
    assert comparisons.waiting_count(project) == 1
    assert prompts.prompts_needing_comparisons(project, 9) == before

    make_room(project)
    comparisons.add_comparison(project, one.prompt.id, (long, long), swapped=False)
    assert comparisons.waiting_count(project) == 2
