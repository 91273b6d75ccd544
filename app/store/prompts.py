"""Prompts: what people and imports ask, each kept once, and which of them needs a comparison next."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from app.store.errors import BadValue
from app.store.handle import Project
from app.store.records import Prompt
from app.store.rows import Row, clean, from_json, insert, now, read, read_one, to_json, to_record, writing
from dpo_engine.preferences import Message, Role, Split

TYPED = "typed"
"""Source of a prompt that the person typed: it is asked before all others."""
STARTER = "starter"
"""Source of the prompts that come with the app."""


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
) -> Prompt:
    """Keep a prompt (a conversation that ends with a user turn) and return it.

    One that is there already is returned as it is, with its own source, split and tags: a held-out prompt
    never slips into training by being added again. Raises `BadValue` for a conversation that is none.
    """
    kept = _checked(messages)
    _refuse_bad_split(split)
    text = to_json([{"role": message.role, "content": message.content} for message in kept])
    row = {
        "content_hash": hashlib.sha256(text.encode()).hexdigest(),
        "messages": text,
        "source": clean(source, "The source"),
        "split": split,
        "tags": to_json([clean(tag, "A tag") for tag in tags]),
        "priority": 1 if source == TYPED else 0,
        "created_at": now(),
    }
    with writing(project, "saving the prompt") as db:
        known = db.execute("SELECT id FROM prompts WHERE content_hash = ?", [row["content_hash"]]).fetchone()
        prompt_id = int(known[0]) if known else insert(db, "prompts", row)
    return get(project, prompt_id)


def get(project: Project, prompt_id: int) -> Prompt:
    """Raises `NoSuchRow`."""
    row = read_one(
        project,
        "reading the prompt",
        "SELECT * FROM prompts WHERE id = ?",
        [prompt_id],
        missing=f"There is no prompt {prompt_id} in this project.",
    )
    return to_prompt(row)


def set_split(project: Project, prompt_id: int, split: Split) -> Prompt:
    """Move a prompt, with its comparisons, into training or out of it. Raises `NoSuchRow`, `BadValue`."""
    _refuse_bad_split(split)
    get(project, prompt_id)
    with writing(project, "moving the prompt") as db:
        db.execute("UPDATE prompts SET split = ? WHERE id = ?", [split, prompt_id])
        db.execute(
            "UPDATE comparisons SET held_out = ? WHERE prompt_id = ?", [int(split == "held_out"), prompt_id]
        )
    return get(project, prompt_id)


def prompts_needing_comparisons(project: Project, limit: int) -> list[Prompt]:
    """Which prompts to write candidates for next, at most `limit`, held-out ones among them.

    First what the person typed and has not been compared yet (newest first), then what was never compared
    (oldest first), then what was compared least. Retired comparisons do not count.
    """
    asked = read(
        project,
        "choosing the next prompts",
        "SELECT * FROM prompts WHERE priority > 0 AND comparisons = 0 ORDER BY id DESC LIMIT ?",
        [limit],
    )
    others = read(
        project,
        "choosing the next prompts",
        """
        SELECT * FROM prompts WHERE NOT (priority > 0 AND comparisons = 0)
        ORDER BY comparisons, id LIMIT ?
        """,
        [limit - len(asked)],
    )
    return [to_prompt(row) for row in asked + others]


def counts(project: Project) -> PromptCounts:
    row = read_one(
        project,
        "counting the prompts",
        """
        SELECT
            (SELECT count(*) FROM prompts) AS total,
            (SELECT count(*) FROM prompts WHERE split = 'held_out') AS held_out,
            (SELECT count(*) FROM prompts WHERE comparisons = 0) AS never_compared
        """,
    )
    return PromptCounts(**row)


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
