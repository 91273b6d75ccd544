"""The table as a file: every figure with all its digits, for a spreadsheet or a program. Qt-free."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from app.inspector.columns import COLUMNS
from app.inspector.figures import CASES, Floats, Ints
from app.inspector.links import PairLink
from app.inspector.pair_table import PairTable
from dpo_engine.files import write_atomically

Cell = str | int | float | bool
KINDS: dict[str, str] = {".csv": "CSV (*.csv)", ".tsv": "TSV (*.tsv)", ".jsonl": "JSON Lines (*.jsonl)"}
"""Endings, with what a file dialog says of them."""


def export_table(path: Path, table: PairTable, places: Sequence[int], run_id: int) -> int:
    """Write the pairs at these places, in their order, as the ending says; how many.

    The file is complete or as it was before. Raises `ValueError` for another ending and `OSError`.
    """
    kind = path.suffix.lower()
    rows = table_rows(table, places, run_id)
    if kind == ".jsonl":
        content = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    elif kind in (".csv", ".tsv"):
        content = _separated(rows, "," if kind == ".csv" else "\t")
    else:
        raise ValueError(f"The ending {path.suffix or 'of that name'} is none of {', '.join(KINDS)}.")
    write_atomically(path, content)
    return len(places)


def table_rows(table: PairTable, places: Sequence[int], run_id: int) -> Iterator[dict[str, Cell]]:
    """A row a pair, under the names that `python -m dpo_engine score` uses where it has them."""
    numbers = {column.key: column.values(table) for column in COLUMNS if column.number and column.values}
    for place in places:
        row: dict[str, Cell] = {
            "id": table.ids[place],
            "link": str(PairLink(run_id, table.ids[place])),
            "prompt": table.prompt_lines[place],
            "split": "held_out" if table.held_out[place] else "train",
            "strength": int(table.strength[place]),
            "case": CASES[int(table.figures.case[place])],
            "beta": table.figures.beta,
        }
        yield row | {_name(key): _plain(values, place) for key, values in numbers.items()}


def _plain(values: Floats | Ints, place: int) -> int | float:
    number: int | float = values[place].item()
    return number


def _name(key: str) -> str:
    log_prob = key.startswith(("policy_", "reference_"))
    return f"{key}_logp" if log_prob else key


def _separated(rows: Iterator[dict[str, Cell]], separator: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    for number, row in enumerate(rows):
        if not number:
            writer.writerow(row)
        writer.writerow([_inert(value) if isinstance(value, str) else value for value in row.values()])
    return text.getvalue().encode("utf-8", "replace")


def _inert(text: str) -> str:
    """A spreadsheet would take a cell that begins like this for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
