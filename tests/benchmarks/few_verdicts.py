"""How little data already teaches: train on a few verdicts by a stated rule, and see who wins by that rule.

    python -m tests.benchmarks.few_verdicts --cache DIR [--rules shorter,formal,list,no-question]
        [--verdicts 25,50,100,200] [--set "learning_rate=2e-4 num_train_epochs=3"]... [--grid FILE]
        [--seeds 42] [--held-out 64] [--model starter] [--out results/FILE.md]

The base model answers the starter prompts (`--candidates` times each); a rule of `verdict_rules` says which
of two answers is better; as many verdicts as wanted, spread over the prompts, make the pairs. The policy
trained on them then answers prompts that no training ever saw, and so does the base model, which is also the
reference. The figures, all but the first on the held-out prompts:

- seen: comparisons looked at for so many verdicts; the others were ties, or won by a text in circles.
- best: the most that any policy could win, for where the reference cannot be bettered there are only ties.
- wins: how often the tuned policy's answer is better by the rule than the reference's (ties count half; each
  of its draws meets each of the reference's), with the Wilson interval at 95 % over the prompts.
- decided: the same without ties, over so many prompts.
- words: mean length. distinct: share of different 3-grams within an answer; across: over the same number of
  3-grams of all answers. repeats: answers in which some four words stand three times. cut: answers that
  reached the limit. Each for the tuned policy, and for the reference after the stroke.
- KL: KL(π‖π_ref) a token in nats, over the whole vocabulary, on the tuned policy's own draws.
- steps: the one whose policy is the result, of those planned.

`--set` is one list of settings of the training, in place of the recommended ones for so many pairs; `--grid`
a file with such a list a line; every one is run with every rule, number of verdicts and seed. `held_out=0.2`
among them keeps a fifth of the verdicts for stopping early. Draws and finished cells are kept in `--cache`,
so the same command goes on where it was stopped; `--again` runs finished cells anew.
"""

import argparse
import dataclasses
import itertools
import json
import shlex
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

import resources
from dpo_engine.config import TrainConfig
from dpo_engine.recommendations import recommended, resolved
from tests.benchmarks.helpers.children import ChildFailed, Result, in_child
from tests.benchmarks.helpers.kept import Kept
from tests.benchmarks.helpers.machine import described
from tests.benchmarks.helpers.tables import table, write
from tests.benchmarks.helpers.text_health import wilson
from tests.benchmarks.helpers.verdict_cell import cell_job, draw_job
from tests.benchmarks.helpers.verdict_rules import RULES

Cell = dict[str, Any]

HEADERS = (
    *("rule", "verdicts", "seen", "settings", "best", "wins", "95 %", "decided", "words", "distinct"),
    *("across", "repeats", "cut", "KL", "steps", "minutes"),
)


