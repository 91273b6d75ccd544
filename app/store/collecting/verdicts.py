"""Verdicts: what people said about comparisons. Nothing said is ever deleted or overwritten.

`app.store.collecting.standing` says which of several verdicts counts; `app.store.undo.journal` undoes and
redoes them.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal, get_args

from sqlite_utils import Database

from app.store.collecting.annotators import ensure
from app.store.collecting.comparisons import add_edit
from app.store.collecting.placing import state_of
from app.store.collecting.prompts import to_messages
from app.store.collecting.standing import settle
from app.store.errors import BadValue
from app.store.handle import Project
from app.store.records import Choice, PairSelection, Verdict, VerdictCounts
from app.store.rows import Row, clean, insert, now, read, read_one, to_record, writing
from app.store.undo import journal
from app.store.undo.changes import Change
from dpo_engine.preferences import Pair

_CHOICES: tuple[Choice, ...] = get_args(Choice)

EventKind = Literal["given", "superseded", "undone", "redone"]


@dataclass(frozen=True, kw_only=True)
class VerdictEvent:
    """One thing that happened to a verdict."""

    verdict_id: int
    event: EventKind
    at: str


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """Standing left and right verdicts; `held_out` of them only measure."""

    total: int
    held_out: int
    models: tuple[tuple[str, int], ...]
    """(model reference, how many of the chosen responses it wrote), most first."""


_TRAINABLE = """
comparisons.choice IN ('left', 'right') AND comparisons.purpose = 'collect' AND comparisons.disputed = 0
AND comparisons.deleted_at IS NULL
"""
_SELECTED: dict[PairSelection, str] = {
    "all": "",
    "new": """
        AND verdicts.created_at > coalesce((
            SELECT max(created_at) FROM runs WHERE kind = 'trained' AND deleted_at IS NULL
        ), '')
    """,
    "much_better": "AND verdicts.strength >= 2",
}


def give_verdict(
    project: Project,
    comparison_id: int,
    choice: Choice,
    *,
    strength: int,
    annotator: str,
    seconds: float,
    edited: str | None = None,
) -> Verdict:
    """Keep a verdict; it is on the disk when this returns, with what it means for the queue.

    A skip sends the comparison to the end of the queue; anything else answers it. A second verdict of the
    same annotator supersedes their first. `strength` 1 better, 2 or 3 much better; `seconds` from both
    responses being there to the key press. `edited` is what the chosen response should have been: it becomes
    the chosen text, and the side's own is kept. Raises `BadValue`, `NoSuchRow` and what the disk does; then
    nothing was changed.
    """
    _refuse_bad(choice, strength, annotator, seconds, edited)
    who = clean(annotator, "The annotator's name")
    with writing(project, "saving the verdict") as db:
        state_of(db, comparison_id)
        moment = now()
        ensure(db, who)
        for (superseded,) in _standing(db, comparison_id, who):
            _log(db, superseded, "superseded", moment)
        verdict_id = insert(
            db,
            "verdicts",
            {
                "comparison_id": comparison_id,
                "choice": choice,
                "strength": strength,
                "annotator": who,
                "seconds": float(seconds),
                "created_at": moment,
                "edited_id": None
                if edited is None
                else add_edit(db, comparison_id, "left" if choice == "left" else "right", edited),
            },
        )
        _log(db, verdict_id, "given", moment)
        settle(db, comparison_id, after="given")
        _record(db, comparison_id, verdict_id, who)
    return get(project, verdict_id)


def verdict_of(project: Project, comparison_id: int) -> Verdict | None:
    """The verdict of a comparison that counts (`choice` in terms of the sides on which it was given)."""
    rows = read(
        project,
        "reading the verdict",
        "SELECT * FROM verdicts WHERE id = (SELECT verdict_id FROM comparisons WHERE id = ?)",
        [comparison_id],
    )
    return _to_verdict(rows[0]) if rows else None


def history(project: Project, comparison_id: int) -> list[Verdict]:
    """Every verdict a comparison ever had, oldest first, the undone and superseded ones too."""
    rows = read(
        project,
        "reading the history",
        "SELECT * FROM verdicts WHERE comparison_id = ? ORDER BY id",
        [comparison_id],
    )
    return [_to_verdict(row) for row in rows]


def timeline(project: Project, comparison_id: int) -> list[VerdictEvent]:
    """All that happened to a comparison's verdicts, in order."""
    rows = read(
        project,
        "reading the history",
        """
        SELECT verdict_id, event, at FROM verdict_history
        WHERE verdict_id IN (SELECT id FROM verdicts WHERE comparison_id = ?) ORDER BY id
        """,
        [comparison_id],
    )
    return [to_record(VerdictEvent, row) for row in rows]


