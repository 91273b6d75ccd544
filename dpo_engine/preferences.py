"""Conversations and preference pairs, and the file formats they come in. Torch-free.

Accepted rows: TRL's preference formats (standard and conversational, explicit and implicit prompt),
hh-rlhf transcripts and UltraFeedback rows, in JSONL, JSON or Parquet; and prompt-only rows for generation.
A row that cannot be used is refused by name and the others go on; a file without a usable row is an error.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from dpo_engine.conversations import Message, Pair, Role, Split
from dpo_engine.errors import BadInput
from dpo_engine.pairs.preference_rows import pair_of_row, prompt_of_row
from dpo_engine.pairs.row_files import NumberedRow, numbered_rows
from dpo_engine.pairs.snapshots import read_snapshot

__all__ = [
    "Message",
    "Pair",
    "PairsFile",
    "PromptsFile",
    "RefusedRow",
    "Role",
    "Split",
    "read_pairs",
    "read_prompts",
    "refusal_summary",
]

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A row that was left out: its line (or row number, from 1) and why, as a sentence."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class PairsFile:
    pairs: tuple[Pair, ...]
    refused: tuple[RefusedRow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PromptsFile:
    prompts: tuple[tuple[Message, ...], ...]
    refused: tuple[RefusedRow, ...] = ()


def read_pairs(path: Path | str, *, strict: bool = False) -> PairsFile:
    """The pairs of a file, or of a run folder's snapshot, in the file's order.

    Bad rows are collected in `refused`; with `strict` the first one raises. Raises `BadInput` for a file
    that cannot be read and for one without a single usable pair.
    """
    path = Path(path)
    if path.is_dir():
        return PairsFile(pairs=_pairs_of_folder(path))
    pairs, refused = _parse(numbered_rows(path), pair_of_row, strict=strict)
    if not pairs:
        raise BadInput(_nothing_left(path, "preference pair", refused))
    return PairsFile(pairs=_with_unique_ids(pairs), refused=refused)


def read_prompts(path: Path | str, *, strict: bool = False) -> PromptsFile:
    """Prompts for generation: a text file with one a line, or rows with a `prompt` (string or messages).

    Rows of preference pairs do too: their prompt is taken. Errors as for `read_pairs`.
    """
    path = Path(path)
    prompts, refused = _parse(numbered_rows(path, plain_text=True), prompt_of_row, strict=strict)
    if not prompts:
        raise BadInput(_nothing_left(path, "prompt", refused))
    return PromptsFile(prompts=tuple(prompts), refused=refused)


def refusal_summary(refused: tuple[RefusedRow, ...], named: int = 5) -> str:
    """One sentence that says how many rows were left out, and which; empty when none was."""
    if not refused:
        return ""
    rows = "row was" if len(refused) == 1 else "rows were"
    listed = " ".join(f"Line {row.line}: {row.reason}" for row in refused[:named])
    more = f" And {len(refused) - named} more." if len(refused) > named else ""
    return f"{len(refused)} {rows} left out. {listed}{more}"


def _pairs_of_folder(folder: Path) -> tuple[Pair, ...]:
    if not (folder / "pairs").is_dir():
        raise BadInput(
            f"{folder} is a folder without a snapshot of pairs. Give a pairs file or a run's folder."
        )
    return read_snapshot(folder / "pairs")


def _parse(
    rows: Iterator[NumberedRow], parse: Callable[[NumberedRow], Parsed], *, strict: bool
) -> tuple[list[Parsed], tuple[RefusedRow, ...]]:
    parsed: list[Parsed] = []
    refused: list[RefusedRow] = []
    for row in rows:
        try:
            parsed.append(parse(row))
        except BadInput as error:
            if strict:
                raise BadInput(f"Line {row.line}: {error}") from error
            refused.append(RefusedRow(line=row.line, reason=str(error)))
    return parsed, tuple(refused)


def _nothing_left(path: Path, what: str, refused: tuple[RefusedRow, ...]) -> str:
    if not refused:
        return f"{path} is empty: there is no {what} in it."
    return f"{path} has no usable {what}. {refusal_summary(refused, named=3)}"


def _with_unique_ids(pairs: list[Pair]) -> tuple[Pair, ...]:
    """A repeated id gets a number, so that every pair can be named."""
    seen: set[str] = set()
    unique: list[Pair] = []
    for pair in pairs:
        name, copy = pair.id, 2
        while name in seen:
            name, copy = f"{pair.id}#{copy}", copy + 1
        seen.add(name)
        unique.append(pair if name == pair.id else replace(pair, id=name))
    return tuple(unique)
