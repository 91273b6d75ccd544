"""Emptying the trash of runs: what is forgotten of them in the project. Their folders are the caller's."""

from collections.abc import Sequence

from app.store.handle import Project
from app.store.rows import ids_to_json, writing

_DELETED = "SELECT id FROM runs WHERE deleted_at IS NOT NULL AND id IN (SELECT value FROM json_each(?))"


def forget(project: Project, run_ids: Sequence[int]) -> int:
    """Remove deleted runs with their metrics, pairs and scores, for good; how many it were.

    Runs that are not in the trash (any more) stay. What had been done to those removed can no longer be
    undone, as there is nothing left to do it to.
    """
    ids = [ids_to_json(run_ids)]
    with writing(project, "emptying the trash") as db:
        # The change log first: it asks which of the runs are deleted, as all the others do.
        db.execute(
            f"DELETE FROM journal_changes WHERE tbl = 'runs' AND row_key IN ({_DELETED})",  # noqa: S608
            ids,
        )
        db.execute(
            """
            DELETE FROM journal WHERE kind = 'run'
                AND NOT EXISTS (SELECT 1 FROM journal_changes WHERE journal_id = journal.id)
            """
        )
        for table in ("pair_scores", "run_pairs", "metrics"):
            db.execute(f"DELETE FROM {table} WHERE run_id IN ({_DELETED})", ids)  # noqa: S608 (names above)
        return int(db.execute(f"DELETE FROM runs WHERE id IN ({_DELETED})", ids).rowcount)  # noqa: S608
