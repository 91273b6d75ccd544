"""What an import or a merge did, and the rows that were left out, as a file."""

import csv
import io
from pathlib import Path

import msgspec

from app.store.errors import BadValue, explained
from app.store.exchange.entries import Refused
from dpo_engine.files import write_atomically

MAX_REFUSED = 10_000
"""Refused rows that are kept by line and reason; the rest are counted."""


class Report(msgspec.Struct, kw_only=True):
    """What came into the project; of `duplicates` nothing did, as all of it was there."""

    source: str
    rows: int = 0
    prompts: int = 0
    comparisons: int = 0
    verdicts: int = 0
    restored: int = 0
    """Prompts and comparisons that had been deleted and are there again."""
    duplicates: int = 0
    refused_rows: int = 0
    refused: list[Refused] = []
    """The first `MAX_REFUSED` of them."""

    def refuse(self, refused: Refused) -> None:
        self.refused_rows += 1
        if len(self.refused) < MAX_REFUSED:
            self.refused.append(refused)


def save_refused(report: Report, path: Path) -> None:
    """Write the refused rows and why, as CSV or JSONL by the name's ending. Raises `StoreError`."""
    match path.suffix.lower():
        case ".csv":
            content = _as_csv(report)
        case ".jsonl":
            content = b"".join(msgspec.json.encode(row) + b"\n" for row in report.refused)
        case _:
            raise BadValue(f"{path.name} was not written: its name must end with .csv or .jsonl.")
    with explained("saving the report"):
        write_atomically(path, content)


def _as_csv(report: Report) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("file", "line", "reason"))
    writer.writerows((_inert(row.file), row.line, _inert(row.reason)) for row in report.refused)
    return text.getvalue().encode("utf-8-sig", "replace")


def _inert(text: str) -> str:
    """A spreadsheet would take a cell that begins like this for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
