"""Figures as Markdown tables, and as JSON for those who go on computing with them."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table whose columns line up when read as plain text."""
    cells = [[str(cell) for cell in row] for row in (headers, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def middle(figures: Sequence[float], form: str = ".2f") -> str:
    """The median, and where there are several figures the smallest and largest."""
    if len(figures) == 1:
        return format(figures[0], form)
    low, high = min(figures), max(figures)
    return f"{statistics.median(figures):{form}} ({low:{form}}–{high:{form}})"


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


def write(out: Path | None, text: str, records: Mapping[str, Any] | Sequence[Any]) -> None:
    """Where `--out` names a file, put the text there, or the records if it ends in .json."""
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(records, indent=1) if out.suffix == ".json" else text
    out.write_text(content + "\n", encoding="utf-8")
    print(f"Written to {out}.")