def counts(project: Project) -> VerdictCounts:
    """Verdicts that count, by kind; `today` begins at local midnight."""
    rows = read(project, "counting the verdicts", "SELECT choice, held_out, disputed, n FROM tally")
    agreed = {(row["choice"], bool(row["held_out"])): int(row["n"]) for row in rows if not row["disputed"]}
    both = {choice: agreed.get((choice, False), 0) + agreed.get((choice, True), 0) for choice in _CHOICES}
    midnight = datetime.combine(date.today(), time.min).astimezone(UTC).isoformat(timespec="microseconds")
    today = read_one(
        project,
        "counting the verdicts",
        """
        SELECT count(*) AS n FROM verdicts
        CROSS JOIN standing ON standing.comparison_id = verdicts.comparison_id
            AND standing.annotator = verdicts.annotator AND verdict_id = verdicts.id
        WHERE created_at >= ? AND imported = 0 AND undone_at IS NULL AND choice <> 'skip'
        """,
        [midnight],
    )
    again = read_one(
        project,
        "counting the verdicts",
        """
        SELECT count(*) AS n FROM comparisons INDEXED BY comparisons_answered_again
        WHERE purpose <> 'collect' AND state = 'answered' AND deleted_at IS NULL
        """,
    )
    return VerdictCounts(
        asked_again=again["n"],
        preferences=both["left"] + both["right"],
        held_out=agreed.get(("left", True), 0) + agreed.get(("right", True), 0),
        ties=both["tie"],
        both_bad=both["both_bad"],
        skips=both["skip"],
        today=today["n"],
        disputed=sum(int(row["n"]) for row in rows if row["disputed"]),
    )


def preferences(project: Project, selection: PairSelection = "all") -> Preferences:
    """How many pairs `training_pairs` gives, and who wrote their chosen responses."""
    rows = read(
        project,
        "counting the preferences",
        f"""
        SELECT candidates.model AS model, count(*) AS n, sum(comparisons.held_out) AS held_out
        FROM comparisons
        JOIN verdicts ON verdicts.id = comparisons.verdict_id
        JOIN candidates ON candidates.id = coalesce(verdicts.edited_id,
            CASE comparisons.choice WHEN 'left' THEN comparisons.left_id ELSE comparisons.right_id END)
        WHERE {_TRAINABLE} {_SELECTED[selection]}
        GROUP BY candidates.model ORDER BY n DESC, model
        """,  # noqa: S608 (one of three texts of this file)
    )
    return Preferences(
        total=sum(row["n"] for row in rows),
        held_out=sum(row["held_out"] for row in rows),
        models=tuple((row["model"], row["n"]) for row in rows),
    )


def pairs_version(project: Project, selection: PairSelection = "all") -> str:
    """Another text whenever `training_pairs` would give something else; quick."""
    row = read_one(
        project,
        "looking for changed pairs",
        f"""
        SELECT count(*) AS n, total(verdicts.id) AS given, total(comparisons.id * 1.0) AS of,
            total(comparisons.held_out * comparisons.id) AS held_out
        FROM comparisons JOIN verdicts ON verdicts.id = comparisons.verdict_id
        WHERE {_TRAINABLE} {_SELECTED[selection]}
        """,  # noqa: S608 (one of three texts of this file)
    )
    return f"{row['n']} {row['given']:.0f} {row['of']:.0f} {row['held_out']:.0f}"


