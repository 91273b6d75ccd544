"""Verdicts: what people said about comparisons. Nothing said is ever deleted or overwritten.

A comparison's *standing* verdict is its latest one that is not undone. Undo and redo walk along the
verdicts of one annotator, across restarts; a new verdict ends what could be redone.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal, get_args

from sqlite_utils import Database

from app.store import comparisons
from app.store.errors import BadValue
from app.store.handle import Project
from app.store.prompts import to_messages
from app.store.records import Choice, PairSelection, Verdict, VerdictCounts
from app.store.rows import clean, insert, now, read, read_one, to_record, writing
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


_SELECTED: dict[PairSelection, str] = {
    "all": "",
    "new": "AND verdicts.created_at > coalesce((SELECT max(created_at) FROM runs), '')",
    "much_better": "AND verdicts.strength >= 2",
}


def give_verdict(
    project: Project, comparison_id: int, choice: Choice, *, strength: int, annotator: str, seconds: float
) -> Verdict:
    """Keep a verdict; it is on the disk when this returns, with what it means for the queue.

    A skip sends the comparison to the end of the queue; anything else answers it. A second verdict on the
    same comparison supersedes the first. `strength` 1 better, 2 or 3 much better; `seconds` from both
    responses being there to the key press. Raises `BadValue`, `NoSuchRow` and what the disk does; then
    nothing was changed.
    """
    _refuse_bad(choice, strength, annotator, seconds)
    who = clean(annotator, "The annotator's name")
    with writing(project, "saving the verdict") as db:
        comparisons.state_of(db, comparison_id)
        moment = now()
        for (superseded,) in _standing(db, comparison_id):
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
            },
        )
        _log(db, verdict_id, "given", moment)
        db.execute("UPDATE verdicts SET redoable = 0 WHERE annotator = ? AND redoable = 1", [who])
        _settle(db, comparison_id, after="given")
    return _get(project, verdict_id)


def undo_last(project: Project, annotator: str) -> Verdict | None:
    """Take back the annotator's latest verdict and return it, or None when there is none left.

    Its comparison stands as before it: shown again and next in line, or with the verdict that it had
    superseded. Works across restarts.
    """
    return _step(
        project,
        "SELECT max(id) FROM verdicts WHERE annotator = ? AND undone_at IS NULL",
        clean(annotator, "The annotator's name"),
        "undone",
    )


def redo_last(project: Project, annotator: str) -> Verdict | None:
    """Give back the verdict that was undone last, or None; a new verdict since then ends that."""
    return _step(
        project,
        "SELECT min(id) FROM verdicts WHERE annotator = ? AND redoable = 1",
        clean(annotator, "The annotator's name"),
        "redone",
    )


def verdict_of(project: Project, comparison_id: int) -> Verdict | None:
    """The standing verdict of a comparison."""
    rows = read(
        project,
        "reading the verdict",
        "SELECT * FROM verdicts WHERE id = (SELECT verdict_id FROM comparisons WHERE id = ?)",
        [comparison_id],
    )
    return to_record(Verdict, rows[0]) if rows else None


def history(project: Project, comparison_id: int) -> list[Verdict]:
    """Every verdict a comparison ever had, oldest first, the undone and superseded ones too."""
    rows = read(
        project,
        "reading the history",
        "SELECT * FROM verdicts WHERE comparison_id = ? ORDER BY id",
        [comparison_id],
    )
    return [to_record(Verdict, row) for row in rows]


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
    """Standing verdicts by kind; `today` begins at local midnight."""
    rows = read(
        project,
        "counting the verdicts",
        """
        SELECT choice, held_out, count(*) AS n FROM comparisons
        WHERE choice IS NOT NULL GROUP BY choice, held_out
        """,
    )
    number = {(row["choice"], bool(row["held_out"])): int(row["n"]) for row in rows}
    both = {choice: number.get((choice, False), 0) + number.get((choice, True), 0) for choice in _CHOICES}
    midnight = datetime.combine(date.today(), time.min).astimezone(UTC).isoformat(timespec="microseconds")
    today = read_one(
        project,
        "counting the verdicts",
        """
        SELECT count(*) AS n FROM verdicts
        CROSS JOIN comparisons ON comparisons.id = comparison_id AND verdict_id = verdicts.id
        WHERE verdicts.created_at >= ? AND verdicts.choice <> 'skip'
        """,
        [midnight],
    )
    return VerdictCounts(
        preferences=both["left"] + both["right"],
        held_out=number.get(("left", True), 0) + number.get(("right", True), 0),
        ties=both["tie"],
        both_bad=both["both_bad"],
        skips=both["skip"],
        today=today["n"],
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
        JOIN candidates ON candidates.id =
            CASE comparisons.choice WHEN 'left' THEN comparisons.left_id ELSE comparisons.right_id END
        WHERE comparisons.choice IN ('left', 'right') {_SELECTED[selection]}
        GROUP BY candidates.model ORDER BY n DESC, model
        """,  # noqa: S608 (one of three texts of this file)
    )
    return Preferences(
        total=sum(row["n"] for row in rows),
        held_out=sum(row["held_out"] for row in rows),
        models=tuple((row["model"], row["n"]) for row in rows),
    )


