"""How quick the store is with many comparisons: `python -m tests.benchmarks.store [1000000] [FOLDER]`.

Seven of ten are imported with a verdict, the others wait; the backup before an import is not in its rate, but
in a line of its own. Prints each figure beside its limit, and how busy the machine was. With FOLDER
the project is kept there, and the next run with the same number uses it again instead of importing.
"""

import gc
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from unittest import mock

import psutil  # type: ignore[import-untyped]

from app.store.collecting import comparisons, verdicts
from app.store.collecting.ordering import Order
from app.store.connection import connect
from app.store.exchange import importing
from app.store.exchange.preview import look
from app.store.library import table as library
from app.store.library.filters import Filter, Sort
from app.store.library.search_index import index_some, texts_left
from app.store.project import Project, create_project, open_project, open_reader
from app.store.safekeeping.backups import back_up, backups_of
from app.store.safekeeping.caretaker import PAUSE
from app.store.safekeeping.health import problems_in
from app.store.writer import Writer
from tests.benchmarks.helpers.many_pairs import vocabulary, write_pairs
from tests.benchmarks.helpers.tables import table

JUDGED = 0.7
VERDICTS = 300
ORDERS: tuple[Order, ...] = ("oldest", "newest", "random", "unseen", "margin")
PAGES = {
    "all": Filter(),
    "waiting": Filter(standings=("waiting",)),
    "ties (none)": Filter(standings=("tie",)),
    "held out": Filter(splits=("held_out",)),
    "left, of one annotator": Filter(standings=("left",), annotators=("me",)),
    "long ones": Filter(shortest=500),
    "flagged (none)": Filter(flagged=True),
}


