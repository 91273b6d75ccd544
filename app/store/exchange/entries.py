"""What passes between files and projects: an `Entry` is a prompt, or a comparison and what was said of it."""

from typing import Literal

import msgspec

from app.store.records import Choice
from dpo_engine.pairs.preference_rows import MAX_MESSAGES, MAX_TEXT_CHARACTERS
from dpo_engine.preferences import Message, Split

__all__ = ["MAX_MESSAGES", "MAX_TEXT_CHARACTERS", "Given", "Refused", "Response", "RowRefused"]

IMPORTED = "imported"
"""The model of a candidate whose file does not say what wrote it."""
MAX_NAME_CHARACTERS = 200
MAX_TAGS = 100


class RowRefused(Exception):
    """This row cannot be taken; `str(error)` is a sentence that says why."""


class Refused(msgspec.Struct, frozen=True):
    """A row that was left out: its line, or its number in the file, from 1, and why."""

    line: int
    reason: str
    file: str = ""
    """Of several, which."""


class Response(msgspec.Struct, frozen=True, gc=False):
    """A candidate; what its file does not say of it is empty."""

    text: str
    model: str = ""
    fingerprint: str = ""
    sampling: dict[str, int | float] = {}
    seed: int = 0
    finish_reason: str = ""
    tokens: int = 0
    seconds: float = 0.0
    created_at: str = ""


class Given(msgspec.Struct, frozen=True, gc=False):
    """A standing verdict. `annotator` and `created_at` are empty where the file does not say."""

    choice: Choice
    strength: int = 1
    annotator: str = ""
    seconds: float = 0.0
    created_at: str = ""
    edited: str | None = None
    """What the chosen response was changed to."""
    settles: bool = False
    """Given to settle a dispute."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """`left` and `right` are both there or both None, which makes it a prompt alone."""

    prompt: tuple[Message, ...]
    left: Response | None = None
    right: Response | None = None
    verdicts: tuple[Given, ...] = ()
    placed: bool = False
    """Left and right are where they stood when the verdict was given; else they are still to be drawn."""
    split: Split | None = None
    prompt_tags: tuple[str, ...] = ()
    source: str = ""
    tags: tuple[str, ...] = ()
    flagged: bool = False
    comment: str = ""
    skipped: Literal[0, 1] = 0


def chosen_first(
    prompt: tuple[Message, ...], chosen: Response, rejected: Response, *, strength: int, split: Split | None
) -> Entry:
    """A preference from a file that tells only which of two responses is the better one."""
    return Entry(
        prompt=prompt,
        left=chosen,
        right=rejected,
        verdicts=(Given(choice="left", strength=strength),),
        split=split,
    )
