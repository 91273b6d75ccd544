"""Hostile files and rows by the hundred thousand: `python -m tests.benchmarks.import_fuzz [100000] [NAME…]`.

So many damaged rows go through the reader of every format, and as many damaged files of every kind through
look and import into a project; with names (`arena`, `csv`, …) only those. Prints how many were read and the
longest that one input took, and at the end how many inputs there were; ends with an error at the first crash,
half import or input over 2 s, with the seed that makes it again:
`python -m tests.benchmarks.import_fuzz --again NAME SEED`.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from app.store.exchange import importing
from app.store.project import Project, create_project
from app.store.safekeeping.health import thorough_problems_in
from tests.store.exchange.fuzzing import FILES, READERS, try_file, try_row

LIMIT_SECONDS = 2.0
_FRESH_AFTER = 300
"""Files into one project; then a new one, so that it is not all duplicates."""


def main(number: int, names: Sequence[str]) -> None:
    importing.back_up = lambda *_, **__: None  # type: ignore[assignment]  # measured and tested elsewhere
    started = time.perf_counter()
    chosen = [name for name in (*READERS, *FILES) if name in names]
    for name in chosen:
        (rows if name in READERS else files)(name, number)
    taken = time.perf_counter() - started
    print(
        f"{len(chosen) * number:,} inputs in {taken:,.0f} s: "
        f"no crash, no half import, none over {LIMIT_SECONDS:.0f} s"
    )


def rows(key: str, number: int) -> None:
    """So many damaged rows of one format, past the files."""
    slowest, read = Slowest(key), 0
    for seed in range(number):
        read += slowest.timed(seed, lambda: try_row(key, Random(seed)))  # noqa: B023 (called at once)
    print(f"{key:14} {number:>9,} rows, {read:,} of them still good {slowest}", flush=True)


def files(ending: str, number: int) -> None:
    """So many damaged files of one kind, some hundred into each project."""
    slowest, done = Slowest(ending), 0
    for first in range(0, number, _FRESH_AFTER):
        with tempfile.TemporaryDirectory() as folder:
            project = create_project(Path(folder) / "fuzz.dpo", with_starter_prompts=False)
            project.db.execute("PRAGMA synchronous = OFF")  # no power is cut here
            for seed in range(first, min(number, first + _FRESH_AFTER)):
                done += slowest.timed(seed, lambda: _file(project, Path(folder), ending, seed))  # noqa: B023 (called at once)
            problems = thorough_problems_in(project.db)
            project.close()
        if problems:
            raise SystemExit(f"{ending}: the project came out damaged: {problems}")
    print(f"{ending:14} {number:>9,} files with {done:,} rows {slowest}", flush=True)


def _file(project: Project, folder: Path, ending: str, seed: int) -> int:
    return try_file(project, folder, ending, Random(seed))


class Slowest:
    """Times inputs and ends the run at one that takes too long or breaks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seconds = 0.0

    def timed(self, seed: int, work: Callable[[], int]) -> int:
        started = time.perf_counter()
        try:
            done = work()
        except BaseException as error:
            raise SystemExit(f"{self._name}, seed {seed}: {type(error).__name__}: {error}") from error
        taken = time.perf_counter() - started
        if taken > LIMIT_SECONDS:
            raise SystemExit(f"{self._name}, seed {seed}: took {taken:.1f} s")
        self._seconds = max(self._seconds, taken)
        return done

    def __str__(self) -> str:
        return f"(the slowest {1000 * self._seconds:.0f} ms of {LIMIT_SECONDS:.0f} s)"


def again(name: str, seed: int) -> None:
    """The input of one seed, with its traceback."""
    if name in READERS:
        print(try_row(name, Random(seed)))
        return
    with tempfile.TemporaryDirectory() as folder:
        project = create_project(Path(folder) / "fuzz.dpo", with_starter_prompts=False)
        print(try_file(project, Path(folder), name, Random(seed)))
        project.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--again"]:
        again(sys.argv[2], int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, sys.argv[2:] or (*READERS, *FILES))
