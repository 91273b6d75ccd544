"""How quick the store is with many comparisons. Run it: `python -m tests.benchmarks.store_speed [100000]`.

Prints the median and the slowest of each call in milliseconds. What is asked between two verdicts should
stay far below the 50 ms in which the next comparison has to be there.
"""

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.store import comparisons, prompts, verdicts
from app.store.project import Project, create_project, open_project
from app.store.records import NewCandidate
from app.store.rows import now

_CHOICES = ("left", "right", "left", "right", "tie", "both_bad", "skip", None, None, None)


def main(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.dpo"
        project = create_project(path, with_starter_prompts=False)
        fill(project, number)
        measure(project)
        project.close()
        print(f"{'file':34}{path.stat().st_size / 2**20:10.0f} MiB")
        started = time.perf_counter()
        open_project(path).close()
        print(f"{'open, check and close':34}{1000 * (time.perf_counter() - started):10.0f} ms")


def fill(project: Project, number: int) -> None:
    """`number` comparisons of half as many prompts: 30 % wait, 10 % were skipped, 1 % were judged today."""
    moment = now()
    text = "A response of a few sentences, as long as such responses tend to be. " * 5
    with project.db.atomic():
        run = project.db.conn.executemany
        run(
            "INSERT INTO prompts (id, content_hash, messages, source, split, tags, priority, comparisons,"
            " created_at) VALUES (?, ?, ?, 'import', ?, '[]', 0, 2, ?)",
            (
                (i, str(i), f'[{{"role":"user","content":"Prompt {i}"}}]', _split(i), moment)
                for i in range(1, number // 2 + 1)
            ),
        )
        run(
            "INSERT INTO candidates VALUES (?, ?, ?, 'starter', 'f', '{}', 1, 'end', 80, 1.5, ?)",
            ((i, (i + 3) // 4, text, moment) for i in range(1, number // 2 * 4 + 1)),
        )
        run(
            "INSERT INTO comparisons (id, prompt_id, left_id, right_id, swapped, state, priority, held_out,"
            " skipped, created_at) VALUES (?, ?, ?, ?, 0, ?, 0, ?, ?, ?)",
            (
                (
                    *(i, (i + 1) // 2, 2 * i - 1, 2 * i, _state(i)),
                    *(int(_split((i + 1) // 2) == "held_out"), i if _choice(i) == "skip" else 0, moment),
                )
                for i in range(1, number // 2 * 2 + 1)
            ),
        )
        run(
            "INSERT INTO verdicts (id, comparison_id, choice, strength, annotator, seconds, created_at)"
            " VALUES (?, ?, ?, 1, 'someone', 3.0, ?)",
            (
                (i, i, _choice(i), moment if i % 100 == 1 else "2026-01-01T00:00:00.000000+00:00")
                for i in range(1, number // 2 * 2 + 1)
                if _choice(i)
            ),
        )
        project.db.execute(
            "UPDATE comparisons SET verdict_id = verdicts.id, choice = verdicts.choice FROM verdicts"
            " WHERE verdicts.comparison_id = comparisons.id"
        )


def measure(project: Project) -> None:
    waiting = comparisons.next_comparison(project)
    if waiting is None:
        raise SystemExit("Nothing waits: give a larger number.")
    spare = itertools.cycle(range(10, project.db.table("comparisons").count, 10))
    pair = (_candidate("one"), _candidate("other"))
    give = verdicts.give_verdict
    calls: dict[str, tuple[int, Callable[[], object]]] = {
        "next_comparison": (200, lambda: comparisons.next_comparison(project)),
        "next_comparison, ten excluded": (
            200,
            lambda: comparisons.next_comparison(project, exclude=range(8, 108, 10)),
        ),
        "waiting_count": (50, lambda: comparisons.waiting_count(project)),
        "mark_shown": (50, lambda: comparisons.mark_shown(project, waiting.id)),
        "prompts_needing_comparisons": (200, lambda: prompts.prompts_needing_comparisons(project, 4)),
        "add_comparison": (50, lambda: comparisons.add_comparison(project, 1, pair, swapped=False)),
        "give_verdict": (
            200,
            lambda: give(project, next(spare), "left", strength=1, annotator="me", seconds=1.0),
        ),
        "give_verdict, a skip": (
            50,
            lambda: give(project, next(spare), "skip", strength=1, annotator="me", seconds=1.0),
        ),
        "undo_last": (50, lambda: verdicts.undo_last(project, "me")),
        "redo_last": (50, lambda: verdicts.redo_last(project, "me")),
        "verdict counts": (20, lambda: verdicts.counts(project)),
        "prompt counts": (20, lambda: prompts.counts(project)),
        "training_pairs": (2, lambda: verdicts.training_pairs(project)),
    }
    print(f"{'':34}{'median':>10}{'slowest':>10}  ms")
    for name, (times, call) in calls.items():
        taken = []
        for _ in range(times):
            started = time.perf_counter()
            call()
            taken.append(1000 * (time.perf_counter() - started))
        print(f"{name:34}{statistics.median(taken):10.2f}{max(taken):10.2f}")


def _split(prompt: int) -> str:
    return "held_out" if prompt % 6 == 0 else "train"


def _choice(comparison: int) -> str | None:
    return _CHOICES[comparison % len(_CHOICES)]


def _state(comparison: int) -> str:
    return "waiting" if _choice(comparison) in (None, "skip") else "answered"


def _candidate(text: str) -> NewCandidate:
    return NewCandidate(
        text=text,
        model="starter",
        fingerprint="f",
        sampling={"temperature": 0.9},
        seed=1,
        finish_reason="end",
        tokens=10,
        seconds=0.5,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
