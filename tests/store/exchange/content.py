"""What a project's content is (`app.store.exchange`), read row by row and in nobody else's words.

Two projects have the same content when `content` gives equal values. Comparisons with the same prompt and the
same candidates are one: their notes are united, and of one person's verdicts the newest counts.
"""

from dataclasses import dataclass, field
from typing import Any

from app.store.project import Project

Side = tuple[str, str, str, str, int, str, int, float]
"""A candidate: text, model, fingerprint, sampling, seed, finish reason, tokens, seconds."""
Key = tuple[str, tuple[Side, Side]]
Said = tuple[str, str, int, str | None, float]
"""When, the better side (`first` or `second` of the key) or the other choice, strength, edit, seconds."""


@dataclass
class Judged:
    flagged: bool = False
    comments: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    """Which side of the key stood left: `first`, `second`."""
    verdicts: dict[str, Said] = field(default_factory=dict)
    settled: tuple[str, Said] | None = None


@dataclass
class Content:
    prompts: dict[str, tuple[str, frozenset[str]]]
    comparisons: dict[Key, Judged]


def content(project: Project) -> Content:
    prompts = {
        row["messages"]: (row["split"], frozenset(_tags(project, "prompt", row["id"])))
        for row in project.db.query("SELECT * FROM prompts WHERE deleted_at IS NULL")
    }
    comparisons: dict[Key, Judged] = {}
    for row in project.db.query(
        "SELECT comparisons.*, messages FROM comparisons JOIN prompts ON prompts.id = prompt_id"
        " WHERE purpose = 'collect' AND comparisons.deleted_at IS NULL AND state <> 'retired'"
    ):
        left, right = (_side(project, row[name]) for name in ("left_id", "right_id"))
        key = (row["messages"], (min(left, right), max(left, right)))
        judged = comparisons.setdefault(key, Judged())
        judged.flagged = judged.flagged or bool(row["flagged"])
        judged.comments |= {part for part in row["comment"].split("\n\n") if part}
        judged.tags |= _tags(project, "comparison", row["id"])
        judged.left.add("first" if left <= right else "second")
        _add_verdicts(project, row, judged, swapped=left > right)
    return Content(prompts, comparisons)


def _add_verdicts(project: Project, row: dict[str, Any], judged: Judged, *, swapped: bool) -> None:
    for verdict in project.db.query("SELECT * FROM verdicts WHERE comparison_id = ?", [row["id"]]):
        if verdict["undone_at"] is not None or not _stands(project, verdict):
            continue
        said = _said(project, verdict, swapped=swapped)
        judged.verdicts[verdict["annotator"]] = max(said, judged.verdicts.get(verdict["annotator"], said))
    for again in project.db.query(
        "SELECT * FROM comparisons WHERE of_id = ? AND purpose IN ('settle', 'second_look')"
        " AND deleted_at IS NULL",
        [row["id"]],
    ):
        for verdict in project.db.query("SELECT * FROM verdicts WHERE comparison_id = ?", [again["id"]]):
            if verdict["undone_at"] is None and verdict["choice"] != "skip":
                turned = swapped != (again["left_id"] != row["left_id"])
                settled = (verdict["annotator"], _said(project, verdict, swapped=turned))
                if judged.settled is None or judged.settled[1] < settled[1]:
                    judged.settled = settled


def _stands(project: Project, verdict: dict[str, Any]) -> bool:
    newest = project.db.execute(
        "SELECT max(id) FROM verdicts WHERE comparison_id = ? AND annotator = ? AND undone_at IS NULL",
        [verdict["comparison_id"], verdict["annotator"]],
    ).fetchone()[0]
    return bool(newest == verdict["id"])


def _said(project: Project, verdict: dict[str, Any], *, swapped: bool) -> Said:
    names = {"left": "second", "right": "first"} if swapped else {"left": "first", "right": "second"}
    edited = None
    if verdict["edited_id"] is not None:
        (edited,) = project.db.execute(
            "SELECT text FROM candidates WHERE id = ?", [verdict["edited_id"]]
        ).fetchone()
    choice = names.get(verdict["choice"], verdict["choice"])
    return verdict["created_at"], choice, verdict["strength"], edited, verdict["seconds"]


def _side(project: Project, candidate_id: int) -> Side:
    row: Side = project.db.execute(
        "SELECT text, model, fingerprint, sampling, seed, finish_reason, tokens, seconds"
        " FROM candidates WHERE id = ?",
        [candidate_id],
    ).fetchone()
    return row


def _tags(project: Project, of: str, row_id: int) -> set[str]:
    sql = f"SELECT tag FROM {of}_tags WHERE {of}_id = ?"  # noqa: S608 (one of two names of this file)
    return {row[0] for row in project.db.execute(sql, [row_id])}


def united(ours: Content, theirs: Content) -> Content:
    """What a merge of `theirs` into `ours` should come to."""
    prompts = dict(ours.prompts)
    for messages, (split, tags) in theirs.prompts.items():
        kept, before = prompts.get(messages, (split, frozenset[str]()))
        prompts[messages] = (kept, before | tags)
    comparisons = dict(ours.comparisons)
    for key, other in theirs.comparisons.items():
        mine = comparisons.get(key)
        comparisons[key] = other if mine is None else _both(mine, other)
    return Content(prompts, comparisons)


def _both(mine: Judged, other: Judged) -> Judged:
    names = mine.verdicts.keys() | other.verdicts.keys()
    settled = [one for one in (mine.settled, other.settled) if one is not None]
    return Judged(
        flagged=mine.flagged or other.flagged,
        comments=mine.comments | other.comments,
        tags=mine.tags | other.tags,
        left=mine.left,
        verdicts={
            name: max(one.verdicts[name] for one in (mine, other) if name in one.verdicts) for name in names
        },
        settled=max(settled, key=lambda one: one[1], default=None),
    )
