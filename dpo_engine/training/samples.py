"""The policy's answers to a few fixed prompts, to be read while it is being trained."""

from collections.abc import Iterator, Sequence

from dpo_engine.config import SamplingConfig
from dpo_engine.conversations import Message, Pair
from dpo_engine.errors import BadInput
from dpo_engine.events import CandidateDone, Sample
from dpo_engine.models.loading import LoadedModel
from dpo_engine.requests import Generate

Prompt = tuple[Message, ...]


def prompts_to_sample(pairs: Sequence[Pair], number: int) -> tuple[Prompt, ...]:
    """The first `number` different prompts of the held-out pairs; of the training pairs where none is."""
    held_out = [pair.prompt for pair in pairs if pair.split == "held_out"]
    prompts = dict.fromkeys(held_out or [pair.prompt for pair in pairs])
    return tuple(prompts)[:number]


def answers(prompts: Sequence[Prompt], loaded: LoadedModel, tokens: int) -> Iterator[Sample | None]:
    """Each prompt answered by always taking the likeliest token, at most `tokens` of them.

    Yields None after every token, so that whoever asked may stop; a prompt that does not fit into the
    model's context has no answer. The text depends on the weights alone, and no random number is drawn.
    """
    from dpo_engine.generation.writing import generate

    sampling = SamplingConfig(temperature=0.0, max_new_tokens=tokens)
    for prompt in prompts:
        request = Generate(id="sample", policy=loaded.reference, prompt=prompt, n=1, sampling=sampling)
        try:
            for event in generate(request, loaded):
                if isinstance(event, CandidateDone):
                    yield Sample(prompt=prompt, text=event.text, finish_reason=event.finish_reason)
                else:
                    yield None
        except BadInput:
            continue
