"""Where a comparison is in the queue, and what its prompt counts of it; within the caller's transaction."""

from sqlite_utils import Database

from app.store.errors import NoSuchRow
from app.store.records import ComparisonState
from app.store.rows import now

_COUNTED = "purpose = 'collect' AND deleted_at IS NULL"
"""The comparisons that a prompt counts: those asked again say nothing about what it still needs."""


def place(db: Database, comparison_id: int, state: ComparisonState, *, last: bool = False) -> None:
    """Put a comparison into a state; `last` sends it to the end of the queue. Raises `NoSuchRow`."""
    before = state_of(db, comparison_id)
    compared = (before == "retired") - (state == "retired")
    answered = (state == "answered") - (before == "answered")
    if compared or answered:
        db.execute(
            f"""
            UPDATE prompts SET comparisons = comparisons + ?, answered = answered + ?
            WHERE id = (SELECT prompt_id FROM comparisons WHERE id = ? AND {_COUNTED})
            """,  # noqa: S608 (a text of this file)
            [compared, answered, comparison_id],
        )
    db.execute(
        "UPDATE comparisons SET state = ?, shown_at = ? WHERE id = ?",
        [state, now() if state == "shown" else None, comparison_id],
    )
    if last:
        db.execute(
            """
            UPDATE comparisons SET skipped = 1 + coalesce((
                SELECT max(skipped) FROM comparisons
                WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL
            ), 0) WHERE id = ?
            """,
            [comparison_id],
        )


def state_of(db: Database, comparison_id: int) -> str:
    """Raises `NoSuchRow`."""
    found = db.execute("SELECT state FROM comparisons WHERE id = ?", [comparison_id]).fetchone()
    if found is None:
        raise NoSuchRow(f"There is no comparison {comparison_id} in this project. Nothing was changed.")
    return str(found[0])


def recount(db: Database, prompt_ids: str) -> None:
    """Count the comparisons of these prompts (ids as a JSON list) anew."""
    db.execute(
        f"""
        UPDATE prompts SET (comparisons, answered) = (
            SELECT count(*) FILTER (WHERE state <> 'retired'), count(*) FILTER (WHERE state = 'answered')
            FROM comparisons WHERE prompt_id = prompts.id AND {_COUNTED}
        ) WHERE id IN (SELECT value FROM json_each(?))
        """,  # noqa: S608 (a text of this file)
        [prompt_ids],
    )
