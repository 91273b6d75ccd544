"""Prompts: what people and imports ask, each kept once, and which of them needs a comparison next."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from sqlite_utils import Database

from app.store.collecting.removing import move_prompts
from app.store.errors import BadValue
from app.store.handle import Project
from app.store.library.search_index import index_prompts
from app.store.records import Prompt
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
from app.store.undo.changes import Change
from app.store.undo.journal import first_words, record, record_many
from dpo_engine.preferences import Message, Role, Split

TYPED = "typed"
"""Source of a prompt that the person typed: it is asked before all others."""
STARTER = "starter"
"""Source of the prompts that come with the app."""

_COLUMNS = """
prompts.id, messages, source, split, created_at,
(SELECT json_group_array(tag) FROM prompt_tags WHERE prompt_id = prompts.id) AS tags
"""


@dataclass(frozen=True, kw_only=True)
class PromptCounts:
    total: int
    held_out: int
    never_compared: int


def add_prompt(
    project: Project,
    messages: Sequence[Message],
    *,
    source: str,
    split: Split = "train",
    tags: Sequence[str] = (),
    annotator: str | None = None,
) -> Prompt:
    """Keep a prompt (a conversation that ends with a user turn) and return it.

    One that is there already is returned as it is, with its own source, split and tags: a held-out prompt
    never slips into training by being added again. One that was deleted comes back. With an `annotator` it is
    an act of theirs that undo takes back. Raises `BadValue` for a conversation that is none.
    """
    kept = _checked(messages)
    _refuse_bad_split(split)
    text = to_json([{"role": message.role, "content": message.content} for message in kept])
    row: Row = {
        "content_hash": hashlib.sha256(text.encode()).hexdigest(),
        "messages": text,
        "source": clean(source, "The source"),
        "split": split,
        "priority": 1 if source == TYPED else 0,
        "created_at": now(),
    }
    kept_tags = [clean(tag, "A tag") for tag in tags]
    with writing(project, "saving the prompt") as db:
        known = db.execute(
            "SELECT id, deleted_at FROM prompts WHERE content_hash = ?", [row["content_hash"]]
        ).fetchone()
        prompt_id = int(known[0]) if known else _insert(db, row, kept_tags)
        deleted_at = known[1] if known else row["created_at"]
        if known and deleted_at is not None:
            move_prompts(db, to_json([prompt_id]), deleted_at, None)
        if annotator is not None and deleted_at is not None:
            change = Change("prompts", prompt_id, "deleted_at", deleted_at, None)
            label = f"new prompt {first_words(kept[-1].content)}"
            record(db, annotator=annotator, kind="prompt", label=label, changes=[change])
    return get(project, prompt_id)


def get(project: Project, prompt_id: int) -> Prompt:
    """Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the prompt",
        f"SELECT {_COLUMNS} FROM prompts WHERE id = ?",  # noqa: S608 (a text of this file)
        [prompt_id],
        missing=f"There is no prompt {prompt_id} in this project.",
    )
    return to_prompt(row)


def set_split(project: Project, prompt_ids: Sequence[int], split: Split, *, annotator: str) -> int:
    """Move prompts, with their comparisons, into training or out of it; how many that changed.

    One act, which undo takes back. Raises `BadValue`, `StoreError`.
    """
    _refuse_bad_split(split)
    with writing(project, "moving the prompts") as db:
        return record_many(
            db,
            annotator=annotator,
            kind="split",
            named=lambda n: f"{'holding out' if split == 'held_out' else 'training on'} {_in_words(n)}",
            changes=(
                "SELECT 'prompts', 'split', id, split, :split FROM prompts "
                "WHERE id IN (SELECT value FROM json_each(:ids)) AND split <> :split AND deleted_at IS NULL"
            ),
            bound={"ids": ids_to_json(prompt_ids), "split": split},
        )


def _in_words(number: int) -> str:
    """`1 prompt`, `1,204 prompts`."""
    return "1 prompt" if number == 1 else f"{number:,} prompts"


def prompts_needing_comparisons(project: Project, limit: int) -> list[Prompt]:
    """Which prompts to write candidates for next, at most `limit`, held-out ones among them.

    First what the person typed and has not been compared yet (newest first), then what was never compared
    (oldest first), then what was compared least. Retired comparisons do not count.
    """
    asked = read(
        project,
        "choosing the next prompts",
        f"""
        SELECT {_COLUMNS} FROM prompts WHERE priority > 0 AND comparisons = 0 AND deleted_at IS NULL
        ORDER BY id DESC LIMIT ?
        """,  # noqa: S608 (a text of this file)
        [limit],
    )
    others = read(
        project,
        "choosing the next prompts",
        f"""
        SELECT {_COLUMNS} FROM prompts WHERE NOT (priority > 0 AND comparisons = 0) AND deleted_at IS NULL
        ORDER BY comparisons, id LIMIT ?
        """,  # noqa: S608 (a text of this file)
        [limit - len(asked)],
    )
    return [to_prompt(row) for row in asked + others]


def counts(project: Project) -> PromptCounts:
    row = read_one(
        project,
        "counting the prompts",
        """
        SELECT
            (SELECT count(*) FROM prompts WHERE deleted_at IS NULL) AS total,
            (SELECT count(*) FROM prompts WHERE split = 'held_out' AND deleted_at IS NULL) AS held_out,
            (SELECT count(*) FROM prompts WHERE comparisons = 0 AND deleted_at IS NULL) AS never_compared
        """,
    )
    return PromptCounts(**row)


def _insert(db: Database, row: Row, tags: Sequence[str]) -> int:
    prompt_id = insert(db, "prompts", row)
    index_prompts(db, prompt_id - 1)
    db.conn.executemany(
        "INSERT OR IGNORE INTO prompt_tags (prompt_id, tag) VALUES (?, ?)", [(prompt_id, tag) for tag in tags]
    )
    return prompt_id


def to_prompt(row: Row) -> Prompt:
    """Raises `ProjectDamaged`."""
    return to_record(
        Prompt,
        {
            "id": row["id"],
            "messages": to_messages(row["messages"]),
            "source": row["source"],
            "split": row["split"],
            "tags": from_json(row["tags"], tuple[str, ...]),
            "created_at": row["created_at"],
        },
    )


def to_messages(text: object) -> tuple[Message, ...]:
    """A conversation from its JSON column. Raises `ProjectDamaged`."""
    messages: tuple[Message, ...] = from_json(text, tuple[Message, ...])
    return messages


def _refuse_bad_split(split: str) -> None:
    if split not in get_args(Split):
        raise BadValue(f"A prompt is for train or held_out, not {split!r}. Nothing was changed.")


def _checked(messages: Sequence[Message]) -> list[Message]:
    roles = [message.role for message in messages]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    if not turns or turns[-1] != "user":
        raise BadValue("A prompt has to end with what the user says. Nothing was changed.")
    if any(role not in get_args(Role) or role == "system" for role in turns):
        raise BadValue(
            "A prompt may hold one system message at its start, then user and assistant turns. "
            "Nothing was changed."
        )
    kept = [Message(message.role, clean(message.content, "The prompt")) for message in messages]
    if any(not message.content.strip() for message in kept if message.role == "user"):
        raise BadValue("A prompt needs some text. Nothing was changed.")
    return kept
