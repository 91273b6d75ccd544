"""Comparisons: two candidates of one prompt, waiting for a verdict, and the queue they wait in."""

from collections.abc import Iterable
from typing import Any

from sqlite_utils import Database

from app.store import prompts
from app.store.errors import NoSuchRow
from app.store.handle import Project
from app.store.records import Candidate, Comparison, ComparisonState, NewCandidate
from app.store.rows import checked, clean, from_json, insert, now, read, read_one, to_json, to_record, writing


def add_comparison(
    project: Project, prompt_id: int, candidates: tuple[NewCandidate, NewCandidate], *, swapped: bool
) -> Comparison:
    """Keep two candidates and let them wait for a verdict.

    The first stands left, or right when `swapped`; the caller draws that at random. Raises `NoSuchRow` for
    an unknown prompt, other `StoreError`s as they come; then neither candidate is kept.
    """
    prompt = prompts.get(project, prompt_id)
    rows = [_candidate_row(prompt_id, candidate) for candidate in candidates]
    with writing(project, "saving the two responses") as db:
        first, second = (insert(db, "candidates", row) for row in rows)
        left, right = (second, first) if swapped else (first, second)
        comparison_id = insert(
            db,
            "comparisons",
            {
                "prompt_id": prompt_id,
                "left_id": left,
                "right_id": right,
                "swapped": int(swapped),
                "state": "waiting",
                "priority": 1 if prompt.source == prompts.TYPED else 0,
                "held_out": int(prompt.split == "held_out"),
                "created_at": now(),
            },
        )
        db.execute("UPDATE prompts SET comparisons = comparisons + 1 WHERE id = ?", [prompt_id])
    return get(project, comparison_id)


def get(project: Project, comparison_id: int) -> Comparison:
    """Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the comparison",
        "SELECT id, prompt_id, left_id, right_id, state FROM comparisons WHERE id = ?",
        [comparison_id],
        missing=f"There is no comparison {comparison_id} in this project.",
    )
    return Comparison(
        id=comparison_id,
        prompt=prompts.get(project, row["prompt_id"]),
        left=_candidate(project, row["left_id"]),
        right=_candidate(project, row["right_id"]),
        state=checked(row["state"], ComparisonState),
    )


def next_comparison(project: Project, *, exclude: Iterable[int] = ()) -> Comparison | None:
    """What to judge next, or None. `exclude`: ids that the caller has already in hand.

    First what was shown and not judged (the app was closed over it; the latest first), then what waits: by
    the priority of its prompt, then by age, those skipped for later at the end.
    """
    excluded = to_json(list(exclude))
    for sql in (
        """
        SELECT id FROM comparisons WHERE state = 'shown' AND id NOT IN (SELECT value FROM json_each(?))
        ORDER BY shown_at DESC LIMIT 1
        """,
        """
        SELECT id FROM comparisons WHERE state = 'waiting' AND id NOT IN (SELECT value FROM json_each(?))
        ORDER BY skipped, priority DESC, id LIMIT 1
        """,
    ):
        rows = read(project, "choosing the next comparison", sql, [excluded])
        if rows:
            return get(project, rows[0]["id"])
    return None


def waiting_count(project: Project, *, fresh_only: bool = False) -> int:
    """How many wait; `fresh_only` leaves out those that were skipped for later."""
    sql = "SELECT count(*) AS n FROM comparisons WHERE state = 'waiting'"
    row = read_one(project, "counting the comparisons", sql + (" AND skipped = 0" if fresh_only else ""))
    return int(row["n"])


def mark_shown(project: Project, comparison_id: int) -> None:
    """It is on the screen now: after a crash it comes first again. Raises `NoSuchRow`.

    One that has its verdict keeps it and stays answered.
    """
    with writing(project, "noting what is shown") as db:
        if state_of(db, comparison_id) != "answered":
            place(db, comparison_id, "shown")


def retire_waiting(project: Project, keep_model: str) -> int:
    """Take out of the queue what another model than `keep_model` wrote; how many that were.

    What is shown at the moment stays, and so does everything with a verdict.
    """
    with writing(project, "changing the policy") as db:
        retired = db.execute(
            """
            SELECT id FROM comparisons WHERE state = 'waiting' AND EXISTS (
                SELECT 1 FROM candidates
                WHERE candidates.id IN (left_id, right_id) AND candidates.model <> ?
            )
            """,
            [keep_model],
        ).fetchall()
        for (comparison_id,) in retired:
            place(db, comparison_id, "retired")
    return len(retired)


def place(db: Database, comparison_id: int, state: ComparisonState, *, last: bool = False) -> None:
    """Within a transaction: put a comparison into a state; `last` sends it to the end of the queue.

    Keeps the prompt's count of comparisons that are not retired. Raises `NoSuchRow`.
    """
    before = state_of(db, comparison_id)
    change = (before == "retired") - (state == "retired")
    if change:
        db.execute(
            """
            UPDATE prompts SET comparisons = comparisons + ?
            WHERE id = (SELECT prompt_id FROM comparisons WHERE id = ?)
            """,
            [change, comparison_id],
        )
    db.execute(
        "UPDATE comparisons SET state = ?, shown_at = ? WHERE id = ?",
        [state, now() if state == "shown" else None, comparison_id],
    )
    if last:
        db.execute(
            """
            UPDATE comparisons SET skipped =
                1 + coalesce((SELECT max(skipped) FROM comparisons WHERE state = 'waiting'), 0)
            WHERE id = ?
            """,
            [comparison_id],
        )


def state_of(db: Database, comparison_id: int) -> str:
    """Raises `NoSuchRow`."""
    found = db.execute("SELECT state FROM comparisons WHERE id = ?", [comparison_id]).fetchone()
    if found is None:
        raise NoSuchRow(f"There is no comparison {comparison_id} in this project. Nothing was changed.")
    return str(found[0])


def _candidate_row(prompt_id: int, candidate: NewCandidate) -> dict[str, Any]:
    return {
        "prompt_id": prompt_id,
        "text": clean(candidate.text, "The response"),
        "model": clean(candidate.model, "The model's name"),
        "fingerprint": clean(candidate.fingerprint, "The model's fingerprint"),
        "sampling": to_json(candidate.sampling),
        "seed": candidate.seed,
        "finish_reason": clean(candidate.finish_reason, "The finish reason"),
        "tokens": candidate.tokens,
        "seconds": float(candidate.seconds),
        "created_at": now(),
    }


def _candidate(project: Project, candidate_id: int) -> Candidate:
    row = read_one(
        project,
        "reading the response",
        "SELECT * FROM candidates WHERE id = ?",
        [candidate_id],
    )
    return to_record(Candidate, row | {"sampling": from_json(row["sampling"], dict[str, int | float])})
