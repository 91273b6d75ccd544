"""Studies of suspect verdicts: what each asked about, what it found, and what came of asking again.

A study knows each verdict as it counted when it began. What was asked again since is read from the second
looks themselves, so that an undone one is undone here too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from app.store.collecting.prompts import to_messages
from app.store.collecting.standing import other_side
from app.store.collecting.verdicts import training_pairs
from app.store.errors import BadValue
from app.store.handle import Project
from app.store.records import Choice, Side
from app.store.rows import (
    Row,
    clean,
    from_json,
    ids_to_json,
    insert,
    now,
    read,
    read_one,
    to_json,
    to_record,
    writing,
)
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Message, Pair

StudyStatus = Literal["created", "running", "finished", "failed", "interrupted"]
Outcome = Literal["", "waiting", "later", "confirmed", "turned", "tie", "both_bad", "changed", "deleted"]
"""What came of a pair since: nothing; it waits to be asked again, or was put off; what was said then; it was
judged otherwise in another way; it was deleted."""

_PREFIX = "comparison-"


@dataclass(frozen=True, kw_only=True)
class Study:
    id: int
    folder: str
    policy: str
    """The model reference that each fold's training starts from."""
    folds: int
    config: dict[str, object]
    status: StudyStatus
    message: str
    """Why it failed or was interrupted; empty otherwise."""
    created_at: str
    finished_at: str | None
    pairs: int
    scored: int
    """Of the pairs, those whose fold is done."""


@dataclass(frozen=True, kw_only=True)
class AskedAbout:
    """A pair that a study is about, with the verdict that made it one."""

    pair: Pair
    verdict_id: int
    choice: Side


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """A scored pair of a study, without its texts."""

    comparison_id: int
    opening: str
    """The beginning of the prompt's last turn, on one line."""
    choice: Side
    strength: int
    annotator: str
    fold: int
    score: PairScore
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class StudyTexts:
    """What one pair of a study said."""

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str


def to_study(project: Project) -> tuple[AskedAbout, ...]:
    """Everything that counts as a pair now, held out or not. Raises `StoreError`."""
    pairs = training_pairs(project)
    rows = read(
        project,
        "collecting the verdicts",
        "SELECT id, verdict_id, choice FROM comparisons WHERE id IN (SELECT value FROM json_each(?))",
        [ids_to_json(comparison_of(pair.id) for pair in pairs)],
    )
    counted = {row["id"]: row for row in rows}
    return tuple(
        to_record(
            AskedAbout,
            {
                "pair": pair,
                "verdict_id": counted[comparison_of(pair.id)]["verdict_id"],
                "choice": counted[comparison_of(pair.id)]["choice"],
            },
        )
        for pair in pairs
    )


def add_study(
    project: Project,
    folder: Path,
    *,
    policy: str,
    folds: int,
    config: Mapping[str, object],
    asked: Sequence[AskedAbout],
) -> Study:
    """Note a study whose folder exists. Raises `BadValue` for one that is there already."""
    row = {
        "folder": clean(project.stored(folder), "The study's folder"),
        "policy": clean(policy, "The model's name"),
        "folds": folds,
        "config": clean(to_json(dict(config)), "The settings"),
        "status": "created",
        "created_at": now(),
    }
    with writing(project, "saving the study") as db:
        if db.execute("SELECT 1 FROM studies WHERE folder = ?", [row["folder"]]).fetchone():
            raise BadValue(f"The study in {folder} is in this project already. Nothing was changed.")
        study_id = insert(db, "studies", row)
        db.conn.executemany(
            "INSERT INTO study_pairs (study_id, comparison_id, verdict_id, choice) VALUES (?, ?, ?, ?)",
            [(study_id, comparison_of(one.pair.id), one.verdict_id, one.choice) for one in asked],
        )
    return get_study(project, study_id)


def get_study(project: Project, study_id: int) -> Study:
    """Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the study",
        f"{_STUDIES} WHERE studies.id = ? GROUP BY studies.id",
        [study_id],
        missing=f"There is no study {study_id} in this project.",
    )
    return _study(project, row)


def studies(project: Project) -> list[Study]:
    """All of them, newest first."""
    rows = read(project, "reading the studies", f"{_STUDIES} GROUP BY studies.id ORDER BY studies.id DESC")
    return [_study(project, row) for row in rows]


def set_study_status(project: Project, study_id: int, status: StudyStatus, message: str = "") -> Study:
    """Note how a study is doing. Raises `NoSuchRow`."""
    if status not in get_args(StudyStatus):
        raise BadValue(f"A study cannot be {status!r}. Nothing was changed.")
    ended = now() if status in ("finished", "failed", "interrupted") else None
    with writing(project, "saving the study's state") as db:
        db.execute(
            "UPDATE studies SET status = ?, message = ?, finished_at = ? WHERE id = ?",
            [status, clean(message, "The message"), ended, study_id],
        )
    return get_study(project, study_id)


def record_fold(project: Project, study_id: int, fold: int, scores: Sequence[PairScore]) -> None:
    """Keep what a fold's policy says of its pairs; the same again changes nothing.

    Raises `BadValue` for a pair that the study does not ask about; then none is kept.
    """
    with writing(project, "saving the study's scores") as db:
        changed = db.conn.executemany(
            """
            UPDATE study_pairs SET fold = ?, policy_chosen_logp = ?, policy_rejected_logp = ?,
                reference_chosen_logp = ?, reference_rejected_logp = ?, chosen_tokens = ?, rejected_tokens = ?
            WHERE study_id = ? AND comparison_id = ?
            """,
            [
                (
                    fold,
                    score.policy_chosen_logp,
                    score.policy_rejected_logp,
                    score.reference_chosen_logp,
                    score.reference_rejected_logp,
                    score.chosen_tokens,
                    score.rejected_tokens,
                    study_id,
                    comparison_of(score.pair),
                )
                for score in scores
            ],
        ).rowcount
        if changed != len(scores):
            raise BadValue(f"Scores of pairs that study {study_id} does not ask about. Nothing was changed.")


def study_rows(project: Project, study_id: int) -> list[StudyRow]:
    """The pairs that are scored so far, by comparison."""
    rows = read(project, "reading the study", _ROWS, {"study": study_id})
    return [_row(row) for row in rows]


def study_texts(project: Project, study_id: int, comparison_id: int) -> StudyTexts:
    """What the pair said when the study began. Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the pair",
        """
        SELECT messages, study_pairs.choice, lefts.text AS left_text, rights.text AS right_text,
            edits.text AS edited_text
        FROM study_pairs
        JOIN comparisons ON comparisons.id = study_pairs.comparison_id
        JOIN prompts ON prompts.id = comparisons.prompt_id
        JOIN candidates AS lefts ON lefts.id = left_id
        JOIN candidates AS rights ON rights.id = right_id
        JOIN verdicts ON verdicts.id = study_pairs.verdict_id
        LEFT JOIN candidates AS edits ON edits.id = verdicts.edited_id
        WHERE study_id = ? AND study_pairs.comparison_id = ?
        """,
        [study_id, comparison_id],
        missing=f"There is no comparison {comparison_id} in this study.",
    )
    sides = (row["left_text"], row["right_text"])
    chosen, rejected = sides if row["choice"] == "left" else sides[::-1]
    return to_record(
        StudyTexts,
        {
            "prompt": to_messages(row["messages"]),
            "chosen": chosen if row["edited_text"] is None else row["edited_text"],
            "rejected": rejected,
        },
    )


