"""How long the Inspector's table takes with many pairs: `python -m tests.benchmarks.inspector_table`.

Prints the median of several rounds for building the table (done off the window's thread) and for what
happens on it: sorting, filtering, searching, and showing the rows again.
"""

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.inspector.columns import COLUMNS, column_by_key, sort_values
from app.inspector.pair_table import Arrangement, PairTable, arrange
from app.inspector.table_model import PairTableModel
from app.shell.theme import Theme
from app.store.records import ScoredPair
from app.widgets.number_table import Heading, NumberTable
from dpo_engine.preferences import Message

WORDS = ("the", "policy", "answer", "question", "kind", "short", "bread", "river", "colour", "open", "write")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=60, help="words in each response")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rng = random.Random(7)
    scored = [made_up_pair(number, options.words, rng) for number in range(options.pairs)]
    start = time.perf_counter()
    table = PairTable.build(scored, 0.1)
    print(f"{options.pairs:,} pairs, {2 * options.words} response words each; medians of {options.rounds}")
    print(f"{'build the table (not on the GUI thread)':44} {1000 * (time.perf_counter() - start):9.1f} ms")
    for name, work in arrangements(table) + shown(table):
        print(f"{name:44} {1000 * median_seconds(work, options.rounds):9.1f} ms")


def arrangements(table: PairTable) -> list[tuple[str, Callable[[], object]]]:
    """The numpy part alone."""

    def sort(key: str, *, descending: bool = False) -> Callable[[], object]:
        values = sort_values(table, column_by_key(key))
        return lambda: arrange(table, Arrangement(descending=descending), values)

    return [
        ("sort by margin", sort("margin")),
        ("sort by margin, descending", sort("margin", descending=True)),
        ("sort by prompt", sort("prompt")),
        ("sort by tokens", sort("chosen_tokens")),
        ("filter by case", lambda: arrange(table, Arrangement(case="against"))),
        ("filter by split and case", lambda: arrange(table, Arrangement(split="held_out", case="learned"))),
        ("search one word, many hits", lambda: arrange(table, Arrangement(text="river"))),
        ("search two words, no hit", lambda: arrange(table, Arrangement(text="nowhere at all"))),
    ]


def shown(table: PairTable) -> list[tuple[str, Callable[[], object]]]:
    """The same with Qt's model and view: until the rows are painted."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme = Theme(app, "light")
    model = PairTableModel(theme)
    headings = [
        Heading(title=c.title, width=c.width, group=c.group, right_aligned=c.number, frozen=c.frozen)
        for c in COLUMNS
    ]
    rows = NumberTable(model, headings, theme)
    rows.resize(1280, 500)
    rows.show()

    def show(wanted: Arrangement, key: str) -> Callable[[], object]:
        def work() -> None:
            model.show(table, arrange(table, wanted, sort_values(table, column_by_key(key))).rows)
            rows.choose_row(0)
            rows.grab()

        return work

    def step_down() -> None:
        rows.choose_row(rows.current_row() + 1)
        rows.grab()

    return [
        ("sort by margin, shown and painted", show(Arrangement(), "margin")),
        ("filter by case, shown and painted", show(Arrangement(case="learned"), "loss")),
        ("one row down, painted", step_down),
    ]


def median_seconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _round in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def made_up_pair(number: int, words: int, rng: random.Random) -> ScoredPair:
    reference = (-rng.uniform(20, 200), -rng.uniform(20, 200))
    return ScoredPair(
        run_id=1,
        checkpoint="policy",
        pair=f"comparison-{number}",
        split="held_out" if number % 6 == 0 else "train",
        prompt=(Message(role="user", content=f"{' '.join(rng.choices(WORDS, k=12))} {number}"),),
        chosen=" ".join(rng.choices(WORDS, k=words)),
        rejected=" ".join(rng.choices(WORDS, k=words)),
        policy_chosen_logp=reference[0] + rng.gauss(0, 4),
        policy_rejected_logp=reference[1] + rng.gauss(-1, 4),
        reference_chosen_logp=reference[0],
        reference_rejected_logp=reference[1],
        chosen_tokens=words,
        rejected_tokens=words,
        truncated=False,
    )


if __name__ == "__main__":
    main()