def main() -> None:
    options = _options()
    cache = options.cache or Path(tempfile.mkdtemp(prefix="few-verdicts-"))
    print(f"Draws and cells are kept in {cache}.", flush=True)
    train_prompts, held_out_prompts = prompts(options.held_out)
    shared = {
        "cache": str(cache),
        "model": options.model,
        "train_prompts": train_prompts,
        "held_out_prompts": held_out_prompts,
        "candidates": options.candidates,
        "draws": options.draws,
        "reference_draws": options.reference_draws,
        "sampling": {"max_new_tokens": options.max_new_tokens},
        "keep_runs": options.keep_runs,
    }
    drawn = in_child(draw_job, shared)
    kept = Kept(cache)
    rows: list[list[str]] = []
    results: list[Result] = []
    for cell in cells(options):
        key = {**shared, **cell, "cache": "", "base": drawn["base"]}
        result = None if options.again else kept.get("cell", key)
        if result is None:
            name = kept.path("cell", key).stem
            try:
                result = in_child(cell_job, {**shared, **drawn, **cell, "name": name})
            except ChildFailed as failed:
                print(f"{cell} failed. {failed}", flush=True)
                continue
            kept.put("cell", key, result)
        rows.append(_row(cell, result))
        results.append({**cell, **result})
        print("  ".join(rows[-1]), flush=True)
    if not results:
        raise SystemExit("Nothing could be measured.")
    text = f"{described(results[0]['device'])}\n\n{table(HEADERS, rows)}"
    print(f"\n{text}")
    write(options.out, text, results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--rules", default=",".join(RULES))
    parser.add_argument("--verdicts", default="25,50,100,200")
    parser.add_argument("--seeds", default="42")
    parser.add_argument("--set", action="append", dest="sets", help='settings, as "name=value name=value"')
    parser.add_argument("--grid", type=Path, help="a file with such settings a line")
    parser.add_argument("--held-out", type=int, default=64, help="prompts")
    parser.add_argument("--candidates", type=int, default=8, help="a training prompt; a power of two")
    parser.add_argument("--draws", type=int, default=1, help="of the tuned policy, a held-out prompt")
    parser.add_argument("--reference-draws", type=int, default=4, help="a held-out prompt")
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--keep-runs", action="store_true")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def prompts(held_out: int) -> tuple[list[Any], list[Any]]:
    """The starter set's training prompts; and `held_out` others: its held-out ones, then those kept here."""
    lines = resources.path("prompts", "starter.jsonl").read_text(encoding="utf-8").splitlines()
    starter = [json.loads(line) for line in lines if line.strip()]
    kept = Path(__file__).parent / "helpers" / "held_out_prompts.txt"
    others = [_messages(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    unseen = [_messages(row["prompt"]) for row in starter if row["split"] == "held_out"] + others
    if held_out > len(unseen):
        raise SystemExit(f"There are only {len(unseen)} held-out prompts.")
    return [_messages(row["prompt"]) for row in starter if row["split"] == "train"], unseen[:held_out]


def _messages(prompt: Any) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def cells(options: argparse.Namespace) -> list[Cell]:
    """Every rule with every number of verdicts, list of settings and seed. Exits on a wrong name."""
    lines = list(options.sets or ([] if options.grid else [""]))
    if options.grid:
        text = options.grid.read_text(encoding="utf-8")
        lines += [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rules = options.rules.split(",")
    if unknown := [rule for rule in rules if rule not in RULES]:
        raise SystemExit(f"{unknown[0]} is no rule; there are {', '.join(RULES)}.")
    numbers, seeds = ([int(one) for one in text.split(",")] for text in (options.verdicts, options.seeds))
    return [
        {"rule": rule, "verdicts": number, "seed": seed, **_settings(line, number)}
        for line, rule, number, seed in itertools.product(lines, rules, numbers, seeds)
    ]


def _settings(line: str, verdicts: int) -> Cell:
    """A line of settings -> all of the training that are not the usual ones, and the share held out."""
    values: dict[str, Any] = {}
    for part in shlex.split(line):
        name, _, value = part.partition("=")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    share = values.pop("held_out", 0.0)
    pairs = round(verdicts * (1 - share))
    settings = _unusual(resolved(recommended(values.get("method", "lora"), pairs), pairs)) | values
    return {"held_out_share": share, "settings": settings}


def _unusual(config: TrainConfig) -> dict[str, Any]:
    """The settings in which it differs from the usual ones."""
    usual = dataclasses.asdict(TrainConfig())
    return {name: value for name, value in dataclasses.asdict(config).items() if value != usual[name]}


def _row(cell: Cell, result: Result) -> list[str]:
    wins, decided = result["wins"], result["decided"]
    low, high = wilson(sum(wins), len(wins))
    settings = " ".join(f"{name}={value}" for name, value in cell["settings"].items())
    held_out = f" held_out={cell['held_out_share']}" if cell["held_out_share"] else ""
    kl = result["kl"]
    return [
        cell["rule"],
        str(cell["verdicts"]),
        str(result["looked_at"]),
        f"{settings}{held_out} seed={cell['seed']}",
        f"{result['best']:.2f}",
        f"{mean(wins):.2f}",
        f"{low:.2f}–{high:.2f}",
        f"{mean(decided):.2f} of {len(decided)}" if decided else "",
        _both(result, "words", ".0f"),
        *(_both(result, name, ".2f") for name in ("distinct", "across", "repeats", "cut")),
        "" if kl is None else f"{kl:.3f}",
        f"{result['policy_step']}/{result['steps']}",
        f"{result['minutes']:.1f}",
    ]


def _both(result: Result, name: str, form: str) -> str:
    return f"{result['tuned'][name]:{form}}/{result['reference'][name]:{form}}"


if __name__ == "__main__":
    main()
