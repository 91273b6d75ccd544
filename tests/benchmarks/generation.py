"""Two candidates for one prompt: our decoding against transformers' `generate`, in one run.

    python -m tests.benchmarks.generation [--model starter] [--tokens 128] [--rounds 5]

Both sample at temperature 0.9 and top-p 0.95 from the same loaded model; the figure is response tokens a
second of both candidates together, the peer's padding not counted.
"""

import argparse
import statistics
import time
from typing import Any

import torch

from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone
from dpo_engine.generation import generate
from dpo_engine.models import LoadedModel, load
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate
from dpo_engine.tokenization import prompt_ids

PROMPT = (Message("user", "Write a long story about a lighthouse and a storm, with many details."),)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="starter")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    loaded = load(options.model)
    ours(loaded, options.tokens, 0), theirs(loaded, options.tokens, 0)
    mine, peers = [], []
    for seed in range(1, options.rounds + 1):
        mine.append(ours(loaded, options.tokens, seed))
        peers.append(theirs(loaded, options.tokens, seed))
    print(f"{options.model}, {loaded.dtype}, {torch.get_num_threads()} threads, {options.rounds} rounds")
    for name, figures in (("ours", mine), ("model.generate", peers)):
        print(
            f"{name:15} {statistics.median(figures):6.1f} tokens/s   {min(figures):.1f} to {max(figures):.1f}"
        )
    print(f"ratio of medians {statistics.median(mine) / statistics.median(peers):.2f}")


def ours(loaded: LoadedModel, tokens: int, seed: int) -> float:
    sampling = SamplingConfig(temperature=0.9, top_p=0.95, max_new_tokens=tokens)
    request = Generate(id="a", policy="", prompt=PROMPT, n=2, sampling=sampling, seed=seed)
    began = time.perf_counter()
    written = sum(event.tokens for event in generate(request, loaded) if isinstance(event, CandidateDone))
    return written / (time.perf_counter() - began)


@torch.inference_mode()
def theirs(loaded: LoadedModel, tokens: int, seed: int) -> float:
    ids = torch.tensor([prompt_ids(loaded.tokenizer, PROMPT)], device=loaded.device)
    model: Any = loaded.model
    torch.manual_seed(seed)
    began = time.perf_counter()
    written = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=True,
        temperature=0.9,
        top_p=0.95,
        max_new_tokens=tokens,
        num_return_sequences=2,
    )
    ended = time.perf_counter()
    return int((written[:, ids.shape[1] :] != loaded.tokenizer.pad_token_id).sum()) / (ended - began)


if __name__ == "__main__":
    main()
