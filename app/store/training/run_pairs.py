"""The pairs that a run was trained on, as they were then: a verdict changed later does not change them."""

from collections.abc import Sequence

from app.store.collecting.prompts import to_messages
from app.store.handle import Project
from app.store.rows import clean, read, to_json, to_record, writing
from dpo_engine.preferences import Pair


def keep_pairs(project: Project, run_id: int, pairs: Sequence[Pair]) -> None:
    """Keep the snapshot of pairs that a run is trained on; those kept already stay as they are."""
    values = [
        (
            run_id,
            clean(pair.id, "A pair's id"),
            pair.split,
            clean(to_json([{"role": m.role, "content": m.content} for m in pair.prompt]), "The prompt"),
            clean(pair.chosen, "The chosen response"),
            clean(pair.rejected, "The rejected response"),
        )
        for pair in pairs
    ]
    with writing(project, "saving the run's pairs") as db:
        db.conn.executemany(
            """
            INSERT INTO run_pairs (run_id, pair, split, prompt, chosen, rejected) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (run_id, pair) DO NOTHING
            """,
            values,
        )


def pairs_of(project: Project, run_id: int) -> list[Pair]:
    """The snapshot, in its order."""
    rows = read(
        project,
        "reading the run's pairs",
        """
        SELECT pair AS id, split, prompt, chosen, rejected FROM run_pairs
        WHERE run_id = ? ORDER BY run_pairs.id
        """,
        [run_id],
    )
    return [to_record(Pair, row | {"prompt": to_messages(row["prompt"])}) for row in rows]
