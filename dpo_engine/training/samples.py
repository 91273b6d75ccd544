"""The policy's answers to a few fixed prompts, to be read while it is being trained."""

from collections.abc import Iterator, Sequence

from dpo_engine.config import SamplingConfig
from dpo_engine.conversations import Message, Pair
from dpo_engine.events import CandidateDone, Sample
from dpo_engine.models.loading import LoadedModel
from dpo_engine.requests import GenerateMany, PromptToAnswer

Prompt = tuple[Message, ...]


def prompts_to_sample(pairs: Sequence[Pair], number: int) -> tuple[Prompt, ...]:
    """The first `number` different prompts of the held-out pairs; of the training pairs where none is."""
    held_out = [pair.prompt for pair in pairs if pair.split == "held_out"]
    prompts = dict.fromkeys(held_out or [pair.prompt for pair in pairs])
    return tuple(prompts)[:number]


def answers(prompts: Sequence[Prompt], loaded: LoadedModel, tokens: int) -> Iterator[Sample | None]:
    """Each prompt answered as a candidate is drawn, in at most `tokens` tokens, in the order of the prompts.

    Yields None while they are written, all together, so that whoever asked may stop; a prompt that does not
    fit into the model's context has no answer. The seeds are fixed and no random number of the training is
    drawn, so the texts depend on the weights alone.
    """
    from dpo_engine.generation.writing import generate_many

    request = GenerateMany(
        id="sample",
        policy=loaded.reference,
        prompts=tuple(PromptToAnswer(prompt=prompt, seed=seed) for seed, prompt in enumerate(prompts)),
        n=1,
        sampling=SamplingConfig(max_new_tokens=tokens),
    )
    done: dict[int, Sample] = {}
    for event in generate_many(request, loaded):
        if isinstance(event, CandidateDone):
            done[event.index] = Sample(
                prompt=prompts[event.index],
                text=event.text,
                finish_reason=event.finish_reason,
                tokens=event.tokens,
            )
        yield None
    for _, sample in sorted(done.items()):
        yield sample
