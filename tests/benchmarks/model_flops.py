"""How much of the machine training uses: useful operations a second as a share of its measured matrix rate.

    python -m tests.benchmarks.model_flops PAIRS [--models starter] [--methods full,lora] [--pairs 32]
        [--batch 4] [--rounds 1] [--device cpu] [--dtype bfloat16] [--compile auto] [--out results/FILE.md]

`--models` are model references, or the names of published shapes that get random weights (`smollm2-135m`,
`qwen2-0.5b`, `llama-1b`, `qwen2-1.5b`); these use the starter model's tokenizer.

The matrix rate is the best of several products in this very run: large square ones, and the model's own
shapes. Useful operations are those of `helpers/flops.py`: each prompt once, causal attention, the head at
scored positions; in a full fine-tune 6 a weight and token, with LoRA 4 and the adapter's 6. "As if not
shared" counts every prompt twice, as trainers without sharing compute it, over the same seconds: that share
is the one to hold against theirs, not what the machine did.

Two epochs are trained and the steps of the second are timed: its reference is known, nothing is compiled any
more, and what is left is forward, backward and the optimizer (which counts no operation).
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.helpers import flops
from tests.benchmarks.helpers.children import ChildFailed, Job, Result, in_child
from tests.benchmarks.helpers.machine import described
from tests.benchmarks.helpers.shapes import SHAPES
from tests.benchmarks.helpers.tables import megabytes, middle, table, write

SQUARES = {"cpu": (1024, 2048, 4096), "cuda": (4096, 8192, 16384)}
TOKENS = 2048
"""Rows of the products in the model's own shapes."""


def main() -> None:
    options = _options()
    settings = {**vars(options), "out": None}
    rates = in_child(matrix_rates, settings)
    best = max(rates["rates"].values())
    parts = [
        f"{described(rates['device'], threads=rates['threads'])}; {options.dtype}",
        table(("product", "TFLOP/s"), [[name, f"{one / 1e12:.3f}"] for name, one in rates["rates"].items()]),
    ]
    rows: list[list[str]] = []
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models.split(","):
            for method in options.methods.split(","):
                job = {**settings, "folder": folder, "model": model, "method": method}
                try:
                    ready = in_child(make, job)
                    runs = [
                        in_child(measure, {**job, "run": ready["runs"][number]})
                        for number in range(options.rounds)
                    ]
                except ChildFailed as failed:
                    print(f"{model}, {method} failed. {failed}", flush=True)
                    continue
                rows.append(_row(model, method, ready, runs, best))
                results.append({"model": model, "method": method, **ready, "measured": runs})
                print("  ".join(rows[-1]), flush=True)
    headers = (
        "model",
        "method",
        "tokens/s",
        "useful TFLOP/s",
        "share",
        "as if not shared: tokens/s",
        "share",
    )
    parts.append(table((*headers, "peak"), rows))
    text = "\n\n".join(parts)
    print(f"\n{text}")
    write(options.out, text, {"rates": rates, "results": results})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", metavar="PAIRS")
    parser.add_argument("--models", default="starter")
    parser.add_argument("--methods", default="full,lora")
    parser.add_argument("--pairs", type=int, default=32)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--compile", choices=("auto", "on", "off"), default="auto")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def matrix_rates(job: Job) -> Result:
    """In a child: operations a second of products in the wanted type, by name of their shape."""
    import torch

    from dpo_engine.compute.device import device_name

    device, dtype = torch.device(job["device"]), getattr(torch, job["dtype"])
    shapes = {f"{n} × {n} × {n}": (n, n, n) for n in SQUARES[job["device"]]}
    for name in job["models"].split(","):
        wide, inner, words = _widths(name)
        short = Path(name).name
        shapes[f"{short} MLP: {TOKENS} × {wide} × {inner}"] = (TOKENS, wide, inner)
        shapes[f"{short} head: {TOKENS} × {wide} × {words}"] = (TOKENS, wide, words)
    rates: dict[str, float] = {}
    for name, (m, k, n) in shapes.items():
        left = torch.randn(m, k, device=device, dtype=dtype)
        right = torch.randn(n, k, device=device, dtype=dtype).t()
        rates[name] = 2 * m * k * n / _seconds(lambda a=left, b=right: a @ b)
    return {"rates": rates, "device": device_name(device), "threads": torch.get_num_threads()}


