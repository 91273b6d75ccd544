"""One training by TRL's `DPOTrainer` and by us: pairs a second, time to the first step, peak memory, loss.

    python -m tests.benchmarks.train_vs_trl PAIRS [--model starter] [--pairs 200] [--batch 4] [--rounds 1]
        [--device cpu] [--dtype bfloat16] [--method full] [--variants trl,trl-best,ours,ours-compiled]
        [--out results/FILE.md]

Both sides get the same model (float32 weights; matrix products in `--dtype`), the same pairs in the same
order and batches, one epoch, AdamW (fused) with a linear schedule without warm-up, clipping at 1, no weight
decay, β 0.1. Each variant runs in a process of its own, one after another; `--rounds` takes them in turns.

The pairs of a file are taken in its order, without those that would have to be cut to `--max-length`, which
the two would cut differently. Both sides train on our token ids: tokenizing by itself TRL would also score
the newline that a template writes after the end of a turn, and the losses could not be compared. TRL takes
ids only behind its tokenization, so this one method of its trainer is left out, and it is *not* timed for
TRL although ours is.

What is counted: the clock starts when all models are in memory and stops at the end of the last step. So it
holds the reference's log-probs, ours with tokenization and compiling too, but no loading and no saving.
`first step` runs from the same start, `from start` from the start of the process. Peak memory is that of the
process (and of PyTorch's tensors on a GPU) up to the last step.

`trl` is TRL as it comes (reference model beside the policy, activation checkpointing on); `trl-best` has the
flags that make it fastest: reference precomputed, no activation checkpointing, and on CUDA Liger's kernels
where they are installed. `padding_free` is no flag of it: since 1.x it is accepted and switched off.
"""

import argparse
import math
import tempfile
from importlib import util
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.helpers.children import ChildFailed, Job, Result, in_child
from tests.benchmarks.helpers.machine import described
from tests.benchmarks.helpers.tables import megabytes, middle, table, write

FASTEST: dict[str, Any] = {"precompute_ref_log_probs": True, "gradient_checkpointing": False}
TRL_FLAGS: dict[str, dict[str, Any]] = {
    "trl": {},
    "trl-best": FASTEST,
    "trl-lean": {"precompute_ref_log_probs": True},
    "trl-compiled": {**FASTEST, "torch_compile": True},
}
OUR_SETTINGS: dict[str, dict[str, Any]] = {
    "ours": {},
    "ours-compiled": {"torch_compile": "on"},
    "ours-eager": {"torch_compile": "off"},
}
LOSS_TOLERANCE = {"bfloat16": 2e-2, "float32": 1e-4}


def main() -> None:
    options = _options()
    variants = options.variants.split(",")
    for name in variants:
        if name not in TRL_FLAGS and name not in OUR_SETTINGS:
            raise SystemExit(f"{name} is no variant; there are {', '.join([*TRL_FLAGS, *OUR_SETTINGS])}.")
    results: dict[str, list[Result]] = {name: [] for name in variants}
    with tempfile.TemporaryDirectory() as folder:
        job = {**vars(options), "out": None, "folder": folder, "variants": variants}
        prepared = in_child(prepare, job)
        for number in range(options.rounds):
            for name in variants:
                try:
                    results[name].append(
                        in_child(contest, {**job, **prepared, "name": name, "round": number})
                    )
                except ChildFailed as failed:
                    print(f"{name} failed. {failed}", flush=True)
                    continue
                print(_one_line(name, number, results[name][-1], prepared), flush=True)
    done = {name: runs for name, runs in results.items() if runs}
    if not done:
        raise SystemExit("Nothing could be measured.")
    text = report(done, prepared, options.dtype)
    print(f"\n{text}")
    write(options.out, text, {"prepared": {**prepared, "taken": None}, "results": done})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", metavar="PAIRS")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--method", choices=("full", "lora"), default="full")
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=1e-6)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--variants", default="trl,trl-best,ours,ours-compiled")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def prepare(job: Job) -> Result:
    """In a child: the run folders of our variants, and every pair's ids in the order they are taken in."""
    from dpo_engine import run_folder
    from dpo_engine.config import TrainConfig
    from dpo_engine.models.model_files import resolve
    from tests.benchmarks.helpers.contest_pairs import ids_in_order, uncut_pairs

    files = resolve(job["model"])
    pairs, tokenized = uncut_pairs(Path(job["file"]), files.tokenizer, job["pairs"], job["max_length"])
    settings = {
        "method": job["method"],
        "learning_rate": job["learning_rate"],
        "num_train_epochs": 1.0,
        "per_device_train_batch_size": job["batch"],
        "max_length": job["max_length"],
        "warmup_ratio": 0.0,
        "save_steps": 1_000_000,
        "seed": job["seed"],
        "dtype": job["dtype"],
        "device": job["device"],
    }
    for name in set(job["variants"]) & set(OUR_SETTINGS):
        config = TrainConfig(**(settings | OUR_SETTINGS[name]))
        for number in range(job["rounds"]):
            # A folder of its own for each: no run shall find what another one kept beside it.
            parent = Path(job["folder"]) / f"{name}-{number}"
            run_folder.create(parent, policy=job["model"], config=config, pairs=pairs, name="run")
    return {
        "base": str(files.base),
        "taken": ids_in_order(config_of=settings, tokenized=tokenized),
        "count": len(tokenized),
        "responses": sum(len(one.chosen) + len(one.rejected) for one in tokenized),
        "prompts": sum(len(one.prompt) for one in tokenized),
    }


