"""Deleting without losing: a moment in `deleted_at`, and what goes and comes back together.

A prompt takes its comparisons along, a comparison those that ask it again; they carry the same moment, so
that bringing one back brings back what went with it, and nothing that had been deleted before.
"""

from sqlite_utils import Database

from app.store.collecting.placing import recount
from app.store.collecting.standing import SETTLING, settle_again
from app.store.rows import to_json


def move_prompts(db: Database, prompt_ids: str, before: str | None, after: str | None) -> None:
    """Within a transaction: change `deleted_at` of those prompts (a JSON list of ids) that have `before`."""
    db.execute(
        """
        UPDATE prompts SET deleted_at = ?1
        WHERE id IN (SELECT value FROM json_each(?2)) AND deleted_at IS ?3
        """,
        [after, prompt_ids, before],
    )
    db.execute(
        """
        UPDATE comparisons SET deleted_at = ?1
        WHERE prompt_id IN (SELECT value FROM json_each(?2)) AND deleted_at IS ?3
        """,
        [after, prompt_ids, before],
    )
    recount(db, prompt_ids)


def move_comparisons(db: Database, comparison_ids: str, before: str | None, after: str | None) -> None:
    """Within a transaction: change `deleted_at` of comparisons (a JSON list of ids) that have `before`."""
    for column in ("id", "of_id"):
        db.execute(
            f"""
            UPDATE comparisons SET deleted_at = ?1
            WHERE {column} IN (SELECT value FROM json_each(?2)) AND deleted_at IS ?3
            """,  # noqa: S608 (one of two names of this file)
            [after, comparison_ids, before],
        )
    # What was settled by one of them is open again, or settled again.
    settled = db.execute(
        f"""
        SELECT DISTINCT of_id FROM comparisons
        WHERE id IN (SELECT value FROM json_each(?)) AND purpose IN {SETTLING}
        """,  # noqa: S608 (a text of `standing`)
        [comparison_ids],
    ).fetchall()
    settle_again(db, [of_id for (of_id,) in settled])
    prompts = db.execute(
        "SELECT DISTINCT prompt_id FROM comparisons WHERE id IN (SELECT value FROM json_each(?))",
        [comparison_ids],
    ).fetchall()
    recount(db, to_json([prompt_id for (prompt_id,) in prompts]))
