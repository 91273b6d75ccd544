"""Small real files of every kind that an import knows, and other projects to merge."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.store.exchange import importing, preview
from app.store.exchange.mapped import ColumnMapping
from app.store.project import create_project
from tests.store.exchange.samples import ARENA, ARGILLA, PREFERENCES

PAIR = {"prompt": "Which is nearer?", "chosen": "Our moon.", "rejected": "The sun."}
BY_HAND = ColumnMapping(prompt="prompt", left="one", right="two", choice="better")
SAMPLES: dict[str, dict[str, Any]] = PREFERENCES | {f"Arena: {k}": v for k, v in ARENA.items()} | ARGILLA


def lines(path: Path, rows: Sequence[object]) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def pairs(path: Path, number: int, *, broken: Sequence[int] = ()) -> Path:
    """Preferences with questions of their own; the rows of these numbers lack one side."""
    rows: list[dict[str, str]] = []
    for row in range(number):
        made = PAIR | {"prompt": f"Question {row}?"}
        if row in broken:
            del made["rejected"]
        rows.append(made)
    return lines(path, rows)


def judged(folder: Path, who: str, answers: str) -> Path:
    """A project in which `who` judged the same comparisons: an answer a letter, a, b or t for a tie."""
    said = {"a": "one", "b": "two", "t": "tie"}
    rows = [
        {"prompt": f"Question {number}?", "one": "Yes.", "two": "No.", "better": said[letter]}
        for number, letter in enumerate(answers)
    ]
    file = lines(folder / f"{who}.jsonl", rows)
    path = folder / f"{who}.dpo"
    project = create_project(path, with_starter_prompts=False)
    try:
        importing.run(project, preview.look(file, BY_HAND), annotator=who)
    finally:
        project.close()
    return path