def _widths(model: str) -> tuple[int, int, int]:
    """Hidden size, width of the MLP, vocabulary."""
    sizes: Any = SHAPES.get(model)
    if sizes is None:
        from transformers import AutoConfig

        from dpo_engine.models.model_files import resolve

        config: Any = AutoConfig.from_pretrained(resolve(model).base, local_files_only=True)
        sizes = config.get_text_config().to_dict()
    return sizes["hidden_size"], sizes["intermediate_size"], sizes["vocab_size"]


def _seconds(work: Any) -> float:
    """Median seconds of one call, over about a second of them."""
    from tests.benchmarks.helpers.engine_run import settle

    work(), work()
    taken: list[float] = []
    while sum(taken) < 1.0 or len(taken) < 3:
        settle()
        began = time.perf_counter()
        work()
        settle()
        taken.append(time.perf_counter() - began)
    return median(taken)


def make(job: Job) -> Result:
    """In a child: the model and its sizes, a run folder for each round, the lengths of the pairs."""
    from dpo_engine import run_folder
    from dpo_engine.config import TrainConfig
    from dpo_engine.models.model_files import resolve
    from tests.benchmarks.helpers.contest_pairs import uncut_pairs
    from tests.benchmarks.helpers.matrix_sizes import matrix_sizes

    model = _model(job)
    pairs, tokenized = uncut_pairs(
        Path(job["file"]), resolve(model).tokenizer, job["pairs"], job["max_length"]
    )
    config = TrainConfig(
        method=job["method"],
        learning_rate=1e-6,
        num_train_epochs=2.0,
        per_device_train_batch_size=job["batch"],
        max_length=job["max_length"],
        save_steps=1_000_000,
        dtype=job["dtype"],
        device=job["device"],
        torch_compile=job["compile"],
    )
    runs = [
        str(
            run_folder.create(
                Path(job["folder"]) / f"{Path(model).name}-{job['method']}-{number}",
                policy=model,
                config=config,
                pairs=pairs,
                name="run",
            )
        )
        for number in range(job["rounds"])
    ]
    lengths = [(len(one.prompt), len(one.chosen), len(one.rejected)) for one in tokenized]
    rank = config.lora_r if job["method"] == "lora" else 0
    return {"runs": runs, "lengths": lengths, "sizes": matrix_sizes(resolve(model).base, rank)}


def _model(job: Job) -> str:
    """A reference as it is; for the name of a shape, the folder of a model with random weights."""
    if job["model"] not in SHAPES:
        return str(job["model"])
    from transformers import AutoTokenizer

    from dpo_engine.models.model_files import resolve
    from tests.benchmarks.helpers.random_models import save_random_model

    folder = Path(job["folder"]) / job["model"]
    if not folder.exists():
        tokenizer = AutoTokenizer.from_pretrained(resolve("starter").tokenizer)
        save_random_model(folder, job["model"], tokenizer)
    return str(folder)


def measure(job: Job) -> Result:
    """In a child: the seconds of the second epoch."""
    from tests.benchmarks.helpers.engine_run import train_clocked

    clocked = train_clocked(Path(job["run"]))
    ends = clocked.step_ends
    return {**clocked.summary(), "second_epoch": ends[-1] - ends[len(ends) // 2 - 1]}


def _row(model: str, method: str, ready: Result, runs: list[Result], best: float) -> list[str]:
    weights = flops.Weights(**ready["sizes"])
    once, twice = flops.shared(ready["lengths"]), flops.unshared(ready["lengths"])
    seconds = [run["second_epoch"] for run in runs]
    rate, other = (
        [flops.training(load, weights, full=method == "full") / one for one in seconds]
        for load in (once, twice)
    )
    return [
        Path(model).name,
        method,
        middle([once.tokens / one for one in seconds], ",.0f"),
        middle([one / 1e12 for one in rate], ".3f"),
        middle([100 * one / best for one in rate], ".0f") + " %",
        middle([twice.tokens / one for one in seconds], ",.0f"),
        middle([100 * one / best for one in other], ".0f") + " %",
        megabytes(max(run["cuda_peak"] or run["peak"] for run in runs)),
    ]


if __name__ == "__main__":
    main()
