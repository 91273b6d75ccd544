"""How time and memory of training grow: with the number of pairs, their length, and the vocabulary.

    python -m tests.benchmarks.scaling [--axes pairs,length,vocabulary] [--method lora] [--device cpu]
        [--dtype float32] [--steps 4] [--out results/FILE.md]

Each point is a training of a tiny random Llama in a process of its own that is ended after a few steps, so
what is seen is the set-up and the steps, not the length of the run. Memory counts from the loaded model (on
a GPU it is PyTorch's peak). It should not depend on the number of pairs, which are streamed from Arrow, nor
on the vocabulary but for the embedding itself; with the length it should grow in proportion, not with the
square.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.helpers.children import ChildFailed, Job, Result, in_child
from tests.benchmarks.helpers.machine import described
from tests.benchmarks.helpers.shapes import SHAPES
from tests.benchmarks.helpers.tables import megabytes, table, write

PAIRS = (100, 1_000, 10_000)
LENGTHS = (256, 512, 1_024, 2_048, 4_096)
VOCABULARIES = (8_192, 32_768, 131_072, 262_144)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One training: `length` is that of the prompt with one response, in tokens."""

    pairs: int
    length: int
    vocabulary: int
    batch: int


AXES: dict[str, Sequence[Point]] = {
    "pairs": [Point(pairs=n, length=192, vocabulary=8_192, batch=4) for n in PAIRS],
    "length": [Point(pairs=8, length=n, vocabulary=8_192, batch=1) for n in LENGTHS],
    "vocabulary": [Point(pairs=8, length=256, vocabulary=n, batch=2) for n in VOCABULARIES],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--axes", default=",".join(AXES))
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    axes = options.axes.split(",")
    if unknown := [name for name in axes if name not in AXES]:
        raise SystemExit(f"{unknown[0]} is no axis; there are {', '.join(AXES)}.")
    settings = {name: getattr(options, name) for name in ("method", "device", "dtype", "steps")}
    parts: list[str] = []
    records: dict[str, list[Result]] = {}
    for axis in axes:
        records[axis] = [_measured(axis, one, settings) for one in AXES[axis]]
        parts.append(_report(axis, [one for one in records[axis] if "failed" not in one]))
        print(f"\n{parts[-1]}\n", flush=True)
    some = next((one for results in records.values() for one in results if "failed" not in one), None)
    if some is None:
        raise SystemExit("Nothing could be measured.")
    heading = f"{described(some['device'], threads=some['threads'])}; {options.method}, {some['dtype']}"
    print(heading)
    write(options.out, "\n\n".join([heading, *parts]), records)


def _measured(axis: str, point: Point, settings: dict[str, Any]) -> Result:
    job = {**vars(point), **settings}
    with tempfile.TemporaryDirectory() as folder:
        try:
            in_child(make, {**job, "folder": folder})
            result = in_child(measure, {**job, "folder": folder})
        except ChildFailed as failed:
            print(f"{axis}: {point} failed. {failed}", flush=True)
            return {**job, "failed": str(failed)}
    print(f"{axis}: {getattr(point, axis, point.vocabulary)} measured", flush=True)
    return {**job, **result}


def make(job: Job) -> Result:
    """In a child: the model and the run folder."""
    from dpo_engine import run_folder
    from dpo_engine.config import TrainConfig
    from tests.benchmarks.helpers.random_models import save_random_model, word_tokenizer

    folder = Path(job["folder"])
    model = save_random_model(folder / "model", "tiny", word_tokenizer(), vocab_size=job["vocabulary"])
    config = TrainConfig(
        method=job["method"],
        learning_rate=1e-5,
        num_train_epochs=1.0,
        per_device_train_batch_size=job["batch"],
        max_length=2 * job["length"],
        save_steps=1_000_000,
        dtype=job["dtype"],
        device=job["device"],
        torch_compile="off",
    )
    pairs = [_pair(number, job["length"]) for number in range(job["pairs"])]
    run_folder.create(folder, policy=str(model), config=config, pairs=pairs, name="run")
    return {}


def measure(job: Job) -> Result:
    """In a child: a few steps."""
    from tests.benchmarks.helpers.engine_run import train_clocked

    run = Path(job["folder"]) / "run"
    clocked = train_clocked(run, stop_after=job["steps"], peak_from_loaded=True)
    summary = clocked.summary()
    return {**summary, "above": summary["cuda_peak"] or summary["peak"] - summary["loaded"]}


def _pair(number: int, length: int) -> Any:
    """Half prompt, half response; a word is a token, and every pair is another one."""
    from dpo_engine.preferences import Message, Pair

    half, words = length // 2, random.Random(number)
    return Pair(
        id=str(number),
        prompt=(Message("user", _text(words, half - 5)),),  # the template's own tokens make it `half`
        chosen=_text(words, half - 1),
        rejected=_text(words, half - 1),
        split="train",
    )


def _text(words: random.Random, length: int) -> str:
    return " ".join(f"w{words.randrange(8_000)}" for _ in range(length))


def _report(axis: str, results: Sequence[Result]) -> str:
    column = {"pairs": _by_pairs, "length": _by_length, "vocabulary": _by_vocabulary}[axis]
    rows = [
        [
            f"{result[axis]:,}",
            f"{result['first_step']:.2f}",
            f"{1000 * median(result['step_seconds']):.0f}",
            megabytes(result["above"]),
            column(result, results[0]),
        ]
        for result in results
    ]
    last = {
        "pairs": "above the first, a pair",
        "length": "memory a token",
        "vocabulary": "without the embedding's own",
    }[axis]
    return table((axis, "first step s", "a step ms", "above loaded model", last), rows)


def _by_pairs(result: Result, first: Result) -> str:
    more = result["pairs"] - first["pairs"]
    return f"{(result['above'] - first['above']) / more:,.0f} bytes" if more else ""


def _by_length(result: Result, _: Result) -> str:
    # One pair is prompt and both responses: one and a half times its length.
    return f"{result['above'] / (1.5 * result['length'] * result['batch']) / 1000:,.1f} kB"


def _by_vocabulary(result: Result, _: Result) -> str:
    """In a full fine-tune the embedding also has a gradient and two moments, all float32."""
    copies = 3 if result["method"] == "full" else 0
    return megabytes(result["above"] - 4 * copies * result["vocabulary"] * SHAPES["tiny"]["hidden_size"])


if __name__ == "__main__":
    main()
