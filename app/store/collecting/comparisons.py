"""Comparisons: two candidates of one prompt, waiting for a verdict, and the queue they wait in."""

from collections.abc import Collection, Iterable
from random import Random
from typing import Any

from sqlite_utils import Database

from app.store.collecting import ordering, prompts
from app.store.collecting.ordering import Choosing, Order
from app.store.collecting.placing import place, state_of
from app.store.errors import BadValue, NoSuchRow
from app.store.handle import Project
from app.store.library.search_index import index_candidates
from app.store.records import PERSON, Candidate, Comparison, NewCandidate, Side
from app.store.rows import clean, from_json, insert, now, read_one, to_json, to_record, writing
from app.store.undo.changes import Change
from app.store.undo.journal import first_words, record


def add_comparison(
    project: Project,
    prompt_id: int,
    candidates: tuple[NewCandidate, NewCandidate],
    *,
    swapped: bool,
) -> Comparison:
    """Keep two candidates and let them wait for a verdict.

    The first stands left, or right when `swapped`; the caller draws that at random. A `Candidate` is one of
    this prompt that is kept already. Raises `NoSuchRow` for an unknown or deleted prompt, other `StoreError`s
    as they come; then neither candidate is kept.
    """
    prompt = prompts.get(project, prompt_id)
    with writing(project, "saving the two responses") as db:
        _refuse_deleted(db, prompt_id)
        first, second = (_keep_candidate(db, prompt_id, candidate) for candidate in candidates)
        first_chars, second_chars = (_chars(db, one) for one in (first, second))
        comparison_id = insert(
            db,
            "comparisons",
            {
                "prompt_id": prompt_id,
                "left_id": second if swapped else first,
                "right_id": first if swapped else second,
                "left_chars": second_chars if swapped else first_chars,
                "right_chars": first_chars if swapped else second_chars,
                "swapped": int(swapped),
                "state": "waiting",
                "priority": 1 if prompt.source == prompts.TYPED else 0,
                "held_out": int(prompt.split == "held_out"),
                "created_at": now(),
            },
        )
        db.execute("UPDATE prompts SET comparisons = comparisons + 1 WHERE id = ?", [prompt_id])
    return get(project, comparison_id)


def add_side(
    project: Project, comparison_id: int, side: Side, candidate: NewCandidate, *, annotator: str
) -> Comparison:
    """A comparison with one side written again and the other where it stood; the old one leaves the queue.

    One act of `annotator`, which undo takes back. One that is answered already stays as it is beside the new
    one. Raises `NoSuchRow`.
    """
    old = get(project, comparison_id)
    pair = (candidate, old.right) if side == "left" else (old.left, candidate)
    with writing(project, "saving the response") as db:
        new = add_comparison(project, old.prompt.id, pair, swapped=False)
        changes = [Change("comparisons", new.id, "deleted_at", now(), None)]
        if old.state != "answered":
            place(db, old.id, "retired")
            changes.append(Change("comparisons", old.id, "state", "shown", "retired"))
        _record_rewriting(db, old, annotator, changes)
    return new


def retire(project: Project, comparison_id: int, *, annotator: str) -> bool:
    """Take out of the queue what is to be written again: an act that undo takes back.

    False, and nothing done, for one that is answered or out already. Raises `NoSuchRow`.
    """
    old = get(project, comparison_id)
    if old.state in ("answered", "retired"):
        return False
    with writing(project, "writing the responses again") as db:
        place(db, old.id, "retired")
        _record_rewriting(db, old, annotator, [Change("comparisons", old.id, "state", "shown", "retired")])
    return True


def get(project: Project, comparison_id: int) -> Comparison:
    """Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the comparison",
        """
        SELECT id, prompt_id, left_id, right_id, state, purpose, of_id, picked, margin, flagged, comment, (
            SELECT json_group_array(tag) FROM comparison_tags WHERE comparison_id = comparisons.id
        ) AS tags FROM comparisons WHERE id = ?
        """,
        [comparison_id],
        missing=f"There is no comparison {comparison_id} in this project.",
    )
    fields = {name: row[name] for name in ("id", "state", "purpose", "of_id", "picked", "margin", "comment")}
    return to_record(
        Comparison,
        {
            **fields,
            "prompt": prompts.get(project, row["prompt_id"]),
            "left": candidate(project, row["left_id"]),
            "right": candidate(project, row["right_id"]),
            "flagged": bool(row["flagged"]),
            "tags": from_json(row["tags"], tuple[str, ...]),
        },
    )


def candidate(project: Project, candidate_id: int) -> Candidate:
    """Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the response",
        "SELECT * FROM candidates WHERE id = ?",
        [candidate_id],
        missing=f"There is no response {candidate_id} in this project.",
    )
    return to_record(Candidate, row | {"sampling": from_json(row["sampling"], dict[str, int | float])})


def next_comparison(
    project: Project,
    *,
    annotator: str | None = None,
    order: Order = "oldest",
    random_share: float = 0.0,
    rng: Random | None = None,
    exclude: Iterable[int] = (),
    overlap: bool | None = None,
) -> Comparison | None:
    """What to judge next, or None. `exclude`: ids that the caller has already in hand.

    `app.store.collecting.ordering` says in which order; of fresh ones a share of `random_share` is picked at
    random, and how this one was picked is stored with it. With `overlap` (None: as the project's setting
    says) also what others answered here and this annotator did not. Raises `StoreError`.
    """
    asked = Choosing(annotator, order, random_share, frozenset(exclude), overlap)
    chosen = ordering.choose(project, asked, rng or Random())  # noqa: S311 (no secret)
    if chosen is None:
        return None
    comparison = get(project, chosen.id)
    if comparison.picked == chosen.picked or comparison.state != "waiting":
        return comparison
    with writing(project, "noting how it was picked") as db:
        db.execute("UPDATE comparisons SET picked = ? WHERE id = ?", [chosen.picked, chosen.id])
    return get(project, chosen.id)