def untrained_below(project: Project, policy: str) -> str:
    """The model that the line of runs to `policy` began with: none of this project's verdicts trained it."""
    rows = read(project, "reading the runs", "SELECT folder, policy FROM runs")
    below = {str(project.path.parent / row["folder"]): str(row["policy"]) for row in rows}
    while policy in below:
        policy = below.pop(policy)
    return policy


def comparison_of(pair: str) -> int:
    """The comparison whose pair has this id. Raises `BadValue`."""
    number = pair.removeprefix(_PREFIX)
    if number == pair or not number.isdecimal():
        raise BadValue(f"{pair!r} is no pair of this project. Nothing was changed.")
    return int(number)


_STUDIES = """
SELECT studies.*, count(study_pairs.study_id) AS pairs, count(study_pairs.fold) AS scored
FROM studies LEFT JOIN study_pairs ON study_pairs.study_id = studies.id
"""
_OPENING = 200
_ROWS = f"""
SELECT study_pairs.*, said.strength AS strength, said.annotator AS annotator,
    split, substr(json_extract(messages, '$[#-1].content'), 1, {_OPENING}) AS opening,
    comparisons.deleted_at AS deleted_at, comparisons.verdict_id AS counts_now,
    comparisons.choice AS choice_now, looks.state AS look_state, answers.choice AS look_choice,
    looks.left_id = comparisons.left_id AS same_sides
FROM study_pairs
JOIN studies ON studies.id = study_pairs.study_id
JOIN comparisons ON comparisons.id = study_pairs.comparison_id
JOIN prompts ON prompts.id = comparisons.prompt_id
JOIN verdicts AS said ON said.id = study_pairs.verdict_id
LEFT JOIN comparisons AS looks ON looks.id = (
    SELECT max(id) FROM comparisons AS again
    WHERE again.of_id = study_pairs.comparison_id AND again.purpose = 'second_look'
        AND again.deleted_at IS NULL AND again.created_at > studies.created_at
)
LEFT JOIN verdicts AS answers ON answers.id = looks.verdict_id
WHERE study_pairs.study_id = :study AND fold IS NOT NULL
ORDER BY study_pairs.comparison_id
"""  # noqa: S608 (a number of this file)


def _row(row: Row) -> StudyRow:
    score = {
        name: row[name]
        for name in (
            *("policy_chosen_logp", "policy_rejected_logp", "reference_chosen_logp"),
            *("reference_rejected_logp", "chosen_tokens", "rejected_tokens", "split"),
        )
    }
    return to_record(
        StudyRow,
        {
            **{name: row[name] for name in ("comparison_id", "choice", "strength", "annotator", "fold")},
            "opening": " ".join((row["opening"] or "").split()),
            "score": {"pair": f"{_PREFIX}{row['comparison_id']}", **score},
            "outcome": _outcome(row),
        },
    )


def _outcome(row: Row) -> Outcome:
    if row["deleted_at"] is not None:
        return "deleted"
    if row["look_state"] is None:
        unchanged = row["counts_now"] == row["verdict_id"] and row["choice_now"] == row["choice"]
        return "" if unchanged else "changed"
    if row["look_state"] == "shown" or row["look_choice"] is None:
        return "waiting"
    answer: Choice = row["look_choice"] if row["same_sides"] else other_side(row["look_choice"])
    if answer in ("left", "right"):
        return "confirmed" if answer == row["choice"] else "turned"
    return _OTHER_ANSWERS[answer]


_OTHER_ANSWERS: Mapping[Choice, Outcome] = {"tie": "tie", "both_bad": "both_bad", "skip": "later"}


def _study(project: Project, row: Row) -> Study:
    return to_record(
        Study,
        row
        | {
            "folder": str(project.path.parent / row["folder"]),
            "config": from_json(row["config"], dict[str, object]),
        },
    )
