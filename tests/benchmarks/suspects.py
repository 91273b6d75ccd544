"""Are wrong verdicts found? Turn a tenth of the verdicts of a test project, and look where they are ranked.

    python -m tests.benchmarks.suspects --cache DIR [--pairs FILE] [--rules shorter,formal]
        [--verdicts 60,120] [--seeds 1,2] [--flipped 0.1] [--folds 5] [--set "num_train_epochs=2"]
        [--at-once 1] [--out results/FILE.md]

The verdicts follow a rule of `verdict_rules`, as in `few_verdicts`, on answers of the base model (kept in
`--draws`, by default in `--cache`) or on the texts of a file of pairs; then so large a share of them,
drawn by the seed, is turned. A study with the recommended settings (`--set` changes some) ranks all of them.
Of the first tenth of the ranking, which share was turned? Chance is the share turned of all.

- precision: that share, by each order; `engine` is the order that the engine has chosen (see `ranking`).
- AUC: how often a turned verdict stands before one that is not. Half is chance.

`--at-once`: so many folds, then the command ends and the next one goes on, for machines that are shared.
Finished folds stay in `--cache`.
"""

import argparse
import itertools
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.few_verdicts import prompts
from tests.benchmarks.helpers.children import in_child
from tests.benchmarks.helpers.kept import Kept
from tests.benchmarks.helpers.machine import described
from tests.benchmarks.helpers.suspect_cell import folds_job
from tests.benchmarks.helpers.tables import table, write
from tests.benchmarks.helpers.text_health import wilson
from tests.benchmarks.helpers.verdict_cell import draw_job

Cell = dict[str, Any]
Row = dict[str, Any]

ORDERS: dict[str, Callable[[Row], float]] = {
    "engine": lambda row: row["standing"],
    "margin": lambda row: row["difference"],
    "a token": lambda row: row["difference"] / (row["chosen_tokens"] + row["rejected_tokens"]),
}
HEADERS = ("verdicts by", "number", "settings", "seed", *(f"{name} 1/10" for name in ORDERS), "AUC engine")
CANDIDATES = 8


def main() -> None:
    options = _options()
    kept = Kept(options.cache)
    shared = _shared(options)
    lines: list[list[str]] = []
    pooled: list[tuple[int, int]] = []
    results: list[Cell] = []
    for cell in _cells(options):
        key = {**shared, **cell, "cache": "", "draws": ""}
        result = kept.get("cell", key)
        if result is None:
            name = kept.path("cell", key).stem
            result = in_child(folds_job, {**shared, **cell, "name": name, "at_once": options.at_once})
            print(f"{cell}: {result['done']} of {result['folds']} folds", flush=True)
            if "rows" not in result:
                raise SystemExit("The same command goes on with the next folds.")
            kept.put("cell", key, result)
        hits, top = first_tenth(result["rows"], ORDERS["engine"])
        pooled.append((hits, top))
        lines.append(_line(cell, result["rows"]))
        results.append({**cell, **result})
    hits, top = sum(one for one, _ in pooled), sum(one for _, one in pooled)
    low, high = wilson(hits, top)
    chance = options.flipped
    text = (
        f"{described('cpu')}\n\n{table(HEADERS, lines)}\n\n"
        f"All together {hits} of the first {top}: {hits / top:.2f} ({low:.2f}–{high:.2f} at 95 %), "
        f"{hits / top / chance:.1f} times chance."
    )
    print(f"\n{text}")
    write(options.out, text, results)


def first_tenth(rows: Sequence[Row], order: Callable[[Row], float]) -> tuple[int, int]:
    """How many of the most suspect tenth were turned, and how many that tenth is."""
    top = max(1, round(len(rows) / 10))
    return sum(row["flipped"] for row in sorted(rows, key=order)[:top]), top


def auc(rows: Sequence[Row], order: Callable[[Row], float]) -> float:
    """Share of (turned, right) couples in which the turned one stands before; ties half."""
    turned = [order(row) for row in rows if row["flipped"]]
    right = [order(row) for row in rows if not row["flipped"]]
    before = sum((one < other) + 0.5 * (one == other) for one in turned for other in right)
    return before / (len(turned) * len(right))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--draws", type=Path, help="where few_verdicts kept its draws")
    parser.add_argument("--pairs", type=Path, help="take the texts of these pairs")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--rules", default="shorter,formal")
    parser.add_argument("--verdicts", default="60,120")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--flipped", type=float, default=0.1)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--set", action="append", dest="sets", help='settings, as "name=value name=value"')
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--at-once", type=int, default=1_000, help="folds")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def _shared(options: argparse.Namespace) -> Cell:
    shared: Cell = {
        "cache": str(options.cache),
        "draws": str(options.draws or options.cache),
        "model": options.model,
        "pairs": str(options.pairs.absolute()) if options.pairs else "",
        "flipped": options.flipped,
        "folds": options.folds,
    }
    if options.pairs:
        return shared
    train, held_out = prompts(64)
    drawing = {
        "cache": shared["draws"],
        "model": options.model,
        "train_prompts": train,
        "held_out_prompts": held_out,
        "candidates": CANDIDATES,
        "reference_draws": 4,
        "sampling": {"max_new_tokens": options.max_new_tokens},
    }
    return shared | {"prompts": train, "key": in_child(draw_job, drawing)["keys"]["candidates"]}


def _cells(options: argparse.Namespace) -> list[Cell]:
    numbers, seeds = ([int(one) for one in text.split(",")] for text in (options.verdicts, options.seeds))
    return [
        {"rule": rule, "verdicts": number, "seed": seed, "settings": _settings(line)}
        for line, rule, number, seed in itertools.product(
            options.sets or [""], options.rules.split(","), numbers, seeds
        )
    ]


def _settings(line: str) -> Cell:
    values: Cell = {}
    for part in shlex.split(line):
        name, _, value = part.partition("=")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def _line(cell: Cell, rows: Sequence[Row]) -> list[str]:
    shares = [first_tenth(rows, order) for order in ORDERS.values()]
    return [
        cell["rule"],
        str(cell["verdicts"]),
        " ".join(f"{name}={value}" for name, value in cell["settings"].items()) or "recommended",
        str(cell["seed"]),
        *(f"{hits}/{top}" for hits, top in shares),
        f"{auc(rows, ORDERS['engine']):.2f}",
    ]


if __name__ == "__main__":
    main()