def waiting_count(project: Project, *, fresh_only: bool = False) -> int:
    """How many wait for anybody; `fresh_only` leaves out those that were skipped for later."""
    sql = "SELECT coalesce(sum(n), 0) AS n FROM waiting WHERE later <= ?"
    return int(read_one(project, "counting the comparisons", sql, [int(not fresh_only)])["n"])


def mark_shown(project: Project, comparison_id: int) -> None:
    """It is on the screen now: after a crash it comes first again. Raises `NoSuchRow`.

    One that has its verdict keeps it and stays answered.
    """
    with writing(project, "noting what is shown") as db:
        if state_of(db, comparison_id) != "answered":
            place(db, comparison_id, "shown")


def put_back(project: Project) -> None:
    """Somebody else sits down: what is on the screen without a verdict waits again where it waited before."""
    with writing(project, "noting what is shown") as db:
        shown = db.execute(
            "SELECT id FROM comparisons WHERE state = 'shown' AND deleted_at IS NULL"
        ).fetchall()
        for (comparison_id,) in shown:
            place(db, comparison_id, "waiting")


def retire_waiting(project: Project, writers: str | Collection[str]) -> int:
    """Take out of the queue what a model wrote that is none of `writers`; how many comparisons that were.

    What is shown at the moment stays, and so does everything with a verdict, all that is asked again, and
    what no model of this app wrote (an import, a person).
    """
    kept = [writers] if isinstance(writers, str) else list(writers)
    with writing(project, "changing the policy") as db:
        retired = db.execute(
            """
            SELECT id FROM comparisons
            WHERE state = 'waiting' AND asked_of IS NULL AND deleted_at IS NULL AND EXISTS (
                SELECT 1 FROM candidates
                WHERE candidates.id IN (left_id, right_id) AND candidates.fingerprint <> ''
                    AND candidates.model NOT IN (SELECT value FROM json_each(?))
            )
            """,
            [to_json(kept)],
        ).fetchall()
        for (comparison_id,) in retired:
            place(db, comparison_id, "retired")
    return len(retired)


def add_candidate(db: Database, prompt_id: int, new: NewCandidate, *, edited_from: int | None = None) -> int:
    """Within a transaction: keep a response and return its id."""
    candidate_id = insert(db, "candidates", _candidate_row(prompt_id, new) | {"edited_from": edited_from})
    index_candidates(db, candidate_id - 1)
    return candidate_id


def add_edit(db: Database, comparison_id: int, side: Side, text: str) -> int | None:
    """Within a transaction: keep what a person made of one side; its id, None where nothing was changed."""
    prompt_id, original, before = db.execute(
        f"""
        SELECT comparisons.prompt_id, candidates.id, text FROM comparisons
        JOIN candidates ON candidates.id = {"left_id" if side == "left" else "right_id"}
        WHERE comparisons.id = ?
        """,  # noqa: S608 (one of two names of this file)
        [comparison_id],
    ).fetchone()
    if clean(text, "The response") == before:
        return None
    written = NewCandidate(
        text=text,
        model=PERSON,
        fingerprint="",
        sampling={},
        seed=0,
        finish_reason="edited",
        tokens=0,
        seconds=0.0,
    )
    return add_candidate(db, prompt_id, written, edited_from=original)


def _keep_candidate(db: Database, prompt_id: int, new: NewCandidate) -> int:
    if not isinstance(new, Candidate):
        return add_candidate(db, prompt_id, new)
    if new.prompt_id != prompt_id:
        raise BadValue("A response of another prompt cannot be compared here. Nothing was changed.")
    return new.id


def _chars(db: Database, candidate_id: int) -> int:
    (chars,) = db.execute("SELECT chars FROM candidates WHERE id = ?", [candidate_id]).fetchone()
    return int(chars)


def _candidate_row(prompt_id: int, new: NewCandidate) -> dict[str, Any]:
    text = clean(new.text, "The response")
    return {
        "prompt_id": prompt_id,
        "text": text,
        "chars": len(text),
        "model": clean(new.model, "The model's name"),
        "fingerprint": clean(new.fingerprint, "The model's fingerprint"),
        "sampling": to_json(new.sampling),
        "seed": new.seed,
        "finish_reason": clean(new.finish_reason, "The finish reason"),
        "tokens": new.tokens,
        "seconds": float(new.seconds),
        "created_at": now(),
    }


def _refuse_deleted(db: Database, prompt_id: int) -> None:
    (deleted,) = db.execute("SELECT deleted_at FROM prompts WHERE id = ?", [prompt_id]).fetchone()
    if deleted is not None:
        raise NoSuchRow("The prompt of these responses was deleted, so they were not kept.")


def _record_rewriting(db: Database, old: Comparison, annotator: str, changes: list[Change]) -> None:
    label = f"writing again for {first_words(old.prompt.messages[-1].content)}"
    record(db, annotator=annotator, kind="write_again", label=label, changes=changes, comparison_id=old.id)
