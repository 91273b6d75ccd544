"""What run folders say of themselves: the bytes they take up, and which pairs they were made of. Qt-free.

Read on a thread of its own: hundreds of folders take a moment.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dpo_engine import run_folder
from dpo_engine.errors import EngineError


@dataclass(frozen=True, kw_only=True)
class FolderFacts:
    """`size`: bytes of all files, 0 where the folder is gone; None while that is not known."""

    size: int | None = None
    pairs_hash: str = ""
    """Of the run's pairs, as the run itself keeps it; empty where that cannot be read."""


def read_facts(folders: Iterable[str]) -> Mapping[str, FolderFacts]:
    """By folder. What cannot be read is left out of the sum."""
    return {folder: FolderFacts(size=size_of(folder), pairs_hash=_pairs_hash(folder)) for folder in folders}


def size_of(folder: str) -> int:
    """Bytes of the files in a folder and below, links not followed."""
    total = 0
    for parent, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(Path(parent, name)).st_size
            except OSError:
                continue
    return total


def size_words(size: int) -> str:
    """ "412 MB": in powers of 1000, as file managers say it."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000)):,} kB" if size else "0 kB"
    unit, word = (1_000_000, "MB") if size < 1_000_000_000 else (1_000_000_000, "GB")
    amount = size / unit
    return f"{amount:.1f} {word}" if amount < 10 else f"{amount:,.0f} {word}"


def _pairs_hash(folder: str) -> str:
    try:
        return run_folder.read_spec(Path(folder)).pairs_hash
    except (EngineError, OSError):
        return ""
