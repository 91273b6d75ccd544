"""How long the Inspector's pictures take with many pairs: `python -m tests.benchmarks.inspector_pictures`.

Prints median and slowest of several rounds for what a drag of the β slider costs (all figures of all four
pictures, and each alone), for a step of a brush, and for painting. The limit is for all four together.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from app.inspector.pair_table import PairTable
from app.inspector.pictures.brush import Brush
from app.inspector.pictures.panel import PicturesPanel
from app.inspector.pictures.selection import Region, Span
from app.inspector.pictures.source import ColumnSource
from app.shell.theme import Theme
from tests.app.inspector.pictures.columns import random_table

LIMIT_MS = 50
BETAS = (0.05, 0.1, 0.2, 0.4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    table, before = random_table(options.pairs), random_table(options.pairs, seed=2)
    tables = [table.at_beta(beta) for beta in BETAS]
    panel = PicturesPanel(Theme(app, "light"))
    panel.resize(840, 700)
    panel.show()
    panel.show_pairs(table, np.arange(len(table)), before)
    print(
        f"{options.pairs:,} pairs, {options.rounds} rounds{'':18} {'median':>10} {'slowest':>10} {'limit':>8}"
    )
    for name, work, limit in works(panel, tables, before):
        middle, slowest = milliseconds(work, options.rounds)
        print(f"{name:46} {middle:7.1f} ms {slowest:7.1f} ms {limit:>8}")


def works(
    panel: PicturesPanel, tables: list[PairTable], before: PairTable
) -> list[tuple[str, Callable[[int], object], str]]:
    """What is timed; each takes the round's number."""
    every, half = np.arange(len(before)), np.arange(0, len(before), 2)
    columns = [ColumnSource().columns(table, before) for table in tables]

    def slide(turn: int) -> None:
        panel.show_pairs(tables[turn % len(tables)], every, before)

    def brush(turn: int) -> None:
        panel._on_region_wanted("margins", Region(Span(0.0, 0.1 * (1 + turn % 5))))
        panel._refresh()

    def painted(turn: int) -> None:
        slide(turn)
        panel.grab()

    timed: list[tuple[str, Callable[[int], object], str]] = [
        ("another β, all four pictures", slide, f"{LIMIT_MS} ms"),
        (
            "the same, half of the pairs filtered out",
            lambda t: panel.show_pairs(tables[t % 4], half, before),
            "",
        ),
        ("another β, painted too", painted, ""),
    ]
    timed += [
        (f"  {card.drawing.title}", lambda t, card=card: card.show_pairs(columns[t % 4], None), "")  # type: ignore[misc]
        for card in panel.cards.values()
    ]
    lasso = Brush("log_ratios", Region(Span(-8.0, 2.0), Span(-6.0, 4.0)))
    timed += [
        ("which pairs a brush holds", lambda t: lasso.holds(columns[t % 4]), ""),
        ("a step of a brush, all four pictures", brush, f"{LIMIT_MS} ms"),
    ]
    return timed


def milliseconds(work: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Median and slowest."""
    work(0)
    times = []
    for turn in range(1, rounds + 1):
        start = time.perf_counter()
        work(turn)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times), max(times)


if __name__ == "__main__":
    main()