def training_pairs(project: Project, selection: PairSelection = "all") -> list[Pair]:
    """What a run can train on: the standing left and right verdicts as pairs, oldest comparison first.

    The chosen text is that of the side that was judged better, wherever it came from.
    """
    rows = read(
        project,
        "collecting the pairs",
        f"""
        SELECT comparisons.id, comparisons.choice, strength, messages, split,
            lefts.text AS left_text, rights.text AS right_text
        FROM comparisons
        JOIN verdicts ON verdicts.id = comparisons.verdict_id
        JOIN prompts ON prompts.id = comparisons.prompt_id
        JOIN candidates AS lefts ON lefts.id = left_id
        JOIN candidates AS rights ON rights.id = right_id
        WHERE comparisons.choice IN ('left', 'right') {_SELECTED[selection]}
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
            "chosen": chosen,
            "rejected": rejected,
            "split": row["split"],
            "strength": row["strength"],
        }
        pairs.append(to_record(Pair, fields))
    return pairs


def _get(project: Project, verdict_id: int) -> Verdict:
    row = read_one(project, "reading the verdict", "SELECT * FROM verdicts WHERE id = ?", [verdict_id])
    return to_record(Verdict, row)


def _step(project: Project, which: str, annotator: str, event: Literal["undone", "redone"]) -> Verdict | None:
    doing = "undoing the verdict" if event == "undone" else "redoing the verdict"
    with writing(project, doing) as db:
        (verdict_id,) = db.execute(which, [annotator]).fetchone()
        if verdict_id is None:
            return None
        (comparison_id,) = db.execute(
            "SELECT comparison_id FROM verdicts WHERE id = ?", [verdict_id]
        ).fetchone()
        moment = now()
        undone = event == "undone"
        db.execute(
            "UPDATE verdicts SET undone_at = ?, redoable = ? WHERE id = ?",
            [moment if undone else None, int(undone), verdict_id],
        )
        _log(db, verdict_id, event, moment)
        _settle(db, comparison_id, after=event)
    return _get(project, verdict_id)


def _settle(db: Database, comparison_id: int, *, after: EventKind) -> None:
    """Work out which verdict stands and where that leaves the comparison."""
    standing = db.execute(
        """
        SELECT id, choice FROM verdicts WHERE comparison_id = ? AND undone_at IS NULL
        ORDER BY id DESC LIMIT 1
        """,
        [comparison_id],
    ).fetchone()
    verdict_id, choice = standing or (None, None)
    db.execute(
        "UPDATE comparisons SET verdict_id = ?, choice = ? WHERE id = ?", [verdict_id, choice, comparison_id]
    )
    if choice not in (None, "skip"):
        comparisons.place(db, comparison_id, "answered")
    elif choice == "skip" and after != "undone":
        comparisons.place(db, comparison_id, "waiting", last=True)
    else:
        comparisons.place(db, comparison_id, "shown")


def _standing(db: Database, comparison_id: int) -> list[tuple[int]]:
    return db.execute(
        "SELECT verdict_id FROM comparisons WHERE id = ? AND verdict_id IS NOT NULL", [comparison_id]
    ).fetchall()


def _log(db: Database, verdict_id: int, event: EventKind, at: str) -> None:
    db.table("verdict_history").insert({"verdict_id": verdict_id, "event": event, "at": at})


def _refuse_bad(choice: str, strength: int, annotator: str, seconds: float) -> None:
    if choice not in _CHOICES:
        raise BadValue(f"{choice!r} is no verdict. Nothing was changed.")
    if strength not in (1, 2, 3):
        raise BadValue(f"A verdict's strength is 1, 2 or 3, not {strength}. Nothing was changed.")
    if not annotator.strip():
        raise BadValue("A verdict needs the name of who gave it. Nothing was changed.")
    if not (math.isfinite(seconds) and seconds >= 0):
        raise BadValue(f"A verdict cannot have taken {seconds} seconds. Nothing was changed.")
