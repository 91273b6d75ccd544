"""The prompts that a new project starts with, from `resources/prompts/starter.jsonl`."""

from dataclasses import dataclass

import msgspec

import resources
from app.store.collecting.prompts import STARTER, add_prompt
from app.store.handle import Project
from dpo_engine.preferences import Message, Split


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    prompt: str | tuple[Message, ...]
    tags: tuple[str, ...]
    split: Split


@dataclass(frozen=True, kw_only=True)
class StarterPrompt:
    messages: tuple[Message, ...]
    tags: tuple[str, ...]
    split: Split


def starter_prompts() -> list[StarterPrompt]:
    """In the order in which they are asked."""
    lines = resources.path("prompts", "starter.jsonl").read_bytes().splitlines()
    return [_starter_prompt(msgspec.json.decode(line, type=_Line)) for line in lines if line.strip()]


def add_starter_prompts(project: Project) -> None:
    """Raises `StoreError`."""
    for starter in starter_prompts():
        add_prompt(project, starter.messages, source=STARTER, split=starter.split, tags=starter.tags)


def _starter_prompt(line: _Line) -> StarterPrompt:
    messages = (Message("user", line.prompt),) if isinstance(line.prompt, str) else line.prompt
    return StarterPrompt(messages=messages, tags=line.tags, split=line.split)