def contest(job: Job) -> Result:
    """In a child: one variant, once."""
    name = job["name"]
    if name in TRL_FLAGS:
        from tests.benchmarks.helpers.trl_run import train_trl

        flags = dict(TRL_FLAGS[name])
        if name != "trl" and job["device"] == "cuda" and util.find_spec("liger_kernel"):
            flags["use_liger_kernel"] = True
        return train_trl({**job, "model": job["base"], "pairs": job["taken"], "flags": flags})
    from tests.benchmarks.helpers.engine_run import train_clocked

    clocked = train_clocked(Path(job["folder"]) / f"{name}-{job['round']}" / "run")
    return clocked.summary() | {"from_start": clocked.first_step_time - job["process_started"]}


def report(results: dict[str, list[Result]], prepared: Result, dtype: str) -> str:
    """The table, the losses beside each other, and what they were measured on."""
    some = next(iter(results.values()))[0]
    lines = [
        described(some["device"], threads=some["threads"], packages=("torch", "transformers", "trl")),
        f"{prepared['count']} pairs: {prepared['prompts'] / prepared['count']:.0f} prompt tokens and "
        f"{prepared['responses'] / prepared['count']:.0f} response tokens a pair. Products in {dtype}.",
        "",
        _speed_table(results, prepared["count"]),
        "",
        _loss_table(results, dtype),
    ]
    return "\n".join(lines)


def _speed_table(results: dict[str, list[Result]], pairs: int) -> str:
    speed = {name: [pairs / run["seconds"] for run in runs] for name, runs in results.items()}
    memory = {name: median(_memory(run) for run in runs) for name, runs in results.items()}
    peers = [name for name in results if name in TRL_FLAGS]
    best = max(peers, key=lambda name: median(speed[name]), default=None)
    rows = []
    for name, runs in results.items():
        row = [
            name,
            middle(speed[name]),
            _ratio(median(speed[name]), median(speed["trl"]) if "trl" in speed else None),
            _ratio(median(speed[name]), median(speed[best]) if best else None),
            middle([run["first_step"] for run in runs], ".1f"),
            middle([run["from_start"] for run in runs], ".1f"),
            megabytes(memory[name]),
            _ratio(memory[name], memory.get("trl")),
            _ratio(memory[name], memory[best] if best else None),
        ]
        rows.append(row)
    fastest = f"/ {best}" if best else "/ best"
    headers = ("", "pairs/s", "/ trl", fastest, "first step s", "from start s", "peak", "/ trl", fastest)
    return table(headers, rows)


def _loss_table(results: dict[str, list[Result]], dtype: str) -> str:
    """Loss of the first steps and the last; the largest difference from the first variant over all steps."""
    base = next(iter(results.values()))[0]["losses"]
    steps = sorted({*range(1, min(4, len(base)) + 1), len(base)})
    tolerance = LOSS_TOLERANCE[dtype]
    rows = []
    for name, runs in results.items():
        losses = runs[0]["losses"]
        apart = [abs(a - b) for a, b in zip(losses, base, strict=True)]
        verdict = "yes" if max(apart[:4]) <= tolerance else "NO"
        rows.append([name, *(f"{losses[step - 1]:.5f}" for step in steps), f"{max(apart):.1e}", verdict])
    headers = ("loss at step", *map(str, steps), "most apart", f"first four within {tolerance:g}")
    return table(headers, rows)


def _one_line(name: str, number: int, run: Result, prepared: Result) -> str:
    rate = prepared["count"] / run["seconds"]
    return f"round {number + 1}  {name:15} {rate:7.2f} pairs/s  {megabytes(_memory(run))}"


def _memory(run: Result) -> int:
    """On the GPU where one is used."""
    return int(run["cuda_peak"] or run["peak"])


def _ratio(ours: float, theirs: float | None) -> str:
    return "" if theirs is None or math.isclose(theirs, 0) else f"{ours / theirs:.2f}"


if __name__ == "__main__":
    main()