def training_pairs(project: Project, selection: PairSelection = "all") -> list[Pair]:
    """What a run can train on: the left and right verdicts that count as pairs, oldest comparison first.

    The chosen text is that of the side that was judged better, or what a person made of it. What is asked
    again to measure or settle is no pair of its own; what is disputed waits until it is settled.
    """
    rows = read(
        project,
        "collecting the pairs",
        f"""
        SELECT comparisons.id, comparisons.choice, strength, messages, split,
            lefts.text AS left_text, rights.text AS right_text, edits.text AS edited_text
        FROM comparisons
        JOIN verdicts ON verdicts.id = comparisons.verdict_id
        JOIN prompts ON prompts.id = comparisons.prompt_id
        JOIN candidates AS lefts ON lefts.id = left_id
        JOIN candidates AS rights ON rights.id = right_id
        LEFT JOIN candidates AS edits ON edits.id = verdicts.edited_id
        WHERE {_TRAINABLE} {_SELECTED[selection]}
        ORDER BY comparisons.id
        """,  # noqa: S608 (one of three texts of this file)
    )
    pairs = []
    for row in rows:
        left, right = row["left_text"], row["right_text"]
        chosen, rejected = (left, right) if row["choice"] == "left" else (right, left)
        fields = {
            "id": f"comparison-{row['id']}",
            "prompt": to_messages(row["messages"]),
            "chosen": chosen if row["edited_text"] is None else row["edited_text"],
            "rejected": rejected,
            "split": row["split"],
            "strength": row["strength"],
        }
        pairs.append(to_record(Pair, fields))
    return pairs


def get(project: Project, verdict_id: int) -> Verdict:
    """Raises `NoSuchRow`."""
    row = read_one(project, "reading the verdict", "SELECT * FROM verdicts WHERE id = ?", [verdict_id])
    return _to_verdict(row)


def _to_verdict(row: Row) -> Verdict:
    return to_record(Verdict, row | {"imported": bool(row["imported"])})


def _record(db: Database, comparison_id: int, verdict_id: int, annotator: str) -> None:
    (messages,) = db.execute(
        "SELECT messages FROM prompts WHERE id = (SELECT prompt_id FROM comparisons WHERE id = ?)",
        [comparison_id],
    ).fetchone()
    journal.record(
        db,
        annotator=annotator,
        kind="verdict",
        label=f"verdict on {journal.first_words(to_messages(messages)[-1].content)}",
        changes=[Change("verdicts", verdict_id, "undone_at", None, None)],
        comparison_id=comparison_id,
    )


def _standing(db: Database, comparison_id: int, annotator: str) -> list[tuple[int]]:
    return db.execute(
        "SELECT verdict_id FROM standing WHERE comparison_id = ? AND annotator = ?",
        [comparison_id, annotator],
    ).fetchall()


def _log(db: Database, verdict_id: int, event: EventKind, at: str) -> None:
    db.table("verdict_history").insert({"verdict_id": verdict_id, "event": event, "at": at})


def _refuse_bad(choice: str, strength: int, annotator: str, seconds: float, edited: str | None) -> None:
    if choice not in _CHOICES:
        raise BadValue(f"{choice!r} is no verdict. Nothing was changed.")
    if strength not in (1, 2, 3):
        raise BadValue(f"A verdict's strength is 1, 2 or 3, not {strength}. Nothing was changed.")
    if not annotator.strip():
        raise BadValue("A verdict needs the name of who gave it. Nothing was changed.")
    if not (math.isfinite(seconds) and seconds >= 0):
        raise BadValue(f"A verdict cannot have taken {seconds} seconds. Nothing was changed.")
    if edited is not None and choice not in ("left", "right"):
        raise BadValue("Only a response that was chosen can be edited. Nothing was changed.")
    if edited is not None and not edited.strip():
        raise BadValue("An edited response needs some text. Nothing was changed.")
