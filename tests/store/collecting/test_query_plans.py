"""What happens at every verdict reads no whole table: in a large project it is as quick as in a small one."""

import re
from collections.abc import Callable
from random import Random

import pytest

from app.store.collecting import comparisons, notes, ordering, prompts, verdicts
from app.store.figures import quality
from app.store.project import Project
from app.store.undo import journal
from tests.store.makers import candidate, comparison

LARGE = ("prompts", "candidates", "comparisons", "verdicts", "verdict_history", "standing", "journal")
SCAN = re.compile(r"SCAN (\w+)( USING (COVERING )?INDEX \w+)?$")


def give(project: Project) -> object:
    return verdicts.give_verdict(project, 2, "left", strength=1, annotator="me", seconds=1.0, edited="mine")


def skip(project: Project) -> object:
    return verdicts.give_verdict(project, 3, "skip", strength=1, annotator="me", seconds=1.0)


ACTS: dict[str, Callable[[Project], object]] = {
    "give": give,
    "skip": skip,
    "undo": lambda p: journal.undo(p, "me"),
    "redo": lambda p: (journal.undo(p, "me"), journal.redo(p, "me")),
    "peek": lambda p: journal.peek(p, "me"),
    "counts": verdicts.counts,
    "waiting": comparisons.waiting_count,
    "add": lambda p: comparisons.add_comparison(p, 1, (candidate("a"), candidate("b")), swapped=True),
    "show": lambda p: comparisons.mark_shown(p, 4),
    "need": lambda p: prompts.prompts_needing_comparisons(p, 4),
    "flag": lambda p: notes.set_flag(p, [1], True, annotator="me"),
    "comment": lambda p: notes.set_comment(p, [1], "hm", annotator="me"),
    "tags": lambda p: notes.set_tags(p, 1, ["x"], annotator="me"),
    "delete": lambda p: notes.set_deleted(p, [1], True, annotator="me", prompt_ids=[2]),
    "to score": lambda p: ordering.to_score(p, "starter", 4),
    "margins": lambda p: ordering.keep_margins(p, "starter", {3: 0.5}),
    "repeat": lambda p: quality.plan_repeat(p, "me", 2, Random(1)),
    "oldest": lambda p: comparisons.next_comparison(p, annotator="me", exclude=[4]),
    "newest": lambda p: comparisons.next_comparison(p, annotator="me", order="newest"),
    "random": lambda p: comparisons.next_comparison(p, annotator="me", order="random"),
    "unseen": lambda p: comparisons.next_comparison(p, annotator="me", order="unseen", exclude=[4]),
    "margin": lambda p: comparisons.next_comparison(p, annotator="me", order="margin"),
    "overlap": lambda p: comparisons.next_comparison(p, annotator="you", overlap=True),
}


@pytest.mark.parametrize("act", ACTS)
def test_no_act_reads_a_whole_table(project: Project, act: str) -> None:
    for number in range(6):
        comparison(project, f"p{number}")
    verdicts.give_verdict(project, 1, "left", strength=1, annotator="me", seconds=1.0)
    # A new row's plan also names what would be looked through if a reference to it had been broken before.
    project.db.execute("PRAGMA foreign_keys = OFF")
    statements: list[str] = []
    project.db.conn.set_trace_callback(statements.append)
    ACTS[act](project)
    project.db.conn.set_trace_callback(None)
    looked_at = [
        sql for sql in statements if sql.lstrip().startswith(("SELECT", "UPDATE", "INSERT", "DELETE"))
    ]
    assert looked_at
    for sql in looked_at:
        for *_, line in project.db.execute(f"EXPLAIN QUERY PLAN {sql}"):
            scan = SCAN.match(line)
            # Walking an index in its order ends at the first row that fits; `id` is the table itself.
            assert scan is None or scan[1] not in LARGE or scan[2], (line, sql)
