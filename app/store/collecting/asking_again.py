"""Making a comparison that asks an earlier one again, of one annotator, who is not told that it is one."""

from sqlite_utils import Database

from app.store.errors import NoSuchRow
from app.store.records import Purpose
from app.store.rows import now


def again(db: Database, comparison_id: int, purpose: Purpose, annotator: str, *, other_sides: bool) -> int:
    """Within a transaction: a waiting comparison of the same two candidates; its id.

    `other_sides` has left and right change places. Raises `NoSuchRow`.
    """
    swap = int(other_sides)
    made = db.execute(
        """
        INSERT INTO comparisons (
            prompt_id, left_id, right_id, left_chars, right_chars, swapped, state, priority, held_out,
            purpose, of_id, asked_of, created_at
        )
        SELECT prompt_id,
            iif(:swap, right_id, left_id), iif(:swap, left_id, right_id),
            iif(:swap, right_chars, left_chars), iif(:swap, left_chars, right_chars),
            iif(:swap, 1 - swapped, swapped), 'waiting', priority, held_out, :purpose, id, :who, :now
        FROM comparisons WHERE id = :id AND deleted_at IS NULL
        """,
        {"swap": swap, "purpose": purpose, "who": annotator, "now": now(), "id": comparison_id},
    )
    if made.rowcount != 1:
        raise NoSuchRow(f"There is no comparison {comparison_id} to ask again. Nothing was changed.")
    return int(made.lastrowid or 0)
