"""Tokens a second: our drawing of candidates against `model.generate`, in one run.

    python -m tests.benchmarks.generate_vs_transformers [--model starter] [--tokens 128] [--rounds 7]
        [--dtype bfloat16] [--prompts 1 16]

One comparison is one prompt with two candidates; prompts that wait are drawn together, two candidates each.
Both sides sample at temperature 0.9 and top-p 0.95 from the same weights; the peer takes
`num_return_sequences=2`, its default dynamic cache, and for several prompts one batch padded on the left. The
figure counts response tokens, not padding. Rounds alternate, so that both see the same machine. Ours includes
turning tokens into text and telling of it. The first token is the first that is told; for the peer, the time
of a `generate` with one new token. The decoder is kept with the model, as the engine does: the first request,
which lays the weights out, is given apart.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from app.store.collecting.starter import starter_prompts
from dpo_engine.compute.device import device_name, settle_numerics
from dpo_engine.config import SamplingConfig
from dpo_engine.events import CandidateDone, Event, TextDelta
from dpo_engine.generation.decoding import Decoder
from dpo_engine.generation.writing import end_ids, generate, generate_many
from dpo_engine.models.loading import LoadedModel, load
from dpo_engine.pairs.tokenization import prompt_ids
from dpo_engine.preferences import Message
from dpo_engine.requests import Generate, GenerateMany, PromptToAnswer
from tests.benchmarks.helpers.machine import described
from tests.benchmarks.helpers.tables import middle, table

STORY = (Message("user", "Write a long story about a lighthouse and a storm, with many details."),)
CANDIDATES = 2

Prompt = tuple[Message, ...]


@dataclass(frozen=True)
class Round:
    tokens: int
    seconds: float
    first: float
    """Seconds to the first token."""

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="starter")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dtype", default="auto", choices=("auto", "bfloat16", "float32"))
    parser.add_argument("--prompts", type=int, nargs="+", default=[1, 16])
    options = parser.parse_args()
    loaded = load(options.model, dtype=options.dtype)
    settle_numerics(loaded.device)
    print(described(device_name(loaded.device), threads=torch.get_num_threads()))
    dtype = str(loaded.dtype).removeprefix("torch.")
    print(f"{options.model}, {dtype}, {options.rounds} rounds of {options.tokens} tokens")
    sampling = SamplingConfig(temperature=0.9, top_p=0.95, max_new_tokens=options.tokens)
    decoder = Decoder(loaded, fixed=True)
    first = ours(loaded, decoder, [STORY], sampling, 0)
    print(f"the first request of ours (lays the weights out): {first.rate:.1f} tokens/s\n")
    rows = [
        row
        for number in options.prompts
        for row in contest(loaded, decoder, some_prompts(number), sampling, options.rounds)
    ]
    print(table(["prompts", "", "tokens/s", "first token, s"], rows))


def contest(
    loaded: LoadedModel,
    decoder: Decoder,
    prompts: Sequence[Prompt],
    sampling: SamplingConfig,
    rounds: int,
) -> list[list[str]]:
    """Rows of the table; the ratios are of each round."""
    short = replace(sampling, max_new_tokens=8)
    ours(loaded, decoder, prompts, short, 0), theirs(loaded, prompts, short, 0)
    mine: list[Round] = []
    peers: list[Round] = []
    for seed in range(1, rounds + 1):
        mine.append(ours(loaded, decoder, prompts, sampling, seed))
        peers.append(theirs(loaded, prompts, sampling, seed))
    named = [
        [
            str(len(prompts)),
            name,
            middle([one.rate for one in side], ".1f"),
            middle([one.first for one in side]),
        ]
        for name, side in (("ours", mine), ("model.generate", peers))
    ]
    pairs = list(zip(mine, peers, strict=True))
    faster = middle([one.rate / peer.rate for one, peer in pairs])
    sooner = middle([peer.first / one.first for one, peer in pairs])
    return [*named, [str(len(prompts)), "times", faster, sooner]]


def ours(
    loaded: LoadedModel, decoder: Decoder, prompts: Sequence[Prompt], sampling: SamplingConfig, seed: int
) -> Round:
    work: Iterator[Event | None]
    if len(prompts) == 1:
        one = Generate(id="a", policy="", prompt=prompts[0], n=CANDIDATES, sampling=sampling, seed=seed)
        work = generate(one, loaded, decoder=decoder)
    else:
        asked = tuple(
            PromptToAnswer(prompt=prompt, seed=seed + 100 * place) for place, prompt in enumerate(prompts)
        )
        many = GenerateMany(id="a", policy="", prompts=asked, n=CANDIDATES, sampling=sampling)
        work = generate_many(many, loaded, decoder=decoder)
    tokens, first = 0, 0.0
    began = time.perf_counter()
    for event in work:
        if isinstance(event, TextDelta) and not first:
            first = time.perf_counter() - began
        if isinstance(event, CandidateDone):
            tokens += event.tokens
    return Round(tokens, time.perf_counter() - began, first)


@torch.inference_mode()
def theirs(loaded: LoadedModel, prompts: Sequence[Prompt], sampling: SamplingConfig, seed: int) -> Round:
    """Tokenizing and padding counted, as in ours; turning tokens into text not."""
    model: Any = loaded.model
    ends = torch.tensor(sorted(end_ids(loaded)), device=loaded.device)
    seconds = []
    for limit in (1, sampling.max_new_tokens):
        torch.manual_seed(seed)
        began = time.perf_counter()
        ids = [prompt_ids(loaded.tokenizer, prompt) for prompt in prompts]
        longest = max(map(len, ids))
        padded = torch.tensor([[0] * (longest - len(one)) + one for one in ids], device=loaded.device)
        mask = torch.tensor(
            [[0] * (longest - len(one)) + [1] * len(one) for one in ids], device=loaded.device
        )
        written = model.generate(
            padded,
            attention_mask=mask,
            do_sample=True,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=0,
            max_new_tokens=limit,
            num_return_sequences=CANDIDATES,
        )
        seconds.append(time.perf_counter() - began)
    ended = torch.isin(written[:, longest:], ends).int().cumsum(-1) > 0
    return Round(int((~ended).sum()), seconds[1], seconds[0])


def some_prompts(number: int) -> list[Prompt]:
    """The first of the prompts that a new project begins with; a long story where it is only one."""
    if number == 1:
        return [STORY]
    return [one.messages for one in starter_prompts()[:number]]


if __name__ == "__main__":
    main()
