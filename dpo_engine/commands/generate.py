"""`generate`: candidates for the prompts of a file, several prompts at once."""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from dpo_engine.commands.doing import follow, quiet_shelf, tell_file
from dpo_engine.commands.output import Narrator, Rows, rows_into
from dpo_engine.commands.parser import settings
from dpo_engine.config import SamplingConfig
from dpo_engine.errors import BadInput
from dpo_engine.events import CandidateDone, Event, Note, Progress
from dpo_engine.preferences import Message, read_prompts, refusal_summary
from dpo_engine.requests import Generate, GenerateMany, PromptToAnswer

_ROWS_TOGETHER = 32
"""Responses written in one batch: each more costs less than the one before, and memory for its keys."""


def generate(arguments: argparse.Namespace) -> int:
    sampling = SamplingConfig(**settings(arguments, SamplingConfig))
    if not 1 <= arguments.n <= 64:
        raise BadInput(f"-n is {arguments.n}; it must be from 1 to 64.")
    if not 0 <= arguments.seed < 2**62:
        raise BadInput(f"--seed is {arguments.seed}; it must be at least 0 and below 2^62.")
    file = read_prompts(arguments.prompts)
    narrator = Narrator(as_json=False)
    if file.refused:
        narrator.tell(Note(request="", message=refusal_summary(file.refused), level="warning"))
    with rows_into(arguments.out, as_json=arguments.json) as rows:
        shelf = quiet_shelf()
        together = 1 if rows.for_people else max(1, _ROWS_TOGETHER // arguments.n)
        asked = [
            PromptToAnswer(prompt=prompt, seed=arguments.seed + number * arguments.n)
            for number, prompt in enumerate(file.prompts)
        ]
        for first in range(0, len(asked), together):
            batch = asked[first : first + together]
            answers = _answers(arguments, batch, sampling, narrator, shelf)
            for one, candidates in zip(batch, answers, strict=True):
                _add_responses(rows, one.prompt, candidates)
            if not rows.for_people:
                done = Progress(
                    request="", stage="Answering", done=first + len(batch), total=len(asked), unit=""
                )
                narrator.progress(done)
        narrator.close_bar()
    tell_file(arguments, rows, "prompt")
    return 0


def _answers(
    arguments: argparse.Namespace,
    batch: Sequence[PromptToAnswer],
    sampling: SamplingConfig,
    narrator: Narrator,
    shelf: Any,
) -> list[list[CandidateDone]]:
    """The candidates of each prompt, in order: written together, and alone what a batch left out."""
    how: dict[str, Any] = {
        "id": "generate",
        "policy": arguments.policy,
        "n": arguments.n,
        "sampling": sampling,
        "device": arguments.device,
        "dtype": arguments.dtype,
    }
    answers: list[list[CandidateDone]] = [[] for _ in batch]
    if len(batch) > 1:
        for done in _candidates(GenerateMany(prompts=tuple(batch), **how), narrator, shelf):
            place, index = divmod(done.index, arguments.n)
            answers[place].append(dataclasses.replace(done, index=index))
    for place, one in enumerate(batch):
        if not answers[place]:
            alone = Generate(prompt=one.prompt, seed=one.seed, **how)
            answers[place] = _candidates(alone, narrator, shelf)
    return answers


def _candidates(request: Generate | GenerateMany, narrator: Narrator, shelf: Any) -> list[CandidateDone]:
    done: list[CandidateDone] = []

    def hear(event: Event) -> None:
        if isinstance(event, CandidateDone):
            done.append(event)
        elif isinstance(event, Note) and event.level == "warning" and isinstance(request, GenerateMany):
            return  # asked alone, the prompt that was left out says why
        elif isinstance(event, (Note, Progress)):
            narrator.tell(event)

    follow(request, hear, shelf)
    return sorted(done, key=lambda one: one.index)


def _add_responses(rows: Rows, prompt: Sequence[Message], candidates: Sequence[CandidateDone]) -> None:
    rows.add(
        {
            "prompt": [{"role": message.role, "content": message.content} for message in prompt],
            "responses": [
                {
                    "text": one.text,
                    "seed": one.seed,
                    "finish_reason": one.finish_reason,
                    "tokens": one.tokens,
                }
                for one in candidates
            ],
        }
    )
    if rows.for_people:
        print(f"> {prompt[-1].content}\n")
        for one in candidates:
            print(f"[{one.index + 1}] {one.text}\n", flush=True)
