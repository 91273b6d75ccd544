"""How long the Inspector's table takes with many pairs: `python -m tests.benchmarks.inspector_table`.

Prints the median of several rounds for what is read off the window's thread (the table, searches) and for
what happens on it: sorting, filtering, another β, and showing the rows again.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.inspector.columns import COLUMNS, column_by_key, sort_values
from app.inspector.pair_table import Arrangement, PairTable, arrange, summary_of
from app.inspector.table_model import PairTableModel
from app.shell.theme import Theme
from app.store.handle import Project
from app.store.project import create_project
from app.store.training.pair_texts import find_pairs
from app.store.training.runs import add_run
from app.store.training.score_columns import log_ratio_differences, score_columns
from app.store.training.scores import record_scores, scored_pair
from app.widgets.number_table import Heading, NumberTable
from dpo_engine.pair_math import PairScore
from dpo_engine.preferences import Message, Pair

WORDS = ("the", "policy", "answer", "question", "kind", "short", "bread", "river", "colour", "open", "write")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=60, help="words in each response")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project, run_id = made_up_project(Path(folder), options.pairs, options.words)
        table = PairTable.of(score_columns(project, run_id, "policy"), 0.1)
        print(
            f"{options.pairs:,} pairs, {2 * options.words} response words each; medians of {options.rounds}"
        )
        for name, work in off_the_window_s_thread(project, run_id) + arrangements(table) + shown(table):
            print(f"{name:44} {1000 * median_seconds(work, options.rounds):9.1f} ms")
        project.close()


def off_the_window_s_thread(project: Project, run_id: int) -> list[tuple[str, Callable[[], object]]]:
    """Read on a thread of its own while the window lives on."""
    return [
        ("read the table (thread)", lambda: score_columns(project, run_id, "policy")),
        ("read a checkpoint's margins (thread)", lambda: log_ratio_differences(project, run_id, "policy")),
        ("search one word, many hits (thread)", lambda: find_pairs(project, run_id, "river")),
        ("search two words, no hit (thread)", lambda: find_pairs(project, run_id, "nowhere at all")),
        ("read one pair's texts (thread)", lambda: scored_pair(project, run_id, "policy", "comparison-77")),
    ]


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
        (
            "filter by what a search found",
            lambda: arrange(table, Arrangement(masks=(table.mask_of(table.rows[::3]),))),
        ),
        ("all figures at another β", lambda: table.at_beta(0.5)),
        ("another β, sorted by margin, with means", lambda: at_another_beta(table)),
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


def at_another_beta(table: PairTable) -> None:
    other = table.at_beta(0.5)
    arrange(other, Arrangement(), sort_values(other, column_by_key("margin")))
    for split in ("train", "held_out"):
        summary_of(other, split)


def made_up_project(folder: Path, number: int, words: int) -> tuple[Project, int]:
    """A project with a run of that many scored pairs, and the run's id."""
    rng = random.Random(7)
    pairs = [made_up_pair(place, words, rng) for place in range(number)]
    project = create_project(folder / "many.dpo", with_starter_prompts=False)
    run = add_run(
        project, project.runs_dir / "run", policy="starter", method="lora", beta=0.1, config={}, pairs=pairs
    )
    record_scores(project, run.id, "policy", [made_up_score(pair, words, rng) for pair in pairs])
    return project, run.id


def made_up_pair(number: int, words: int, rng: random.Random) -> Pair:
    return Pair(
        id=f"comparison-{number}",
        split="held_out" if number % 6 == 0 else "train",
        prompt=(Message(role="user", content=f"{' '.join(rng.choices(WORDS, k=12))} {number}"),),
        chosen=" ".join(rng.choices(WORDS, k=words)),
        rejected=" ".join(rng.choices(WORDS, k=words)),
    )


def made_up_score(pair: Pair, words: int, rng: random.Random) -> PairScore:
    reference = (-rng.uniform(20, 200), -rng.uniform(20, 200))
    return PairScore(
        pair=pair.id,
        split=pair.split,
        policy_chosen_logp=reference[0] + rng.gauss(0, 4),
        policy_rejected_logp=reference[1] + rng.gauss(-1, 4),
        reference_chosen_logp=reference[0],
        reference_rejected_logp=reference[1],
        chosen_tokens=words,
        rejected_tokens=words,
    )


if __name__ == "__main__":
    main()
