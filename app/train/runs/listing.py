"""Which runs the list shows, and in which order. Qt-free."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from app.train.runs.disk import size_words
from app.train.wording import STATUS_WORDS, when

if TYPE_CHECKING:
    from app.train.state import RunLine


def listed(lines: Iterable["RunLine"], search: str = "") -> tuple["RunLine", ...]:
    """Those that fit every word of `search`: what trains, what waits in its order, what is pinned, then the
    others as they come (newest first)."""
    wanted = search.casefold().split()
    fitting = [line for line in lines if all(word in _words(line) for word in wanted)]
    return tuple(sorted(fitting, key=_rank))


def _rank(line: "RunLine") -> tuple[int, int]:
    if line.phase is not None:
        return 0, 0
    if line.place:
        return 1, line.place
    return (2, 0) if line.run.pinned else (3, 0)


def _words(line: "RunLine") -> str:
    run = line.run
    settings = " ".join(f"{name}={value}" for name, value in run.config.items())
    state = "queued waiting" if line.place else STATUS_WORDS[run.status]
    marks = f"{'pinned' if run.pinned else ''} {'in use' if line.in_use else ''}"
    words = (run.name, run.notes, state, marks, run.method, line.started_from, when(run.created_at), settings)
    return " ".join(words).casefold()


def trash_words(sizes: Sequence[int]) -> str:
    """ "3 runs, 1.2 GB" """
    number = f"{len(sizes):,} run{'' if len(sizes) == 1 else 's'}"
    return f"{number}, {size_words(sum(sizes))}"