class Figures:
    """Rows of the table: what, how much, the limit, and the share of the limit that was used."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def add(self, what: str, value: float, unit: str, limit: float = 0.0, *, least: bool = False) -> None:
        shown = f"{value:,.1f} {unit}" if value < 100 else f"{value:,.0f} {unit}"
        row = (what, shown, "", "")
        if limit:
            ratio = limit / value if least else value / limit
            row = (what, shown, f"{'≥' if least else '<'} {limit:,.0f} {unit}", f"{ratio:.2f}")
        self.rows.append(row)
        print("  ".join(row), flush=True)

    def time(self, what: str, calls: Sequence[Callable[[], object]], limit: float = 0.0) -> None:
        """Each call once; the limit (ms) is for the median, the slowest stands below."""
        taken = [_timed(call) for call in calls]
        self.add(f"{what}, median of {len(taken)}", statistics.median(taken), "ms", limit)
        if len(taken) > 1:
            self.add(f"{what}, slowest", max(taken), "ms")


def main(number: int, folder: Path) -> None:
    figures = Figures()
    _say_load("before")
    path = folder / f"{number}.dpo"
    if not path.exists():
        fill(path, number, figures)
    figures.time("open", [lambda: open_project(path).close()] * 3, 1000)
    measure_reads(path, figures)
    measure_writes(path, figures)
    _say_load("after")
    print("\n" + table(("", "measured", "limit", "of the limit"), figures.rows))


def _say_load(when: str) -> None:
    """A figure of a busy machine is one of the machine."""
    load = psutil.getloadavg()[0]
    busy = psutil.cpu_percent(interval=1.0)
    print(f"{when}: load {load:.1f} on {psutil.cpu_count()} processors, {busy:.0f} % busy in one second")


def fill(path: Path, number: int, figures: Figures) -> None:
    """Through the import that a person uses, so that every row is what the app would have made.

    Without Python's cycle collector, as in the app (`app.engine_host.garbage`).
    """
    gc.disable()
    project = create_project(path, with_starter_prompts=False)
    file = path.with_suffix(".jsonl")
    judged = int(number * JUDGED)
    raw, wall, processor, backing_up = 0, 0.0, 0.0, 0.0
    for first, rows in ((0, judged), (judged, number - judged)):
        raw += write_pairs(file, rows, first=first, seed=first)
        preview = look(file)
        backing_up += _timed(partial(back_up, path, project.db, why="import"))
        began = time.process_time()
        take: importing.Take = "comparisons" if first else "verdicts"
        run = partial(importing.run, project, preview, annotator="me", take=take, held_out_share=0.1)
        with mock.patch.object(importing, "back_up"):
            wall += _timed(run)
        processor += time.process_time() - began
        file.unlink()
    pieces = sorted(_make_findable(project))
    project.close()
    figures.add("import", 1000 * number / wall, "pairs/s", 20_000, least=True)
    figures.add("import, by the processor's time", number / processor, "pairs/s", 20_000, least=True)
    figures.add("backups before the two imports", backing_up / 1000, "s")
    figures.add("made findable afterwards, in the background", sum(pieces) / 1000, "s")
    figures.add(f"a verdict waits for it, median of {len(pieces)} pieces", statistics.median(pieces), "ms")
    figures.add("a verdict waits for it, 99 %", pieces[int(len(pieces) * 0.99)], "ms", 20)
    figures.add("a verdict waits for it, slowest", pieces[-1], "ms")
    figures.add("the rows as JSONL", raw / 1e6, "MB")
    figures.add("the project", path.stat().st_size / 1e6, "MB")
    figures.add("project / JSONL", path.stat().st_size / raw, "times")
    for backup in backups_of(path):
        backup.path.unlink()
    gc.enable()


def _make_findable(project: Project) -> list[float]:
    """Milliseconds of each piece."""
    pieces: list[float] = []
    while texts_left(project):
        pieces.append(_timed(partial(index_some, project)))
    return pieces


def measure_reads(path: Path, figures: Figures) -> None:
    project = open_reader(path)
    draw, words = random.Random(4), vocabulary()
    for name, wanted in PAGES.items():
        figures.time(f"page: {name}", [_page(project, wanted)] * 5, 30)
    figures.time("page: by time of verdict", [_page(project, Filter(), Sort(key="judged"))] * 5, 30)
    keys = library.ids(project, Filter())
    places = [draw.randrange(len(keys) - 100) for _ in range(50)]
    anywhere = [partial(library.rows, project, keys[at : at + 100]) for at in places]
    figures.time("page: anywhere", anywhere, 30)
    searches = {
        "the most frequent word": f"{words[0]} ",
        "a usual word": f"{words[200]} ",
        "a rare word": f"{words[15_000]} ",
        "two words": f"{words[5]} {words[40]} ",
        "the beginning of a word": words[300][:3],
        "the beginning of the most frequent word": words[0][:3],
    }
    for name, text in searches.items():
        figures.time(f"search: {name}", [_page(project, Filter(text=text))] * 3, 100)
    figures.time("count of all rows", [partial(library.count, project, Filter())])
    figures.time("ids of all rows", [partial(library.ids, project, Filter())])
    project.close()


def _page(project: Project, wanted: Filter, sort: Sort | None = None) -> Callable[[], object]:
    return partial(library.page, project, wanted, sort or Sort(), limit=100)


def measure_writes(path: Path, figures: Figures) -> None:
    project = open_project(path)
    draw = random.Random(1)
    for order in ORDERS:
        following = partial(
            comparisons.next_comparison,
            project,
            annotator="me",
            order=order,
            random_share=0.2,
            rng=draw,
            overlap=False,
        )
        figures.time(f"next comparison: {order}", [following] * 20, 50)
    found = project.db.execute("SELECT id FROM comparisons WHERE state = 'waiting'").fetchall()
    waiting = (comparison_id for (comparison_id,) in found)
    writer = Writer(project, lambda callback: callback())
    _judge(writer, waiting, "verdict durable", figures)
    with closing(connect(path, "ro")) as db:
        made: list[float] = []
        thread = threading.Thread(target=lambda: made.append(_timed(lambda: back_up(path, db, pause=PAUSE))))
        thread.start()
        _judge(writer, waiting, "verdict durable while a backup is made", figures, meanwhile=thread)
        thread.join()
        figures.add("backup, checked", made[0] / 1000, "s")
        figures.add("check of the whole file, in the background", _timed(lambda: problems_in(db)) / 1000, "s")
    writer.close()


def _judge(
    writer: Writer,
    waiting: Iterator[int],
    what: str,
    figures: Figures,
    meanwhile: threading.Thread | None = None,
) -> None:
    """300 verdicts, or as many as there is time for `meanwhile`."""
    taken: list[float] = []
    while len(taken) < VERDICTS if meanwhile is None else meanwhile.is_alive():
        give = partial(_give, comparison_id=next(waiting))
        taken.append(_timed(partial(writer.run, give)))
        time.sleep(0.005)
    taken.sort()
    figures.add(f"{what}, median of {len(taken)}", statistics.median(taken), "ms", 5)
    figures.add(f"{what}, 99 %", taken[int(len(taken) * 0.99)], "ms", 20)
    figures.add(f"{what}, slowest", taken[-1], "ms")


def _give(project: Project, comparison_id: int) -> None:
    verdicts.give_verdict(project, comparison_id, "left", strength=1, annotator="me", seconds=1.0)


def _timed(call: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        main(wanted, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory(prefix="store-") as temporary:
            main(wanted, Path(temporary))
